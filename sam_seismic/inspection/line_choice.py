"""A volume comes in; a choice of its lines goes out, so that inspecting tens of gigabytes takes minutes at most."""

from dataclasses import dataclass

import numpy as np

from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.volume import Volume

LEAST_LINES, MOST_SECTIONS = 64, 256
"""Least number of lines read of a volume with a grid, and largest number of sections read of a folder without one."""


@dataclass(frozen=True, eq=False)
class LineChoice:
    """Sections chosen to be read.

    Args:
        orientation: orientation of all sections; None if both are read, as for a folder without a grid.
        sections: orientation and line number of each section.
        total: number of sections among which these were chosen.
    """

    orientation: Orientation | None
    sections: tuple[tuple[Orientation, int], ...]
    total: int

    @property
    def what(self) -> str:
        """`inline`, `crossline` or `section`."""
        return str(self.orientation or "section")

    def __len__(self) -> int:
        return len(self.sections)

    def __str__(self) -> str:
        if self.total == 1:
            return f"the one {self.what}"
        count = f"all {self.total:,}" if len(self) == self.total else f"{len(self):,} of {self.total:,}"
        return f"{count} {self.what}s"


def choose_lines(volume: Volume, most_bytes: int) -> LineChoice:
    """Choose all lines of a volume of at most `most_bytes`, or evenly spaced lines of a larger one.

    Sections without a grid are chosen from both orientations, since each may cover another part of the survey.
    """
    if not volume.has_grid:
        sections = [(orientation, line) for orientation in Orientation for line in volume.lines(orientation).tolist()]
        held = {orientation for orientation, _ in sections}
        return LineChoice(held.pop() if len(held) == 1 else None, _spread(sections, MOST_SECTIONS), len(sections))
    orientation = best_orientation(volume)
    lines = [(orientation, line) for line in volume.lines(orientation).tolist()]
    places = int(np.prod(volume.geometry.shape))
    line_bytes = max(1, places // len(volume.geometry.lines(orientation)) * volume.dtype.itemsize)
    return LineChoice(orientation, _spread(lines, max(LEAST_LINES, most_bytes // line_bytes)), len(lines))


def _spread(sections: list[tuple[Orientation, int]], most: int) -> tuple[tuple[Orientation, int], ...]:
    count = min(len(sections), most)
    return tuple(
        sections[at] for at in np.unique(np.linspace(0, len(sections) - 1, count).round().astype(int)).tolist()
    )


def best_orientation(volume: Volume) -> Orientation:
    """The orientation that is read fastest, among those with more than one trace in a section."""
    if volume.has_grid and all(len(volume.lines(each)) for each in Orientation):
        inlines, crosslines, _ = volume.geometry.shape
        if min(inlines, crosslines) == 1:
            return Orientation.INLINE if crosslines > 1 or inlines == 1 else Orientation.CROSSLINE
    return volume.fast_orientation
