"""A 3D array in a file comes in, single planes of it go out; the rest is not held in memory."""

import math
import mmap
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.files.positional import cut_off, read_ahead, read_exactly

PIECE = 64 * 2**20
"""Bytes read from the mapped file before its pages are released, since mapped pages count as memory."""
SHORT = 256
"""Runs of fewer bytes are read from a mapping, which is faster than a read call for each run."""


@dataclass(frozen=True)
class SliceReader:
    """Reads planes of an array that is stored uncompressed.

    Args:
        path: the file.
        start: byte where the array begins.
        shape: of the array, in C order.
        dtype: as stored.
    """

    path: Path
    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def cut(self, axis: int, position: int) -> NDArray[np.generic]:
        """The plane at a position along an axis.

        Returns:
            The other two axes, in the order of the file, of `dtype`.

        Raises:
            SurveyError: the file cannot be read, or ends too early.
        """
        runs, between = math.prod(self.shape[:axis]), math.prod(self.shape[axis:])
        length = math.prod(self.shape[axis + 1 :])
        found = np.empty((runs, length), self.dtype)
        try:
            with self.path.open("rb", buffering=0) as file:
                if length * self.dtype.itemsize < SHORT and runs > 1:
                    self._read_mapped(file.fileno(), found, between, position)
                else:
                    self._read_runs(file.fileno(), found, between, position)
        except OSError as error:
            raise SurveyError(
                problem=f"{self.path}: its samples cannot be read: {error}",
                fix="check the path, or copy the file again",
            ) from error
        return found.reshape([size for at, size in enumerate(self.shape) if at != axis])

    def _read_runs(self, descriptor: int, found: NDArray[np.generic], between: int, position: int) -> None:
        runs, length = found.shape
        size, step = length * self.dtype.itemsize, between * self.dtype.itemsize
        first = self.start + position * size
        places = range(first, first + runs * step, step)
        if runs > 1:
            read_ahead(descriptor, [(place, size) for place in places])
        for place, run in zip(places, found.view(np.uint8), strict=True):
            read_exactly(descriptor, run.data, place, path=self.path)

    def _read_mapped(self, descriptor: int, found: NDArray[np.generic], between: int, position: int) -> None:
        """Read the plane from a mapping of the file, and release its pages after each PIECE."""
        runs, length = found.shape
        end = os.fstat(descriptor).st_size
        if end < self.start + runs * between * self.dtype.itemsize:
            raise cut_off(self.path, end)  # reading a missing mapped page would kill the process
        mapping = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        every = np.frombuffer(mapping, self.dtype, runs * between, self.start).reshape(runs, -1, length)
        many = max(1, PIECE // (between * self.dtype.itemsize))
        for begin in range(0, runs, many):
            found[begin : begin + many] = every[begin : begin + many, position]
            if hasattr(mmap, "MADV_DONTNEED"):
                mapping.madvise(mmap.MADV_DONTNEED)
