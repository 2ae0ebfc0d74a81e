"""The grid of a survey: which lines and samples it has, and where a trace was recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.files.units import plural

MOST_LISTED = 12
"""Line numbers without a regular step that are listed one by one."""


class Orientation(StrEnum):
    """Which way a section is cut."""

    INLINE = "inline"
    CROSSLINE = "crossline"

    @property
    def across(self) -> "Orientation":
        """The other orientation, whose line numbers count the traces of a section of this one."""
        return Orientation.CROSSLINE if self is Orientation.INLINE else Orientation.INLINE

    @property
    def short(self) -> str:
        """IL or XL, as interpreters write it."""
        return "IL" if self is Orientation.INLINE else "XL"


@dataclass(frozen=True, eq=False)
class Geometry:
    """The regular grid of a survey.

    Args:
        inlines: int32[inline], ascending line numbers.
        crosslines: int32[crossline], ascending line numbers.
        samples: samples a trace.
        sample_interval_ms: time between samples, ms (metres or feet for a depth volume).
        start_ms: time of the first sample, ms.
        live: bool[inline, crossline], where a trace was recorded.
    """

    inlines: NDArray[np.int32]
    crosslines: NDArray[np.int32]
    samples: int
    sample_interval_ms: float
    start_ms: float
    live: NDArray[np.bool_]

    @classmethod
    def complete(
        cls,
        inlines: Sequence[int] | NDArray[np.integer],
        crosslines: Sequence[int] | NDArray[np.integer],
        samples: int,
        *,
        sample_interval_ms: float = 4.0,
        start_ms: float = 0.0,
    ) -> "Geometry":
        """A grid on which every trace was recorded."""
        live = np.ones((len(inlines), len(crosslines)), dtype=np.bool_)
        return cls(
            np.asarray(inlines, np.int32), np.asarray(crosslines, np.int32), samples, sample_interval_ms, start_ms, live
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(inlines, crosslines, samples)."""
        return len(self.inlines), len(self.crosslines), self.samples

    @property
    def end_ms(self) -> float:
        """Time of the last sample, ms (metres or feet for a depth volume)."""
        return self.start_ms + self.sample_interval_ms * (self.samples - 1)

    def lines(self, orientation: Orientation) -> NDArray[np.int32]:
        """Line numbers of an orientation, ascending: int32[line]."""
        return self.inlines if orientation is Orientation.INLINE else self.crosslines

    def index(self, orientation: Orientation, line: int) -> int:
        """Position of a line number on its axis.

        Raises:
            SurveyError: the survey has no such line.
        """
        lines = self.lines(orientation)
        position = int(np.searchsorted(lines, line))
        if position == len(lines) or lines[position] != line:
            raise SurveyError(
                problem=f"there is no {orientation} {line}: they run from {describe_lines(lines)}",
                fix="choose a line of the survey",
            )
        return position

    def live_along(self, orientation: Orientation, line: int) -> NDArray[np.bool_]:
        """Which traces of a section were recorded: bool[trace]."""
        position = self.index(orientation, line)
        return self.live[position] if orientation is Orientation.INLINE else self.live[:, position]

    def same_grid(self, other: "Geometry") -> bool:
        """Whether two volumes have the same lines and samples; dead traces may differ."""
        return (
            self.shape == other.shape
            and np.array_equal(self.inlines, other.inlines)
            and np.array_equal(self.crosslines, other.crosslines)
        )

    def __str__(self) -> str:
        return (
            f"{len(self.inlines)} {plural(len(self.inlines), 'inline')} {describe_lines(self.inlines)}, "
            f"{len(self.crosslines)} {plural(len(self.crosslines), 'crossline')} {describe_lines(self.crosslines)}, "
            f"{self.samples} {plural(self.samples, 'sample')}"
        )


def describe_lines(lines: Sequence[int] | NDArray[np.int32]) -> str:
    """`100-299`, with a step `100-298 step 2`, irregular ones `100, 117, 203`, many of these `100-203 with gaps`."""
    if len(lines) == 0:
        return "none"
    steps = np.unique(np.diff(np.asarray(lines, np.int64)))  # numbers may lie 2^31 apart
    text = f"{lines[0]}-{lines[-1]}" if len(lines) > 1 else f"{lines[0]}"
    if len(steps) == 0 or (len(steps) == 1 and steps[0] == 1):
        return text
    if len(steps) == 1:
        return f"{text} step {steps[0]}"
    return ", ".join(str(line) for line in lines) if len(lines) <= MOST_LISTED else f"{text} with gaps"
