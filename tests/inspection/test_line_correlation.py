"""Correlations of neighbouring lines equal those of the generated volume, and the advice follows from them."""

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sam_seismic.inspection.line_correlation import (
    LAGS,
    correlation,
    line_correlation,
    mean_correlation,
    split_advice,
    trace_correlation,
)
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.volume import Section


def autoregressive(lines: int, per_line: float) -> NDArray[np.float32]:
    """Lines [line, trace, sample] from an autoregressive process: their correlation is `per_line ** distance`."""
    rng = np.random.default_rng(1)
    found = [rng.normal(size=(60, 200))]
    for _ in range(lines - 1):
        found.append(per_line * found[-1] + np.sqrt(1 - per_line**2) * rng.normal(size=(60, 200)))
    return np.stack(found).astype(np.float32)


def volume_of(values: NDArray[np.float32]) -> MemoryVolume:
    inlines, crosslines, samples = values.shape
    return MemoryVolume(values, Geometry.complete(range(inlines), range(crosslines), samples))


@pytest.mark.parametrize("per_line", [0.97, 0.6])
def test_correlations_are_those_of_the_generated_lines(per_line: float):
    expected = pytest.approx([per_line**lag for lag in LAGS], abs=0.03)
    inlines = volume_of(autoregressive(60, per_line))
    assert list(line_correlation(inlines, Orientation.INLINE).values()) == expected
    crosslines = volume_of(autoregressive(60, per_line).swapaxes(0, 1))  # the generated lines are crosslines
    sections = [crosslines.section(Orientation.INLINE, line) for line in (0, 20, 50)]
    assert list(mean_correlation([trace_correlation(each) for each in sections]).values()) == expected
    assert list(line_correlation(crosslines, Orientation.CROSSLINE).values()) == expected


def test_dead_constant_and_damaged_traces_are_left_out():
    values = autoregressive(30, 0.9)
    geometry = volume_of(values).geometry
    live = geometry.live.copy()
    expected = line_correlation(volume_of(values[:, 20:]), Orientation.INLINE)
    live[:, :5] = False
    values[:, 5:10], values[::3, 10:20, 7] = 0, np.nan
    values[1::3, 10:20] = 3
    values[2::3, 10:20] = 3
    found = line_correlation(MemoryVolume(values, replace(geometry, live=live)), Orientation.INLINE)
    assert found == pytest.approx(expected)


def test_distances_beyond_a_short_survey_have_no_correlation():
    assert line_correlation(volume_of(autoregressive(6, 0.9)), Orientation.INLINE)[10] is None
    assert line_correlation(volume_of(autoregressive(6, 0.9)), Orientation.INLINE)[5] is not None
    assert line_correlation(volume_of(autoregressive(1, 0.9)), Orientation.INLINE) == dict.fromkeys(LAGS)
    section = volume_of(autoregressive(6, 0.9)).section(Orientation.CROSSLINE, 3)
    assert [lag for lag, r in trace_correlation(section).items() if r is None] == [10, 20]


@pytest.mark.parametrize(
    ("correlation", "advice"),
    [
        ({1: 0.99, 5: 0.8, 10: 0.4, 20: 0.1}, "5 lines apart correlate 0.80.* guard gap of 10 lines"),
        ({1: 0.99, 5: 0.9, 10: 0.8, 20: 0.7}, "20 lines apart correlate 0.70.* more than 20 lines"),
        ({1: 0.7, 5: 0.1, 10: None, 20: None}, "Neighbouring inlines correlate 0.70.* gap of 5 lines"),
        ({1: 0.05, 5: 0.0, 10: 0.0, 20: 0.0}, "hardly correlate.*numbered wrongly"),
        ({1: 0.3, 5: 0.2, 10: 0.0, 20: 0.0}, "weakly"),
        ({}, "^$"),
    ],
)
def test_the_advice_follows_from_the_correlation(correlation: dict[int, float | None], advice: str):
    assert re.search(advice, split_advice({"inlines": correlation}))


def test_values_in_dead_traces_are_left_out():
    """Even if they are not zero, since some programs write noise to dead traces."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 60)).astype(np.float32)
    noise, live = values.copy(), np.arange(60) >= 40
    noise[:, :40] = rng.normal(size=(200, 40))
    one, other = (Section(Orientation.INLINE, line, each, live) for line, each in enumerate((values, noise)))
    assert correlation(one, other) == pytest.approx(1)
    assert correlation(replace(one, live=np.ones(60, bool)), replace(other, live=np.ones(60, bool))) < 0.5
