"""The headers of several SEG-Y files come in; those of one file with the traces of all go out."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.segy import SegyTemplate, SegyVolume
from sam_seismic.survey.segy.formats import SampleFormat, format_holding
from sam_seismic.survey.segy.headers import SegyLayout
from sam_seismic.survey.several.grid import JointGrid

_FORMAT = slice(3224, 3226)
"""Bytes of the sample format code."""


def differences(volumes: Sequence[SegyVolume]) -> list[str]:
    """In what files differ so that their traces cannot stand in one SEG-Y file, in words; empty: in nothing."""
    told: dict[str, set[Any]] = {
        "byte order": {volume.byte_order for volume in volumes},
        "samples a trace": {volume.geometry.samples for volume in volumes},
        "time of the first sample": {volume.geometry.start_ms for volume in volumes},
        "length of the trace headers": {volume.layout.header for volume in volumes},
        "header bytes of the line numbers": {(volume.inline_byte, volume.crossline_byte) for volume in volumes},
    }
    return [name for name, values in told.items() if len(values) > 1]


def joint_template(volumes: Sequence[SegyVolume], grid: JointGrid) -> SegyTemplate | None:
    """The template of one file with the traces of all; None where they differ in what is one in a file."""
    return None if differences(volumes) else _JointTemplate(volumes, grid)


class _JointTemplate(SegyTemplate):
    """The head of the first file, and the traces of all files in their order, each with its header.

    A trace that is read from an earlier file is left out: each place of the grid has one trace.

    Args:
        volumes: the files.
        grid: their grid.
    """

    def __init__(self, volumes: Sequence[SegyVolume], grid: JointGrid) -> None:
        first = volumes[0]
        self.path, self.geometry = first.path, grid.geometry
        self._templates = [volume.segy_template for volume in volumes]
        self._kept = [_kept(volume, grid, number) for number, volume in enumerate(volumes)]
        counts = [int(np.count_nonzero(kept)) for kept in self._kept]
        self._begins = np.concatenate([[0], np.cumsum(counts)])
        layout = first.layout
        self.layout = SegyLayout(
            layout.order, _form(volumes), layout.samples, layout.start, layout.header, int(self._begins[-1])
        )
        self.index = np.full(grid.holder.shape, -1, np.int32)
        repeats = []
        for number, volume in enumerate(volumes):
            # The number of each trace in the joint file; those left out have one that is not used.
            numbers = (np.cumsum(self._kept[number]) - 1 + self._begins[number]).astype(np.int32)
            box = grid.placed[number].box
            here = grid.holder[box] == number
            self.index[box] = np.where(here, numbers[volume.index], self.index[box])
            own = volume.repeats[self._kept[number][volume.repeats].all(axis=1)]
            repeats.append(numbers[own])
        self.repeats = np.concatenate(repeats).reshape(-1, 2)

    def head(self) -> bytes:
        """The head of the first file, with the sample format of all."""
        head = bytearray(self._templates[0].head())
        if self._templates[0].layout.form != self.layout.form:
            head[_FORMAT] = np.array(self.layout.form.code, f"{self.layout.order}i2").tobytes()
        return bytes(head)

    def tail(self) -> bytes:
        """What stands behind the last trace of the first file."""
        return self._templates[0].tail()

    def headers_at(self, traces: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The standard headers of some traces, whose numbers ascend: uint8[trace, 240]."""
        files = np.searchsorted(self._begins, traces, side="right") - 1
        found = []
        for number in np.unique(files).tolist():
            own = np.flatnonzero(self._kept[number])[traces[files == number] - self._begins[number]]
            found.append(self._templates[number].headers_at(own.astype(np.int32)))
        return np.concatenate(found)

    def headers(self) -> Iterator[NDArray[np.uint8]]:
        """The headers of all traces in the order of the files, some at a time: uint8[trace, layout.header]."""
        for template, kept in zip(self._templates, self._kept, strict=True):
            begin = 0
            for many in template.headers():
                yield many[kept[begin : begin + len(many)]]
                begin += len(many)


def _kept(volume: SegyVolume, grid: JointGrid, number: int) -> NDArray[np.bool_]:
    """The traces of a file that are not read from an earlier one: bool[trace]."""
    kept = np.ones(volume.traces, np.bool_)
    elsewhere = (volume.index >= 0) & (grid.holder[grid.placed[number].box] != number)
    kept[volume.index[elsewhere]] = False
    passed_over, read = volume.repeats.T
    kept[passed_over[~kept[read]]] = False
    return kept


def _form(volumes: Sequence[SegyVolume]) -> SampleFormat:
    """The sample format of all; where they differ, the one that holds the samples of each."""
    forms = {volume.layout.form for volume in volumes}
    if len(forms) == 1:
        return forms.pop()
    return format_holding(np.result_type(*(form.given for form in forms)))
