"""A volume comes in; the correlation of neighbouring lines, and advice for the split, go out."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.volume import Section, Volume

LAGS = (1, 5, 10, 20)
"""Distances, in lines, at which lines are compared."""
PAIRS = 8
"""Number of pairs of lines read for each distance."""
VOXELS = 400_000
"""Largest number of voxels of a section that are compared, about."""
HIGH, LOW = 0.5, 0.2
"""Correlation above which a line predicts the other, and correlation below which neighbours are hardly related."""

LineCorrelation = Mapping[int, float | None]
"""Mean correlation by distance in lines; None if no lines can be compared."""


def line_correlation(volume: Volume, orientation: Orientation) -> dict[int, float | None]:
    """Mean correlation of lines 1, 5, 10 and 20 lines apart, over a few pairs spread over the survey."""
    lines = volume.lines(orientation)
    found: dict[int, list[float]] = {lag: [] for lag in LAGS}
    reach = max((lag for lag in LAGS if lag < len(lines)), default=0)
    if not reach:
        return dict.fromkeys(LAGS)
    for start in np.unique(np.linspace(0, len(lines) - 1 - reach, PAIRS).round().astype(int)).tolist():
        here = volume.section(orientation, int(lines[start]))
        for lag in LAGS:
            if start + lag < len(lines):
                value = correlation(here, volume.section(orientation, int(lines[start + lag])))
                found[lag] += [] if value is None else [value]
    return {lag: _mean(values) for lag, values in found.items()}


def correlation(one: Section, other: Section) -> float | None:
    """Pearson correlation of two sections over the traces that are usable in both; None if there are none."""
    if one.shape != other.shape:
        return None
    both = _usable(one) & _usable(other)
    return _pearson(_thinned(one)[:, both], _thinned(other)[:, both])


def trace_correlation(section: Section) -> dict[int, float | None]:
    """Correlation of traces 1, 5, 10 and 20 apart in a section, which is that of the lines across the section."""
    values, usable = _thinned(section), _usable(section)
    found: dict[int, float | None] = {}
    for lag in LAGS:
        both = usable[:-lag] & usable[lag:]
        found[lag] = _pearson(values[:, :-lag][:, both], values[:, lag:][:, both]) if both.any() else None
    return found


def mean_correlation(sections: Sequence[LineCorrelation]) -> dict[int, float | None]:
    """Mean over sections, by distance."""
    values = {lag: [each[lag] for each in sections] for lag in LAGS}
    return {lag: _mean([value for value in each if value is not None]) for lag, each in values.items()}


def split_advice(correlation: Mapping[str, LineCorrelation]) -> str:
    """One or two sentences of advice for the split; empty if nothing was compared.

    Args:
        correlation: correlation by the name of the lines, `inlines` or `crosslines`.
    """
    known = {(name, lag): r for name, each in correlation.items() for lag, r in each.items() if r is not None}
    related = {key: r for key, r in known.items() if r >= HIGH}
    text = [
        f"Neighbouring {name} hardly correlate ({r:.2f}): noise, lines far apart, or lines numbered wrongly."
        for (name, lag), r in known.items()
        if lag == 1 and r < LOW
    ]
    if related:
        (name, lag), r = max(related.items(), key=lambda item: (item[0][1], item[1]))
        gap = next((f"{more}" for more in LAGS if more > lag), f"more than {lag}")
        which = f"Neighbouring {name}" if lag == 1 else f"Even {name} {lag} lines apart"
        text.insert(
            0, f"{which} correlate {r:.2f}: a random split of lines leaks; cut blocks with a guard gap of {gap} lines."
        )
    elif known and not text:
        text = ["Neighbouring lines correlate weakly; blocks of lines with a guard gap are a sound split all the same."]
    return " ".join(text)


def _thinned(section: Section) -> NDArray[np.float64]:
    """Every n-th sample of a section: float64[sample, trace]."""
    step = max(1, section.values.size // VOXELS)
    with np.errstate(invalid="ignore"):  # a signalling NaN, as damaged bytes may be, is one afterwards, too
        return section.values[::step].astype(np.float64)


def _usable(section: Section) -> NDArray[np.bool_]:
    """bool[trace]: whether a trace is live, finite and not constant."""
    values = _thinned(section)
    if not values.size:
        return np.zeros(section.shape[1], np.bool_)
    low, high = values.min(axis=0), values.max(axis=0)
    return np.asarray(section.live & np.isfinite(low) & np.isfinite(high) & (low < high))


def _pearson(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Pearson correlation of two arrays of one shape; None if one of them is empty or constant."""
    if not one.size:
        return None
    one, other = one.ravel() - one.mean(), other.ravel() - other.mean()
    # Scale first, since the squares of the largest IBM floats overflow float64.
    one, other = one / (np.abs(one).max() or 1.0), other / (np.abs(other).max() or 1.0)
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size > 0 else None


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
