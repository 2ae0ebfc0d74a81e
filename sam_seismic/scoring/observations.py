"""Scores of the cells of an experiment, one observation each, come in; means and standard deviations go out."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sam_seismic.config.experiment import ALL
from sam_seismic.scoring.paired_tests import Comparison, compare_methods

_LINES = {"inline": "inlines", "crossline": "crosslines", "both": "inlines and crosslines"}
MEAN_IOU = "mean_iou"
IOU = "iou"


@dataclass(frozen=True)
class Condition:
    """All that two cells must share so that their scores can be compared, but for share and seed.

    Args:
        evaluated_on: a split of the survey, or the name of another survey.
        facies: the class that is told from the rest, or `all`.
        orientation: of the sections.
    """

    evaluated_on: str
    facies: str
    orientation: str

    def __str__(self) -> str:
        against = "" if self.facies == ALL else f", {self.facies} against the rest"
        return f"{self.evaluated_on} ({_LINES.get(self.orientation, self.orientation)}{against})"

    @property
    def stem(self) -> str:
        """For the names of files."""
        return "_".join([self.evaluated_on, *([] if self.facies == ALL else [self.facies]), self.orientation])


@dataclass(frozen=True)
class Observation:
    """One value of one metric of one cell, or of a guess.

    Args:
        method: that was trained, or `guess: nearest line`.
        is_guess: whether it is a guess without a network.
        condition: under which it was scored.
        share: of the training lines.
        seed: of the training; None for a guess.
        metric: such as `mean_iou`; `iou` and `class_accuracy` are of one class.
        facies: the class; empty for a metric of all.
        value: nan where there is no score.
        cell: that was scored; of a guess the first one that made it.
    """

    method: str
    is_guess: bool
    condition: Condition
    share: float
    seed: int | None
    metric: str
    facies: str
    value: float
    cell: str


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of the values of repeated runs.

    Args:
        mean: nan without a value.
        deviation: of a sample, with n - 1; nan for fewer than two values.
        count: number of values that are not nan.
    """

    mean: float
    deviation: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """That of some values."""
        known = [value for value in values if not math.isnan(value)]
        deviation = statistics.stdev(known) if len(known) > 1 else math.nan
        return cls(statistics.fmean(known) if known else math.nan, deviation, len(known))

    def __str__(self) -> str:
        if not self.count:
            return "-"
        return f"{self.mean:.3f}" + ("" if math.isnan(self.deviation) else f" ± {self.deviation:.3f}")


def conditions(observations: Iterable[Observation]) -> list[Condition]:
    """Each condition once, in their order."""
    return list(dict.fromkeys(each.condition for each in observations))


def by_share(
    observations: Iterable[Observation], condition: Condition, *, metric: str = MEAN_IOU, facies: str = ""
) -> dict[str, dict[float, Spread]]:
    """Mean and standard deviation over the seeds, by method and share, shares ascending."""
    values: dict[str, dict[float, list[float]]] = {}
    for each in observations:
        if (each.condition, each.metric, each.facies) == (condition, metric, facies):
            values.setdefault(each.method, {}).setdefault(each.share, []).append(each.value)
    return {method: {share: Spread.of(shares[share]) for share in sorted(shares)} for method, shares in values.items()}


def guesses_in(observations: Iterable[Observation]) -> set[str]:
    """Names of the methods that are guesses."""
    return {each.method for each in observations if each.is_guess}


def comparisons_on(observations: Iterable[Observation], evaluated_on: str) -> list[Comparison]:
    """Signed-rank tests of the mean IoU between each two methods, guesses left out.

    A pair is two cells with the same seed, share, facies and orientation. Lines of one cell make no pairs: neighbouring
    lines are near copies, and would make differences look far more certain than they are.
    """
    scores: dict[str, dict[Any, float]] = {}
    for each in observations:
        if each.metric == MEAN_IOU and not each.is_guess and each.condition.evaluated_on == evaluated_on:
            scores.setdefault(each.method, {})[each.condition, each.share, each.seed] = each.value
    return compare_methods(scores)
