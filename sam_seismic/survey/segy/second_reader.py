"""A SEG-Y file comes in; segyio, on which most Python programs rest, says whether it holds what was meant.

Our own reader stays the reader: segyio decodes unnormalised IBM floats wrongly, and opens no irregular survey as a
grid.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import segyio
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.segy.headers import HEAD, TEXT, TRACE_HEADER, SegyLayout
from sam_seismic.survey.source_facts import SecondReading

DRAWN = 32
"""Traces that are compared, beside the first and the last."""
_SEED = 20
_CLOSE = 1e-6
"""Relative difference of a number and its IBM float."""
_FAULTS = (RuntimeError, ValueError, OSError, LookupError, TypeError, OverflowError)
"""What segyio raises on a file that it cannot open or read."""


def drawn_traces(traces: int) -> NDArray[np.int32]:
    """Numbers of the traces of a file that are compared, always the same for its count: int32[trace], ascending."""
    drawn = np.random.default_rng(_SEED).integers(0, traces, min(DRAWN, traces))
    return np.unique(np.concatenate([drawn, [0, traces - 1]])).astype(np.int32)


def strict_reading(
    path: Path, layout: SegyLayout, geometry: Geometry, pair: tuple[int | None, int | None]
) -> SecondReading:
    """Whether segyio opens a file strictly, as a cube, with the line numbers at a pair of header bytes."""
    inline, crossline = pair
    if inline is None or crossline is None:
        return SecondReading(False, "its headers hold no line numbers")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # on formats that it does not know: our reader tells them
            file = segyio.open(str(path), iline=inline, xline=crossline, strict=True, endian=_endian(layout))
        with file:
            shape = (len(file.ilines), len(file.xlines), len(file.samples))
    except _FAULTS as error:
        return SecondReading(False, _why(error, layout, geometry))
    if shape != geometry.shape:
        return SecondReading(False, f"it opens it as {shape}, which is not the grid {geometry.shape}")
    return SecondReading(True)


def _why(error: Exception, layout: SegyLayout, geometry: Geometry) -> str:
    places = geometry.live.size
    if layout.traces != places:
        return (
            f"it reads whole grids, and {layout.traces:,} traces lie on {places:,} places; "
            "segyio.open(..., ignore_geometry=True) reads them one by one"
        )
    return " ".join(str(error).split()) or type(error).__name__


@dataclass(frozen=True, eq=False)
class Meant:
    """What a file that was written is to hold.

    Args:
        layout: of the file.
        headers: of traces by their numbers: int32[trace] -> uint8[trace, 240].
        samples: by the number of a drawn trace, [sample]; of the traces that this process wrote.
        copied: whether its headers are those of another file, which segyio may not open either.
    """

    layout: SegyLayout
    headers: Callable[[NDArray[np.int32]], NDArray[np.uint8]]
    samples: Mapping[int, NDArray[np.generic]]
    copied: bool


def check_written(path: Path, written: Path, meant: Meant) -> None:
    """Let segyio read drawn traces of a file that was written, and compare them with what was meant.

    A file with headers of a source that segyio cannot open at all is not compared; `inspect` tells why.

    Args:
        path: the final name, for messages.
        written: where the file lies now.
        meant: what it is to hold.

    Raises:
        SurveyError: segyio does not open it, or reads something else.
    """
    layout = meant.layout
    try:
        with segyio.open(str(written), ignore_geometry=True, strict=False, endian=_endian(layout)) as file:
            fault = _difference(file, meant)
    except _FAULTS as error:
        if meant.copied:
            return
        fault = f"cannot read it: {' '.join(str(error).split())}"
    if fault is not None:
        raise SurveyError(
            problem=f"{path}: was not published: segyio {fault}",
            fix="the disk or the source changed while it was written: write it again, or elsewhere",
        )


def _difference(file: Any, meant: Meant) -> str | None:
    """The first difference from what was meant, in words."""
    layout = meant.layout
    if meant.copied and not _as_laid_out(file, layout):
        return None  # headers of a source that segyio takes otherwise, such as those of revision 2
    if len(file.samples) != layout.samples:
        return f"finds {len(file.samples)} samples a trace, not {layout.samples}"
    if file.tracecount != layout.traces:
        return f"finds {file.tracecount:,} traces, not {layout.traces:,}"
    numbers = drawn_traces(layout.traces)
    for number, header in zip(numbers.tolist(), meant.headers(numbers), strict=True):
        if (byte := _other_field(file.header[number], header, layout)) is not None:
            return f"finds another header of trace {number + 1:,}, at byte {byte}"
    for number, samples in meant.samples.items():
        if not _alike(file.trace.raw[number], samples):
            return f"finds other samples in trace {number + 1:,}"
    return None


def _as_laid_out(file: Any, layout: SegyLayout) -> bool:
    """Whether segyio looks for the samples of a file where they are."""
    found = HEAD + TEXT * int(file.ext_headers), len(file.samples), int(file.format)
    return layout.header == TRACE_HEADER and found == (layout.start, layout.samples, layout.form.code)


def _other_field(found: Any, header: NDArray[np.uint8], layout: SegyLayout) -> int | None:
    """Byte position of the first field that differs."""
    raw, order = header.tobytes(), "big" if layout.order == ">" else "little"
    positions = sorted(int(key) for key in found)
    for byte, after in zip(positions, [*positions[1:], TRACE_HEADER + 1], strict=True):
        width = min(4, after - byte)
        value = found[byte]
        ours = int.from_bytes(raw[byte - 1 : byte - 1 + width], order)  # type: ignore[arg-type]
        if isinstance(value, int) and (ours - value) % (1 << 8 * width):  # of either sign
            return byte
    return None


def _alike(found: NDArray[np.generic], samples: NDArray[np.generic]) -> bool:
    with np.errstate(invalid="ignore", over="ignore"):
        pair = found.astype(np.float64), samples.astype(np.float64)
        return bool(np.allclose(*pair, rtol=_CLOSE, atol=1e-30, equal_nan=True))


def _endian(layout: SegyLayout) -> str:
    return "big" if layout.order == ">" else "little"
