"""Columns of trace headers go in; the two that number the lines, and the grid that they span, come out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import DuplicateChoice
from sam_seismic.survey.geometry import describe_lines
from sam_seismic.survey.segy.float_words import FloatKind, may_be_floats, whole_numbers

STANDARD = (189, 193)
CANDIDATES = (
    STANDARD,
    (9, 21),
    (9, 13),
    (5, 21),
    (17, 25),
    (17, 13),
    (17, 21),
    (9, 17),
    (13, 17),
    (197, 201),
    (213, 217),
    (221, 225),
    (233, 237),
)
"""(inline byte, crossline byte): where writers put line numbers; the standard of revision 1 first."""
COORDINATES = ((181, 185), (73, 77))
"""X and Y: tried as line numbers where no other fields are, for a survey that lies along the axes."""

_LOOKED_AT = 1000
_SPARSEST = 0.05
"""A grid of which a smaller share of the places is taken is no survey, and its index may not fit into memory."""
_CONVINCING = 0.5
_STANDARD_CONVINCING = 0.25
_TIE = 0.05
_FEW = 0.1
"""If a larger share of the traces is repeated, the numbers are no line numbers."""


@dataclass(frozen=True, eq=False)
class Axis:
    """A field of all trace headers, taken as line numbers.

    Args:
        byte: position of the field.
        column: int32[trace]; a constant one may be a view of one number.
        floats: as which floats the numbers are stored, where they are no integers.
        fractional: whether they are floats that are not whole, and so no line numbers.
    """

    byte: int
    column: NDArray[np.int32]
    floats: FloatKind | None = None
    fractional: bool = False

    @classmethod
    def of_field(cls, byte: int, column: NDArray[np.int32]) -> "Axis":
        """The axis of a field: its integers, or the floats that its words can be alone."""
        if not may_be_floats(column[:_LOOKED_AT]) or not may_be_floats(column):
            return cls(byte, column)
        if (whole := whole_numbers(column)) is None:
            return cls(byte, column, fractional=True)
        return cls(byte, *whole)

    @cached_property
    def lines(self) -> NDArray[np.int32]:
        """Numbers that occur, ascending."""
        if self._first_to_last > self._tabled:
            return np.unique(self.column)
        return (np.flatnonzero(self._occurs) + self._first).astype(np.int32)

    def positions(self) -> NDArray[np.int32]:
        """Place of each trace's number among the lines: int32[trace]."""
        if self._first_to_last > self._tabled:
            return np.searchsorted(self.lines, self.column).astype(np.int32)
        table = np.cumsum(self._occurs, dtype=np.int32) - 1
        return np.asarray(table[self.column - self._first], np.int32)

    @cached_property
    def _occurs(self) -> NDArray[np.bool_]:
        occurs = np.zeros(self._first_to_last, np.bool_)
        occurs[self.column - self._first] = True
        return occurs

    @cached_property
    def _first(self) -> np.int64:
        return np.int64(self.column.min())

    @cached_property
    def _first_to_last(self) -> int:
        return int(self.column.max()) - int(self._first) + 1

    @property
    def _tabled(self) -> int:
        """Up to this range a table of all numbers is cheaper than sorting millions of them."""
        return 4 * len(self.column) + 1000


@dataclass(frozen=True, eq=False)
class Numbering:
    """Two fields taken as line numbers, and how well they number a survey."""

    inline: Axis
    crossline: Axis

    @property
    def pair(self) -> tuple[int, int]:
        """Byte positions of the inline and the crossline number."""
        return self.inline.byte, self.crossline.byte

    @property
    def inlines(self) -> NDArray[np.int32]:
        """Inline numbers that occur, ascending."""
        return self.inline.lines

    @property
    def crosslines(self) -> NDArray[np.int32]:
        """Crossline numbers that occur, ascending."""
        return self.crossline.lines

    @property
    def traces(self) -> int:
        """Traces in the file."""
        return len(self.inline.column)

    @property
    def places(self) -> int:
        """Places of the grid."""
        return len(self.inlines) * len(self.crosslines)

    @property
    def too_sparse(self) -> bool:
        """Whether even distinct traces would leave nearly all of the grid empty, or the numbers are fractions."""
        if self.inline.fractional or self.crossline.fractional:
            return True
        return self.traces < self.places * _SPARSEST and self.places > 1000

    @cached_property
    def taken(self) -> int:
        """Places that hold at least one trace; 0 where the grid is too sparse to look."""
        if self.too_sparse:
            return 0
        taken = np.zeros((len(self.inlines), len(self.crosslines)), np.bool_)
        taken[self.inline.positions(), self.crossline.positions()] = True
        return int(taken.sum())

    def index(self, keep: DuplicateChoice = "last") -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Which trace holds each place, and which ones are passed over for it.

        Args:
            keep: which of several traces of one place holds it.

        Returns:
            int32[inline, crossline], number of the trace of each place, -1 where there is none; int32[repeat, 2],
            numbers of the traces without a place of their own, ascending, and of those that hold it.
        """
        numbers = np.arange(self.traces, dtype=np.int32)
        places = self.inline.positions().astype(np.int64) * len(self.crosslines) + self.crossline.positions()
        held = np.full(self.places, -1, np.int32)
        order = slice(None) if keep == "last" else slice(None, None, -1)
        held[places[order]] = numbers[order]  # what is written later stays
        index = held.reshape(len(self.inlines), len(self.crosslines))
        if not self.repeats:
            return index, np.empty((0, 2), np.int32)
        holders = held[places]
        passed_over = np.flatnonzero(holders != numbers)
        return index, np.stack([numbers[passed_over], holders[passed_over]], axis=1)

    @property
    def repeats(self) -> int:
        """Traces whose place another one holds already."""
        return self.traces - self.taken

    @property
    def few_repeats(self) -> bool:
        """Whether some traces repeat a place, but so few that the numbers can still be line numbers."""
        return not self.empty and not self.too_sparse and 0 < self.repeats <= _FEW * self.traces

    @property
    def empty(self) -> bool:
        """Whether there are several traces, and both numbers are the same in all of them."""
        return self.places == 1 and self.traces > 1

    @property
    def single(self) -> bool:
        """Whether it is one line."""
        return min(len(self.inlines), len(self.crosslines)) == 1

    @property
    def score(self) -> float:
        """0 to 1: the share of places taken, times how regular the steps are; 0 where places are held twice."""
        return 0.0 if self.repeats else self.score_but_for_repeats

    @property
    def score_but_for_repeats(self) -> float:
        """The score of the places, however many traces each of them has."""
        if self.empty or self.too_sparse:
            return 0.0
        return self.taken / self.places * min(_regularity(self.inlines), _regularity(self.crosslines))

    def first_repeat(self) -> tuple[int, int]:
        """Two traces of the same place, numbers from 0."""
        _, repeats = self.index()
        earlier, later = repeats[0].tolist()
        return earlier, later

    def same_numbers(self, other: "Numbering") -> bool:
        """Whether every trace has the same two numbers in both."""
        return np.array_equal(self.inline.column, other.inline.column) and np.array_equal(
            self.crossline.column, other.crossline.column
        )

    @property
    def floats(self) -> str | None:
        """How the numbers are stored where they are no integers: `IEEE floats`, `IEEE and IBM floats`."""
        kinds = dict.fromkeys(axis.floats.upper() for axis in (self.inline, self.crossline) if axis.floats)
        return f"{' and '.join(kinds)} floats" if kinds else None

    @property
    def bytes(self) -> str:
        """`189/193`."""
        return f"{self.inline.byte}/{self.crossline.byte}"

    def __str__(self) -> str:
        if self.empty:
            return f"{self.bytes}: {self.inlines[0]} and {self.crosslines[0]} in every trace"
        size = f"{len(self.inlines)} x {len(self.crosslines)} lines"
        if self.too_sparse:
            odd = " (floats that are not whole)" if self.inline.fractional or self.crossline.fractional else ""
            return f"{self.bytes}: {size}{odd} cannot be a grid of {self.traces} traces"
        # As Python's integers: numbers that are no line numbers may differ by more than 32 bits hold.
        lines = f"{describe_lines(self.inlines.tolist())} and {describe_lines(self.crosslines.tolist())}"
        repeats = f", {self.repeats} traces in places already taken" if self.repeats else ""
        return f"{self.bytes}: {size} ({lines}), {self.taken} of {self.places} places taken{repeats}"


def numberings(columns: Mapping[int, NDArray[np.int32]], pairs: Sequence[tuple[int, int]]) -> list[Numbering]:
    """The numberings of pairs of byte positions."""
    axes = {byte: Axis.of_field(byte, column) for byte, column in columns.items()}
    return [Numbering(axes[inline], axes[crossline]) for inline, crossline in pairs]


def is_convincing(standard: Numbering) -> bool:
    """Whether the standard positions hold so good a grid that no other positions need to be read."""
    return not standard.single and standard.score >= _STANDARD_CONVINCING


def best_of(numberings: Sequence[Numbering]) -> list[Numbering]:
    """The numbering that fits best, or several that fit equally well with different numbers, or none.

    A single line never wins: one constant column beside any running number looks like one.
    """
    return _leaders([(each.score, each) for each in numberings if not each.single])


def best_with_repeats(numberings: Sequence[Numbering]) -> list[Numbering]:
    """The same among those in which a few traces repeat a place."""
    several = [each for each in numberings if not each.single and each.few_repeats]
    return _leaders([(each.score_but_for_repeats, each) for each in several])


def _leaders(scored: Sequence[tuple[float, Numbering]]) -> list[Numbering]:
    grids = sorted((pair for pair in scored if pair[0] >= _CONVINCING), key=lambda pair: -pair[0])
    rivals = [each for score, each in grids if score >= grids[0][0] - _TIE]
    return [each for at, each in enumerate(rivals) if not any(each.same_numbers(other) for other in rivals[:at])]


def _regularity(lines: NDArray[np.int32]) -> float:
    """Share of the steps between lines that are the commonest step; 1 for fewer than three lines."""
    if len(lines) < 3:
        return 1.0
    _, counts = np.unique(np.diff(lines.astype(np.int64)), return_counts=True)
    return float(counts.max() / counts.sum())
