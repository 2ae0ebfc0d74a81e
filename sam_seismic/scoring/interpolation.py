"""Label columns on several sides of a trace come in; the labels between them go out: boundaries move linearly.

Each class of a column is a field of signed distances to its boundaries along the column (Raya and Udupa 1990,
"Shape-based interpolation of multidimensional objects", IEEE TMI 9(1)). Fields are blended, and each sample gets the
class whose blended field is largest.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.facies import IGNORE


def signed_distances(labels: NDArray[np.uint8], classes: int) -> NDArray[np.float32]:
    """Distances in samples to the boundaries of each class along the sample axis, positive inside.

    Args:
        labels: uint8[sample, trace] class indices; IGNORE is a further class, the last one.
        classes: number of classes.

    Returns:
        float32[class + 1, sample, trace]. A boundary lies between two samples, so values are odd halves; a class that
        a trace lacks has -infinity, and one that fills it has infinity.
    """
    fields = np.empty((classes + 1, *labels.shape), np.float32)
    for index in range(classes + 1):
        inside = labels == (index if index < classes else IGNORE)  # [sample, trace]
        fields[index] = np.where(inside, _nearest(~inside) - 0.5, 0.5 - _nearest(inside))
    return fields


def _nearest(marked: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Samples from each sample to the nearest marked one of its trace, or infinity: float32[sample, trace]."""
    at = np.arange(len(marked), dtype=np.float32)[:, None]
    last = np.maximum.accumulate(np.where(marked, at, -np.inf), axis=0)
    following = np.minimum.accumulate(np.where(marked, at, np.inf)[::-1], axis=0)[::-1]
    return np.asarray(np.minimum(at - last, following - at), np.float32)


def blend(fields: Sequence[NDArray[np.float32]], weights: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The labels between columns.

    A boundary moves linearly where the class above it and the class below it each overlap with themselves on the other
    side; a layer that dips by more than its thickness from one side to the other is lost in between. A class that is
    found on some sides only counts as thin on the others as it is thick on these: it ends about halfway between two
    columns if it wedges out at a boundary, and sooner if it lies within a thick class.

    Args:
        fields: of each side, float32[class + 1, sample, trace] from `signed_distances`.
        weights: float64[side, trace], not negative; a side with 0 has no say. Inverse distances interpolate linearly.

    Returns:
        uint8[sample, trace], IGNORE where no class is interpreted, and where all weights are 0.
    """
    samples = fields[0].shape[1]
    ignored = len(fields[0]) - 1
    shares = weights / np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)  # [side, trace]
    best = np.full(fields[0].shape[1:], -np.inf, np.float32)  # [sample, trace]
    labels = np.full(best.shape, IGNORE, np.uint8)
    for index in range(ignored + 1):
        sides = np.stack([field[index] for field in fields])  # [side, sample, trace]
        sides = np.where(weights[:, None] > 0, sides, -np.inf)
        thickest = sides.max(axis=1)  # [side, trace]
        most = np.minimum(thickest.max(axis=0), samples)  # [trace]
        bounded = np.clip(sides, np.where(thickest == -np.inf, -most, -samples)[:, None], samples)
        blended = (bounded * shares[:, None]).sum(axis=0, dtype=np.float32)
        better = (blended > best) & (most > -np.inf)
        best[better], labels[better] = blended[better], IGNORE if index == ignored else index
    return labels
