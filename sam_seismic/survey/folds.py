"""The interpreted lines of an axis come in; the folds of a cross-validation go out: which lines each holds out.

Each interpreted line is held out in one fold. What a fold holds out is a block of neighbouring lines, and its guard gap
is left out of the training: neighbouring lines are near copies, so that single lines drawn at random would be scored by
the network's memory of the lines beside them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Orientation, describe_lines
from sam_seismic.survey.splits import Region, region_of

Lines = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold: line numbers int32[line], ascending.

    Args:
        train: lines to train on, in one or two runs: those before and those after the held-out ones.
        val: lines to validate on, at the end of the axis that is farther from the held-out ones; may be empty.
        test: lines that are held out.
    """

    train: tuple[Lines, ...]
    val: Lines
    test: Lines

    def regions(self, along: Orientation) -> dict[str, tuple[Region, ...]]:
        """The rectangles of each part, by its name; a part without lines is left out."""
        runs = {"train": self.train, "val": (self.val,), "test": (self.test,)}
        return {
            name: tuple(region_of(along, int(run[0]), int(run[-1])) for run in each)
            for name, each in runs.items()
            if all(map(len, each))
        }


@dataclass(frozen=True)
class FoldRule:
    """How interpreted lines are divided.

    Args:
        folds: number of blocks of lines, or `lines`: each interpreted line by itself.
        val: share of the lines left to train on that only validate; 0 for none.
        guard: lines of the axis between two parts at least, interpreted or not.
    """

    folds: int | Literal["lines"]
    val: float
    guard: int

    def count(self, held: Lines) -> int:
        """Number of folds of these interpreted lines."""
        return len(held) if self.folds == "lines" else self.folds

    def fold(self, every: Lines, held: Lines, number: int) -> Fold | None:
        """One fold, counted from 1; None if it leaves no line to train on.

        Without room for lines that validate, with their gap, all lines that are left are trained on.

        Args:
            every: line numbers of the axis, ascending.
            held: those that are interpreted, at least as many as folds.
            number: of the fold.
        """
        test = np.array_split(held, self.count(held))[number - 1]
        first, last = (int(np.searchsorted(every, line)) for line in (test[0], test[-1]))
        place = np.searchsorted(every, held)  # of each interpreted line among all lines of the axis
        left = held[(place < first - self.guard) | (place > last + self.guard)]
        if not len(left):
            return None
        val = self._to_validate(every, left, first, last)
        train = left if not len(val) else self._apart_from(every, left, val)
        if not len(train):
            train, val = left, left[:0]
        runs = (train[train < test[0]], train[train > test[-1]])
        return Fold(tuple(run for run in runs if len(run)), val, test)

    def _to_validate(self, every: Lines, left: Lines, first: int, last: int) -> Lines:
        """Lines at one end of those that are left, at the end that is farther from the held-out positions."""
        count = max(1, round(len(left) * self.val)) if self.val else 0
        before, after = first - int(np.searchsorted(every, left[0])), int(np.searchsorted(every, left[-1])) - last
        return left[len(left) - count :] if after >= before else left[:count]

    def _apart_from(self, every: Lines, left: Lines, val: Lines) -> Lines:
        place = np.searchsorted(every, left)
        first, last = (int(np.searchsorted(every, line)) for line in (val[0], val[-1]))
        return left[(place < first - self.guard) | (place > last + self.guard)]


def folds_of(every: Lines, held: Lines, along: Orientation, rule: FoldRule) -> tuple[Fold, ...]:
    """All folds of a cross-validation.

    Args:
        every: line numbers of an axis, ascending.
        held: those that are interpreted.
        along: the orientation of these lines.
        rule: how they are divided.

    Raises:
        SurveyError: there are fewer lines than folds, or a fold leaves no line to train on.
    """
    what = f"{len(held)} of {len(every)} {along}s are interpreted ({describe_lines(held)})"
    if len(held) < max(2, rule.count(held)):
        raise SurveyError(
            problem=f"{what}, which are too few for {max(2, rule.count(held))} folds",
            fix="set data.split.folds: lines, which holds out one line at a time, or interpret more lines"
            if len(held) > 1
            else "interpret at least two lines: one to train on, one to hold out",
        )
    found = [rule.fold(every, held, number) for number in range(1, rule.count(held) + 1)]
    if without := [number for number, fold in enumerate(found, start=1) if fold is None]:
        raise SurveyError(
            problem=f"{what}: fold {without[0]} of {len(found)} has none to train on, with gaps of {rule.guard} lines",
            fix=_what_works(every, held, rule),
        )
    return tuple(fold for fold in found if fold is not None)


def _what_works(every: Lines, held: Lines, rule: FoldRule) -> str:
    """The smallest change with which each fold has lines to train on: fewer held out at a time, or a smaller gap."""
    for guard in range(rule.guard, -1, -1):
        for folds in dict.fromkeys((rule.folds, "lines")):
            other = FoldRule(folds, rule.val, guard)
            if all(other.fold(every, held, number) is not None for number in range(1, other.count(held) + 1)):
                keys = [f"data.split.folds: {folds}"] if folds != rule.folds else []
                keys += [f"data.split.guard: {guard}"] if guard != rule.guard else []
                return f"set {' and '.join(keys)}, or interpret more lines"
    raise AssertionError("without a gap, two lines are enough for two folds")
