"""The correlation length of the scores of lines is found where it is known."""

import math

import numpy as np
import pytest

from sam_seismic.scoring.formulas import pixel_accuracy
from sam_seismic.scoring.line_counts import LineCounts, correlation_length, mean_variance
from tests.scoring.test_intervals import correlated, of_accuracies


def length_of(accuracies: list[float], positions: list[float] | None = None) -> float | None:
    at = None if positions is None else np.array(positions)
    return correlation_length(of_accuracies(np.array(accuracies), at), pixel_accuracy)


def test_the_variance_of_a_mean_of_correlated_lines_is_a_double_sum():
    """By hand for two lines: (1 + 1 + 2 r) / 4, which is (1 + r) times that of independent lines."""
    assert mean_variance(2, 0.5) == 1.5
    slow = sum(0.8 ** abs(i - j) for i in range(9) for j in range(9)) / 81
    assert mean_variance(9, 0.8) / 9 == pytest.approx(slow)


def test_the_correlation_length_by_hand():
    """Scores in pairs: neighbours correlate by 1/7, lines 2 apart by -1.

    The length L is where the line from 1 to 1/7 meets the level at which 1/e is measured on 8 lines.
    """
    length = length_of([0.9, 0.9, 0.5, 0.5, 0.9, 0.9, 0.5, 0.5])
    assert length is not None
    variance = sum(math.exp(-abs(i - j) / length) for i in range(8) for j in range(8)) / 64
    assert 1 - length * 6 / 7 == pytest.approx((math.exp(-1) - variance) / (1 - variance), abs=1e-3)


def test_the_length_of_a_long_series_is_that_it_was_made_with():
    accuracies = 0.5 + 0.05 * correlated(4000, 6, np.random.default_rng(0))
    assert length_of(accuracies.tolist()) == pytest.approx(6, abs=0.6)


def test_a_length_counts_lines_though_only_some_are_scored():
    """Every fifth line of the series."""
    accuracies = 0.5 + 0.05 * correlated(20_000, 15, np.random.default_rng(0))
    positions = np.arange(0, 20_000, 5)
    found = length_of(accuracies[positions].tolist(), positions.tolist())
    assert found == pytest.approx(15, abs=2)


def test_groups_are_no_neighbours_and_are_centred_alone():
    """Within each group of noise nothing correlates, though the groups score differently."""
    noise = np.random.default_rng(0).uniform(-0.05, 0.05, 100)
    one, other = of_accuracies(0.4 + noise[:50]), of_accuracies(0.8 + noise[50:])
    apart = one + LineCounts(other.counts, other.positions, other.groups + 1)
    together = LineCounts(apart.counts, np.arange(100.0), np.zeros(100, np.int64))
    assert correlation_length(apart, pixel_accuracy) == pytest.approx(0.6, abs=0.2)
    assert correlation_length(together, pixel_accuracy) > 20


def test_nothing_is_known_of_equal_scores_or_of_few_lines():
    assert length_of([0.5] * 20) is None
    assert length_of([0.5, 0.6, 0.7]) is None
    assert length_of([]) is None
