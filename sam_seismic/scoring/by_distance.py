"""Predictions and guesses of a section come in, with the distance of its traces; scores by distance go out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.survey.facies import IGNORE


@dataclass(frozen=True, eq=False)
class DistanceBin:
    """Scores of all voxels whose traces are about as far from the training lines.

    Args:
        first, last: distance in lines: from `first` up to and including `last`.
        scores: by name, of the prediction and of each guess, on the same voxels.
    """

    first: int
    last: int
    scores: Mapping[str, FaciesScores]

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return {
            "lines": [self.first, self.last],
            "scores": {name: each.as_dict() for name, each in self.scores.items()},
        }


class ByDistance:
    """Confusion matrices by distance to the nearest training line, in bins 1, 2-3, 4-7, 8-15, ... lines.

    Args:
        names: names of the classes.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._confusions: dict[str, dict[int, NDArray[np.int64]]] = {}

    def add(
        self, truth: NDArray[np.uint8], labels: Mapping[str, NDArray[np.uint8]], distance: NDArray[np.float64]
    ) -> None:
        """Count a section.

        Args:
            truth: uint8[sample, trace] class indices; IGNORE is not counted.
            labels: by name, what is predicted or guessed: uint8[sample, trace].
            distance: float64[trace], lines to the nearest training trace; a fraction counts as the line below.
        """
        bins = np.frexp(np.maximum(np.floor(distance + 1e-9), 1))[1] - 1  # [trace]: 1 -> 0, 2-3 -> 1, 4-7 -> 2
        classes = len(self._names)
        for number in np.unique(bins).tolist():
            here = bins == number  # [trace]
            scored = truth[:, here]
            counted = scored != IGNORE
            for name, guess in labels.items():
                pairs = scored[counted].astype(np.int64) * classes + guess[:, here][counted]
                counts = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)  # [truth, prediction]
                held = self._confusions.setdefault(name, {})
                held[number] = held.get(number, 0) + counts

    def bins(self) -> tuple[DistanceBin, ...]:
        """The bins that hold a labelled voxel, by distance."""
        numbers = sorted({number for held in self._confusions.values() for number, each in held.items() if each.any()})
        return tuple(
            DistanceBin(
                2**number,
                2 ** (number + 1) - 1,
                {name: FaciesScores(self._names, held[number]) for name, held in self._confusions.items()},
            )
            for number in numbers
        )
