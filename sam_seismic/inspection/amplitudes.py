"""Sections of amplitudes come in one at a time; statistics and counts of clipped, constant and NaN samples go out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.data.amplitude import VOXELS_A_SECTION
from sam_seismic.survey.null_values import clean_section
from sam_seismic.survey.volume import Section

MOST_DRAWN = 4_000_000
"""Largest number of amplitudes sampled for percentiles and the histogram."""
PERCENTILES = (0.1, 1, 25, 50, 75, 99, 99.9)
BINS = 60
CLIPPED_AT_LEAST = 10
"""Least number of samples at an extreme value for it to count as clipped."""

ExtremeValue = tuple[float, int, int]
"""A value, the number of samples that have it, and the number of traces with such samples."""


@dataclass(frozen=True, eq=False)
class SectionStatistics:
    """Statistics of one section.

    Args:
        name: name of the section.
        drawn: float[amplitude], a sample spread over the section.
        count: number of finite amplitudes in traces that are not constant.
        mean, variance: mean and variance of these amplitudes.
        lowest, highest: the two lowest and the two highest values, the extreme one first.
        traces: number of live traces.
        holds: bool[trace], live and not constant.
        constants: number of constant traces by their value.
        not_finite: counts of the samples that are not finite.
    """

    name: str
    drawn: NDArray[np.floating[Any]]
    count: int
    mean: float
    variance: float
    lowest: tuple[ExtremeValue, ...]
    highest: tuple[ExtremeValue, ...]
    traces: int
    holds: NDArray[np.bool_]
    constants: Mapping[float, int]
    not_finite: "NotFinite"


@dataclass(frozen=True)
class NotFinite:
    """Number of NaN and infinite samples and of traces that hold them, and (trace, sample) of the first."""

    nan: int = 0
    infinite: int = 0
    traces: int = 0
    first: tuple[int, int] | None = None


def measure_section(section: Section, stored: Section | None = None, *, most: int) -> SectionStatistics:
    """Compute the statistics of one section.

    Args:
        section: amplitudes [sample, trace], without null values where `stored` is given.
        stored: the same as the file holds it.
        most: largest number of amplitudes to draw, about.
    """
    if stored is None:
        stored, section = section, clean_section(section).section
    values = _floats(section.values[:, section.live])  # [sample, live trace]
    low, high = (values.min(axis=0), values.max(axis=0)) if values.size else (np.empty(0), np.empty(0))  # [live trace]
    finite = np.isfinite(low) & np.isfinite(high)
    empty = stored.live & ~section.live
    found, counts = np.unique(stored.values[0, empty], return_counts=True)
    used = values
    flat = used.ravel()
    if not finite.all():
        used = np.where(np.isfinite(used), used, np.nan)
        flat = used[~np.isnan(used)]
    step = max(1, flat.size // most)  # odd as in data.amplitude.fit_scale
    return SectionStatistics(
        section.name,
        flat[:: step + 1 - step % 2].copy(),  # a view would hold the whole section in memory
        flat.size,
        float(flat.mean(dtype=np.float64)) if flat.size else 0.0,
        float(flat.var(dtype=np.float64)) if flat.size else 0.0,
        _outermost(used, smallest=True),
        _outermost(used, smallest=False),
        int(np.count_nonzero(stored.live)),
        section.live.copy(),
        {
            math.nan if math.isnan(value) else value: count
            for value, count in zip(found.tolist(), counts.tolist(), strict=True)
        },
        _not_finite_samples(values, np.flatnonzero(section.live), ~finite),
    )


def _floats(values: NDArray[np.generic]) -> NDArray[np.floating[Any]]:
    """Convert to the smallest float type that is exact, except for large 64-bit integers."""
    if values.dtype == np.float32 or values.dtype.itemsize <= 2:
        return values.astype(np.float32, copy=False)
    return values.astype(np.float64, copy=False)


def _outermost(values: NDArray[np.floating[Any]], *, smallest: bool) -> tuple[ExtremeValue, ...]:
    """The two lowest or two highest distinct values of a section; those of the volume are among them."""
    found: list[ExtremeValue] = []
    rest = values[~np.isnan(values)]
    for _ in range(2):
        if not rest.size:
            break
        value = rest.min() if smallest else rest.max()
        at = values == value  # [sample, trace]
        found.append((float(value), int(np.count_nonzero(at)), int(at.any(axis=0).sum())))
        rest = rest[rest > value] if smallest else rest[rest < value]
    return tuple(found)


def _not_finite_samples(
    values: NDArray[np.floating[Any]], traces: NDArray[np.intp], affected: NDArray[np.bool_]
) -> NotFinite:
    if not affected.any():
        return NotFinite()
    columns = values[:, affected]  # [sample, affected trace]
    nan, infinite = int(np.isnan(columns).sum()), int(np.isinf(columns).sum())
    first = int(np.flatnonzero(~np.isfinite(columns[:, 0]))[0])
    return NotFinite(nan, infinite, int(affected.sum()), (int(traces[affected][0]), first))


@dataclass(frozen=True, eq=False)
class AmplitudeStatistics:
    """Statistics of all measured sections.

    Args:
        drawn: float[amplitude].
        low, high: lowest and highest value.
        mean, std: mean and standard deviation of the finite amplitudes in traces that are not constant.
        count: number of these amplitudes.
        lowest, highest: extreme values at which amplitudes are clipped; None if they are not.
        traces: number of live traces.
        constants: number of constant traces by their value.
        holds: bool[trace] of each section: live and not constant.
        nan, infinite: number of such samples.
        not_finite_traces: number of traces with such samples.
        first_not_finite: section name, trace and sample of the first of them.
    """

    drawn: NDArray[np.floating[Any]]
    low: float | None
    high: float | None
    mean: float | None
    std: float | None
    count: int
    lowest: ExtremeValue | None
    highest: ExtremeValue | None
    traces: int
    constants: Mapping[float, int]
    holds: Sequence[NDArray[np.bool_]]
    nan: int
    infinite: int
    not_finite_traces: int
    first_not_finite: tuple[str, int, int] | None

    @property
    def constant_traces(self) -> int:
        """Number of live traces that hold one value only."""
        return sum(self.constants.values())

    @property
    def whole_numbers(self) -> bool:
        """Whether all drawn amplitudes are whole numbers."""
        return bool(self.drawn.size and (self.drawn == np.rint(self.drawn)).all())

    def percentiles(self) -> dict[str, float]:
        """Percentiles by name, `p0.1` to `p99.9`; empty if nothing was measured."""
        if not self.drawn.size:
            return {}
        values = np.percentile(self.drawn, PERCENTILES).tolist()
        return {f"p{name:g}": value for name, value in zip(PERCENTILES, values, strict=True)}

    def histogram(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Edges float64[bin + 1] from p0.1 to p99.9, and counts int64[bin] of the drawn amplitudes.

        Both are empty if nothing was measured. Bins of whole numbers have a whole-number width: otherwise some bins
        would hold more values than others, which looks like a comb.
        """
        if not self.drawn.size:
            return np.empty(0), np.empty(0, np.int64)
        low, high = np.percentile(self.drawn, [PERCENTILES[0], PERCENTILES[-1]]).tolist()
        if self.whole_numbers:
            width = max(1, int(np.ceil((np.floor(high) - np.ceil(low) + 1) / BINS)))
            first = np.ceil(low) - 0.5
            edges = first + width * np.arange(int(np.ceil((np.floor(high) + 0.5 - first) / width)) + 1)
        else:
            edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
        counts, _ = np.histogram(self.drawn, edges)
        return edges, counts.astype(np.int64)


def merge_statistics(sections: Iterable[SectionStatistics]) -> AmplitudeStatistics:
    """Combine the statistics of all sections."""
    found = list(sections)
    count = sum(each.count for each in found)
    mean = sum(each.count * each.mean for each in found) / count if count else None
    variance = None
    if mean is not None:
        variance = sum(each.count * (each.variance + (each.mean - mean) ** 2) for each in found) / count
    lowest = _merged([each.lowest for each in found], smallest=True)
    highest = _merged([each.highest for each in found], smallest=False)
    constants: dict[float, int] = {}
    for each in found:
        for value, traces in each.constants.items():
            constants[value] = constants.get(value, 0) + traces
    not_finite = next(((each.name, *each.not_finite.first) for each in found if each.not_finite.first), None)
    drawn = np.concatenate([each.drawn for each in found]) if found else np.empty(0)
    finite = {value: traces for value, traces in constants.items() if math.isfinite(value)}
    if not count and finite:  # a volume of constant traces only: its values are the constants
        drawn = np.repeat(np.array(list(finite)), list(finite.values()))
    ends = [lowest[0][0], highest[0][0]] if lowest else sorted(finite)
    return AmplitudeStatistics(
        drawn=drawn,
        low=ends[0] if ends else None,
        high=ends[-1] if ends else None,
        mean=mean,
        std=None if variance is None else float(np.sqrt(variance)),
        count=count,
        lowest=_clipped(lowest),
        highest=_clipped(highest),
        traces=sum(each.traces for each in found),
        constants=dict(sorted(constants.items(), key=lambda item: -item[1])),
        holds=[each.holds for each in found],
        nan=sum(each.not_finite.nan for each in found),
        infinite=sum(each.not_finite.infinite for each in found),
        not_finite_traces=sum(each.not_finite.traces for each in found),
        first_not_finite=not_finite,
    )


def _merged(extremes: Sequence[tuple[ExtremeValue, ...]], *, smallest: bool) -> list[ExtremeValue]:
    """The two lowest or two highest values of all sections, with the total of their samples and traces."""
    sums: dict[float, tuple[int, int]] = {}
    for value, samples, traces in (each for section in extremes for each in section):
        before = sums.get(value, (0, 0))
        sums[value] = before[0] + samples, before[1] + traces
    return [(value, *sums[value]) for value in sorted(sums, reverse=not smallest)[:2]]


def _clipped(outermost: Sequence[ExtremeValue]) -> ExtremeValue | None:
    """The extreme value, if it is at least twice as frequent as the next one: without clipping it is the rarest."""
    if len(outermost) < 2 or outermost[0][1] < max(CLIPPED_AT_LEAST, 2 * outermost[1][1]):
        return None
    return outermost[0]


def draws_per_section(sections: int) -> int:
    """Number of amplitudes to draw from each of `sections` sections."""
    return min(VOXELS_A_SECTION, max(1, MOST_DRAWN // max(1, sections)))
