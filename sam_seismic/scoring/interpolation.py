"""Label columns on several sides of a trace come in; the labels between them go out: boundaries move linearly.

The classes stand in an order from top to bottom. For each boundary between the first classes and the others, a column
is a field of signed distances along the trace (Raya and Udupa 1990, "Shape-based interpolation of multidimensional
objects", IEEE TMI 9(1)). Fields are blended boundary by boundary, so that a layer keeps its thickness however much it
dips, and one that a side lacks grows thinner towards it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.facies import IGNORE


@dataclass(frozen=True, eq=False)
class BoundaryFields:
    """Where the boundaries of columns are.

    Args:
        distances: float32[boundary, sample, trace], in samples to the k-th boundary, positive where one of the first
            k + 1 classes is. A boundary lies between two samples, so values are odd halves. Above the first sample lies
            the first class, and below the last sample the last one.
        known: bool[sample, trace], where the column is interpreted; elsewhere the nearest label of the trace counts.
    """

    distances: NDArray[np.float32]
    known: NDArray[np.bool_]


def boundary_fields(labels: NDArray[np.uint8], order: Sequence[int]) -> BoundaryFields:
    """The boundaries of columns.

    Args:
        labels: uint8[sample, trace] class indices; IGNORE is not interpreted.
        order: all class indices from top to bottom, see `vertical_order`.
    """
    known = labels != IGNORE
    ranks = np.full(256, len(order), np.int64)
    ranks[list(order)] = np.arange(len(order))
    filled = ranks[np.take_along_axis(labels, _nearest_known(known), axis=0)]  # [sample, trace]
    distances = np.empty((max(len(order) - 1, 0), *labels.shape), np.float32)
    edge = np.ones((1, labels.shape[1]), np.bool_)
    for boundary in range(len(distances)):
        upper = np.concatenate([edge, filled <= boundary, ~edge])  # [sample + 2, trace]
        field = np.where(upper, _nearest(~upper) - 0.5, 0.5 - _nearest(upper))
        distances[boundary] = field[1:-1]
    return BoundaryFields(distances, known)


def _nearest(marked: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Samples from each sample to the nearest marked one of its trace, or infinity: float32[sample, trace]."""
    at = np.arange(len(marked), dtype=np.float32)[:, None]
    last = np.maximum.accumulate(np.where(marked, at, -np.inf), axis=0)
    following = np.minimum.accumulate(np.where(marked, at, np.inf)[::-1], axis=0)[::-1]
    return np.asarray(np.minimum(at - last, following - at), np.float32)


def _nearest_known(known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The nearest interpreted sample of the trace, the upper one of two: int64[sample, trace]; any where none is."""
    at = np.arange(len(known))[:, None]
    far = 2 * len(known)
    last = np.maximum.accumulate(np.where(known, at, -far), axis=0)
    following = np.minimum.accumulate(np.where(known, at, far)[::-1], axis=0)[::-1]
    return np.clip(np.where(at - last <= following - at, last, following), 0, len(known) - 1)


def blend(fields: Sequence[BoundaryFields], weights: NDArray[np.float64], order: Sequence[int]) -> NDArray[np.uint8]:
    """The labels between columns.

    Args:
        fields: of each side, from `boundary_fields` with the same order.
        weights: float64[side, trace], not negative; a side with 0 has no say. Inverse distances interpolate linearly.
        order: all class indices from top to bottom.

    Returns:
        uint8[sample, trace], IGNORE where less than half of the weight is interpreted, and where all weights are 0.
    """
    shares = weights / np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)  # [side, trace]
    known = sum(each.known * share for each, share in zip(fields, shares, strict=True))  # [sample, trace]
    rank = np.zeros(fields[0].known.shape, np.int64)
    for boundary in range(len(fields[0].distances)):
        blended = sum(each.distances[boundary] * share for each, share in zip(fields, shares, strict=True))
        rank += np.asarray(blended) <= 0
    labels = np.asarray(order, np.uint8)[rank]
    return np.where(np.asarray(known) < 0.5, np.uint8(IGNORE), labels)
