"""A 3D array in a file comes in; planes of it are read, and no more of it stays in memory."""

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
"""Bytes that are mapped at a time where a plane lies scattered in single numbers: mapped pages count as memory."""
SHORT = 256
"""Runs of fewer bytes are not worth a read of their own."""


@dataclass(frozen=True)
class SliceReader:
    """Where the numbers of an array lie.

    Args:
        path: the file.
        start: byte where they begin.
        shape: of the array, the last axis running fastest.
        dtype: as stored.
    """

    path: Path
    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def cut(self, axis: int, position: int) -> NDArray[np.generic]:
        """The plane at a position along an axis: the other two axes, in their order.

        Raises:
            SurveyError: the file is shorter than it should be.
        """
        runs, between = math.prod(self.shape[:axis]), math.prod(self.shape[axis:])
        length = math.prod(self.shape[axis + 1 :])
        found = np.empty((runs, length), self.dtype)
        try:
            with self.path.open("rb", buffering=0) as file:
                if length * self.dtype.itemsize < SHORT and runs > 1:
                    self._pick(file.fileno(), found, between, position)
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

    def _pick(self, descriptor: int, found: NDArray[np.generic], between: int, position: int) -> None:
        """Map the file, some of it at a time, and pick what belongs to the plane."""
        runs, length = found.shape
        end = os.fstat(descriptor).st_size
        if end < self.start + runs * between * self.dtype.itemsize:
            raise cut_off(self.path, end)  # a mapped page that is not there would kill the process
        mapping = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        every = np.frombuffer(mapping, self.dtype, runs * between, self.start).reshape(runs, -1, length)
        many = max(1, PIECE // (between * self.dtype.itemsize))
        for begin in range(0, runs, many):
            found[begin : begin + many] = every[begin : begin + many, position]
            if hasattr(mmap, "MADV_DONTNEED"):
                mapping.madvise(mmap.MADV_DONTNEED)
