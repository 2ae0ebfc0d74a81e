"""Confusion matrices come in, any number at once; one score each goes out, nan where it is not defined.

All take int64[..., truth, prediction], numbers of voxels. A score of a class is float64[..., class], nan where its
denominator is 0; a score of the whole is float64[...], and means leave such classes out.

Sources: C[truth, prediction] and its scores as in Alaudah, Michalowicz, Alfarraj, AlRegib 2019, "A machine-learning
benchmark for facies classification", Interpretation 7(3). F1: Dice 1945, "Measures of the amount of ecologic
association between species", Ecology 26(3); van Rijsbergen 1979, "Information Retrieval", chapter 7.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


def pixel_accuracy(confusion: NDArray[np.int64]) -> Scores:
    """Share of voxels that are predicted correctly: sum C_kk / sum C."""
    return ratios(_correct(confusion).sum(axis=-1), confusion.sum(axis=(-2, -1)))


def class_accuracy(confusion: NDArray[np.int64]) -> Scores:
    """By class, the share of its true voxels that are predicted correctly (recall): C_kk / row_k."""
    return ratios(_correct(confusion), confusion.sum(axis=-1))


def precision(confusion: NDArray[np.int64]) -> Scores:
    """By class, the share of its predicted voxels that are correct: C_kk / column_k."""
    return ratios(_correct(confusion), confusion.sum(axis=-2))


def f1(confusion: NDArray[np.int64]) -> Scores:
    """By class, F1 or Dice coefficient: 2 C_kk / (row_k + column_k)."""
    return ratios(2 * _correct(confusion), confusion.sum(axis=-1) + confusion.sum(axis=-2))


def iou(confusion: NDArray[np.int64]) -> Scores:
    """By class, intersection over union: C_kk / (row_k + column_k - C_kk)."""
    correct = _correct(confusion)
    return ratios(correct, confusion.sum(axis=-1) + confusion.sum(axis=-2) - correct)


def mean_class_accuracy(confusion: NDArray[np.int64]) -> Scores:
    """Mean class accuracy over the classes in the truth."""
    return mean(class_accuracy(confusion))


def mean_f1(confusion: NDArray[np.int64]) -> Scores:
    """Mean F1 over the classes in the truth or in the prediction."""
    return mean(f1(confusion))


def mean_iou(confusion: NDArray[np.int64]) -> Scores:
    """Mean IoU over the classes in the truth or in the prediction."""
    return mean(iou(confusion))


def frequency_weighted_iou(confusion: NDArray[np.int64]) -> Scores:
    """IoU weighted by each class's share of the truth: sum (row_k / sum C) IoU_k."""
    rows = confusion.sum(axis=-1)
    weighted = np.where(rows > 0, rows * np.nan_to_num(iou(confusion)), 0).sum(axis=-1)
    return ratios(weighted, rows.sum(axis=-1))


MEAN_SCORES: Mapping[str, Callable[[NDArray[np.int64]], Scores]] = {
    "pixel_accuracy": pixel_accuracy,
    "mean_class_accuracy": mean_class_accuracy,
    "mean_iou": mean_iou,
    "frequency_weighted_iou": frequency_weighted_iou,
    "mean_f1": mean_f1,
}
"""The scores of the whole, by their keys in metrics.json."""


def ratios(part: NDArray[np.number], whole: NDArray[np.number]) -> Scores:
    """Part by whole, nan where whole is 0: float64 of their shape."""
    found = np.full(np.shape(part), np.nan)
    np.divide(part, whole, out=found, where=np.asarray(whole) > 0)
    return found


def mean(scores: Scores) -> Scores:
    """Mean over the last axis, without nan; nan where all are nan."""
    return ratios(np.nansum(scores, axis=-1), np.isfinite(scores).sum(axis=-1))


def _correct(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.diagonal(confusion, axis1=-2, axis2=-1)  # [..., class]
