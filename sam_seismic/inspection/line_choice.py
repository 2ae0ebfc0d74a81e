"""A volume comes in; which of its lines to read, so that looking at tens of gigabytes takes no longer than minutes."""

from dataclasses import dataclass

import numpy as np

from sam_seismic.survey.volume import Orientation, Volume

FEWEST, LOOSE = 64, 256
"""Lines that are read of any volume that has them, and sections that are read of a folder without a grid."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """Sections to measure.

    Args:
        orientation: of all of them; None where sections of both are read, as of a folder without a grid.
        sections: orientation and line number of each.
        total: how many sections there are to choose from.
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


def choose_lines(volume: Volume, most_bytes: int) -> Chosen:
    """All lines of a volume whose samples take at most `most_bytes`, else a part of them spread evenly.

    Sections without a grid are chosen from both orientations: neither covers what the other shows.
    """
    if not volume.has_grid:
        sections = [(orientation, line) for orientation in Orientation for line in volume.lines(orientation).tolist()]
        held = {orientation for orientation, _ in sections}
        return Chosen(held.pop() if len(held) == 1 else None, _spread(sections, LOOSE), len(sections))
    orientation = best_orientation(volume)
    lines = [(orientation, line) for line in volume.lines(orientation).tolist()]
    places = int(np.prod(volume.geometry.shape))
    line_bytes = max(1, places // len(volume.geometry.lines(orientation)) * volume.dtype.itemsize)
    return Chosen(orientation, _spread(lines, max(FEWEST, most_bytes // line_bytes)), len(lines))


def _spread(sections: list[tuple[Orientation, int]], most: int) -> tuple[tuple[Orientation, int], ...]:
    count = min(len(sections), most)
    return tuple(
        sections[at] for at in np.unique(np.linspace(0, len(sections) - 1, count).round().astype(int)).tolist()
    )


def best_orientation(volume: Volume) -> Orientation:
    """The orientation whose sections are read fastest, and hold more than one trace."""
    if volume.has_grid and all(len(volume.lines(each)) for each in Orientation):
        inlines, crosslines, _ = volume.geometry.shape
        if min(inlines, crosslines) == 1:
            return Orientation.INLINE if crosslines > 1 or inlines == 1 else Orientation.CROSSLINE
    return volume.fast_orientation
