"""Bytes of traces <-> samples: the traces of a section are read from a file, decoded, and encoded again."""

import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.segy.formats import Order, SampleFormat
from sam_seismic.survey.segy.headers import Layout

_IBM_SCALE = np.array([(-1.0) ** (top >> 7) * 16.0 ** ((top & 0x7F) - 64 - 6) for top in range(256)])
"""What one unit of a 24-bit IBM fraction is worth, by the highest byte of its word: sign and power of 16."""


class TraceFile:
    """Reads traces by their numbers. It can be pickled and used after a fork: each process opens the file itself."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self.layout = layout
        self._handle: tuple[int, int] | None = None  # process, file descriptor

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_handle": None}

    def samples(self, traces: NDArray[np.integer]) -> NDArray[np.generic]:
        """Decoded samples of traces: [trace, sample].

        Args:
            traces: int[trace], numbers from 0, in any order.

        Raises:
            SurveyError: the file ends before one of them does.
        """
        raw = self.read(traces, self.layout.header, self.layout.trace_bytes)
        return decode(raw, self.layout.form, self.layout.order)

    def headers(self, traces: NDArray[np.integer]) -> NDArray[np.uint8]:
        """The standard headers of traces: uint8[trace, 240]."""
        return self.read(traces, 0, 240)

    def read(self, traces: NDArray[np.integer], begin: int, end: int) -> NDArray[np.uint8]:
        """Bytes `begin` to `end` of each trace: uint8[trace, end - begin]."""
        length = self.layout.trace_bytes
        bytes_read = np.empty((len(traces), end - begin), np.uint8)
        for places, first in _runs(traces):
            if len(places) == 1:
                span = self._span(first * length + begin, end - begin, first)
                bytes_read[places[0]] = np.frombuffer(span, np.uint8)
            else:
                # One read for neighbours: what lies between them costs less than a seek.
                span = self._span(first * length, len(places) * length, first)
                bytes_read[places] = np.frombuffer(span, np.uint8).reshape(len(places), length)[:, begin:end]
        return bytes_read

    def _span(self, at: int, count: int, trace: int) -> bytes:
        handle, at = self._descriptor(), at + self.layout.start
        pieces = []
        while count > 0:
            # The kernel may hand back less than it was asked for, at most 2 GB in one go.
            piece = os.pread(handle, count, at)
            if not piece:
                raise SurveyError(
                    problem=f"{self.path}: ends at byte {at}, in or after trace {trace + 1}: it was cut since it was "
                    "opened",
                    fix="copy the file again",
                )
            pieces.append(piece)
            at, count = at + len(piece), count - len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _descriptor(self) -> int:
        if self._handle is None or self._handle[0] != os.getpid():
            descriptor = os.open(self.path, os.O_RDONLY)
            weakref.finalize(self, os.close, descriptor)
            self._handle = os.getpid(), descriptor
        return self._handle[1]


def _runs(traces: NDArray[np.integer]) -> Iterator[tuple[NDArray[np.intp], int]]:
    """Traces that lie one behind the other in the file: their places in `traces`, and the first one's number."""
    places = np.argsort(traces, kind="stable")
    ascending = traces[places]
    for run in np.split(places, np.flatnonzero(np.diff(ascending) != 1) + 1):
        if len(run):
            yield run, int(traces[run[0]])


def decode(raw: NDArray[np.uint8], form: SampleFormat, order: Order) -> NDArray[np.generic]:
    """Stored bytes uint8[trace, byte] -> samples [trace, sample] of the type that sections of this format hold."""
    stored = raw.view(np.dtype(form.stored).newbyteorder(order))  # [trace, sample]
    with np.errstate(over="ignore", invalid="ignore"):
        if form.name == "ibm":
            # Not segyio's decoder: it gets unnormalised fractions wrong (0x420EC9A1 is 14.79, it says 15.39).
            words = stored.astype(np.uint32)
            return np.asarray(_IBM_SCALE[words >> 24] * (words & 0x00FFFFFF), np.float32)
        return stored.astype(form.given)


def encode(values: NDArray[np.generic], form: SampleFormat, order: Order) -> NDArray[np.generic]:
    """Samples -> the stored type in its byte order, same shape.

    Raises:
        SurveyError: a value has no place in the format.
    """
    stored = np.dtype(form.stored).newbyteorder(order)
    if form.name == "ibm":
        return _ibm_words(values.astype(np.float64)).astype(stored)
    if stored.kind in "iu" and values.size:
        bounds = np.iinfo(form.stored)
        low, high = values.min(), values.max()
        if not (low >= bounds.min and high <= bounds.max):  # so written, NaN does not slip through
            raise SurveyError(
                problem=f"values from {low} to {high} do not fit a SEG-Y of {form}, {bounds.min} to {bounds.max}",
                fix="write another sample type, or label values within these bounds",
            )
    return values.astype(stored)


def _ibm_words(values: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Floats -> IBM words: sign, 7 bits of a power of 16 (excess 64), 24 bits of a fraction in [1/16, 1)."""
    if not (np.abs(values) < 16.0**63).all():  # so written, NaN does not slip through
        raise SurveyError(problem="IBM floats cannot hold NaN, infinity or 7e75", fix="write IEEE floats: format ieee")
    fraction, twos = np.frexp(np.abs(values))
    sixteens = -(-twos // 4)
    mantissa = np.rint(np.ldexp(fraction, twos - 4 * sixteens + 24)).astype(np.int64)
    carried = mantissa == 1 << 24  # rounding up reached 1.0
    mantissa[carried] >>= 4
    words = (np.signbit(values).astype(np.int64) << 31) | ((sixteens + carried + 64) << 24) | mantissa
    words[values == 0] = 0
    return np.asarray(words, np.uint32)
