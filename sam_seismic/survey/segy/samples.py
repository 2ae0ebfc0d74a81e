"""Bytes of traces <-> samples: the traces of a section are read from a file, decoded, and encoded again."""

import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.files.positional import read_ahead, read_exactly
from sam_seismic.survey.segy.formats import Order, SampleFormat
from sam_seismic.survey.segy.headers import TRACE_HEADER, SegyLayout

BLOCK = 1 << 18
"""Bytes read and decoded at a time: they stay in the processor's cache."""
_ASKED_AHEAD = 256
"""Scattered traces that are requested from the disk at once, so that it can read several in parallel."""
_SCATTERED = 4
"""Traces are read one by one if the stretch of the file that holds them is this many times as long as they are."""
_IBM_SCALE = np.array([(-1.0) ** (top >> 7) * 16.0 ** ((top & 0x7F) - 64 - 6) for top in range(256)])
"""What one unit of a 24-bit IBM fraction is worth, by the highest byte of its word: sign and power of 16."""
_LEAST, _MOST = np.uint32(39 << 24), np.uint32(101 << 24)
"""An IBM word whose exponent lies between these is a normal 32-bit IEEE float."""


class TraceFile:
    """Reads traces by their numbers. It can be pickled and used after a fork: each process opens the file itself."""

    def __init__(self, path: Path, layout: SegyLayout) -> None:
        self.path = path
        self.layout = layout
        self._handle: tuple[int, int] | None = None  # process, file descriptor

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_handle": None}

    def samples(self, traces: NDArray[np.integer]) -> NDArray[np.generic]:
        """Decoded samples of traces: [trace, sample].

        Args:
            traces: int[trace], numbers from 0, each once, in any order; a number below 0 gives samples of zero.

        Raises:
            SurveyError: the file ends before one of them does.
        """
        layout = self.layout
        given = np.empty((len(traces), layout.samples), layout.form.given)
        given[traces < 0] = 0
        for places, raw in self._pieces(traces, layout.header, layout.trace_bytes):
            given[places] = decode(raw, layout.form, layout.order)
        return given

    def headers(self, traces: NDArray[np.integer]) -> NDArray[np.uint8]:
        """The standard headers of traces: uint8[trace, 240]."""
        return self.read(traces, 0, TRACE_HEADER)

    def read(self, traces: NDArray[np.integer], begin: int, end: int) -> NDArray[np.uint8]:
        """Bytes `begin` to `end` of each trace: uint8[trace, end - begin]; zeros for a number below 0."""
        bytes_read = np.zeros((len(traces), end - begin), np.uint8)
        for places, raw in self._pieces(traces, begin, end):
            bytes_read[places] = raw
        return bytes_read

    def _pieces(
        self, traces: NDArray[np.integer], begin: int, end: int
    ) -> Iterator[tuple[slice | NDArray[np.intp], NDArray[np.uint8]]]:
        """(places in `traces`, uint8[trace, end - begin]), the array valid until the next one is asked for."""
        order = np.argsort(traces, kind="stable")
        order = order[np.searchsorted(traces, 0, sorter=order) :]  # places of traces, in the order of the file
        if not len(order):
            return
        length, numbers = self.layout.trace_bytes, traces[order]
        scattered = int(numbers[-1]) - int(numbers[0]) >= _SCATTERED * len(numbers)
        in_order = bool((order[1:] == order[:-1] + 1).all())
        step = max(1, BLOCK // length)
        window = -(-_ASKED_AHEAD // step) * step
        rows = np.empty((min(step, len(numbers)), length), np.uint8)
        for at in range(0, len(numbers), step):
            if scattered and at % window == 0:
                self._ask_for(numbers[at : at + window], begin, end)
            here, places = numbers[at : at + step], order[at : at + step]
            self._fill(rows, here, begin, end)
            yield slice(int(places[0]), int(places[-1]) + 1) if in_order else places, rows[: len(here), begin:end]

    def _fill(self, rows: NDArray[np.uint8], numbers: NDArray[np.integer], begin: int, end: int) -> None:
        """Read bytes `begin` to `end` of ascending traces into the same bytes of `rows`, one whole trace each."""
        handle, length, flat = self._descriptor(), self.layout.trace_bytes, rows.reshape(-1).data
        together = int(numbers[-1]) - int(numbers[0]) == len(numbers) - 1
        breaks = [] if together else (np.flatnonzero(np.diff(numbers) != 1) + 1).tolist()
        # One read for neighbours: the bytes between what is asked for cost less than another call.
        for first, last in zip([0, *breaks], [*breaks, len(numbers)], strict=True):
            at = self.layout.start + int(numbers[first]) * length + begin
            span = flat[first * length + begin : (last - 1) * length + end]
            read_exactly(handle, span, at, path=self.path, place=self.layout.place)

    def _ask_for(self, numbers: NDArray[np.integer], begin: int, end: int) -> None:
        """Let the kernel fetch exactly these traces, many at a time.

        Otherwise it reads them one after the other, and reads ahead between them: measured, seven times as many bytes
        as the traces have.
        """
        layout = self.layout
        places = (layout.start + begin + numbers.astype(np.int64) * layout.trace_bytes).tolist()
        read_ahead(self._descriptor(), [(at, end - begin) for at in places])

    def _descriptor(self) -> int:
        if self._handle is None or self._handle[0] != os.getpid():
            descriptor = os.open(self.path, os.O_RDONLY)
            weakref.finalize(self, os.close, descriptor)
            self._handle = os.getpid(), descriptor
        return self._handle[1]


def decode(raw: NDArray[np.uint8], form: SampleFormat, order: Order) -> NDArray[np.generic]:
    """Stored bytes uint8[trace, byte] -> samples [trace, sample], for integers and IEEE floats maybe a view of them."""
    stored = raw.view(np.dtype(form.stored).newbyteorder(order))  # [trace, sample]
    if form.name == "ibm":
        return _from_ibm(stored.astype(np.uint32))
    with np.errstate(over="ignore", invalid="ignore"):
        return stored.astype(form.given, copy=False) if form.stored == "f8" else stored


def _from_ibm(words: NDArray[np.uint32]) -> NDArray[np.float32]:
    """IBM words of the machine's byte order -> the nearest floats, same shape.

    Not segyio's decoder: it gets unnormalised fractions wrong (0x420EC9A1 is 14.79, it says 15.39).
    """
    fraction = words & np.uint32(0x00FFFFFF)
    floats = fraction.view(np.int32).astype(np.float32)
    # A power of 16 is a power of 2: integer operations make it the exponent of an IEEE float; the product is exact.
    # Done in place, as the speed of memory limits it.
    scale = words & np.uint32(0x7F000000)
    scale -= _LEAST  # what lies below wraps around
    within = scale <= _MOST - _LEAST
    scale <<= np.uint32(1)
    scale += np.uint32(3 << 23)
    scale |= words & np.uint32(0x80000000)
    with np.errstate(over="ignore", invalid="ignore"):
        if within.all():
            floats *= scale.view(np.float32)
            return floats
        scale *= within
        floats *= scale.view(np.float32)
        beyond = (fraction != 0) & ~within  # hardly any file has such values
        floats[beyond] = _IBM_SCALE[words[beyond] >> 24] * fraction[beyond]
    return floats


def encode(values: NDArray[np.generic], form: SampleFormat, order: Order) -> NDArray[np.generic]:
    """Samples -> the stored type in its byte order, same shape.

    Raises:
        SurveyError: a value has no place in the format.
    """
    stored = np.dtype(form.stored).newbyteorder(order)
    if form.name == "ibm":
        return ibm_words(values.astype(np.float64)).astype(stored)
    if stored.kind in "iu" and values.size:
        bounds = np.iinfo(form.stored)
        low, high = values.min(), values.max()
        if not (low >= bounds.min and high <= bounds.max):  # in this form NaN is refused, too
            raise SurveyError(
                problem=f"values from {low} to {high} do not fit a SEG-Y of {form}, {bounds.min} to {bounds.max}",
                fix="write another sample type, or label values within these bounds",
            )
    return values.astype(stored)


def ibm_words(values: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Floats -> IBM words: sign, 7 bits of a power of 16 (excess 64), 24 bits of a fraction in [1/16, 1)."""
    if not (np.abs(values) < 16.0**63).all():  # in this form NaN is refused, too
        raise SurveyError(problem="IBM floats cannot hold NaN, infinity or 7e75", fix="write IEEE floats: format ieee")
    fraction, twos = np.frexp(np.abs(values))
    sixteens = -(-twos // 4)
    mantissa = np.rint(np.ldexp(fraction, twos - 4 * sixteens + 24)).astype(np.int64)
    carried = mantissa == 1 << 24  # rounding up reached 1.0
    mantissa[carried] >>= 4
    words = (np.signbit(values).astype(np.int64) << 31) | ((sixteens + carried + 64) << 24) | mantissa
    words[values == 0] = 0
    return np.asarray(words, np.uint32)
