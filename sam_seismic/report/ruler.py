"""The grid of a survey comes in; line numbers above a section and two-way times beside it go out."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sam_seismic.survey.geometry import Geometry, Orientation

ROUND = (1, 2, 2.5, 5, 10)
"""Steps between ticks, times a power of ten."""


@dataclass(frozen=True, eq=False)
class Ruler:
    """Line numbers of the traces and times of the samples of a section.

    Args:
        across: int32[trace], ascending numbers of the lines that the section crosses; None to count traces.
        sample_interval_ms: sample interval in ms; None to count samples.
        start_ms: two-way time of the first sample, ms.
    """

    across: NDArray[np.int32] | None = None
    sample_interval_ms: float | None = None
    start_ms: float = 0.0

    @classmethod
    def of(cls, geometry: Geometry, orientation: Orientation, *, traces: tuple[int, int] | None = None) -> Self:
        """The ruler of the sections of a survey.

        Args:
            geometry: grid of the survey.
            orientation: orientation of the sections.
            traces: range of traces (first, one past the last) to which the sections were cut; None for all.
        """
        across = geometry.lines(orientation.across)
        if traces is not None:
            across = across[slice(*traces)]
        return cls(across, geometry.sample_interval_ms, geometry.start_ms)

    def extent(self, shape: tuple[int, int]) -> tuple[float, float, float, float]:
        """Left, right, bottom and top edge of the voxels of a section of (samples, traces), in traces and ms."""
        samples, traces = shape
        interval = self.sample_interval_ms or 1.0
        top = self.start_ms - interval / 2
        return -0.5, traces - 0.5, top + samples * interval, top

    def mark(self, axes: Axes, orientation: Orientation) -> None:
        """Put line numbers above and times beside a section that was drawn on `extent`."""
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_ylabel("two-way time (ms)" if self.sample_interval_ms else "sample")
        axes.yaxis.set_major_locator(MaxNLocator("auto", steps=ROUND))
        axes.set_xlabel(orientation.across if self.across is not None else "trace")
        if self.across is not None:
            mark_lines(axes.xaxis, self.across)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=ROUND, integer=True))


def mark_lines(axis: Axis, lines: NDArray[np.int32]) -> None:
    """Put ticks at round line numbers.

    Args:
        axis: axis whose coordinates are the indices of lines.
        lines: int32[index], ascending line numbers, with any step and gaps.
    """
    numbers = MaxNLocator(5, steps=ROUND, integer=True).tick_values(lines[0], lines[-1])
    numbers = numbers[(numbers >= lines[0]) & (numbers <= lines[-1])]
    positions = np.interp(numbers, lines, np.arange(len(lines)))
    axis.set_ticks(positions.tolist(), labels=[f"{number:.0f}" for number in numbers])
