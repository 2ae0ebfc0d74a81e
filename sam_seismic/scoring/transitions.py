"""Label sections come in, truth and prediction; how often classes lie in the wrong order from top to bottom goes out.

A transition is a pair of neighbouring samples of a trace, both interpreted, of two classes. It is out of order if the
lower sample's class comes before the upper one's in the order of the classes from top to bottom. Where facies are
layers, the truth has hardly any; where bodies lie within one another, it has many, and the prediction should have about
as many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.scoring.compared import compared
from sam_seismic.scoring.formulas import ratios
from sam_seismic.scoring.scores import plain
from sam_seismic.survey.facies import IGNORE


@dataclass(frozen=True, eq=False)
class Transitions:
    """Transitions going down the traces. `+` adds those of two sections.

    Args:
        names: names of the classes.
        traces: number of traces with a sample that is compared.
        truth, prediction: int64[upper class, lower class], number of transitions; the diagonal is 0.
    """

    names: tuple[str, ...]
    traces: int
    truth: NDArray[np.int64]
    prediction: NDArray[np.int64]

    def __add__(self, other: "Transitions") -> "Transitions":
        assert self.names == other.names, "only transitions of the same classes are added"
        return Transitions(
            self.names, self.traces + other.traces, self.truth + other.truth, self.prediction + other.prediction
        )

    def as_dict(self, order: Sequence[int] | None = None) -> dict[str, Any]:
        """For metrics.json.

        Args:
            order: class indices from top to bottom; None for the order that the truth has, see `vertical_order`.
        """
        used = vertical_order(self.truth) if order is None else tuple(order)
        return {
            "order": [self.names[index] for index in used],
            "traces": self.traces,
            "truth": self._told(self.truth, used),
            "prediction": self._told(self.prediction, used),
        }

    def _told(self, counts: NDArray[np.int64], order: Sequence[int]) -> dict[str, Any]:
        total, wrong = int(counts.sum()), out_of_order(counts, order)
        return {
            "transitions": total,
            "out_of_order": wrong,
            "share_out_of_order": plain(float(ratios(np.array(wrong), np.array(total)))),
            "transitions_per_trace": plain(float(ratios(np.array(total), np.array(self.traces)))),
        }


def transitions(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], names: tuple[str, ...]) -> Transitions:
    """Count the transitions of a section.

    Args:
        truth: uint8[sample, trace] class indices; IGNORE is not interpreted.
        prediction: uint8[sample, trace] class indices; IGNORE is not predicted. Samples that one of them leaves out are
            not looked at in the other.
        names: names of the classes.
    """
    truth, prediction = compared(truth, prediction)
    traces = int((truth != IGNORE).any(axis=0).sum())
    return Transitions(names, traces, _count(truth, len(names)), _count(prediction, len(names)))


def out_of_order(counts: NDArray[np.int64], order: Sequence[int]) -> int:
    """Number of transitions against an order.

    Args:
        counts: int64[upper class, lower class].
        order: class indices from top to bottom.
    """
    sorted_counts = counts[np.ix_(order, order)]  # [upper rank, lower rank]
    return int(np.tril(sorted_counts, -1).sum())


def vertical_order(counts: NDArray[np.int64]) -> tuple[int, ...]:
    """The order of the classes, from top to bottom, that has few transitions against it.

    If for each two classes most transitions go one way, and these ways form no circle, all of them are kept. Otherwise
    this is the greedy heuristic of Eades, Lin, Smyth 1993, "A fast and effective heuristic for the feedback arc set
    problem", Information Processing Letters 47(6). Classes that could stand in any order follow their indices; those
    without transitions stand last.

    Args:
        counts: int64[upper class, lower class], number of transitions.
    """
    net = np.maximum(counts - counts.T, 0)  # [upper, lower]: the excess of the more frequent way
    moving = (counts + counts.T).any(axis=1)
    left = np.flatnonzero(moving).tolist()
    top: list[int] = []
    bottom: list[int] = []  # from the bottom upwards
    while left:
        remaining = net[np.ix_(left, left)]
        above, below = remaining.sum(axis=0), remaining.sum(axis=1)  # [class left]: what lies above it, and below it
        if not above.all():
            top.append(left.pop(int(np.argmin(above))))
        elif not below.all():
            bottom.append(left.pop(int(np.argmin(below))))
        else:
            top.append(left.pop(int(np.argmax(below - above))))
    return (*top, *reversed(bottom), *np.flatnonzero(~moving).tolist())


def _count(labels: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """int64[upper class, lower class]: vertical neighbours of different classes, except IGNORE."""
    upper, lower = labels[:-1], labels[1:]
    counted = (upper != lower) & (upper != IGNORE) & (lower != IGNORE)
    pairs = upper[counted].astype(np.int64) * classes + lower[counted]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)  # [upper, lower]
