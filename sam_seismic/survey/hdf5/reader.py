"""An HDF5 file goes in, a Volume comes out."""

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sam_seismic.config import ReadOptions
from sam_seismic.survey.cube import convert, read_type, type_notes
from sam_seismic.survey.hdf5.layout import chunk_cache, read_layout, reading
from sam_seismic.survey.volume import Geometry, Orientation, Section, Volume


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
        with reading(path), h5py.File(path, "r", locking="best-effort") as file:
            self._layout = read_layout(path, file, options or ReadOptions())
        self._dtype = read_type(path, self._layout.stored)
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
        """`float32, chunks 32 x 32 x 64`."""
        chunks = self._layout.chunks
        return self._layout.stored.name + (f", chunks {' x '.join(map(str, chunks))}" if chunks else "")

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed."""
        return self._layout.notes + type_notes(self._layout.stored)

    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace]; dead traces are zero.

        Raises:
            SurveyError: there is no such line, or the file is damaged there.
        """
        position = self.geometry.index(orientation, line)
        live = self.geometry.live_along(orientation, line)
        with reading(self.path):
            values = convert(self._layout.axes.cut(self._samples(), orientation, position), self._dtype)
        values[:, ~live] = 0
        return Section(orientation, line, values, live)

    def _samples(self) -> Any:
        # A handle must not be shared with a forked process: HDF5 keeps state that the two would disagree on.
        if self._opened is None or self._opened[0] != os.getpid():
            cache = chunk_cache(self._layout)
            file = h5py.File(self.path, "r", locking="best-effort", **cache)
            self._opened = os.getpid(), file[self._layout.dataset]
        return self._opened[1]
