"""Labels and predictions come in; the confusion matrix and the scores of the facies benchmark go out.

The formulas and their sources: `formulas.py`. The score of an absent class is nan, not 0, and is left out of means.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.scoring import formulas
from sam_seismic.survey.facies import IGNORE


@dataclass(frozen=True, eq=False)
class FaciesScores:
    """The scores of a confusion matrix, as fractions; nan for an absent class. `+` adds the voxels of two matrices.

    Args:
        names: names of the classes.
        confusion: int64[truth, prediction], number of voxels.
    """

    names: tuple[str, ...]
    confusion: NDArray[np.int64]

    def __add__(self, other: "FaciesScores") -> "FaciesScores":
        assert self.names == other.names, "only scores of the same classes are added"
        return FaciesScores(self.names, self.confusion + other.confusion)

    @property
    def voxels(self) -> int:
        """Number of scored voxels."""
        return int(self.confusion.sum())

    @property
    def support(self) -> NDArray[np.int64]:
        """int64[class]: number of true voxels."""
        return np.asarray(self.confusion.sum(axis=1))

    @property
    def pixel_accuracy(self) -> float:
        """Share of voxels that are predicted correctly."""
        return float(formulas.pixel_accuracy(self.confusion))

    @property
    def class_accuracy(self) -> NDArray[np.float64]:
        """float64[class]: share of the true voxels of a class that are predicted correctly (recall)."""
        return formulas.class_accuracy(self.confusion)

    @property
    def mean_class_accuracy(self) -> float:
        """Mean over the classes in the truth."""
        return float(formulas.mean_class_accuracy(self.confusion))

    @property
    def precision(self) -> NDArray[np.float64]:
        """float64[class]: share of the predicted voxels of a class that are correct."""
        return formulas.precision(self.confusion)

    @property
    def f1(self) -> NDArray[np.float64]:
        """float64[class]: F1, which is the Dice coefficient."""
        return formulas.f1(self.confusion)

    @property
    def mean_f1(self) -> float:
        """Mean over the classes in the truth or in the prediction."""
        return float(formulas.mean_f1(self.confusion))

    @property
    def iou(self) -> NDArray[np.float64]:
        """float64[class]: intersection over union."""
        return formulas.iou(self.confusion)

    @property
    def mean_iou(self) -> float:
        """Mean over the classes in the truth or in the prediction."""
        return float(formulas.mean_iou(self.confusion))

    @property
    def frequency_weighted_iou(self) -> float:
        """IoU weighted by each class's share of the truth."""
        return float(formulas.frequency_weighted_iou(self.confusion))

    def as_dict(self) -> dict[str, Any]:
        """The content of metrics.json; nan becomes None, since JSON has no nan."""
        return {
            "pixel_accuracy": plain(self.pixel_accuracy),
            "class_accuracy": by_name(self.names, self.class_accuracy),
            "mean_class_accuracy": plain(self.mean_class_accuracy),
            "iou": by_name(self.names, self.iou),
            "mean_iou": plain(self.mean_iou),
            "frequency_weighted_iou": plain(self.frequency_weighted_iou),
            "precision": by_name(self.names, self.precision),
            "f1": by_name(self.names, self.f1),
            "mean_f1": plain(self.mean_f1),
            "support": dict(zip(self.names, self.support.tolist(), strict=True)),
            "confusion": self.confusion.tolist(),
            "voxels": self.voxels,
        }


def confusion_of(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Number of voxels int64[truth, prediction] of class indices uint8 of equal shape, except IGNORE in the truth."""
    scored = truth != IGNORE
    pairs = truth[scored].astype(np.int64) * classes + prediction[scored]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)  # [truth, prediction]


def by_name(names: tuple[str, ...], values: NDArray[np.float64]) -> dict[str, float | None]:
    """Scores float64[class] for a JSON file, by the names of the classes."""
    return {name: plain(float(value)) for name, value in zip(names, values, strict=True)}


def plain(value: float) -> float | None:
    """A score for a JSON file, which has no nan."""
    return None if math.isnan(value) else float(value)
