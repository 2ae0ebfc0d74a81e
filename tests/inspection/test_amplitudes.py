"""Clipped, constant and non-finite samples of a volume are found at their places and counted correctly."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sam_seismic.inspection.amplitudes import BINS, AmplitudeStatistics, measure_section, merge_statistics
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.volume import Section


def statistics_of(volume: NDArray[np.generic], live: NDArray[np.bool_] | None = None) -> AmplitudeStatistics:
    """Statistics of a volume [inline, crossline, sample], measured inline by inline."""
    live = np.ones(volume.shape[:2], np.bool_) if live is None else live
    sections = (Section(Orientation.INLINE, 100 + n, volume[n].T, live[n]) for n in range(len(volume)))
    return merge_statistics(measure_section(section, most=10**6) for section in sections)


def normal(shape: tuple[int, int, int] = (6, 20, 50)) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(10, 3, shape).astype(np.float32)


def test_statistics_are_those_of_live_traces_that_vary():
    """The zeros of empty traces would move each percentile towards zero."""
    volume, live = normal(), np.ones((6, 20), np.bool_)
    volume[1, 3], volume[2, 4], volume[5, 6:8] = 0, 0, -999.25
    volume[4, 4], live[4, 4] = 1e9, False
    statistics = statistics_of(volume, live)
    holds = live.copy()
    holds[1, 3] = holds[2, 4] = holds[5, 6] = holds[5, 7] = False
    used = volume[holds].astype(np.float64)
    assert (statistics.low, statistics.high) == (used.min(), used.max())
    assert (statistics.mean, statistics.std) == (pytest.approx(used.mean()), pytest.approx(used.std()))
    assert statistics.percentiles()["p99"] == pytest.approx(np.percentile(used, 99), rel=1e-6)
    assert dict(statistics.constants) == {-999.25: 2, 0.0: 2}
    assert statistics.traces == 119
    np.testing.assert_array_equal(np.stack(statistics.holds), holds)


def test_amplitudes_that_pile_up_at_an_extreme_are_clipped():
    volume = np.clip(normal(), 5, 1000)
    statistics = statistics_of(volume)
    at = volume == 5
    assert statistics.lowest == (5.0, int(at.sum()), int(at.any(axis=2).sum()))
    assert statistics.highest is None


def test_the_tail_of_whole_numbers_is_not_clipped():
    """The extreme values of 8-bit amplitudes occur more than once, but less often than their neighbours."""
    volume = np.random.default_rng(0).normal(0, 12, (6, 40, 200)).round().clip(-127, 127).astype(np.int8)
    statistics = statistics_of(volume)
    assert (statistics.lowest, statistics.highest) == (None, None)
    assert statistics.low == volume.min()


@pytest.mark.parametrize("first", [(0, 0, 0), (2, 7, 31)])
def test_samples_that_are_not_finite_are_counted_and_located(first: tuple[int, int, int]):
    volume = normal()
    volume[first], volume[3, 9, 2:5], volume[5, 0, 1] = np.nan, np.inf, -np.inf
    statistics = statistics_of(volume)
    assert (statistics.nan, statistics.infinite, statistics.not_finite_traces) == (1, 4, 3)
    assert statistics.first_not_finite == (f"IL {100 + first[0]}", first[1], first[2])
    used = volume[np.isfinite(volume)]
    assert statistics.count == used.size
    assert (statistics.low, statistics.high) == (used.min(), used.max())
    assert np.isfinite(statistics.drawn).all()


def test_bins_of_whole_numbers_hold_equally_many_values():
    """Bins of 4.3 values would show a comb that is not in the data."""
    volume = np.tile(np.arange(-100, 101, dtype=np.int16), (2, 10, 1))
    edges, counts = statistics_of(volume).histogram()
    assert len(counts) <= BINS
    assert set(np.diff(edges)) == {4.0}
    assert set(counts[:-1].tolist()) == {4 * 20}


def test_a_histogram_counts_the_values_between_its_outer_edges():
    statistics = statistics_of(normal())
    edges, counts = statistics.histogram()
    values = statistics.drawn
    assert len(counts) == BINS
    assert counts.sum() == ((values >= edges[0]) & (values <= edges[-1])).sum()
    assert counts[30] == ((values >= edges[30]) & (values < edges[31])).sum()
    assert (edges[0], edges[-1]) == pytest.approx(np.percentile(values, [0.1, 99.9]), rel=1e-5)


@pytest.mark.parametrize("value", [0, 7])
def test_a_constant_volume_has_statistics_of_one_value(value: int):
    statistics = statistics_of(np.full((2, 3, 9), value, np.int16))
    assert (statistics.low, statistics.high, statistics.constant_traces) == (value, value, 6)
    assert set(statistics.percentiles().values()) == {value}


def test_a_volume_of_nan_has_no_statistics():
    statistics = statistics_of(np.full((2, 3, 9), np.nan, np.float32))
    assert (statistics.low, statistics.mean, statistics.nan, statistics.percentiles()) == (None, None, 0, {})
    assert [(np.isnan(value), traces) for value, traces in statistics.constants.items()] == [(True, 6)]
    assert statistics.histogram()[1].size == 0


def test_the_largest_floats_are_measured_without_overflow():
    statistics = statistics_of(normal().astype(np.float64) * 1e150)
    assert statistics.high == pytest.approx(float(normal().max()) * 1e150)
    assert statistics.percentiles()["p50"] > 1e150
