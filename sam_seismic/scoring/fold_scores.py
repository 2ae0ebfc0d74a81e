"""Scores of the folds of a cross-validation come in; mean, spread and the scores of all folds together go out.

Mean and standard deviation say how much a score depends on the lines that are held out. The pooled scores are those of
the sum of all confusion matrices, in which each interpreted line is scored once, by a network not trained on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.scoring.scores import FaciesScores

FOLDS_FILE = "folds.json"
"""Name of the file with the scores of a cross-validation, in its folder."""


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation of a score over the folds that have it; None where too few have it.

    Args:
        mean: over these folds.
        std: with one degree of freedom less than folds; None of a single fold.
        folds: how many have the score: a class that is neither true nor predicted in a fold has none there.
    """

    mean: float | None
    std: float | None
    folds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of values, of which nan are left out."""
        known = np.array([value for value in values if np.isfinite(value)])
        if not len(known):
            return cls(None, None, 0)
        return cls(float(known.mean()), float(known.std(ddof=1)) if len(known) > 1 else None, len(known))


@dataclass(frozen=True, eq=False)
class FoldSpreads:
    """The spread of each score over the folds; `iou` and `class_accuracy` by class."""

    pixel_accuracy: Spread
    class_accuracy: Mapping[str, Spread]
    mean_class_accuracy: Spread
    iou: Mapping[str, Spread]
    mean_iou: Spread
    frequency_weighted_iou: Spread

    @classmethod
    def of(cls, scores: Sequence[FaciesScores]) -> "FoldSpreads":
        """The spreads over some folds.

        Args:
            scores: of each fold, with the same classes.
        """
        names = scores[0].names
        return cls(
            pixel_accuracy=Spread.of([each.pixel_accuracy for each in scores]),
            class_accuracy=_by_class(names, [each.class_accuracy for each in scores]),
            mean_class_accuracy=Spread.of([each.mean_class_accuracy for each in scores]),
            iou=_by_class(names, [each.iou for each in scores]),
            mean_iou=Spread.of([each.mean_iou for each in scores]),
            frequency_weighted_iou=Spread.of([each.frequency_weighted_iou for each in scores]),
        )


@dataclass(frozen=True, eq=False)
class CrossValidationScores:
    """Scores of one predictor, the networks or a guess, over all folds.

    Args:
        folds: its scores of each fold.
    """

    folds: tuple[FaciesScores, ...]

    @property
    def spreads(self) -> FoldSpreads:
        """Mean and standard deviation over the folds."""
        return FoldSpreads.of(self.folds)

    @property
    def pooled(self) -> FaciesScores:
        """Scores of the sum of all confusion matrices."""
        return FaciesScores(self.folds[0].names, np.sum([each.confusion for each in self.folds], axis=0))

    def as_dict(self) -> dict[str, Any]:
        """Plain data: `over_folds` has mean, std and folds of each score, `pooled` is as metrics.json."""
        return {"over_folds": asdict(self.spreads), "pooled": self.pooled.as_dict()}


def in_all_folds(guesses: Sequence[Mapping[str, FaciesScores]]) -> dict[str, CrossValidationScores]:
    """The guesses that could be made in each fold, by their names.

    Args:
        guesses: of each fold, by name.
    """
    names = [name for name in guesses[0] if all(name in each for each in guesses)]
    return {name: CrossValidationScores(tuple(each[name] for each in guesses)) for name in names}


def _by_class(names: Sequence[str], scores: Sequence[NDArray[np.float64]]) -> dict[str, Spread]:
    """Scores float64[class] of each fold -> the spread of each class."""
    return {name: Spread.of([float(each[at]) for each in scores]) for at, name in enumerate(names)}
