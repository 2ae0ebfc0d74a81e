"""Labels of the training sections come in; guesses that use no amplitudes, and their scores, go out."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sam_seismic.scoring.scores import FaciesScores, confusion_of
from sam_seismic.survey.parts import Part, Survey

ROUNDING = 1e-6
"""Scores that differ less are equal: metrics.csv rounds them."""


def guess_scores(survey: Survey, parts: Sequence[Part]) -> dict[str, FaciesScores]:
    """Scores of the guesses `majority class` and `depth only` on some parts; both use only the training labels.

    `depth only` is left out unless all sections of the training and of these parts have the same number of samples.
    """
    classes = len(survey.facies)
    train = survey.parts["train"]
    histogram = depth_histogram((train.labels(ref).values for ref in train.sections), classes)
    majority, by_depth = majority_guess(histogram), depth_guess(histogram)
    lengths = {part.section_shape(ref)[0] for part in (train, *parts) for ref in part.sections}
    confusions = {name: np.zeros((classes, classes), dtype=np.int64) for name in ("majority class", "depth only")}
    for part in parts:
        for ref in part.sections:
            truth = part.labels(ref).values.astype(np.uint8, copy=False)  # [sample, trace]
            confusions["majority class"] += confusion_of(truth, np.full_like(truth, majority), classes)
            if len(lengths) == 1:
                guess = np.broadcast_to(by_depth[:, None], truth.shape)  # [sample, trace]
                confusions["depth only"] += confusion_of(truth, guess, classes)
    if len(lengths) > 1:
        del confusions["depth only"]
    return {name: FaciesScores(survey.facies.names, confusion) for name, confusion in confusions.items()}


def majority_guess(histogram: NDArray[np.int64]) -> int:
    """The most frequent class.

    Args:
        histogram: int64[sample, class], training voxels.
    """
    return int(histogram.sum(axis=0).argmax())


def depth_guess(histogram: NDArray[np.int64]) -> NDArray[np.uint8]:
    """uint8[sample]: the most frequent class at each depth, or the majority class at a depth without labels.

    Args:
        histogram: int64[sample, class], training voxels.
    """
    labelled = histogram.sum(axis=1) > 0
    return np.where(labelled, histogram.argmax(axis=1), majority_guess(histogram)).astype(np.uint8)


def depth_histogram(sections: Iterable[NDArray[np.generic]], classes: int) -> NDArray[np.int64]:
    """int64[sample, class]: voxels of each class at each depth.

    Args:
        sections: class indices uint8[sample, trace]; the longest gives the number of samples. IGNORE is not counted.
        classes: number of classes.
    """
    total = np.zeros((0, classes), dtype=np.int64)  # [sample, class]
    for labels in sections:
        total = np.pad(total, ((0, max(0, len(labels) - len(total))), (0, 0)))  # [more samples, class]
        for index in range(classes):
            total[: len(labels), index] += (labels == index).sum(axis=1)
    return total


def constant_notes(scores: FaciesScores) -> tuple[str, ...]:
    """A note where a prediction scores no better than its most frequent true class, predicted everywhere."""
    truth = scores.confusion.sum(axis=1)  # int64[class]
    if not truth.any():
        return ()
    most = int(truth.argmax())
    everywhere = np.zeros_like(scores.confusion)
    everywhere[:, most] = truth
    constant = FaciesScores(scores.names, everywhere)
    if np.count_nonzero(truth) == 1:
        return (f"the truth holds no class but {scores.names[most]}, so the score says nothing",)
    if constant.mean_iou + ROUNDING < scores.mean_iou:
        return ()
    return (
        f"class {scores.names[most]} everywhere would have a mean IoU of {constant.mean_iou:.3f}, and this prediction "
        f"has {scores.mean_iou:.3f}: look whether the two volumes number the classes alike",
    )


def guess_notes(mean_iou: float, guesses: Mapping[str, FaciesScores], *, lines: str) -> tuple[str, ...]:
    """A note where a guess without a look at the amplitudes scores as well as the network, or where all lines agree.

    Args:
        mean_iou: of the network.
        guesses: scores by name, as of `guess_scores`, on the same lines.
        lines: which ones, as in `validation`.
    """
    any_guess = next(iter(guesses.values()))
    present = np.flatnonzero(any_guess.confusion.sum(axis=1))  # class indices in the truth
    if len(present) == 1:
        return (
            f"the {lines} lines hold no class but {any_guess.names[present[0]]}, so their score says nothing; choose "
            "lines with more classes in data.split",
        )
    name, best = max(guesses.items(), key=lambda guess: guess[1].mean_iou)
    if best.mean_iou + ROUNDING < mean_iou:
        return ()
    return (
        f"the network (mean IoU {mean_iou:.3f}) is no better on the {lines} lines than the guess by {name} "
        f"({best.mean_iou:.3f}), which sees no amplitudes: train on more lines, for more epochs, or with another "
        "train.learning_rate",
    )
