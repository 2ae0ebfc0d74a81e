"""Sections of a survey come in; plain statistics of their amplitudes go out, by which another volume is compared."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.volume import Section

PERCENTILES = (1.0, 25.0, 50.0, 75.0, 99.0)


@dataclass(frozen=True)
class AmplitudeDistribution:
    """How the amplitudes of some lines are distributed; it travels in the checkpoint.

    Args:
        percentiles: at PERCENTILES, in the survey's units.
        count: how many amplitudes were drawn.
        levels: how many different values they have; 256 at most where they are stored in 8 bits.
        clipped: share of them that have the lowest or the highest of these values.
        mean_trace: mean of the live traces, a number a sample; None where the lines differ in their samples.
    """

    percentiles: tuple[float, ...]
    count: int
    levels: int
    clipped: float
    mean_trace: tuple[float, ...] | None = None

    @classmethod
    def of(
        cls, amplitudes: NDArray[np.float32], mean_trace: NDArray[np.float64] | None = None
    ) -> "AmplitudeDistribution":
        """That of float32[amplitude], which are not all the same, and of float64[sample]."""
        values, counts = np.unique(amplitudes, return_counts=True)
        return cls(
            percentiles=tuple(np.percentile(amplitudes, PERCENTILES).tolist()),
            count=amplitudes.size,
            levels=len(values),
            clipped=float(counts[0] + counts[-1]) / amplitudes.size,
            mean_trace=None if mean_trace is None else tuple(mean_trace.tolist()),
        )

    @property
    def median(self) -> float:
        """The 50th percentile."""
        return self.percentiles[PERCENTILES.index(50.0)]

    def correlation(self, other: "AmplitudeDistribution") -> float:
        """Correlation of the two mean traces, from -1 to 1; 0 where one has none, is constant, or has other samples."""
        here, there = self.mean_trace, other.mean_trace
        if here is None or there is None or len(here) != len(there) or min(np.ptp(here), np.ptp(there)) == 0:
            return 0.0
        return float(np.corrcoef(here, there)[0, 1])


class MeanTrace:
    """Adds up the live traces of the sections that pass through it."""

    def __init__(self) -> None:
        self._sums: dict[int, NDArray[np.float64]] = {}
        """By the number of samples: float64[sample]."""
        self._traces = 0

    def of(self, sections: Iterable[Section]) -> Iterator[Section]:
        """The same sections."""
        for section in sections:
            samples, _ = section.shape
            total = section.values.sum(axis=1, where=section.live, dtype=np.float64)  # [sample]
            self._sums[samples] = self._sums.get(samples, 0) + total
            self._traces += int(section.live.sum())
            yield section

    @property
    def values(self) -> NDArray[np.float64] | None:
        """The mean, float64[sample]; None where sections differ in their samples, or no trace was live."""
        if len(self._sums) != 1 or not self._traces:
            return None
        (total,) = self._sums.values()
        return total / self._traces
