"""Confusion matrices of lines come in; confidence intervals of the scores of all lines together go out.

Neighbouring lines are near copies, so voxels are no independent samples, and neither are lines. Blocks of neighbouring
lines are drawn with replacement, longer than lines are correlated (Kuensch 1989, "The jackknife and the bootstrap for
general stationary observations", Annals of Statistics 17(3)); a block that reaches the last line of its group goes on
with the first one, so that all lines are drawn equally often (Politis and Romano 1992, "A circular block-resampling
procedure for stationary data", in LePage and Billard, "Exploring the Limits of Bootstrap").

Percentiles of the scores of the resampled lines are too narrow for two reasons: few blocks vary less than they should,
and the correlation between blocks is lost. Both are undone: limits move away from the score by Student's t over the
normal, and by the variance that is lost where the correlation of lines falls exponentially. Of such series, 95 %
intervals then held the truth in 93 % to 96 % of cases, and plain percentiles in 75 % to 85 %.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from sam_seismic.scoring.formulas import MEAN_SCORES
from sam_seismic.scoring.line_counts import LineCounts, mean_variance

RESAMPLES = 2000
LEVEL = 0.95
LENGTHS = 2
"""Length of a block, in correlation lengths."""
MINIMUM_BLOCKS = 4
"""With fewer blocks of lines no interval is given."""

Statistic = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""int64[resample, ..., truth, prediction] -> float64[resample], such as those of `formulas.py`."""


@dataclass(frozen=True)
class Interval:
    """Between which values a score lies.

    Args:
        low, high: its limits.
        level: the share of such intervals that hold the score of all lines of a survey like this.
        blocks: number of independent blocks that the lines make up.
    """

    low: float
    high: float
    level: float
    blocks: float

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return {"low": self.low, "high": self.high, "level": self.level, "blocks": self.blocks}


class LineBootstrap:
    """Resamples the lines of an evaluation once, for any number of intervals.

    Args:
        lines: confusion matrices by line.
        correlation_length: distance in lines at which the scores of lines have a correlation of 1/e; see
            `line_counts.correlation_length`. 0: lines are independent.
        generator: of the draws.
        resamples: number of draws.
    """

    def __init__(
        self,
        lines: LineCounts,
        *,
        correlation_length: float,
        generator: np.random.Generator,
        resamples: int = RESAMPLES,
    ) -> None:
        self._whole = lines.counts.sum(axis=0)  # [..., truth, prediction]
        groups = [_Blocks.of(group, max(LENGTHS * correlation_length, lines.step)) for group in lines.by_group()]
        self.blocks = sum(group.independent for group in groups)
        """Number of independent blocks that the lines make up."""
        self._drawn: NDArray[np.int64] | None = None
        if self.blocks < MINIMUM_BLOCKS:
            return
        related = math.exp(-lines.step / correlation_length) if correlation_length > 0 else 0.0
        lost = [len(group.sizes) * group.lost_mean_variance(related) for group in groups]
        self._widening = math.sqrt(sum(lost) / len(lines))
        sums = np.concatenate([group.sums for group in groups])  # [block, ..., truth, prediction]
        block_lines = float(np.concatenate([group.sizes for group in groups]).mean())
        draws = max(1, round(len(lines) / block_lines))
        drawn = generator.integers(0, len(sums), (resamples, draws)) + len(sums) * np.arange(resamples)[:, None]
        times = np.bincount(drawn.ravel(), minlength=resamples * len(sums)).reshape(resamples, len(sums))
        flat = times.astype(np.float64) @ sums.reshape(len(sums), -1)  # exact: counts of voxels are below 2**53
        self._drawn = np.rint(flat).astype(np.int64).reshape(resamples, *sums.shape[1:])

    def interval(
        self, statistic: Statistic, *, level: float = LEVEL, bounds: tuple[float, float] = (0, 1)
    ) -> Interval | None:
        """The interval of a score, or of a difference of scores.

        Args:
            statistic: see `Statistic`.
            level: the share of such intervals that hold the true score.
            bounds: of the score: 0 and 1, or -1 and 1 for a difference.

        Returns:
            None where there are fewer than MINIMUM_BLOCKS blocks, or no score.
        """
        if self._drawn is None:
            return None
        score, scores = float(statistic(self._whole[None])[0]), statistic(self._drawn)
        scores = scores[np.isfinite(scores)]
        if math.isnan(score) or not len(scores):
            return None
        wider = self._widening * _few_blocks(self.blocks, level)
        limits = score + wider * (np.quantile(scores, [(1 - level) / 2, (1 + level) / 2]) - score)
        low, high = np.clip(limits, *bounds).tolist()
        return Interval(min(low, score), max(high, score), level, self.blocks)

    def mean_scores(self, *, level: float = LEVEL) -> dict[str, Interval | None]:
        """The intervals of the scores of the whole, by their keys in metrics.json; confusions have two axes here."""
        return {name: self.interval(formula, level=level) for name, formula in MEAN_SCORES.items()}


@dataclass(frozen=True, eq=False)
class _Blocks:
    """The blocks that begin at each line of a group, in circular order.

    Args:
        sums: int64[block, ..., truth, prediction], confusions of their lines together.
        sizes: int64[block], their numbers of lines.
        independent: how many there are side by side: one where a block is longer than the group, at most one a line.
    """

    sums: NDArray[np.int64]
    sizes: NDArray[np.int64]
    independent: float

    @classmethod
    def of(cls, group: LineCounts, length: float) -> "_Blocks":
        """Cut the lines of a group, by position, into blocks of a length in lines."""
        number, start = len(group), group.positions
        circle = float(start[-1] - start[0]) + group.step
        twice = np.concatenate([start, start + circle])
        end = np.searchsorted(twice, start + min(length, circle) - 1e-9)  # [block]: the line after its last one
        sums = np.concatenate([group.counts[:1] * 0, group.counts, group.counts]).cumsum(axis=0)  # [lines before, ...]
        independent = min(number, max(1.0, circle / length))
        return cls(sums[end] - sums[:number], end - np.arange(number), independent)

    def lost_mean_variance(self, related: float) -> float:
        """By which the mean of all lines varies more than the mean of as many lines in independent blocks.

        Args:
            related: correlation of neighbouring lines, which falls exponentially with the distance.
        """
        return mean_variance(len(self.sizes), related) / mean_variance(float(self.sizes.mean()), related)


def _few_blocks(blocks: float, level: float) -> float:
    """By which the deviations of resampled means of few blocks are too small: Student's t instead of the normal."""
    share = (1 + level) / 2
    return float(t.ppf(share, blocks - 1) / norm.ppf(share) * math.sqrt(blocks / (blocks - 1)))
