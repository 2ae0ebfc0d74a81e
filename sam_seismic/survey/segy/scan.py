"""Fields of all trace headers, read in one pass over the file in bounded memory: a column of numbers for each field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.files.positional import expect_order, read_exactly
from sam_seismic.survey.segy.headers import TRACE_HEADER, SegyLayout

CHUNK = 1 << 20
"""Bytes read at a time: few enough to stay in the processor's cache until the headers are extracted."""
_MANY = 1000

OFFSET, SAMPLES, INTERVAL, DELAY, LAG, SCALAR_OF_TIMES, SCALAR_OF_PLACES = 37, 115, 117, 109, 105, 215, 71
TRACE_ID, UNIT_OF_PLACES = 29, 89
SHORT = (SCALAR_OF_PLACES, UNIT_OF_PLACES)
"""Fields of 2 bytes whose columns may be asked for."""
_CHECKED = {
    **{OFFSET: "i4", SAMPLES: "u2", INTERVAL: "u2"},
    **dict.fromkeys((DELAY, LAG, SCALAR_OF_TIMES, SCALAR_OF_PLACES), "i2"),
}


@dataclass(frozen=True)
class TraceHeaders:
    """What a pass over the trace headers keeps.

    Args:
        columns: int32[trace] by the byte position of the field.
        checked: the distinct values of fields that should be constant, by byte position: the first trace's value
            first, then the others ascending, at most about a thousand.
        dead: int32[dead], numbers of the traces whose identification code (byte 29) says dead or dummy, ascending.
        traces: traces in the file.
    """

    columns: Mapping[int, NDArray[np.int32]]
    checked: Mapping[int, tuple[int, ...]]
    dead: NDArray[np.int32]
    traces: int


def scan(path: Path, layout: SegyLayout, fields: tuple[int, ...]) -> TraceHeaders:
    """One pass over the trace headers.

    Args:
        path: the file.
        layout: where its traces lie.
        fields: byte positions of fields whose columns are wanted: 4 bytes, or the 2 bytes of SHORT.

    Raises:
        SurveyError: the file ends before its last trace.
    """
    columns = {byte: _Column(layout.traces) for byte in fields}
    checked = {byte: _Values() for byte in _CHECKED}
    dead = [np.empty(0, np.int32)]
    kinds = {**_CHECKED, TRACE_ID: "i2", **{byte: "i2" if byte in SHORT else "i4" for byte in fields}}
    for begin, headers in _chunks(path, layout, kinds):
        for byte, column in columns.items():
            column.put(begin, headers[str(byte)])
        for byte, values in checked.items():
            values.put(headers[str(byte)])
        code = headers[str(TRACE_ID)]
        marked = (code == 2) | (code == 3)
        if marked.any():
            dead.append((np.flatnonzero(marked) + begin).astype(np.int32))
    return TraceHeaders(
        {byte: column.numbers() for byte, column in columns.items()},
        {byte: values.distinct() for byte, values in checked.items()},
        np.concatenate(dead),
        layout.traces,
    )


class _Values:
    """The distinct values of a field, about a thousand of them at most."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._others = np.empty(0, np.int64)

    def put(self, numbers: NDArray[np.integer]) -> None:
        if self._first is None:
            self._first = int(numbers[0])
        if len(self._others) < _MANY and not (numbers == self._first).all():
            self._others = np.union1d(self._others, numbers)[:_MANY]

    def distinct(self) -> tuple[int, ...]:
        """The first trace's value first, then the others ascending."""
        assert self._first is not None, "a file has at least one trace"
        return self._first, *(int(value) for value in self._others if value != self._first)


class _Column:
    """A column being filled; while all its numbers are the same, as in unused fields, only one is stored."""

    def __init__(self, traces: int) -> None:
        self._traces = traces
        self._constant: np.int32 | None = None
        self._numbers: NDArray[np.int32] | None = None

    def put(self, begin: int, numbers: NDArray[np.int32]) -> None:
        if self._constant is None:
            self._constant = np.int32(numbers[0])
        if self._numbers is None and not (numbers == self._constant).all():
            self._numbers = np.full(self._traces, self._constant, np.int32)
        if self._numbers is not None:
            self._numbers[begin : begin + len(numbers)] = numbers

    def numbers(self) -> NDArray[np.int32]:
        """int32[trace]."""
        if self._numbers is not None:
            return self._numbers
        assert self._constant is not None, "a file has at least one trace"
        return np.broadcast_to(self._constant, (self._traces,))


def peek(path: Path, layout: SegyLayout, fields: tuple[int, ...]) -> Mapping[int, NDArray[np.int32]]:
    """The columns of the first chunk alone."""
    _, headers = next(_chunks(path, layout, dict.fromkeys(fields, "i4")))
    return {byte: headers[str(byte)].astype(np.int32) for byte in fields}


def _chunks(path: Path, layout: SegyLayout, kinds: Mapping[int, str]) -> Iterator[tuple[int, NDArray[np.void]]]:
    """(number of the first trace, structured array[trace] with a field for each byte position).

    Each array is valid until the next one is asked for: they share their memory.
    """
    # Whole traces, which the disk gives fastest, unless a single one would not fit into a chunk.
    whole = layout.trace_bytes <= CHUNK
    length, step = (layout.trace_bytes, CHUNK // layout.trace_bytes) if whole else (TRACE_HEADER, 1)
    record = np.dtype(
        {
            "names": [str(byte) for byte in kinds],
            "formats": [layout.order + kind for kind in kinds.values()],
            "offsets": [byte - 1 for byte in kinds],
            "itemsize": length,
        }
    )
    headers = np.empty(min(step, layout.traces), record)
    with path.open("rb", buffering=0) as file:
        expect_order(file.fileno(), sequential=whole)
        for begin in range(0, layout.traces, step):
            here = headers[: layout.traces - begin]
            offset = layout.start + begin * layout.trace_bytes
            read_exactly(file.fileno(), here.view(np.uint8).data, offset, path=path, place=layout.place)
            yield begin, here
