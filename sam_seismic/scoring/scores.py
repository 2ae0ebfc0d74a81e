"""Labels and predictions come in; the confusion matrix and the scores of the facies benchmark go out.

Source: Alaudah, Michalowicz, Alfarraj, AlRegib 2019, "A machine-learning benchmark for facies classification",
Interpretation 7(3). With C[truth, prediction]: pixel accuracy sum C_kk / sum C; class accuracy C_kk / row_k;
intersection over union C_kk / (row_k + column_k - C_kk); frequency-weighted IoU sum (row_k / sum C) IoU_k.
The score of an absent class is nan, not 0, and is left out of means.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.facies import IGNORE


@dataclass(frozen=True, eq=False)
class FaciesScores:
    """The scores of a confusion matrix, as fractions; nan for an absent class.

    Args:
        names: names of the classes.
        confusion: int64[truth, prediction], number of voxels.
    """

    names: tuple[str, ...]
    confusion: NDArray[np.int64]

    @property
    def voxels(self) -> int:
        """Number of scored voxels."""
        return int(self.confusion.sum())

    @property
    def pixel_accuracy(self) -> float:
        """Share of voxels that are predicted correctly."""
        return _ratio(int(np.trace(self.confusion)), self.voxels)

    @property
    def class_accuracy(self) -> NDArray[np.float64]:
        """float64[class]: share of the true voxels of a class that are predicted correctly."""
        return _ratios(np.diag(self.confusion), self.confusion.sum(axis=1))

    @property
    def mean_class_accuracy(self) -> float:
        """Mean over the classes in the truth."""
        return _mean(self.class_accuracy)

    @property
    def iou(self) -> NDArray[np.float64]:
        """float64[class]: intersection over union."""
        correct = np.diag(self.confusion)
        return _ratios(correct, self.confusion.sum(axis=1) + self.confusion.sum(axis=0) - correct)

    @property
    def mean_iou(self) -> float:
        """Mean over the classes in the truth or in the prediction."""
        return _mean(self.iou)

    @property
    def frequency_weighted_iou(self) -> float:
        """IoU weighted by each class's share of the truth."""
        frequency = _ratios(self.confusion.sum(axis=1), np.full(len(self.names), self.voxels))
        return float(np.nansum(frequency * self.iou)) if self.voxels else math.nan

    def as_dict(self) -> dict[str, Any]:
        """The content of metrics.json; nan becomes None, since JSON has no nan."""
        return {
            "pixel_accuracy": _plain(self.pixel_accuracy),
            "class_accuracy": self._named(self.class_accuracy),
            "mean_class_accuracy": _plain(self.mean_class_accuracy),
            "iou": self._named(self.iou),
            "mean_iou": _plain(self.mean_iou),
            "frequency_weighted_iou": _plain(self.frequency_weighted_iou),
            "confusion": self.confusion.tolist(),
            "voxels": self.voxels,
        }

    def _named(self, values: NDArray[np.float64]) -> dict[str, float | None]:
        return {name: _plain(float(value)) for name, value in zip(self.names, values, strict=True)}


def confusion_of(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Number of voxels int64[truth, prediction] of class indices uint8 of equal shape, except IGNORE in the truth."""
    scored = truth != IGNORE
    pairs = truth[scored].astype(np.int64) * classes + prediction[scored]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)  # [truth, prediction]


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _ratios(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    ratios = np.full(len(part), math.nan)
    np.divide(part, whole, out=ratios, where=whole > 0)
    return ratios


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
