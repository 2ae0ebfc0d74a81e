"""Labels of the training sections come in; guesses that use no amplitudes, and their scores, go out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.scoring.scores import FaciesScores, confusion_of
from sam_seismic.scoring.training_lines import training_lines
from sam_seismic.scoring.transitions import transitions, vertical_order
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.survey.splits import SectionRef

ROUNDING = 1e-6
"""Scores that differ less are equal: metrics.csv rounds them."""


NEIGHBOURS = ("nearest line", "interpolation")
"""Names of the guesses that copy the training lines nearby."""


@dataclass(frozen=True, eq=False)
class SectionGuesses:
    """What is guessed of a section without a look at its amplitudes.

    Args:
        labels: by the name of the guess, uint8[sample, trace] class indices.
        distance: float64[trace], lines to the nearest training trace; None where no training line can be compared.
    """

    labels: Mapping[str, NDArray[np.uint8]]
    distance: NDArray[np.float64] | None


class SurveyGuesses:
    """Guesses for the sections of some parts of a survey, from the labels of its training part alone.

    `majority class` is the most frequent class, `depth only` the most frequent one at each depth, `nearest line` a copy
    of the nearest training trace. `interpolation` moves the boundaries of classes, in the order that they have in the
    training lines, linearly between the training lines on both sides. What a copied trace leaves open, the guess by
    depth fills.

    A guess that cannot be made for each section of the parts is left out: `depth only` needs sections of one length,
    the other two training lines to compare with, outside the parts themselves.

    Args:
        survey: with its training part, whose labels are read.
        parts: whose sections are guessed.

    Raises:
        SurveyError: a label file is damaged.
    """

    def __init__(self, survey: Survey, parts: Sequence[Part]) -> None:
        train = survey.parts["train"]
        classes = len(survey.facies)
        names = survey.facies.names
        counts = np.zeros((classes, classes), np.int64)  # [upper class, lower class]

        def sections() -> Iterator[NDArray[np.uint8]]:
            for ref in train.sections:
                labels = train.labels(ref).values.astype(np.uint8, copy=False)
                counts[:] += transitions(labels, labels, names).truth
                yield labels

        histogram = depth_histogram(sections(), classes)
        self._majority, by_depth = majority_guess(histogram), depth_guess(histogram)
        lengths = {part.section_shape(ref)[0] for part in (train, *parts) for ref in part.sections}
        self._by_depth = by_depth if len(lengths) == 1 else None
        self._lines = training_lines(train, vertical_order(counts))
        self._comparable = all(self._is_elsewhere(part, ref) for part in parts for ref in part.sections)
        self.names = (
            "majority class",
            *(() if self._by_depth is None else ("depth only",)),
            *(NEIGHBOURS if self._comparable else ()),
        )
        """Of the guesses that can be made."""

    def of(self, part: Part, ref: SectionRef) -> SectionGuesses:
        """The guesses for a section, cut to its part.

        Raises:
            SurveyError: a label file is damaged.
        """
        shape = part.section_shape(ref)
        labels = {"majority class": np.full(shape, self._majority, np.uint8)}
        fill = labels["majority class"]
        if self._by_depth is not None:
            fill = labels["depth only"] = np.broadcast_to(self._by_depth[:, None], shape)
        if not self._comparable:
            return SectionGuesses(labels, None)
        found = self._lines.guess(part, ref)
        assert found is not None, "checked for all sections"
        for name, guess in zip(NEIGHBOURS, (found.nearest, found.interpolated), strict=True):
            labels[name] = np.where(guess == IGNORE, fill, guess)
        return SectionGuesses(labels, found.distance)

    def _is_elsewhere(self, part: Part, ref: SectionRef) -> bool:
        """Whether a section can be compared with the training lines, and is none of them."""
        distance = self._lines.distance(part, ref)
        return distance is not None and bool((distance > 0).all())


def guess_scores(survey: Survey, parts: Sequence[Part]) -> dict[str, FaciesScores]:
    """Scores on some parts of the guesses that can be made for them; see `SurveyGuesses`.

    Raises:
        SurveyError: a label file is damaged.
    """
    classes, guesses = len(survey.facies), SurveyGuesses(survey, parts)
    confusions = {name: np.zeros((classes, classes), dtype=np.int64) for name in guesses.names}
    for part in parts:
        for ref in part.sections:
            truth = part.labels(ref).values.astype(np.uint8, copy=False)  # [sample, trace]
            for name, guess in guesses.of(part, ref).labels.items():
                confusions[name] += confusion_of(truth, guess, classes)
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


def guess_notes(
    mean_iou: float, guesses: Mapping[str, FaciesScores], *, lines: str, what: str = "network"
) -> tuple[str, ...]:
    """A note where a guess without a look at the amplitudes scores as well as the network, or where all lines agree.

    Args:
        mean_iou: of the network.
        guesses: scores by name, as of `guess_scores`, on the same lines.
        lines: which ones, as in `validation`.
        what: what was scored: the network, whose training can be changed, or a `prediction`.
    """
    if not guesses:
        return ()
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
    advice = ": train on more lines, for more epochs, or with another train.learning_rate" if what == "network" else ""
    return (
        f"the {what} (mean IoU {mean_iou:.3f}) is no better on the {lines} lines than the guess by {name} "
        f"({best.mean_iou:.3f}), which sees no amplitudes{advice}",
    )
