"""Confidences of a prediction come in, with what was right; how far the confidences can be believed goes out.

Sources: Guo, Pleiss, Sun, Weinberger 2017, "On Calibration of Modern Neural Networks", ICML: reliability bins of equal
width, (m-1)/M < confidence <= m/M, expected calibration error sum n_m/n |accuracy_m - confidence_m| and maximum
calibration error. Brier 1950, "Verification of forecasts expressed in terms of probability", Monthly Weather Review
78(1): mean over voxels of sum over classes (p_k - y_k)^2, from 0 to 2.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.scoring.formulas import ratios
from sam_seismic.scoring.scores import plain
from sam_seismic.survey.facies import IGNORE

BINS = 15
"""Number of reliability bins, as in Guo et al."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Reliability bins; nan for an empty one. `+` adds the voxels of two sections.

    Args:
        voxels: int64[bin].
        correct: int64[bin], voxels that are predicted correctly.
        confidence: float64[bin], sum of the confidences.
    """

    voxels: NDArray[np.int64]
    correct: NDArray[np.int64]
    confidence: NDArray[np.float64]

    def __add__(self, other: "Calibration") -> "Calibration":
        return Calibration(self.voxels + other.voxels, self.correct + other.correct, self.confidence + other.confidence)

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """float64[bin]: share of voxels that are predicted correctly."""
        return ratios(self.correct, self.voxels)

    @property
    def mean_confidence(self) -> NDArray[np.float64]:
        """float64[bin]."""
        return ratios(self.confidence, self.voxels)

    @property
    def expected_error(self) -> float:
        """Mean over voxels of the difference between accuracy and mean confidence of their bin."""
        total = self.voxels.sum()
        return float(np.abs(self.correct - self.confidence).sum() / total) if total else math.nan

    @property
    def maximum_error(self) -> float:
        """Largest difference between accuracy and mean confidence of a bin."""
        errors = np.abs(self.accuracy - self.mean_confidence)
        return float(np.nanmax(errors)) if self.voxels.any() else math.nan

    @property
    def overconfidence(self) -> float:
        """Mean confidence minus accuracy, over all voxels; positive: the network is surer than it is right."""
        total = self.voxels.sum()
        return float((self.confidence.sum() - self.correct.sum()) / total) if total else math.nan

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        edges = np.arange(len(self.voxels) + 1) / len(self.voxels)
        columns = (edges[:-1], edges[1:], self.voxels, self.accuracy, self.mean_confidence)
        return {
            "expected_calibration_error": plain(self.expected_error),
            "maximum_calibration_error": plain(self.maximum_error),
            "overconfidence": plain(self.overconfidence),
            "bins": [
                {"above": low, "to": high, "voxels": voxels, "accuracy": plain(right), "confidence": plain(mean)}
                for low, high, voxels, right, mean in zip(*(each.tolist() for each in columns), strict=True)
            ],
        }


def calibration(
    truth: NDArray[np.uint8], prediction: NDArray[np.uint8], confidence: NDArray[np.floating], *, bins: int = BINS
) -> Calibration:
    """Sort the voxels of a section into reliability bins.

    Args:
        truth: uint8[sample, trace] class indices; IGNORE is not counted.
        prediction: uint8[sample, trace] class indices; IGNORE is not counted.
        confidence: float[sample, trace], probability of the predicted class; rounding may bring it above 1.
        bins: number of bins.
    """
    counted = (truth != IGNORE) & (prediction != IGNORE)
    sure = np.minimum(confidence[counted].astype(np.float64), 1)  # [voxel]
    assert bool((sure >= 0).all()), "probabilities that are not finite are refused before"
    edges = np.arange(bins + 1) / bins
    place = np.maximum(np.searchsorted(edges, sure, side="left") - 1, 0)  # [voxel]: a bin holds its upper edge
    right = (truth == prediction)[counted]
    return Calibration(
        np.bincount(place, minlength=bins),
        np.bincount(place[right], minlength=bins),
        np.asarray(np.bincount(place, weights=sure, minlength=bins), np.float64),
    )


@dataclass(frozen=True)
class BrierScore:
    """Squared errors of the probabilities of all classes. `+` adds the voxels of two sections.

    Args:
        squares: sum over voxels and classes of (p_k - y_k)^2.
        voxels: number of voxels.
    """

    squares: float
    voxels: int

    def __add__(self, other: "BrierScore") -> "BrierScore":
        return BrierScore(self.squares + other.squares, self.voxels + other.voxels)

    @property
    def mean(self) -> float:
        """From 0, right and sure, to 2, wrong and sure; nan without voxels."""
        return self.squares / self.voxels if self.voxels else math.nan

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return {"brier_score": plain(self.mean)}


def brier_score(truth: NDArray[np.uint8], probabilities: NDArray[np.floating]) -> BrierScore:
    """Compare the probabilities of a section with its truth.

    Args:
        truth: uint8[sample, trace] class indices; IGNORE is not counted.
        probabilities: float[class, sample, trace].
    """
    counted = truth != IGNORE
    chosen = probabilities[:, counted].astype(np.float64)  # [class, voxel]
    is_class = np.arange(len(chosen))[:, None] == truth[counted]  # [class, voxel]
    return BrierScore(float(np.square(chosen - is_class).sum()), int(counted.sum()))
