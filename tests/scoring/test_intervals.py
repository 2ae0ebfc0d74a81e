"""Confidence intervals come from blocks of neighbouring lines, and hold the truth as often as they say."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t

from sam_seismic.scoring.formulas import MEAN_SCORES, mean_iou, pixel_accuracy
from sam_seismic.scoring.intervals import Interval, LineBootstrap
from sam_seismic.scoring.line_counts import LineCounts


def of_accuracies(accuracies: NDArray[np.float64], positions: NDArray[np.float64] | None = None) -> LineCounts:
    """Lines of 10000 voxels of class a, of which some are predicted as b."""
    right = np.rint(10_000 * accuracies).astype(np.int64)
    counts = np.zeros((len(right), 2, 2), np.int64)
    counts[:, 0] = np.stack([right, 10_000 - right], axis=1)
    at = np.arange(len(right), dtype=float) if positions is None else positions
    return LineCounts(counts, at, np.zeros(len(right), np.int64))


def marked(positions: list[float], groups: list[int]) -> LineCounts:
    """Lines whose confusion matrix tells which line it is: one voxel on its place of the diagonal."""
    counts = np.einsum("ij,jk->ijk", np.eye(len(positions), dtype=np.int64), np.eye(len(positions), dtype=np.int64))
    return LineCounts(counts, np.array(positions, float), np.array(groups))


def times_drawn(lines: LineCounts, correlation_length: float, resamples: int) -> NDArray[np.int64]:
    """How often each line was drawn: int64[resample, line]."""
    seen: list[NDArray[np.int64]] = []
    bootstrap = LineBootstrap(
        lines, correlation_length=correlation_length, generator=np.random.default_rng(5), resamples=resamples
    )
    bootstrap.interval(lambda counts: (seen.append(np.diagonal(counts, axis1=1, axis2=2)), pixel_accuracy(counts))[1])
    return seen[-1]


def test_blocks_are_neighbouring_lines_of_one_group_in_a_circle():
    """The same draws, line by line: a block of 4 lines holds the lines less than 4 on, of 10 or 14 in a circle."""
    positions = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 101, 102, 106, 107, 108, 109, 110, 111, 113]
    groups = [0] * 10 + [1] * 10
    lines = marked(positions, groups)
    shuffled = np.random.default_rng(0).permutation(20)
    lines = LineCounts(lines.counts[shuffled], lines.positions[shuffled], lines.groups[shuffled])
    blocks = []
    for line in range(20):
        circle = 10 if groups[line] == 0 else 14
        same = [other for other in range(20) if groups[other] == groups[line]]
        blocks.append([other for other in same if (positions[other] - positions[line]) % circle < 4])
    draws = round(20 / (sum(map(len, blocks)) / 20))
    expected = np.zeros((7, 20), np.int64)
    for resample, starts in enumerate(np.random.default_rng(5).integers(0, 20, (7, draws)).tolist()):
        for start in starts:
            expected[resample, blocks[start]] += 1
    np.testing.assert_array_equal(times_drawn(lines, correlation_length=2, resamples=7), expected)


def test_independent_blocks_by_hand():
    """10 lines in blocks of 4 are 2.5 blocks; a group shorter than a block is 1; lines 50 apart are one block each."""
    generator = np.random.default_rng(0)
    dense = LineBootstrap(marked([*range(10)], [0] * 10), correlation_length=2, generator=generator)
    both = LineBootstrap(marked([*range(10), 0, 1], [0] * 10 + [1] * 2), correlation_length=2, generator=generator)
    sparse = LineBootstrap(marked([*range(0, 500, 50)], [0] * 10), correlation_length=2, generator=generator)
    assert (dense.blocks, both.blocks, sparse.blocks) == (2.5, 3.5, 10)


def test_too_few_blocks_give_no_interval():
    lines = of_accuracies(np.linspace(0.5, 0.9, 15))
    bootstrap = LineBootstrap(lines, correlation_length=2, generator=np.random.default_rng(0))
    assert bootstrap.mean_scores() == dict.fromkeys(MEAN_SCORES)
    known = LineBootstrap(lines, correlation_length=1.8, generator=np.random.default_rng(0)).mean_scores()
    assert known["pixel_accuracy"] is not None


def test_the_interval_of_independent_lines_is_that_of_student():
    accuracies = np.random.default_rng(1).uniform(0.4, 0.8, 30)
    bootstrap = LineBootstrap(of_accuracies(accuracies), correlation_length=0, generator=np.random.default_rng(0))
    for level in (0.8, 0.95):
        found = bootstrap.interval(pixel_accuracy, level=level)
        assert found is not None
        half = t.ppf((1 + level) / 2, 29) * accuracies.std(ddof=1) / math.sqrt(30)
        assert found.low == pytest.approx(accuracies.mean() - half, abs=0.1 * half)
        assert found.high == pytest.approx(accuracies.mean() + half, abs=0.1 * half)
        assert (found.level, found.blocks) == (level, 30)


def correlated(lines: int, length: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """A normal series whose correlation falls exponentially: float64[line]."""
    related, values = math.exp(-1 / length), [generator.standard_normal()]
    for noise in generator.standard_normal(lines - 1) * math.sqrt(1 - related**2):
        values.append(related * values[-1] + noise)
    return np.array(values)


def test_intervals_of_correlated_lines_hold_the_truth_as_often_as_they_say():
    """Of 200 surveys; intervals of lines taken as independent hold it far less often."""
    generator = np.random.default_rng(2)
    surveys = [of_accuracies(0.8 + 0.04 * correlated(80, 5, generator)) for _ in range(200)]
    held = {
        length: np.mean(
            [
                found is not None and found.low <= 0.8 <= found.high
                for survey in surveys
                for found in [
                    LineBootstrap(survey, correlation_length=length, generator=generator, resamples=300).interval(
                        pixel_accuracy
                    )
                ]
            ]
        )
        for length in (0, 5)
    }
    assert 0.9 <= held[5] <= 0.98
    assert held[0] < 0.6


def test_a_difference_on_the_same_lines_is_known_better_than_each_score():
    """The second prediction is worse by 0.01 on each line; both vary by much more."""
    accuracies = np.random.default_rng(3).uniform(0.5, 0.9, 40)
    one, other = of_accuracies(accuracies), of_accuracies(accuracies - 0.01)
    pair = LineCounts(np.stack([one.counts, other.counts], axis=1), one.positions, one.groups)
    bootstrap = LineBootstrap(pair, correlation_length=1, generator=np.random.default_rng(0))
    gain = bootstrap.interval(lambda c: pixel_accuracy(c[:, 0]) - pixel_accuracy(c[:, 1]), bounds=(-1, 1))
    assert gain is not None
    assert gain.low == pytest.approx(0.01)
    assert gain.high == pytest.approx(0.01)
    assert gain.as_dict() == {"low": gain.low, "high": gain.high, "level": 0.95, "blocks": 20}


def test_limits_stay_within_the_bounds_of_the_score():
    accuracies = np.array([1, 1, 1, 1, 1, 0.5])
    found = LineBootstrap(of_accuracies(accuracies), correlation_length=0, generator=np.random.default_rng(0))
    assert found.mean_scores()["pixel_accuracy"] == Interval(pytest.approx(0.7, abs=0.05), 1, 0.95, 6)


def test_a_score_that_is_not_defined_has_no_interval():
    lines = LineCounts(np.zeros((6, 2, 2), np.int64), np.arange(6.0), np.zeros(6, np.int64))
    bootstrap = LineBootstrap(lines, correlation_length=0, generator=np.random.default_rng(0))
    assert bootstrap.interval(mean_iou) is None
