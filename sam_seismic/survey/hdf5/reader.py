"""An HDF5 file goes in, a Volume comes out."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import ReadOptions
from sam_seismic.config.choices import AngleUnit
from sam_seismic.survey.axis_order import convert, read_type, type_notes
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.hdf5.blocks import BlockReader
from sam_seismic.survey.hdf5.layout import chunk_cache, read_layout, reading
from sam_seismic.survey.hdf5.template import StoredTemplate, load_template
from sam_seismic.survey.segy.coordinates import CoordinateFields, sampled_fields, words_of
from sam_seismic.survey.volume import Section, Volume


class Hdf5Volume(Volume):
    """A volume in an HDF5 file: one written by this program, or any file with a 3D dataset.

    Args:
        path: the file.
        options: for foreign files `key`, the dataset, and `axes`, its axis order.

    Raises:
        SurveyError: the file is missing or damaged, holds no 3D dataset of numbers, or several and none is named.
    """

    def __init__(self, path: Path, options: ReadOptions | None = None) -> None:
        self.path = path
        self._layout = read_layout(path, options or ReadOptions())
        self._dtype = read_type(path, self._layout.stored)
        blocks = self._layout.blocks
        self._blocks = None if blocks is None else BlockReader(path, blocks)
        self._opened: tuple[int, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    @property
    def geometry(self) -> Geometry:
        """The grid."""
        return self._layout.geometry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Float32, or the integer type of the file."""
        return self._dtype

    @property
    def encoding(self) -> str:
        """`float32, chunks 8 x 8 x 128`."""
        chunks = self._layout.chunks
        return self._layout.stored.name + (f", chunks {' x '.join(map(str, chunks))}" if chunks else "")

    @property
    def placement(self) -> str:
        """The dataset and its axis order."""
        return f"{self._layout.dataset} {','.join(self._layout.axes.order)}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed."""
        return self._layout.notes + type_notes(self._layout.stored)

    @property
    def why(self) -> str | None:
        """How the line numbers of the SEG-Y file that it was converted from were found; None if it was from none."""
        return self._layout.why

    @property
    def inline_byte(self) -> int | None:
        """Where they stood in the trace headers."""
        return self._layout.inline_byte

    @property
    def crossline_byte(self) -> int | None:
        """Likewise."""
        return self._layout.crossline_byte

    @cached_property
    def segy_template(self) -> StoredTemplate | None:
        """Everything but the samples of the SEG-Y file that it was converted from; None if it was from none.

        Raises:
            SurveyError: what the file keeps of it is damaged.
        """
        return load_template(self.path, self.geometry) if self._layout.template else None

    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace]; dead traces are zero.

        Raises:
            SurveyError: there is no such line, or the file is damaged there.
        """
        position = self.geometry.index(orientation, line)
        live = self.geometry.live_along(orientation, line)
        with reading(self.path):
            if self._blocks is not None:
                values = self._blocks.section(
                    orientation, position, self._dtype
                ).T  # [trace, sample] -> [sample, trace]
            else:
                values = convert(
                    self._layout.axes.cut(self._samples(), orientation, position, single=self._layout.single),
                    self._dtype,
                )
        values[:, ~live] = 0
        return Section(orientation, line, values, live)

    def starts_ms(self, orientation: Orientation, line: int) -> NDArray[np.float64] | None:
        """Time of the first sample of each trace of a section, as `SegyVolume` gives it: float64[trace], or None.

        Raises:
            SurveyError: there is no such line, or the file is damaged.
        """
        if self._starts is None:
            return None
        traces = self._traces_along(orientation, line)
        return np.where(traces >= 0, self._starts[traces], np.nan)

    @cached_property
    def _starts(self) -> NDArray[np.float64] | None:
        """Times of the first samples of all traces in the order of the SEG-Y; None where they are the grid's."""
        if self.segy_template is None:
            return None
        starts = np.asarray(self.segy_template.starts_ms())
        # A start that no trace has was given by the user when the file was converted.
        return starts if len(np.unique(starts)) > 1 and self.geometry.start_ms in starts else None

    def _traces_along(self, orientation: Orientation, line: int) -> NDArray[np.int32]:
        """Numbers of the traces of a section in its SEG-Y source: int32[trace]."""
        assert self.segy_template is not None, "asked for after it was found"
        position, index = self.geometry.index(orientation, line), self.segy_template.index
        return index[position] if orientation is Orientation.INLINE else index[:, position]

    @cached_property
    def coordinate_fields(self) -> CoordinateFields | None:
        """Where X and Y stand in the headers of the SEG-Y file that it was converted from; None: nowhere, or no SEG-Y.

        Raises:
            SurveyError: the file is damaged.
        """
        template = self.segy_template
        if template is None:
            return None
        line_bytes = tuple(byte for byte in (self.inline_byte, self.crossline_byte) if byte is not None)
        order = template.layout.order
        return sampled_fields(
            self.geometry,
            template.index,
            line_bytes,
            lambda traces: words_of(template.coordinate_headers(traces), order),
        )

    @property
    def angle_unit(self) -> AngleUnit | None:
        """The unit of X and Y where they are angles."""
        return None if self.coordinate_fields is None else self.coordinate_fields.unit

    def coordinates(self, orientation: Orientation, line: int) -> NDArray[np.float64] | None:
        """X and Y of the traces of a section, as `SegyVolume` gives them: float64[trace, 2], or None.

        Raises:
            SurveyError: there is no such line, or the file is damaged.
        """
        template, fields = self.segy_template, self.coordinate_fields
        if template is None or fields is None:
            return None
        traces = self._traces_along(orientation, line)
        found = np.full((len(traces), 2), np.nan)
        headers = template.coordinate_headers(traces[traces >= 0])
        found[traces >= 0] = fields.of_headers(headers, template.layout.order)
        return found

    def _samples(self) -> Any:
        # A handle must not be shared with a forked process: HDF5 keeps state that the two would disagree on.
        if self._opened is None or self._opened[0] != os.getpid():
            cache = chunk_cache(self._layout)
            file = h5py.File(self.path, "r", locking=False, **cache)
            self._opened = os.getpid(), file[self._layout.dataset]
        return self._opened[1]
