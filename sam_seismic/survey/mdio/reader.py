"""An MDIO store (a folder in the Zarr format) goes in, a Volume comes out; needs the extra `sam-seismic[mdio]`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import ReadOptions
from sam_seismic.survey.axis_order import AxisOrder, convert, read_type, type_notes
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.mdio.layout import open_group, read_layout, reading
from sam_seismic.survey.volume import Section, Volume

SLAB_BYTES = 256 << 20
"""Neighbouring sections that lie in the same chunks are read together, up to this size."""


@dataclass
class Slab:
    """Neighbouring sections in memory, from position `first` on: each [sample, trace] as stored."""

    orientation: Orientation
    first: int
    sections: list[NDArray[np.generic]] = field(default_factory=list)

    def get(self, orientation: Orientation, position: int) -> NDArray[np.generic] | None:
        """The section at a position; None where it is not in this slab."""
        inside = orientation is self.orientation and 0 <= position - self.first < len(self.sections)
        return self.sections[position - self.first] if inside else None


class MdioVolume(Volume):
    """A stacked 3D volume in an MDIO store.

    Args:
        path: the folder that ends in .mdio.
        options: `key`, the variable with the samples where it is not the store's own choice (version 1).

    Raises:
        SurveyError: zarr is not installed, the store is damaged or no stacked 3D volume, or has no such variable.
    """

    def __init__(self, path: Path, options: ReadOptions | None = None) -> None:
        self.path = path
        options = options or ReadOptions()
        with reading(path):
            self._layout = read_layout(path, open_group(path), options.key)
        self._dtype = read_type(path, self._layout.dtype)
        self._group: Any = None
        self._slab: Slab | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_group": None, "_slab": None}

    @property
    def geometry(self) -> Geometry:
        """The grid."""
        return self._layout.geometry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Float32, or the integer type of the store."""
        return self._dtype

    @property
    def encoding(self) -> str:
        """`float32, chunks 128 x 128 x 128`."""
        return f"{self._layout.dtype.name}, chunks {' x '.join(map(str, self._layout.chunks))}"

    @property
    def placement(self) -> str:
        """The variable of the samples; the store itself says the rest."""
        return self._layout.array

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed."""
        return self._layout.notes + type_notes(self._layout.dtype)

    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace]; dead traces are zero.

        Raises:
            SurveyError: there is no such line, or the store is damaged there.
        """
        live = self.geometry.live_along(orientation, line)
        position = int(self._layout.orders[orientation][self.geometry.index(orientation, line)])
        with reading(self.path):
            stored = self._stored_section(orientation, position)
        values = convert(stored[:, self._layout.orders[orientation.across]], self._dtype)
        values[:, ~live] = 0
        return Section(orientation, line, values, live)

    def coordinates(self, orientation: Orientation, line: int) -> NDArray[np.float64] | None:
        """X and Y of the traces of a section: float64[trace, 2], NaN where there is no trace; None: it holds none."""
        if self._layout.xy is None:
            return None
        axes = AxisOrder(("inline", "crossline"))
        live = self.geometry.live_along(orientation, line)
        position = int(self._layout.orders[orientation][self.geometry.index(orientation, line)])
        pick = (position, slice(None)) if axes.order[0] == orientation else (slice(None), position)
        with reading(self.path):
            stored = np.stack([np.asarray(self._opened()[name][pick], np.float64) for name in self._layout.xy], axis=1)
        found = stored[self._layout.orders[orientation.across]]  # [trace, 2]
        found[~live] = np.nan
        return found

    def _opened(self) -> Any:
        if self._group is None:
            self._group = open_group(self.path)
        return self._group

    def _stored_section(self, orientation: Orientation, position: int) -> NDArray[np.generic]:
        """[sample, trace], traces in stored order. A chunk holds many lines: its neighbours are read along with it."""
        found = None if self._slab is None else self._slab.get(orientation, position)
        if found is None:
            self._slab = None  # frees its memory before the next one is read
            self._slab = self._read_slab(orientation, position)
            found = self._slab.get(orientation, position)
        assert found is not None, "the slab was read around it"
        return found

    def _read_slab(self, orientation: Orientation, position: int) -> Slab:
        layout = self._layout
        axis = layout.axes.order.index(orientation)
        section_bytes = int(np.prod(layout.shape, dtype=np.int64)) // layout.shape[axis] * layout.dtype.itemsize
        lines = max(1, min(layout.chunks[axis], SLAB_BYTES // section_bytes))
        first = position - position % layout.chunks[axis] % lines
        stop = min(first + lines, layout.shape[axis], (position // layout.chunks[axis] + 1) * layout.chunks[axis])
        pick = [slice(None)] * 3
        pick[axis] = slice(first, stop)
        cube = np.asarray(self._opened()[layout.array][tuple(pick)])
        sections = [layout.axes.cut(cube, orientation, at) for at in range(stop - first)]
        return Slab(orientation, first, sections)
