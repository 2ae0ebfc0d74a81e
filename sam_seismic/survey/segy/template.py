"""Everything of a SEG-Y file but its samples, for results with the same headers and trace order."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.files.positional import cut_off
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.segy.formats import Order
from sam_seismic.survey.segy.headers import SegyLayout
from sam_seismic.survey.segy.samples import TraceFile
from sam_seismic.survey.segy.scan import CHUNK


class SegyTemplate(ABC):
    """Everything of a SEG-Y file but its samples.

    Args (of every kind):
        path: the file, for messages.
        layout: where its traces lie, and how its samples were stored.
        geometry: its grid.
        index: int32[inline, crossline], number of the trace of each place, -1 where there is none.
        repeats: int32[repeat, 2], numbers of traces that were passed over because another one holds their place, and
            of that other one.
    """

    path: Path
    layout: SegyLayout
    geometry: Geometry
    index: NDArray[np.int32]
    repeats: NDArray[np.int32]

    @property
    def fast_orientation(self) -> Orientation:
        """The orientation whose traces lie closer together: a file may be sorted by either line number."""
        inlines_closer = _median_step(self.index) <= _median_step(self.index.T)
        return Orientation.INLINE if inlines_closer else Orientation.CROSSLINE

    @abstractmethod
    def head(self) -> bytes:
        """What stands before the first trace: text header, binary header, extended text headers."""

    @abstractmethod
    def tail(self) -> bytes:
        """What stands behind the last trace: the stanzas that revision 2 allows there, mostly nothing."""

    @abstractmethod
    def headers_at(self, traces: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The standard headers of some traces, whose numbers ascend: uint8[trace, 240]."""

    @abstractmethod
    def headers(self) -> Iterator[NDArray[np.uint8]]:
        """The headers of all traces in the order of the file, some at a time: uint8[trace, layout.header]."""


def _median_step(index: NDArray[np.int32]) -> float:
    """Median distance in the file from trace to trace along the rows of int32[row, column]; infinite without pairs."""
    pairs = (index[:, :-1] >= 0) & (index[:, 1:] >= 0)
    steps = np.abs(np.diff(index.astype(np.int64), axis=1))[pairs]
    return float(np.median(steps)) if steps.size else np.inf


class FileTemplate(SegyTemplate):
    """The template of a file that is at hand.

    Args:
        path: the file.
        layout: as found when it was opened.
        geometry: likewise.
        index: likewise.
        repeats: likewise.
    """

    def __init__(
        self,
        path: Path,
        layout: SegyLayout,
        *,
        geometry: Geometry,
        index: NDArray[np.int32],
        repeats: NDArray[np.int32],
    ) -> None:
        self.path, self.layout, self.geometry, self.index, self.repeats = path, layout, geometry, index, repeats

    def head(self) -> bytes:
        """What stands before the first trace."""
        with self.path.open("rb") as file:
            return file.read(self.layout.start)

    def tail(self) -> bytes:
        """What stands behind the last trace."""
        if self.layout.left_out:
            return b""
        with self.path.open("rb") as file:
            file.seek(self.layout.end)
            return file.read()

    def headers_at(self, traces: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The standard headers of some traces: uint8[trace, 240].

        Raises:
            SurveyError: the file was cut since it was opened.
        """
        return TraceFile(self.path, self.layout).headers(traces)

    def headers(self) -> Iterator[NDArray[np.uint8]]:
        """The headers of all traces, some at a time: uint8[trace, layout.header].

        Raises:
            SurveyError: the file was cut since it was opened.
        """
        length = self.layout.trace_bytes
        step = max(1, CHUNK // length)
        with self.path.open("rb") as file:
            file.seek(self.layout.start)
            for begin in range(0, self.layout.traces, step):
                count = min(step, self.layout.traces - begin)
                raw = file.read(count * length)
                if len(raw) < count * length:
                    end = file.tell()
                    raise cut_off(self.path, end, self.layout.place(end))
                yield np.frombuffer(raw, np.uint8).reshape(count, length)[:, : self.layout.header]


def field_of(headers: NDArray[np.uint8], byte: int, kind: str, order: Order) -> NDArray[np.integer]:
    """A field of trace headers uint8[trace, 240], by its position from 1 and numpy's type: int[trace]."""
    stored = np.ascontiguousarray(headers[:, byte - 1 : byte - 1 + np.dtype(kind).itemsize])
    return stored.view(order + kind)[:, 0]


def scalar_factor(scalar: NDArray[np.number]) -> NDArray[np.float64]:
    """The standard's scalars: positive multiplies, negative divides, 0 means 1."""
    size = np.where(scalar == 0, 1.0, np.abs(scalar))
    return np.where(scalar < 0, 1 / size, size)
