"""Fields of all trace headers, read in one pass over the file in bounded memory: a column of numbers for each field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.segy.headers import Layout

CHUNK = 1 << 24
"""Bytes read at a time."""
_MANY = 1000

OFFSET, SAMPLES, INTERVAL, DELAY, SCALAR_OF_TIMES = 37, 115, 117, 109, 215
TRACE_ID = 29
_CHECKED = {OFFSET: "i4", SAMPLES: "u2", INTERVAL: "u2", DELAY: "i2", SCALAR_OF_TIMES: "i2"}


@dataclass(frozen=True)
class TraceHeaders:
    """What a pass over the trace headers keeps.

    Args:
        columns: int32[trace] by the byte position of the field.
        checked: the distinct values of fields that should be constant, by byte position: the first trace's value
            first, then the others ascending, at most about a thousand.
        dead: bool[trace], traces whose identification code (byte 29) says dead or dummy.
    """

    columns: Mapping[int, NDArray[np.int32]]
    checked: Mapping[int, tuple[int, ...]]
    dead: NDArray[np.bool_]


def scan(path: Path, layout: Layout, fields: tuple[int, ...]) -> TraceHeaders:
    """One pass over the trace headers.

    Args:
        path: the file.
        layout: where its traces lie.
        fields: byte positions of 4-byte fields whose columns are wanted.

    Raises:
        SurveyError: the file ends before its last trace.
    """
    columns = {byte: _Column(layout.traces) for byte in fields}
    dead = np.zeros(layout.traces, np.bool_)
    seen: dict[int, NDArray[np.int64]] = {byte: np.empty(0, np.int64) for byte in _CHECKED}
    first: dict[int, int] = {}
    kinds = {**_CHECKED, TRACE_ID: "i2", **dict.fromkeys(fields, "i4")}
    for begin, headers in _chunks(path, layout, kinds):
        here = slice(begin, begin + len(headers))
        for byte, column in columns.items():
            column.put(begin, headers[str(byte)])
        dead[here] = np.isin(headers[str(TRACE_ID)], (2, 3))
        for byte, values in seen.items():
            first.setdefault(byte, int(headers[str(byte)][0]))
            if len(values) < _MANY and not np.all(headers[str(byte)] == first[byte]):
                seen[byte] = np.union1d(values, headers[str(byte)])[:_MANY]
    checked = {
        byte: (first[byte], *(int(value) for value in values if value != first[byte])) for byte, values in seen.items()
    }
    return TraceHeaders({byte: column.numbers() for byte, column in columns.items()}, checked, dead)


class _Column:
    """A column being filled; it takes no memory as long as all its numbers are the same, as in unused fields."""

    def __init__(self, traces: int) -> None:
        self._traces = traces
        self._constant: np.int32 | None = None
        self._numbers: NDArray[np.int32] | None = None

    def put(self, begin: int, numbers: NDArray[np.int32]) -> None:
        if self._constant is None:
            self._constant = np.int32(numbers[0])
        if self._numbers is None and not np.all(numbers == self._constant):
            self._numbers = np.full(self._traces, self._constant, np.int32)
        if self._numbers is not None:
            self._numbers[begin : begin + len(numbers)] = numbers

    def numbers(self) -> NDArray[np.int32]:
        """int32[trace]."""
        if self._numbers is not None:
            return self._numbers
        assert self._constant is not None, "a file has at least one trace"
        return np.broadcast_to(self._constant, (self._traces,))


def peek(path: Path, layout: Layout, fields: tuple[int, ...]) -> Mapping[int, NDArray[np.int32]]:
    """The columns of the first chunk alone."""
    _, headers = next(_chunks(path, layout, dict.fromkeys(fields, "i4")))
    return {byte: headers[str(byte)].astype(np.int32) for byte in fields}


def _chunks(path: Path, layout: Layout, kinds: Mapping[int, str]) -> Iterator[tuple[int, NDArray[np.void]]]:
    """(number of the first trace, structured array[trace] with a field for each byte position)."""
    record = np.dtype(
        {
            "names": [str(byte) for byte in kinds],
            "formats": [layout.order + kind for kind in kinds.values()],
            "offsets": [byte - 1 for byte in kinds],
            "itemsize": layout.trace_bytes,
        }
    )
    step = max(1, CHUNK // layout.trace_bytes)
    with path.open("rb") as file:
        file.seek(layout.start)
        for begin in range(0, layout.traces, step):
            count = min(step, layout.traces - begin)
            headers = np.fromfile(file, record, count)
            if len(headers) < count:
                raise SurveyError(
                    problem=f"{path}: ends in trace {begin + len(headers) + 1} of {layout.traces}: it was cut while it "
                    "was read",
                    fix="copy the file again",
                )
            yield begin, headers
