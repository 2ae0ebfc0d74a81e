"""Thousands of damaged SEG-Y files: refused with a problem and a fix, or read as their bytes say, within bounds."""

import struct
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import SegyVolume
from tests.survey.segy_dialects import STORED, Dialect, Written, every_pair, write_dialect
from tests.survey.segy_files import cube

FILES = 1000
HEAD = 3600
MOST_BYTES = 8 << 20
"""Memory for files of at most 40 kB, whatever they say about themselves."""
EXTREMES = (0, 1, -1, 2, 3, 7, 255, 256, 3200, 32767, -32768, 65535, 2**31 - 1, -(2**31), 2**30, 10**6)
BINARY = {
    byte: kind
    for kind, bytes_ in (
        ("h", (3213, 3215, 3217, 3219, 3221, 3223, 3225, 3227, 3229, 3255, 3501, 3503, 3505, 3507, 3509, 3511)),
        ("i", (3201, 3205, 3261, 3265, 3269, 3289, 3293, 3297, 3507, 3529)),
        ("q", (3273, 3281, 3513, 3521)),
    )
    for byte in bytes_
}
TRACE = {
    byte: kind
    for kind, bytes_ in (
        ("h", (29, 69, 71, 89, 109, 115, 117, 157, 215)),
        ("i", (1, 5, 9, 13, 17, 21, 25, 37, 73, 77, 181, 185, 189, 193, 197, 201, 213, 221, 233, 237)),
    )
    for byte in bytes_
}
HARMLESS_BINARY = (*range(3200, 3212), *range(3226, 3254), *range(3256, 3260))
"""Offsets in the head that nothing is read from, beside the text."""
HARMLESS_TRACE = (*range(88, 108), *range(118, 176))


@dataclass
class Damage:
    """A file being damaged.

    Args:
        raw: its bytes.
        written: what it held.
        dialect: how it was written.
        harmless: whether nothing was touched that the reader goes by.
    """

    raw: bytearray
    written: Written
    dialect: Dialect
    random: np.random.Generator
    harmless: bool = True
    done: list[str] = field(default_factory=list)

    @property
    def trace_bytes(self) -> int:
        samples = self.written.values.shape[2]
        return self.dialect.trace_header + samples * np.dtype(STORED[self.dialect.code]).itemsize

    def trace(self) -> int:
        """Where some trace begins."""
        return len(self.written.head) + self.trace_bytes * int(self.random.integers(len(self.written.places)))

    def put(self, at: int, kind: str, value: int) -> None:
        size = struct.calcsize("=" + kind)
        self.done.append(f"{kind} {value} at {at}")
        order = {">": "big", "<": "little"}[self.dialect.order]
        stored = (value % (1 << 8 * size)).to_bytes(size, order)  # type: ignore[arg-type]
        if at + size <= len(self.raw):
            self.raw[at : at + size] = stored

    def flip(self) -> None:
        """Some bytes of one part of the file."""
        head, (low, high) = len(self.written.head), (0, len(self.raw))
        part = int(self.random.integers(4))
        if part < 3:
            low, high = ((0, 3200), (3200, head), (self.trace(), 0))[part]
            high = high or low + 240
        self.harmless &= part == 0
        for at in self.random.integers(low, max(low + 1, high), self.random.integers(1, 8)).tolist():
            if at < len(self.raw):
                self.put(at, "B", int(self.random.integers(256)))

    def set_binary(self) -> None:
        byte = int(self.random.choice(list(BINARY)))
        self.harmless = False
        self.put(byte - 1, BINARY[byte], int(self.random.choice(EXTREMES)))

    def set_trace(self) -> None:
        """One field of one trace, or of all of them."""
        byte = int(self.random.choice(list(TRACE)))
        value, head = int(self.random.choice(EXTREMES)), len(self.written.head)
        self.harmless = False
        everywhere = range(head, len(self.raw) - 239, self.trace_bytes)
        for at in everywhere if self.random.random() < 0.4 else (self.trace(),):
            self.put(at + byte - 1, TRACE[byte], value)

    def cut(self) -> None:
        self.harmless = False
        del self.raw[int(self.random.integers(len(self.raw) + 1)) :]
        self.done.append(f"cut at {len(self.raw)}")

    def cut_whole_traces(self) -> None:
        self.harmless = False
        del self.raw[self.trace() :]
        self.done.append(f"cut at {len(self.raw)}")

    def append(self) -> None:
        self.harmless = False
        self.raw += self.random.bytes(int(self.random.choice([1, 240, 3200, self.trace_bytes, 5000])))
        self.done.append(f"now {len(self.raw)} bytes")

    def spoil_nothing(self) -> None:
        """Bytes that nothing is read from: the file must still be read, exactly."""
        for _ in range(int(self.random.integers(1, 20))):
            at = int(self.random.choice(HARMLESS_BINARY))
            if self.random.random() < 0.7:
                at = self.trace() + int(self.random.choice(HARMLESS_TRACE))
            if at < len(self.raw):
                self.put(at, "B", int(self.random.integers(256)))


STEPS = (
    Damage.flip,
    Damage.flip,
    Damage.set_binary,
    Damage.set_binary,
    Damage.set_trace,
    Damage.set_trace,
    Damage.cut,
    Damage.cut_whole_traces,
    Damage.append,
    Damage.spoil_nothing,
)


def decoded(traces: NDArray[np.uint8], volume: SegyVolume) -> NDArray[np.generic]:
    """The samples of all traces, uint8[trace, byte] -> [trace, sample]: an independent parse."""
    layout = volume.layout
    stored = np.ascontiguousarray(traces[:, layout.header :])
    words = stored.view(layout.order + STORED[layout.form.code])
    with np.errstate(over="ignore", invalid="ignore"):
        if layout.form.code != 1:
            return words.astype(volume.dtype)
        power, fraction = 4 * ((words.astype(np.int64) >> 24 & 0x7F) - 64), (words & 0xFFFFFF) / 2.0**24
        return (np.where(words >> 31, -1.0, 1.0) * np.ldexp(fraction, power)).astype(np.float32)


def read_whole(volume: SegyVolume) -> NDArray[np.generic]:
    """All samples [inline, crossline, sample]; the coordinates of a line of each orientation are read, too."""
    for orientation in Orientation:
        line = int(volume.geometry.lines(orientation)[-1])
        places = volume.coordinates(orientation, line)
        assert places is None or places.shape == (volume.section(orientation, line).shape[1], 2)
    return cube(volume)


def check(volume: SegyVolume, values: NDArray[np.generic], raw: bytes) -> None:
    """A volume that was read is one of this file: its grid, its lines and all of its samples."""
    geometry, layout = volume.geometry, volume.layout
    inlines, crosslines, samples = geometry.shape
    assert min(geometry.shape) > 0
    assert HEAD < layout.end <= len(raw)
    assert samples * volume.traces * layout.form.size <= len(raw)
    assert inlines * crosslines <= max(1000, 20 * volume.traces)
    assert np.isfinite([geometry.sample_interval_ms, geometry.start_ms]).all()
    assert geometry.sample_interval_ms > 0
    held = volume.index >= 0
    numbers = volume.index[held]
    placed = [*numbers.tolist(), *volume.repeats[:, 0].tolist()]
    left_out = any("without a position" in note for note in volume.notes)
    assert sorted(placed) == list(range(volume.traces)) or (left_out and len(set(placed)) == len(placed))
    assert not (geometry.live & ~held).any()
    traces = np.frombuffer(raw, np.uint8, layout.end - layout.start, layout.start).reshape(volume.traces, -1)
    for byte, lines, axis in (
        (volume.inline_byte, geometry.inlines, 0),
        (volume.crossline_byte, geometry.crosslines, 1),
    ):
        if byte is None:
            assert lines[0] >= 1
            continue
        column = np.ascontiguousarray(traces[:, byte - 1 : byte + 3]).view(layout.order + "i4")[:, 0]
        assert np.array_equal(column[numbers], lines[np.nonzero(held)[axis]])
    expected = np.zeros(geometry.shape, volume.dtype)
    expected[geometry.live] = decoded(traces, volume)[volume.index[geometry.live]]
    assert values.shape == geometry.shape
    assert np.array_equal(values, expected, equal_nan=volume.dtype.kind == "f")


def opened(path: Path, options: SegyOptions) -> tuple[SegyVolume | None, str]:
    """A volume, or what is said instead; no other exception is caught."""
    try:
        return SegyVolume(path, options), ""
    except SurveyError as error:
        return None, error.problem if error.fix else ""


OPTIONS = (
    SegyOptions(),
    SegyOptions(),
    SegyOptions(duplicates="first"),
    SegyOptions(duplicates="last"),
    SegyOptions(format="ieee"),
    SegyOptions(inline_byte=189),
    SegyOptions(grid_from_coordinates=True),
    SegyOptions(tail="drop"),
    SegyOptions(traces_per_line=5, sample_interval=2.0, start=100.0),
    SegyOptions(endian="little"),
)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files(tmp_path: Path, seed: int):
    """Never another exception than SurveyError, never much memory, never samples that are not in the file."""
    random, path = np.random.default_rng(seed), tmp_path / "a.sgy"
    dialects = list(every_pair(100 + seed))
    originals = [(write_dialect(path, dialect, seed), path.read_bytes(), dialect) for dialect in dialects]
    read = refused = 0
    try:
        for number in range(FILES):
            written, whole, dialect = originals[number % len(originals)]
            damage = Damage(bytearray(whole), written, dialect, random)
            for step in random.choice(len(STEPS), random.integers(1, 4)).tolist():
                STEPS[step](damage)
            path.write_bytes(damage.raw)
            options = OPTIONS[int(random.integers(len(OPTIONS)))] if not damage.harmless else OPTIONS[0]
            tracemalloc.start()  # around what reads the file alone: all under it takes three times as long
            volume, refusal = opened(path, options)
            values = None if volume is None else read_whole(volume)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < MOST_BYTES
            if volume is None:
                assert not damage.harmless
                assert str(path) in refusal
                refused += 1
            else:
                check(volume, values, bytes(damage.raw))
                assert not damage.harmless or np.array_equal(values, written.values)
                read += 1
    except Exception as error:
        error.add_note(f"file {number}: {dialect}, {damage.done}, {options}: {refusal}")
        raise
    finally:
        tracemalloc.stop()
    assert read + refused == FILES
    assert min(read, refused) > FILES // 10
