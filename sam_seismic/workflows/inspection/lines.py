"""A volume comes in; which of its lines to read, so that looking at tens of gigabytes takes no longer than minutes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.segy import SegyVolume
from sam_seismic.survey.volume import Orientation, Volume

FEWEST = 64
"""Lines that are read of any volume that has them."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """Lines to measure.

    Args:
        orientation: of all of them.
        lines: int32[line], ascending and spread evenly.
        positions: int64[line], where each stands among those that the volume has.
        total: how many the volume has.
    """

    orientation: Orientation
    lines: NDArray[np.int32]
    positions: NDArray[np.int64]
    total: int

    def __str__(self) -> str:
        if self.total == 1:
            return f"the one {self.orientation}"
        count = f"all {self.total:,}" if len(self.lines) == self.total else f"{len(self.lines):,} of {self.total:,}"
        return f"{count} {self.orientation}s"


def choose_lines(volume: Volume, most_bytes: int) -> Chosen:
    """All lines of a volume whose samples take at most `most_bytes`, else a part of them spread evenly."""
    orientation = best_orientation(volume)
    lines = volume.lines(orientation)
    count = len(lines)
    if volume.has_grid:
        line_bytes = (
            int(np.prod(volume.geometry.shape)) // len(volume.geometry.lines(orientation)) * volume.dtype.itemsize
        )
        count = min(count, max(FEWEST, most_bytes // max(1, line_bytes)))
    positions = np.unique(np.linspace(0, len(lines) - 1, count).round().astype(np.int64))
    return Chosen(orientation, lines[positions], positions, len(lines))


def best_orientation(volume: Volume) -> Orientation:
    """The orientation whose sections are read fastest, and hold more than one trace."""
    readable = [each for each in Orientation if len(volume.lines(each))]
    if len(readable) == 2 and volume.has_grid:
        inlines, crosslines, _ = volume.geometry.shape
        if min(inlines, crosslines) == 1:
            return Orientation.INLINE if crosslines > 1 or inlines == 1 else Orientation.CROSSLINE
        if isinstance(volume, SegyVolume) and _steps(volume.index.T) < _steps(volume.index):
            return Orientation.CROSSLINE
    return readable[0]


def _steps(index: NDArray[np.int32]) -> float:
    """Median distance in the file from trace to trace along the rows of int32[row, column]."""
    pairs = (index[:, :-1] >= 0) & (index[:, 1:] >= 0)
    steps = np.abs(np.diff(index.astype(np.int64), axis=1))[pairs]
    return float(np.median(steps)) if steps.size else np.inf
