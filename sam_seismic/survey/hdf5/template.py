"""A SegyTemplate goes into an HDF5 file, and comes out of it again for SEG-Y results with the same headers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.hdf5.layout import SEGY, as_text, damaged, dataset_in, number_in, reading, text_in
from sam_seismic.survey.segy.formats import FORMATS, Order
from sam_seismic.survey.segy.headers import HEAD, TRACE_HEADER, SegyLayout
from sam_seismic.survey.segy.template import SegyTemplate
from sam_seismic.survey.segy.times import starts_of

BATCH = 1 << 16
"""Traces whose headers are in memory at a time: 16 MB."""
_COORDINATES = (slice(70, 90), slice(180, 188))
"""Bytes of trace headers that tell coordinates: scalar, source, receiver, unit; CDP."""

_TIMES = (slice(108, 110), slice(214, 216))
"""Bytes of trace headers that tell when a trace begins: its delay, and the scalar of times."""


def store_template(file: Any, template: SegyTemplate) -> None:
    """Store a template in an HDF5 file; headers as uint8[byte, trace], as most bytes hardly change along the traces.

    Args:
        file: open for writing.
        template: read once, some headers at a time.
    """
    layout, group = template.layout, file.create_group(SEGY)
    group.attrs.update(
        source=as_text(template.path.name),
        byte_order=as_text("big" if layout.order == ">" else "little"),
        format_code=layout.form.code,
        samples=layout.samples,
        start=layout.start,
        header=layout.header,
        traces=layout.traces,
    )
    group["head"] = np.frombuffer(template.head(), np.uint8)
    group["tail"] = np.frombuffer(template.tail(), np.uint8)
    group["repeats"] = template.repeats
    group.create_dataset(
        "index", data=template.index, chunks=True, compression="gzip", compression_opts=1, shuffle=True
    )
    headers = group.create_dataset(
        "headers",
        (layout.header, layout.traces),
        np.uint8,
        chunks=(1, min(BATCH, layout.traces)),
        compression="gzip",  # every HDF5 reads it
        compression_opts=1,
    )
    begin = 0
    for batch in _batches(template.headers()):
        headers[:, begin : begin + len(batch)] = np.ascontiguousarray(batch.T)  # [trace, byte] -> [byte, trace]
        begin += len(batch)


def _batches(pieces: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """The same rows, BATCH at a time, so that each chunk is compressed once."""
    held: list[NDArray[np.uint8]] = []
    count = 0
    for piece in pieces:
        begin = 0
        while begin < len(piece):
            part = piece[begin : begin + BATCH - count].copy()
            held.append(part)
            begin, count = begin + len(part), count + len(part)
            if count == BATCH:
                yield np.concatenate(held)
                held, count = [], 0
    if held:
        yield np.concatenate(held)


class StoredTemplate(SegyTemplate):
    """The template of a SEG-Y file, read from an HDF5 file; the SEG-Y file itself may be gone.

    Args:
        path: the HDF5 file.
        source: name of the SEG-Y file.
        layout: where its traces lay.
        geometry: its grid.
        index: int32[inline, crossline], number of the trace of each place.
        repeats: int32[repeat, 2].
    """

    def __init__(  # each is one fact of the file
        self,
        path: Path,
        source: str,
        layout: SegyLayout,
        *,
        geometry: Geometry,
        index: NDArray[np.int32],
        repeats: NDArray[np.int32],
    ) -> None:
        self.path, self.source, self.layout, self.geometry = path, source, layout, geometry
        self.index, self.repeats = index, repeats

    def head(self) -> bytes:
        """What stood before the first trace."""
        return self._bytes("head")

    def tail(self) -> bytes:
        """What stood behind the last trace."""
        return self._bytes("tail")

    def headers(self) -> Iterator[NDArray[np.uint8]]:
        """The headers of all traces, some at a time: uint8[trace, layout.header]."""
        for begin in range(0, self.layout.traces, BATCH):
            with reading(self.path), h5py.File(self.path, "r", locking=False) as file:
                batch: NDArray[np.uint8] = file[SEGY]["headers"][:, begin : begin + BATCH]
            yield np.ascontiguousarray(batch.T)  # [byte, trace] -> [trace, byte]

    def headers_at(self, traces: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The standard headers of some traces, whose numbers ascend: uint8[trace, 240]."""
        with reading(self.path), h5py.File(self.path, "r", locking=False) as file:
            stored = file[SEGY]["headers"]
            found: NDArray[np.uint8] = np.stack([stored[:TRACE_HEADER, number] for number in traces.tolist()])
        return found

    def coordinate_headers(self, traces: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Headers of traces, zero but for the bytes that tell coordinates: uint8[trace, 240].

        Args:
            traces: int32[trace], numbers from 0, in any order.
        """
        found = np.zeros((len(traces), TRACE_HEADER), np.uint8)
        batches = traces // BATCH
        with reading(self.path), h5py.File(self.path, "r", locking=False) as file:
            stored = file[SEGY]["headers"]
            for batch in np.unique(batches).tolist():
                here = np.flatnonzero(batches == batch)
                first, last = int(traces[here].min()), int(traces[here].max())
                for span in _COORDINATES:
                    found[here, span] = stored[span, first : last + 1].T[traces[here] - first]
        return found

    def starts_ms(self) -> NDArray[np.float64]:
        """Time of the first sample of each trace by its own header: float64[trace], in the order of the SEG-Y."""
        found = np.zeros((self.layout.traces, TRACE_HEADER), np.uint8)
        with reading(self.path), h5py.File(self.path, "r", locking="best-effort") as file:
            for span in _TIMES:
                found[:, span] = file[SEGY]["headers"][span].T  # [byte, trace] -> [trace, byte]
        return starts_of(found, self.layout.order)

    def _bytes(self, name: str) -> bytes:
        with reading(self.path), h5py.File(self.path, "r", locking=False) as file:
            stored: NDArray[np.uint8] = file[SEGY][name][:]
        return stored.tobytes()


def load_template(path: Path, geometry: Geometry) -> StoredTemplate:
    """The template that an HDF5 file holds; its headers are read when they are asked for.

    Raises:
        SurveyError: it is damaged, or of another grid.
    """
    with reading(path), h5py.File(path, "r", locking=False) as file:
        group = file[SEGY]
        if not isinstance(group, h5py.Group):
            raise damaged(path, f"{SEGY} is no group")
        layout = _layout(path, group, geometry)
        if dataset_in(path, group, "head", axes=1).shape != (layout.start,):
            raise damaged(path, "the head of its SEG-Y is not as long as it should be")
        dataset_in(path, group, "tail", axes=1)
        headers = group.get("headers")
        if not isinstance(headers, h5py.Dataset) or headers.shape != (layout.header, layout.traces):
            raise damaged(path, "it does not hold one SEG-Y header for each trace")
        names = [group[name].dtype for name in ("head", "tail", "headers")]
        if any(dtype != np.uint8 for dtype in names):
            raise damaged(path, "its SEG-Y headers are not stored as bytes")
        index = group.get("index")
        if not isinstance(index, h5py.Dataset) or (index.shape, index.dtype) != (geometry.live.shape, np.int32):
            raise damaged(path, "its index of traces does not have the shape of its grid")
        repeats = dataset_in(path, group, "repeats", axes=2)
        if repeats.shape[1] != 2 or repeats.dtype != np.int32:
            raise damaged(path, "its table of repeated traces has another shape or type")
        source = text_in(group, "source") or ""
        found = StoredTemplate(path, source, layout, geometry=geometry, index=index[:], repeats=repeats[:])
    _check_traces(path, found)
    return found


def _layout(path: Path, group: Any, geometry: Geometry) -> SegyLayout:
    orders: dict[str, Order] = {"big": ">", "little": "<"}
    order = orders.get(text_in(group, "byte_order") or "")
    form = FORMATS.get(int(number_in(path, group, "format_code")))
    samples, start, header, traces = (
        int(number_in(path, group, name)) for name in ("samples", "start", "header", "traces")
    )
    sound = samples == geometry.samples and start >= HEAD and header >= TRACE_HEADER
    if order is None or form is None or not sound or not 0 < traces <= np.iinfo(np.int32).max:
        raise damaged(path, "its description of the SEG-Y source contradicts itself")
    return SegyLayout(order, form, samples, start, header, traces)


def _check_traces(path: Path, template: StoredTemplate) -> None:
    """Refuse trace numbers that are out of range, or that two places have."""
    placed = template.index[template.index >= 0]
    every = np.concatenate([placed, template.repeats[:, 0]])
    traces = template.layout.traces
    if template.index.min() < -1 or max(every.max(initial=0), template.repeats.max(initial=0)) >= traces:
        raise damaged(path, f"it numbers traces beyond its {traces}")
    if (template.repeats < 0).any() or np.bincount(every, minlength=1).max() > 1:
        raise damaged(path, "two places of its grid have the same trace")
    if (template.geometry.live & (template.index < 0)).any():
        raise damaged(path, "places are live that have no trace")
