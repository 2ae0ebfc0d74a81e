"""Confusion matrices of lines come in; blocks of neighbouring lines, and the correlation length of scores, go out."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sam_seismic.scoring.formulas import mean_iou

FALLEN = math.exp(-1)
"""Correlation at the correlation length."""
NO_VARIANCE = 1e-18
"""Scores that vary less are equal but for rounding."""
ROUNDS = 4
MINIMUM_PAIRS = 4
"""Pairs of lines that a correlation is measured with, at least."""


@dataclass(frozen=True, eq=False)
class LineCounts:
    """Confusion matrices by line. `+` joins the lines of two.

    Args:
        counts: int64[line, ..., truth, prediction], number of voxels. The axes between may hold several predictions of
            the same lines, whose difference is asked for.
        positions: float64[line], line numbers divided by their step in the survey.
        groups: int64[line]; lines of different groups are no neighbours: inlines and crosslines, or two parts.
    """

    counts: NDArray[np.int64]
    positions: NDArray[np.float64]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.counts)

    def __add__(self, other: "LineCounts") -> "LineCounts":
        return LineCounts(
            np.concatenate([self.counts, other.counts]),
            np.concatenate([self.positions, other.positions]),
            np.concatenate([self.groups, other.groups]),
        )

    def by_group(self) -> list["LineCounts"]:
        """The lines of each group, by position."""
        found = []
        for group in np.unique(self.groups):
            here = np.flatnonzero(self.groups == group)
            here = here[np.argsort(self.positions[here], kind="stable")]
            found.append(LineCounts(self.counts[here], self.positions[here], self.groups[here]))
        return found

    @property
    def step(self) -> float:
        """Median distance of neighbouring lines; 1 without any."""
        steps = [np.diff(group.positions) for group in self.by_group()]
        return float(np.median(np.concatenate(steps))) if any(map(len, steps)) else 1.0


def correlation_length(
    lines: LineCounts, score: Callable[[NDArray[np.int64]], NDArray[np.float64]] = mean_iou
) -> float | None:
    """The distance in lines at which the autocorrelation of the scores of lines has fallen to 1/e.

    The scores are centred by their own mean, which takes away correlation, the more so the fewer lines there are: with
    the variance v of that mean, by that of a score, a correlation r is measured as (r - v) / (1 - v). v depends on the
    length, which is therefore found in a few rounds.

    Args:
        lines: with confusions int64[line, truth, prediction].
        score: int64[line, truth, prediction] -> float64[line].

    Returns:
        Interpolated between multiples of the median distance of lines; the largest distance with enough pairs of lines,
        up to half of the lines, where the correlation does not fall so far. None where no two neighbours can be
        compared, or all scores are equal.
    """
    groups = [(group.positions, score(group.counts)) for group in lines.by_group()]
    scored = [(at[np.isfinite(values)], values[np.isfinite(values)]) for at, values in groups]
    centred = [(at, values - values.mean()) for at, values in scored if len(values) > 1]
    step, measured = lines.step, [1.0]  # correlation at multiples of the step
    count = sum(len(at) for at, _ in centred)
    power = sum(float(np.square(values).sum()) for _, values in centred) / max(count, 1)
    if power < NO_VARIANCE:
        return None
    while 2 * len(measured) <= max(len(at) for at, _ in centred) and measured[-1] > 0:
        products = np.concatenate([_products(values, at, len(measured) * step, step / 2) for at, values in centred])
        if len(products) < MINIMUM_PAIRS:
            break
        measured.append(float(products.mean()) / power)
    if len(measured) == 1:
        return None
    length, average = 0.0, count / len(centred)  # lines of a group
    for _ in range(ROUNDS):
        taken = mean_variance(average, math.exp(-1 / length) if length else 0.0) / average
        length = _crossing(measured, (FALLEN - taken) / (1 - taken))
    return step * length


def mean_variance(lines: float, related: float) -> float:
    """Variance of the mean of correlated lines, by that of the mean of as many independent lines.

    Args:
        lines: number of lines.
        related: correlation of neighbouring lines, which falls exponentially with the distance.
    """
    lags = np.arange(1, math.ceil(lines))
    return 1 + 2 * float(((1 - lags / lines) * related**lags).sum())


def _crossing(values: list[float], level: float) -> float:
    """The index, interpolated, at which values fall below a level that they begin above; the last one if none does."""
    for index, (before, after) in enumerate(pairwise(values)):
        if after < level:
            return index + (before - level) / (before - after)
    return len(values) - 1.0


def _products(
    values: NDArray[np.float64], positions: NDArray[np.float64], distance: float, tolerance: float
) -> NDArray[np.float64]:
    """Products of the values of lines that lie a distance apart: float64[pair]."""
    other = np.minimum(np.searchsorted(positions, positions + distance - tolerance), len(positions) - 1)
    apart = np.abs(positions[other] - positions - distance) < tolerance  # [line]
    return np.asarray(values[apart] * values[other[apart]])
