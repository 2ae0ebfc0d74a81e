"""Samples stored as blocks that lie one behind the other in a file: read and written in place, without HDF5."""

import os
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.files.fixed_records import RecordFile, RecordLayout
from sam_seismic.files.positional import read_ahead, read_exactly
from sam_seismic.survey.geometry import Orientation

BLOCK_LINES = (8, 4)
"""Inlines and crosslines a block. In thin blocks a single line is read fast, in thick ones a run of neighbours. The
blocks of an inline lie in one run of the file, so they may be thicker. Measured on 2 GB: docs/benchmarks.md."""
BLOCK_BYTES = 32 * 2**10
PIECE = 4 * 2**20
"""Bytes of blocks that are read at a time."""
HELD = 128 * 2**20
"""Bytes of blocks that are kept in memory for the neighbours of a section."""


@dataclass(frozen=True)
class Blocks:
    """Where the samples of a volume lie: [inline block, crossline block, sample block, *block], one behind the other.

    Args:
        start: byte where they begin.
        shape: of the volume: inlines, crosslines, samples.
        block: shape of a block; the last one along an axis may reach beyond the volume.
        dtype: as stored.
    """

    start: int
    shape: tuple[int, int, int]
    block: tuple[int, int, int]
    dtype: np.dtype[np.generic]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Blocks along each axis."""
        inlines, crosslines, samples = (-(-size // step) for size, step in zip(self.shape, self.block, strict=True))
        return inlines, crosslines, samples

    @property
    def block_bytes(self) -> int:
        """Bytes a block."""
        return int(np.prod(self.block)) * self.dtype.itemsize

    @property
    def size(self) -> int:
        """Bytes of all blocks."""
        return int(np.prod([int(count) for count in self.counts])) * self.block_bytes

    def beginnings(self) -> Iterator[tuple[tuple[int, int, int], int]]:
        """Blocks spread over the volume: (indices of the first sample, byte where the block must begin) of each."""
        total = self.size // self.block_bytes
        for number in np.unique(np.linspace(0, total - 1, 256).astype(np.int64)).tolist():
            at = np.unravel_index(number, self.counts)
            inline, crossline, sample = (int(index) * step for index, step in zip(at, self.block, strict=True))
            yield (inline, crossline, sample), self.start + number * self.block_bytes

    def spans(self, orientation: Orientation, block: int) -> list[tuple[int, int]]:
        """(First byte, bytes) of each run of the file that holds the lines of the n-th block along an axis."""
        inline_blocks, crossline_blocks, sample_blocks = self.counts
        column = sample_blocks * self.block_bytes
        if orientation is Orientation.INLINE:
            first, many = self.start + block * crossline_blocks * column, max(1, PIECE // column)  # one run, in pieces
            runs = [(at, min(many, crossline_blocks - at)) for at in range(0, crossline_blocks, many)]
            return [(first + at * column, count * column) for at, count in runs]
        return [(self.start + (at * crossline_blocks + block) * column, column) for at in range(inline_blocks)]


def block_shape(shape: tuple[int, int, int], itemsize: int) -> tuple[int, int, int]:
    """Blocks of about BLOCK_BYTES and at most BLOCK_LINES lines, never larger than the survey."""
    inlines, crosslines = (_even(size, most, 1) for size, most in zip(shape[:2], BLOCK_LINES, strict=True))
    samples = max(1, BLOCK_BYTES // (inlines * crosslines * itemsize))
    # Multiples of 16 keep runs on the borders of memory pages; it costs at most a few hundredths of the size.
    return inlines, crosslines, _even(shape[2], samples, 16)


def _even(size: int, most: int, multiple: int) -> int:
    """The length of parts of equal length, at most `most`, such that the last part is nearly full."""
    parts = -(-size // most)
    return size if parts == 1 else min(most, -(-size // (parts * multiple)) * multiple)


class BlockReader:
    """Reads sections out of blocks; it can be pickled and used after a fork.

    The file is not mapped into memory: the pages of a mapping count as memory of the process, up to 2 MB for each byte
    that is touched, and an error of the disk would kill it.

    Args:
        path: the file.
        blocks: where its samples lie.
    """

    def __init__(self, path: Path, blocks: Blocks) -> None:
        self.path = path
        self.blocks = blocks
        self._descriptor: int | None = None
        self._last: tuple[Orientation, int] | None = None
        self._held: tuple[Orientation, int] | None = None
        self._buffer: NDArray[np.uint8] = np.empty(0, np.uint8)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_descriptor": None, "_last": None, "_held": None, "_buffer": np.empty(0, np.uint8)}

    def section(self, orientation: Orientation, position: int, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
        """The section at a position along its axis, in the type wanted: [trace, sample], writable.

        Raises:
            SurveyError: the file was cut since it was opened.
        """
        along, across = (0, 1) if orientation is Orientation.INLINE else (1, 0)
        block, within = divmod(position, self.blocks.block[along])
        counts, step = self.blocks.counts, self.blocks.block
        found = np.empty((counts[across], step[across], counts[2], step[2]), dtype)  # [block, line, block, sample]
        done = 0
        for cut in self._cuts(orientation, block, within):
            with np.errstate(over="ignore"):  # too large for float32 becomes infinite, and is refused as such
                found[done : done + len(cut)] = cut.transpose(0, 2, 1, 3)
            done += len(cut)
        wide = found.reshape(counts[across] * step[across], counts[2] * step[2])  # [trace, sample] and beyond
        return wide[: self.blocks.shape[across], : self.blocks.shape[2]]

    def _cuts(self, orientation: Orientation, block: int, within: int) -> Iterator[NDArray[np.generic]]:
        """The samples of a line, some blocks at a time: [block across, sample block, line across, sample].

        Each array is valid until the next one is asked for.
        """
        inline = orientation is Orientation.INLINE
        spans = self.blocks.spans(orientation, block)
        at, last = (orientation, block), self._last
        self._last = at
        if self._held != at:
            neighbours = last is not None and last[0] is orientation and abs(block - last[1]) <= 1
            if inline and not neighbours:
                yield self._rows(block, within)
                return
            read_ahead(self._open(), spans)
            if neighbours and block + 1 < self.blocks.counts[0 if inline else 1]:
                read_ahead(self._open(), self.blocks.spans(orientation, block + 1))
        many = max(1, HELD // spans[0][1])
        for begin in range(0, len(spans), many):
            if self._held != at:
                self._load(spans[begin : begin + many])
            self._held = at if many >= len(spans) else None
            size = sum(count for _, count in spans[begin : begin + many])
            part = self._buffer[:size].view(self.blocks.dtype).reshape(-1, self.blocks.counts[2], *self.blocks.block)
            yield part[:, :, within] if inline else part[:, :, :, within]

    def _rows(self, block: int, within: int) -> NDArray[np.generic]:
        """Read one inline alone, without the rest of its blocks: [crossline block, sample block, crossline, sample]."""
        inlines, crosslines, samples = self.blocks.block
        size = self.blocks.block_bytes // inlines
        rows = np.empty((self.blocks.counts[1] * self.blocks.counts[2], size), np.uint8)
        begin = self.blocks.start + block * len(rows) * self.blocks.block_bytes + within * size
        places = range(begin, begin + rows.size * inlines, self.blocks.block_bytes)
        descriptor = self._open()
        read_ahead(descriptor, [(at, size) for at in places])
        for at, row in zip(places, rows, strict=True):
            read_exactly(descriptor, row.data, at, path=self.path)
        return rows.view(self.blocks.dtype).reshape(*self.blocks.counts[1:], crosslines, samples)

    def _load(self, spans: list[tuple[int, int]]) -> None:
        """Read the bytes of spans into the buffer, one behind the other."""
        self._held = None
        size = sum(count for _, count in spans)
        if len(self._buffer) < size:
            self._buffer = np.empty(size, np.uint8)
        done, buffer = 0, self._buffer.data
        for begin, count in spans:
            read_exactly(self._open(), buffer[done : done + count], begin, path=self.path)
            done += count

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDONLY)
            weakref.finalize(self, os.close, self._descriptor)
        return self._descriptor


class BlockWriter:
    """Writes sections, or whole boxes of lines, into the blocks of an existing file.

    Args:
        path: the file, at its full size.
        blocks: where its samples lie.
    """

    def __init__(self, path: Path, blocks: Blocks) -> None:
        self.blocks = blocks
        # A record is what a block holds of one trace.
        self._rows = RecordFile(path, RecordLayout(blocks.dtype, (blocks.block[2],), start=blocks.start))

    def section(self, orientation: Orientation, position: int, traces: NDArray[np.generic]) -> None:
        """Write the section at a position along its axis: [trace, sample]."""
        _, crossline_blocks, sample_blocks = self.blocks.counts
        inlines, crosslines, samples = self.blocks.block
        inline = orientation is Orientation.INLINE
        block, within = divmod(position, inlines if inline else crosslines)
        axis = 1 if inline else 0  # along which its traces lie
        across = np.arange(self.blocks.counts[axis])[:, np.newaxis, np.newaxis]  # [block, 1, 1]
        down = np.arange(sample_blocks)[:, np.newaxis]
        along = np.arange(self.blocks.block[axis])
        if inline:
            number = (block * crossline_blocks + across) * sample_blocks + down  # of the block: [block, block, 1]
            rows = (number * inlines + within) * crosslines + along
        else:
            number = (across * crossline_blocks + block) * sample_blocks + down
            rows = (number * inlines + along) * crosslines + within
        wide = _padded(traces, (across.size * along.size, sample_blocks * samples))
        cut = wide.reshape(across.size, along.size, sample_blocks, samples).transpose(0, 2, 1, 3)
        self._rows.write(rows.ravel(), cut.reshape(-1, samples))  # [block, block, line] of rows, as they lie

    def box(self, inline: int, crossline: int, values: NDArray[np.generic]) -> None:
        """Write a box [inline, crossline, sample] of whole blocks.

        Args:
            inline: position of its first inline, on the border of a block.
            crossline: position of its first crossline, likewise.
            values: up to the borders of other blocks, or the edge of the volume.
        """
        _, crossline_blocks, sample_blocks = self.blocks.counts
        inlines, crosslines, samples = self.blocks.block
        across = -(-values.shape[1] // crosslines)
        for begin in range(0, len(values), inlines):
            wide = _padded(values[begin : begin + inlines], (inlines, across * crosslines, sample_blocks * samples))
            cut = wide.reshape(inlines, across, crosslines, sample_blocks, samples).transpose(1, 3, 0, 2, 4)
            block = (inline + begin) // inlines * crossline_blocks + crossline // crosslines
            first = block * sample_blocks * inlines * crosslines
            rows = np.arange(first, first + across * sample_blocks * inlines * crosslines)
            self._rows.write(rows, cut.reshape(-1, samples))

    def sync(self) -> None:
        """Return when all that was written is on the disk."""
        self._rows.sync()

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        self._rows.close()


def _padded(values: NDArray[np.generic], shape: tuple[int, ...]) -> NDArray[np.generic]:
    """The values with zeros appended along each axis, up to a shape."""
    if values.shape == shape:
        return values
    wide = np.zeros(shape, values.dtype)
    wide[tuple(slice(size) for size in values.shape)] = values
    return wide
