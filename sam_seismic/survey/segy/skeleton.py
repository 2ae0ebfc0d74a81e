"""A template or a grid goes in; a SEG-Y file comes out with all its headers, and zeros for its samples."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, describe_lines
from sam_seismic.survey.segy.formats import Order, SampleFormat
from sam_seismic.survey.segy.headers import HEAD, TEXT, TRACE_HEADER, SegyLayout
from sam_seismic.survey.segy.scan import CHUNK
from sam_seismic.survey.segy.template import SegyTemplate
from sam_seismic.survey.segy.text import CARDS, add_note, encode_text

_FORMAT_BYTE = 3225
_CENTI = -100
"""Coordinate scalar: integers are hundredths."""


class Skeleton(ABC):
    """A SEG-Y file without its samples.

    Args (of every kind):
        layout: where its traces lie.
        geometry: its grid.
        index: int32[inline, crossline], number of the trace of each place, -1 where there is none.
        repeats: int32[repeat, 2], traces without a place of their own, and the trace that holds it.
    """

    layout: SegyLayout
    geometry: Geometry
    index: NDArray[np.int32]
    repeats: NDArray[np.int32] = np.empty((0, 2), np.int32)

    @abstractmethod
    def create(self, path: Path) -> None:
        """Write the file at its full size, its samples zero."""

    @abstractmethod
    def headers_at(self, traces: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The standard headers of some traces, whose numbers ascend: uint8[trace, 240]."""


class CopiedSkeleton(Skeleton):
    """All headers of a SEG-Y file, byte for byte, but for the sample format code and one line of text.

    Args:
        template: what is copied.
        form: the new sample format.
        note: goes into an empty line of the text header.
    """

    def __init__(self, template: SegyTemplate, form: SampleFormat, *, note: str) -> None:
        self.template = template
        self.note = note
        self.layout = replace(template.layout, form=form)
        self.geometry = template.geometry
        self.index = template.index
        self.repeats = template.repeats

    def headers_at(self, traces: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The headers of the source."""
        return self.template.headers_at(traces)

    def create(self, path: Path) -> None:
        """Write the file at its full size, its samples zero."""
        with path.open("wb") as file:
            head = bytearray(self.template.head())
            head[:TEXT] = add_note(bytes(head[:TEXT]), self.note)
            code = np.array(self.layout.form.code, f"{self.layout.order}i2").tobytes()
            head[_FORMAT_BYTE - 1 : _FORMAT_BYTE + 1] = code
            file.write(head)
            step = max(1, CHUNK // self.layout.trace_bytes)
            for many in self.template.headers():
                for begin in range(0, len(many), step):  # the new traces may be longer than those read
                    headers = many[begin : begin + step]
                    traces = np.zeros((len(headers), self.layout.trace_bytes), np.uint8)
                    traces[:, : self.layout.header] = headers
                    file.write(traces.data)  # `tofile` would not say why it fails
            file.write(self.template.tail())


@dataclass(frozen=True, eq=False)
class FreshLook:
    """The headers of a fresh file.

    Args:
        inline_byte: position of the inline number in the trace headers.
        crossline_byte: position of the crossline number.
        order: byte order.
        text: lines for the text header.
        coordinates: float64[inline, crossline, 2], X and Y of the places in metres; nothing: none are written.
    """

    inline_byte: int = 189
    crossline_byte: int = 193
    order: Order = ">"
    text: Sequence[str] = ()
    coordinates: NDArray[np.float64] | None = None


class FreshSkeleton(Skeleton):
    """A plain file of revision 1: EBCDIC text, live traces only, inline by inline.

    Args:
        path: the final name, for messages.
        geometry: the grid.
        form: sample format.
        look: the rest.

    Raises:
        SurveyError: the grid has no live trace, or something does not fit into its header field.
    """

    def __init__(self, path: Path, geometry: Geometry, form: SampleFormat, *, look: FreshLook) -> None:
        self.geometry = geometry
        self.look = look
        self._cells = np.flatnonzero(geometry.live)  # place of each trace on the flattened grid
        self.index = np.full(geometry.live.shape, -1, np.int32)
        self.index[geometry.live] = np.arange(len(self._cells), dtype=np.int32)
        self.layout = SegyLayout(look.order, form, geometry.samples, HEAD, TRACE_HEADER, len(self._cells))
        self._interval_us = round(geometry.sample_interval_ms * 1000)
        self._start, self._time_scalar = _as_scaled(geometry.start_ms)
        _check_header_fields(path, geometry, look, self._interval_us, self._start)

    def headers_at(self, traces: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The headers as they are made."""
        return np.concatenate([self._trace_headers(number, self._cells[[number]]) for number in traces.tolist()])

    def create(self, path: Path) -> None:
        """Write the file at its full size, its samples zero."""
        with path.open("wb") as file:
            file.write(encode_text(self._text()))
            file.write(self._binary_header())
            step = max(1, CHUNK // self.layout.trace_bytes)
            for begin in range(0, self.layout.traces, step):
                cells = self._cells[begin : begin + step]
                traces = np.zeros((len(cells), self.layout.trace_bytes), np.uint8)
                traces[:, :TRACE_HEADER] = self._trace_headers(begin, cells)
                file.write(traces.data)  # `tofile` would not say why it fails

    def _text(self) -> list[str]:
        geometry, look = self.geometry, self.look
        # The sample format is not named: this text is copied into results with another one.
        own = [
            f"SAMPLES: {geometry.samples}, EVERY {geometry.sample_interval_ms:g} MS, FROM {geometry.start_ms:g} MS",
            f"INLINES: {describe_lines(geometry.inlines)}, AT BYTES {look.inline_byte}-{look.inline_byte + 3}",
            f"CROSSLINES: {describe_lines(geometry.crosslines)}, AT BYTES {look.crossline_byte}-"
            f"{look.crossline_byte + 3}",
            "COORDINATES: NONE" if look.coordinates is None else "COORDINATES: CDP X 181-184, CDP Y 185-188",
        ]
        lines = [*look.text, *own]
        return [*lines, *[""] * (CARDS - 2 - len(lines)), "SEG Y REV1", "END TEXTUAL HEADER"]

    def _binary_header(self) -> bytes:
        raw = np.zeros((1, HEAD - TEXT), np.uint8)
        fields = {
            3201: 1,  # job
            3205: 1,  # line
            3213: min(int(np.count_nonzero(self.index[0] >= 0)), 32767),  # traces an ensemble
            3217: self._interval_us,
            3219: self._interval_us,
            3221: self.layout.samples,
            3223: self.layout.samples,
            _FORMAT_BYTE: self.layout.form.code,
            3227: 1,  # fold
            3229: 4,  # sorting: stacked
            3255: 1,  # metres
            3503: 1,  # all traces have the same length
        }
        for byte, value in fields.items():
            wide = byte in (3201, 3205)
            _put(raw, byte - TEXT, np.array([value]), self.layout.order + ("i4" if wide else "u2"))
        raw[0, 3501 - TEXT - 1] = 1  # revision 1.0: one byte each for major and minor, in any byte order
        return raw.tobytes()

    def _trace_headers(self, begin: int, cells: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Headers of consecutive traces: uint8[trace, 240]."""
        order, look, geometry = self.layout.order, self.look, self.geometry
        row, column = np.divmod(cells, len(geometry.crosslines))
        raw = np.zeros((len(cells), TRACE_HEADER), np.uint8)
        number = np.arange(begin + 1, begin + len(cells) + 1)
        constants = {29: 1, 115: geometry.samples, 117: self._interval_us}
        for byte, value in constants.items():
            _put(raw, byte, np.full(len(cells), value), order + "u2")
        _put(raw, 109, np.full(len(cells), self._start), order + "i2")
        _put(raw, 215, np.full(len(cells), self._time_scalar), order + "i2")
        _put(raw, 1, number, order + "i4")
        _put(raw, 5, number, order + "i4")
        if look.coordinates is not None:
            place = np.rint(look.coordinates[row, column] * -_CENTI)  # [trace, 2]
            _put(raw, 71, np.full(len(cells), _CENTI), order + "i2")
            _put(raw, 181, place[:, 0], order + "i4")
            _put(raw, 185, place[:, 1], order + "i4")
        # Last, so that line numbers win where they are asked for at a position with another meaning.
        _put(raw, look.inline_byte, geometry.inlines[row], order + "i4")
        _put(raw, look.crossline_byte, geometry.crosslines[column], order + "i4")
        return raw


def _put(raw: NDArray[np.uint8], byte: int, values: NDArray[np.generic], kind: str) -> None:
    """Write a field at a position, counted from 1, of each row."""
    stored = np.ascontiguousarray(values.astype(np.dtype(kind)))[:, np.newaxis]
    raw[:, byte - 1 : byte - 1 + stored.itemsize] = stored.view(np.uint8)


def _as_scaled(start_ms: float) -> tuple[int, int]:
    """A time -> the integer and the scalar (bytes 215-216) that stand for it in a trace header."""
    for scale in (1, 10, 100, 1000):
        if abs(start_ms * scale - round(start_ms * scale)) < 1e-6:
            return round(start_ms * scale), 0 if scale == 1 else -scale
    return round(start_ms), 0


def _check_header_fields(path: Path, geometry: Geometry, look: FreshLook, interval_us: int, start: int) -> None:
    """Refuse what header fields cannot hold; see FreshSkeleton."""
    if not geometry.live.any():
        raise SurveyError(problem=f"{path}: there is no live trace to write", fix="give a geometry with live traces")
    limits = (
        ("samples a trace", geometry.samples, 1, 65535),
        ("sample interval in us", interval_us, 0, 65535),
        ("time of the first sample", start, -32768, 32767),
        ("lines of text", len(look.text), 0, CARDS - 6),
    )
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise SurveyError(
                problem=f"{path}: SEG-Y holds a {name} from {low} to {high}, not {value}",
                fix="write HDF5 (.h5) instead",
            )
    taken = sorted([look.inline_byte, look.crossline_byte, *((71, 181, 185) if look.coordinates is not None else ())])
    if min(taken) < 1 or max(taken) > 237 or any(late - early < 4 for early, late in pairwise(taken) if early != 71):
        raise SurveyError(
            problem=f"{path}: header positions {look.inline_byte} and {look.crossline_byte} overlap one another or the "
            "coordinates at 181-188, or lie outside 1-237",
            fix="choose others, such as 189 and 193",
        )
    if look.coordinates is not None and not np.all(np.abs(look.coordinates * -_CENTI) < 2**31):
        raise SurveyError(problem=f"{path}: coordinates beyond +-21000 km", fix="give them in metres")
