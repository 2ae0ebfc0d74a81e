"""A SEG-Y file of any dialect goes in; a Volume comes out, with the facts and assumptions it was read by."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.segy.headers import TEXT, FileHeader, Layout, read_layout
from sam_seismic.survey.segy.lines import describe_headers, find_lines
from sam_seismic.survey.segy.plausibility import absurd, other_float
from sam_seismic.survey.segy.samples import TraceFile, decode
from sam_seismic.survey.segy.scan import DELAY, INTERVAL, SAMPLES, SCALAR_OF_TIMES
from sam_seismic.survey.segy.text import decode_text
from sam_seismic.survey.volume import Geometry, Orientation, Section, Volume

_SAMPLED_TRACES = 64
_DEFAULT_INTERVAL_US = 4000.0


class SegyVolume(Volume):
    """A post-stack SEG-Y volume or 2D line.

    Opening reads all trace headers once and keeps a grid of trace numbers; samples are read when they are asked for.

    Args:
        path: the file.
        options: what to believe instead of finding it out.

    Raises:
        SurveyError: not a SEG-Y, damaged, prestack, or with headers that leave more than one reading; the message says
            how to settle it.
    """

    def __init__(self, path: Path, options: SegyOptions | None = None) -> None:
        options = options if options is not None else SegyOptions()
        self.path = path
        self.layout, header, notes = read_layout(path, options)
        with path.open("rb") as file:
            self.text = decode_text(file.read(TEXT))
        """The text header, 40 lines."""
        lines, headers, self.why = find_lines(path, self.layout, options)
        """How the line numbers were found, in words."""
        self.inline_byte, self.crossline_byte = lines.pair
        self.index: NDArray[np.int32] = lines.index()
        """int32[inline, crossline]: number of each trace in the file, from 0; -1 where there is none."""
        self._file = TraceFile(path, self.layout)
        if options.format is None:
            _check_floats(self._file)
        interval, interval_notes = _interval_us(header, headers.checked[INTERVAL])
        live, live_notes = _live(self.index, headers.dead)
        self._geometry = Geometry(
            lines.inlines,
            lines.crosslines,
            self.layout.samples,
            interval / 1000,
            _start_ms(headers.checked[DELAY][0], headers.checked[SCALAR_OF_TIMES][0]),
            live,
        )
        found = (f"line numbers {self.why}",) if self.why.startswith(("found", "taken")) else ()
        varying = {SAMPLES: "sample count", DELAY: "delay of the first sample"}
        varied = describe_headers(lines, headers.checked, varying)
        counts = _samples_note(self.layout, headers.checked[SAMPLES][0])
        self._notes = (*notes, *found, *counts, *interval_notes, *varied, *live_notes)

    @property
    def geometry(self) -> Geometry:
        """The grid; `live` is where a trace is in the file and not marked as dead."""
        return self._geometry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """float32 for all float formats, else the integer type of the file."""
        return self.layout.form.given

    @property
    def encoding(self) -> str:
        """Sample format and its code: `IBM float (1)`."""
        return str(self.layout.form)

    @property
    def byte_order(self) -> Literal["big", "little"]:
        """Byte order of headers and samples."""
        return "big" if self.layout.order == ">" else "little"

    @property
    def traces(self) -> int:
        """Traces in the file."""
        return self.layout.traces

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed or looked odd when the file was opened."""
        return self._notes

    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace]; dead traces are zero.

        Raises:
            SurveyError: there is no such line, or the file was cut since it was opened.
        """
        live = self._geometry.live_along(orientation, line)
        traces = self.traces_along(orientation, line)
        values = np.zeros((self.layout.samples, len(traces)), self.dtype)
        values[:, live] = self._file.samples(traces[live]).T  # [trace, sample] -> [sample, trace]
        return Section(orientation, line, values, live)

    def traces_along(self, orientation: Orientation, line: int) -> NDArray[np.int32]:
        """Numbers of the traces of a section in the file, from 0, -1 where there is none: int32[trace].

        Raises:
            SurveyError: there is no such line.
        """
        position = self._geometry.index(orientation, line)
        return self.index[position] if orientation is Orientation.INLINE else self.index[:, position]

    def coordinates(self, orientation: Orientation, line: int) -> NDArray[np.float64]:
        """X and Y of the traces of a section in the units of the file: float64[trace, 2], NaN where there is no trace.

        CDP coordinates (bytes 181 and 185), or those of the source (73 and 77) where all of them are zero.

        Raises:
            SurveyError: there is no such line, or the file was cut since it was opened.
        """
        traces = self.traces_along(orientation, line)
        headers = self._file.headers(traces[traces >= 0])  # uint8[trace, 240]

        def field(byte: int, kind: str) -> NDArray[np.float64]:
            width = np.dtype(kind).itemsize
            stored = np.ascontiguousarray(headers[:, byte - 1 : byte - 1 + width])
            return stored.view(self.layout.order + kind)[:, 0].astype(np.float64)

        pair = np.stack([field(181, "i4"), field(185, "i4")], axis=1)
        if not pair.any():
            pair = np.stack([field(73, "i4"), field(77, "i4")], axis=1)
        found = np.full((len(traces), 2), np.nan)
        found[traces >= 0] = pair * _factor(field(71, "i2"))[:, np.newaxis]
        return found


def _factor(scalar: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard's scalars: positive multiplies, negative divides, 0 means 1."""
    size = np.where(scalar == 0, 1.0, np.abs(scalar))
    return np.where(scalar < 0, 1 / size, size)


def _start_ms(delay: int, scalar: int) -> float:
    # Bytes 215-216 are unassigned before revision 1: only the standard's values are believed.
    believed = scalar if abs(scalar) in (1, 10, 100, 1000, 10000) else 0
    return float(delay * _factor(np.array([float(believed)]))[0])


def _interval_us(header: FileHeader, intervals: tuple[int, ...]) -> tuple[float, tuple[str, ...]]:
    """Sample interval in microseconds, from the binary header if it is there, and what to note."""
    binary, first = header.interval_us, intervals[0]
    if binary > 0:
        differs = first not in (0, binary)
        note = f"sample interval {binary:g} us in the binary header, {first} us in the first trace: the former is used"
        return binary, (note,) if differs else ()
    if first > 0:
        return float(first), (f"sample interval {first} us is taken from the first trace: the binary header has none",)
    return _DEFAULT_INTERVAL_US, (f"no sample interval in the headers: {_DEFAULT_INTERVAL_US:g} us assumed",)


def _samples_note(layout: Layout, first: int) -> tuple[str, ...]:
    if first in (0, layout.samples):
        return ()
    return (f"the first trace header gives {first} samples; the traces hold {layout.samples}",)


def _live(index: NDArray[np.int32], dead: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """bool[inline, crossline], and a note where traces are marked as dead."""
    live = index >= 0
    if not dead.any():
        return live, ()
    if dead.all():
        return live, ("every trace is marked as dead (byte 29): the mark is ignored",)
    live[live] = ~dead[index[live]]
    return live, (f"{int(dead.sum())} traces are marked as dead (byte 29 is 2 or 3)",)


def _check_floats(file: TraceFile) -> None:
    """Refuse IBM floats that are declared IEEE, and the reverse, on a sample of traces spread over the file."""
    layout = file.layout
    if layout.form.name not in ("ibm", "ieee"):
        return
    traces = np.unique(np.linspace(0, layout.traces - 1, _SAMPLED_TRACES).astype(np.int64))
    raw = file.read(traces, layout.header, layout.trace_bytes)
    words = raw.view(np.dtype("u4").newbyteorder(layout.order)).astype(np.uint32).ravel()
    other = other_float(words, layout.form.name)
    if other is None and not absurd(np.asarray(decode(raw, layout.form, layout.order), np.float32)):
        return
    if other is None:
        raise SurveyError(
            problem=f"{file.path}: decoded as {layout.form}, its amplitudes make no sense (their size, or how "
            "hugely they are spread), and the other float format explains them no better",
            fix="check the file; to read it all the same: "
            f"--format {layout.form.name} (YAML: data.read.segy.format: {layout.form.name})",
        )
    raise SurveyError(
        problem=f"{file.path}: its header declares {layout.form}, but the bits of its samples are those of "
        f"{other.upper()} floats: amplitudes would be wrong by orders of magnitude",
        fix=f"--format {other} (YAML: data.read.segy.format: {other})",
    )
