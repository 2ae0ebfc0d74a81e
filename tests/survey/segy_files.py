"""SEG-Y files to test with: written plainly, taken apart into bytes, changed, and put together again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.result import Result
from sam_seismic.survey.segy import SegyVolume
from sam_seismic.survey.volume import Section

INT8 = np.dtype(np.int8)
CODES = {np.dtype(np.int8): 8, np.dtype(np.int16): 3, np.dtype(np.float32): 5}


def smooth(shape: tuple[int, int, int], seed: int = 0) -> NDArray[np.float32]:
    """Amplitudes that IBM floats hold exactly (multiples of 1/64): float32[inline, crossline, sample]."""
    values = np.random.default_rng(seed).normal(size=shape) * 2.0 ** np.random.default_rng(seed + 1).uniform(
        -3, 9, shape
    )
    return (np.rint(values * 64) / 64).astype(np.float32)


def grid(inlines: int = 6, crosslines: int = 5, samples: int = 40) -> Geometry:
    return Geometry.complete(range(100, 100 + inlines), range(300, 300 + crosslines), samples)


def cube(volume: SegyVolume) -> NDArray[np.generic]:
    """All samples, read as inlines: [inline, crossline, sample]."""
    return np.stack([volume.section(Orientation.INLINE, int(line)).values.T for line in volume.geometry.inlines])


def crossline_cube(volume: SegyVolume) -> NDArray[np.generic]:
    """All samples, read as crosslines: [inline, crossline, sample]."""
    lines = volume.geometry.crosslines
    return np.stack([volume.section(Orientation.CROSSLINE, int(line)).values.T for line in lines], axis=1)


def facies(geometry: Geometry) -> NDArray[np.int16]:
    """Labels 1 to 6: int16[inline, crossline, sample]."""
    return np.random.default_rng(3).integers(1, 7, geometry.shape, np.int16)


def write_all(result: Result, values: NDArray[np.generic], geometry: Geometry, orientation: Orientation) -> None:
    for position, line in enumerate(geometry.lines(orientation)):
        traces = values[position] if orientation is Orientation.INLINE else values[:, position]
        live = geometry.live_along(orientation, int(line))
        result.write(Section(orientation, int(line), traces.T, live))


@dataclass
class Parts:
    """The bytes of a file: its head, and its traces one a row."""

    head: bytearray
    traces: NDArray[np.uint8]
    order: str = ">"

    @classmethod
    def of(cls, path: Path, trace_bytes: int, *, order: str = ">", head: int = 3600) -> "Parts":
        raw = path.read_bytes()
        traces = np.frombuffer(raw[head:], np.uint8).reshape(-1, trace_bytes).copy()
        return cls(bytearray(raw[:head]), traces, order)

    def save(self, path: Path) -> Path:
        path.write_bytes(bytes(self.head) + self.traces.tobytes())
        return path

    def set_binary(self, byte: int, value: int, kind: str = "i2") -> None:
        """A field of the binary header, at its position in the file."""
        raw = np.array(value, self.order + kind).tobytes()
        self.head[byte - 1 : byte - 1 + len(raw)] = raw

    def field(self, byte: int, kind: str = "i4") -> NDArray[np.integer]:
        """A field of all trace headers."""
        width = np.dtype(kind).itemsize
        return np.ascontiguousarray(self.traces[:, byte - 1 : byte - 1 + width]).view(self.order + kind)[:, 0]

    def set_field(self, byte: int, values: object, kind: str = "i4") -> None:
        stored = np.broadcast_to(np.asarray(values), len(self.traces)).astype(self.order + kind)
        width = stored.itemsize
        self.traces[:, byte - 1 : byte - 1 + width] = stored[:, np.newaxis].copy().view(np.uint8)


def refusal(path: Path, **options: object) -> SurveyError:
    with pytest.raises(SurveyError) as caught:
        SegyVolume(path, SegyOptions.model_validate(options))
    assert str(path) in caught.value.problem
    return caught.value


def changed(path: Path, change: Callable[[Parts], None]) -> Path:
    parts = Parts.of(path, 400)
    change(parts)
    return parts.save(path)
