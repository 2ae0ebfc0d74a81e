"""Labels of the training sections come in; guesses that use no amplitudes, and their scores, go out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sam_seismic.scoring.scores import FaciesScores, confusion_of
from sam_seismic.survey.parts import Part, Survey


def guess_scores(survey: Survey, parts: Sequence[Part]) -> dict[str, FaciesScores]:
    """Scores of the guesses `majority class` and `depth only` on some parts; both use only the training labels.

    `depth only` is left out unless all sections of the training and of these parts have the same number of samples.
    """
    classes = len(survey.facies)
    train = survey.parts["train"]
    labels = [train.read(ref)[1] for ref in train.sections]
    histogram = depth_histogram(labels, classes)
    majority, by_depth = majority_guess(histogram), depth_guess(histogram)
    lengths = {len(each) for each in labels}
    confusions = {name: np.zeros((classes, classes), dtype=np.int64) for name in ("majority class", "depth only")}
    for part in parts:
        for ref in part.sections:
            _, truth = part.read(ref)
            confusions["majority class"] += confusion_of(truth, np.full_like(truth, majority), classes)
            lengths.add(len(truth))
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


def depth_histogram(sections: Sequence[NDArray[np.uint8]], classes: int) -> NDArray[np.int64]:
    """int64[sample, class]: voxels of each class at each depth.

    Args:
        sections: class indices uint8[sample, trace]; the longest gives the number of samples. IGNORE is not counted.
        classes: number of classes.
    """
    total = np.zeros((max(len(labels) for labels in sections), classes), dtype=np.int64)  # [sample, class]
    for labels in sections:
        for index in range(classes):
            total[: len(labels), index] += (labels == index).sum(axis=1)
    return total
