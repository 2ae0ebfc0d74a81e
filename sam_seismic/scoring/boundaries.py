"""Label sections come in, truth and prediction; how well the boundaries of classes agree goes out.

Source: Cheng, Girshick, Dollar, Berg, Kirillov 2021, "Boundary IoU: Improving Object-Centric Image Segmentation
Evaluation", CVPR: IoU of the voxels of a class that lie within a distance of its boundary, in the truth and in the
prediction. Unlike there, the edge of a section is no boundary, since a facies goes on behind it; nor is the edge of
what is interpreted.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from sam_seismic.scoring.compared import compared
from sam_seismic.scoring.formulas import mean, ratios
from sam_seismic.scoring.scores import by_name, plain
from sam_seismic.survey.facies import IGNORE


@dataclass(frozen=True, eq=False)
class BoundaryIou:
    """Boundary IoU as fractions; nan for a class without a boundary. `+` adds the voxels of two sections.

    Args:
        names: names of the classes.
        distance: of the band along a boundary, in samples and traces alike.
        intersection: int64[class], voxels in the band of the class in the truth and in the prediction.
        union: int64[class], voxels in one of both bands.
    """

    names: tuple[str, ...]
    distance: int
    intersection: NDArray[np.int64]
    union: NDArray[np.int64]

    def __add__(self, other: "BoundaryIou") -> "BoundaryIou":
        assert (self.names, self.distance) == (other.names, other.distance), "counted alike"
        return BoundaryIou(self.names, self.distance, self.intersection + other.intersection, self.union + other.union)

    @property
    def iou(self) -> NDArray[np.float64]:
        """float64[class]: boundary IoU."""
        return ratios(self.intersection, self.union)

    @property
    def mean_iou(self) -> float:
        """Mean over the classes that have a boundary in the truth or in the prediction."""
        return float(mean(self.iou))

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return {"distance": self.distance, "iou": by_name(self.names, self.iou), "mean_iou": plain(self.mean_iou)}


def boundary_iou(
    truth: NDArray[np.uint8], prediction: NDArray[np.uint8], names: tuple[str, ...], *, distance: int
) -> BoundaryIou:
    """Compare the boundaries of a section.

    Args:
        truth: uint8[sample, trace] class indices; IGNORE is not interpreted.
        prediction: uint8[sample, trace] class indices; IGNORE is not predicted. Voxels that one of them leaves out are
            not looked at in the other.
        names: names of the classes.
        distance: a voxel belongs to the band if a voxel of another class lies at most so many samples and at most so
            many traces away; at least 1.
    """
    assert distance >= 1, "checked by the caller"
    truth, prediction = compared(truth, prediction)
    true_band, predicted_band = _band(truth, distance), _band(prediction, distance)  # [sample, trace]
    both = true_band & predicted_band & (truth == prediction)
    counts = [
        np.bincount(labels[band], minlength=len(names))
        for labels, band in ((truth, true_band), (prediction, predicted_band), (truth, both))
    ]
    return BoundaryIou(names, distance, counts[2], counts[0] + counts[1] - counts[2])


def _band(labels: NDArray[np.uint8], distance: int) -> NDArray[np.bool_]:
    """Where a voxel has a voxel of another class nearby, IGNORE being none: bool[sample, trace]."""
    size = 2 * distance + 1
    interpreted = labels != IGNORE
    largest = maximum_filter(np.where(interpreted, labels, 0), size, mode="nearest")
    smallest = minimum_filter(labels, size, mode="nearest")  # IGNORE is larger than all classes
    return np.asarray(interpreted & ((largest != labels) | (smallest != labels)))
