"""Record numbers come in; records of one size, at equal distances in a file, are read and written.

The file is not mapped: mapped pages count as memory of the process.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.files.positional import read_exactly, write_exactly
from sam_seismic.files.unfinished import resume_error


@dataclass(frozen=True)
class RecordLayout:
    """The layout of the records in a file.

    Args:
        dtype: of the values in a record, with its byte order.
        shape: of one record.
        start: byte where the first record begins.
        stride: bytes from the begin of a record to the begin of the next; 0: there are no bytes between records.
    """

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    start: int = 0
    stride: int = 0

    @property
    def size(self) -> int:
        """Bytes a record."""
        return self.dtype.itemsize * int(np.prod(self.shape))


class RecordFile:
    """An existing file of records, opened for reading or for reading and writing.

    Args:
        path: the file.
        records: their layout.
        writable: open for reading and writing; otherwise for reading only.
    """

    def __init__(self, path: Path, records: RecordLayout, *, writable: bool = True) -> None:
        self.path = path
        self.records = records
        self._stride = records.stride or records.size
        self._descriptor: int | None = os.open(path, os.O_RDWR if writable else os.O_RDONLY)

    def write(self, numbers: NDArray[np.integer], values: NDArray[np.generic]) -> None:
        """Write records.

        Args:
            numbers: int[record], from 0, ascending.
            values: [record, *shape].
        """
        stored, descriptor = np.ascontiguousarray(values, self.records.dtype), self._open()
        for positions, first in self._runs(numbers):
            write_exactly(descriptor, _bytes(stored[positions]), self.records.start + first * self._stride)

    def read(self, numbers: NDArray[np.integer]) -> NDArray[np.generic]:
        """Read records.

        Args:
            numbers: int[record], from 0, ascending.

        Returns:
            [record, *shape].

        Raises:
            SurveyError: the file ends before the end of a record.
        """
        found, descriptor = np.empty((len(numbers), *self.records.shape), self.records.dtype), self._open()
        for positions, first in self._runs(numbers):
            offset = self.records.start + first * self._stride
            read_exactly(descriptor, _bytes(found[positions]), offset, path=self.path)
        return found

    def sync(self) -> None:
        """Wait until all written records are on the disk."""
        os.fsync(self._open())

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _runs(self, numbers: NDArray[np.integer]) -> Iterator[tuple[slice, int]]:
        """Runs of adjacent records in the file: their positions in `numbers`, and the number of the first record."""
        joined = self._stride == self.records.size
        breaks = np.flatnonzero(np.diff(numbers) != 1) + 1 if joined else np.arange(1, len(numbers))
        bounds = [0, *breaks.tolist(), len(numbers)]
        for begin, end in pairwise(bounds):
            if end > begin:
                yield slice(begin, end), int(numbers[begin])

    def _open(self) -> int:
        assert self._descriptor is not None, "used after it was closed"
        return self._descriptor


def _bytes(values: NDArray[np.generic]) -> memoryview:
    """The memory of a contiguous array: uint8[byte]."""
    return values.reshape(-1).view(np.uint8).data


class Recorded:
    """Mixin of an `Unfinished` that fills a file of records: opens, syncs and closes the file."""

    _records: RecordFile | None = None

    @property
    def records(self) -> RecordFile:
        """The records, while the result is open."""
        assert self._records is not None, "only inside the with block"
        return self._records

    def open_whole(self, path: Path, records: RecordLayout, *, size: int) -> None:
        """Open a file of records that this run or an earlier one created at its full size.

        Raises:
            SurveyError: it is missing, or has another size.
        """
        if not path.is_file() or path.stat().st_size != size:
            raise resume_error(path)
        self._records = RecordFile(path, records)

    def sync(self) -> None:
        """Wait until all written records are on the disk."""
        self.records.sync()

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._records is not None:
            self._records.close()
