"""An .npy or .npz file goes in, a Volume comes out."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import ReadOptions
from sam_seismic.files.fixed_records import RecordFile, RecordLayout
from sam_seismic.files.slice_reader import SliceReader
from sam_seismic.survey.arrays.stored import check_size, find_array, open_array
from sam_seismic.survey.axis_order import (
    ASSUMED_INTERVAL_MS,
    ASSUMED_TIMES,
    NAME_IT,
    NATURAL,
    AxisOrder,
    check_shape,
    convert,
    counted_geometry,
    read_type,
    type_notes,
)
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.time_axis import assume_order
from sam_seismic.survey.volume import Section, Volume


class ArrayVolume(Volume):
    """A volume in one NumPy array, which has no line numbers of its own. All traces are live.

    Of an .npy and an uncompressed .npz member only the section asked for is read; a compressed one is read whole, once
    a process, when the first section is asked for.

    Args:
        path: the .npy or .npz file.
        options: `axes`, its axis order, and `key`, the array of an .npz that holds several.
        first_inline, first_crossline: line numbers where the axes begin; by default 0, with a note.
        sample_interval_ms: time between samples; by default 4 ms, with a note.

    Raises:
        SurveyError: the file is missing or damaged, holds no 3D array of numbers, or not the one named.
    """

    def __init__(
        self,
        path: Path,
        options: ReadOptions | None = None,
        *,
        first_inline: int | None = None,
        first_crossline: int | None = None,
        sample_interval_ms: float | None = None,
    ) -> None:
        options = options or ReadOptions()
        self.path = path
        self._stored = find_array(path, options.key)
        check_shape(path, self._stored.shape)
        check_size(path, self._stored)
        self._dtype = read_type(path, self._stored.dtype)
        self._order, note = (options.axes, "") if options.axes is not None else self._assumed_order()
        self._axes = AxisOrder.named(self._order)
        self._geometry = counted_geometry(
            self._axes.grid_shape(self._stored.shape),
            first_inline=first_inline or 0,
            first_crossline=first_crossline or 0,
            sample_interval_ms=ASSUMED_INTERVAL_MS if sample_interval_ms is None else sample_interval_ms,
        )
        self._notes = type_notes(self._stored.dtype)
        if self._stored.single:
            self._notes += ("axes of length 1 beyond its three are left out",)
        self._notes += (note,) if note else ()
        if first_inline is None or first_crossline is None:
            self._notes += ("it holds no line numbers: inlines and crosslines count from 0",)
        if sample_interval_ms is None:
            self._notes += (ASSUMED_TIMES,)
        self._array: NDArray[np.generic] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_array": None}

    def _assumed_order(self) -> tuple[str, str]:
        """The axis order, and a note on it. To look into a compressed array would take minutes."""
        if self._stored.offset is None:
            return NATURAL, f"axis order {NATURAL} assumed for shape {self._stored.shape}; {NAME_IT}"
        stored = self._stored
        file = RecordFile(self.path, RecordLayout(stored.dtype, (), start=stored.offset or 0), writable=False)

        def read(places: NDArray[np.int64]) -> NDArray[np.generic]:
            if stored.fortran:  # counted as they lie in the file
                places = np.ravel_multi_index(np.unravel_index(places, stored.shape), stored.shape, order="F")
            return file.read(places)

        try:
            return assume_order(stored.shape, read)
        finally:
            file.close()

    @property
    def geometry(self) -> Geometry:
        """The grid, counted from the first lines."""
        return self._geometry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Float32, or the integer type of the file."""
        return self._dtype

    @property
    def encoding(self) -> str:
        """`float64`, `uint8, compressed`."""
        return self._stored.dtype.name + (", compressed" if self._stored.offset is None else "")

    @property
    def axis_order(self) -> str:
        """Its axis order, as named or guessed."""
        return self._order

    @property
    def placement(self) -> str:
        """The array of an .npz, and the axis order."""
        return f"{self._stored.member or ''} {self._order}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed."""
        return self._notes

    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace].

        Raises:
            SurveyError: there is no such line, or the file is damaged.
        """
        position = self._geometry.index(orientation, line)
        if self._stored.offset is None:
            cut = self._axes.cut(self._opened(), orientation, position)
        else:
            cut = self._cut(self._stored.offset, orientation, position)
        values = convert(cut, self._dtype)
        return Section(orientation, line, values, self._geometry.live_along(orientation, line))

    def _cut(self, start: int, orientation: Orientation, position: int) -> NDArray[np.generic]:
        """The section at a position along its axis, read from the file: [sample, trace]."""
        order, shape = self._axes.order, self._stored.shape
        if self._stored.fortran:  # the first axis runs fastest
            order, shape = order[::-1], shape[::-1]
        plane = SliceReader(self.path, start, shape, self._stored.dtype).cut(order.index(orientation), position)
        left = [axis for axis in order if axis != orientation]
        return plane if left[0] == "sample" else plane.T

    def _opened(self) -> NDArray[np.generic]:
        if self._array is None:
            self._array = open_array(self.path, self._stored)
        return self._array
