"""The volumes of several files come in; the one grid of their survey goes out, and which file is read at each place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation, describe_lines
from sam_seismic.survey.segy import SegyVolume

_SAME_INTERVAL = 1e-6
"""Largest difference of two sample intervals that are the same, as a share of them."""
_ON_SAMPLES = 0.01
"""Largest distance of a first sample from the samples of the others, in samples."""
_SPARSEST = 0.05
_SMALL = 100_000
"""A grid of more places, of which a smaller share than _SPARSEST is taken, is none, and may not fit into memory."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Where the lines and samples of a file lie on the grid of the survey.

    Args:
        inlines: int64[inline of the file], positions among the inlines of the survey.
        crosslines: int64[crossline of the file], likewise.
        samples: the samples of the survey that the file holds.
    """

    inlines: NDArray[np.int64]
    crosslines: NDArray[np.int64]
    samples: slice

    def lines(self, orientation: Orientation) -> NDArray[np.int64]:
        """Positions of the lines of an orientation: int64[line of the file]."""
        return self.inlines if orientation is Orientation.INLINE else self.crosslines

    @property
    def box(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The lines of the file as an index of an array [inline, crossline] of the survey."""
        return self.inlines[:, None], self.crosslines[None]


@dataclass(frozen=True, eq=False)
class JointGrid:
    """The grid of a survey of several files.

    Args:
        geometry: all lines of all files; live where one of them has a live trace.
        holder: int16[inline, crossline], number of the file whose trace is read at each place: the first one with a
            live trace there, else the first one with any; -1 where there is none.
        placed: where each file lies on it.
    """

    geometry: Geometry
    holder: NDArray[np.int16]
    placed: tuple[Placed, ...]

    def holders(self, orientation: Orientation, line: int) -> NDArray[np.int16]:
        """Numbers of the files whose traces are read along a line: int16[trace], -1 where there is none.

        Raises:
            SurveyError: there is no such line.
        """
        position = self.geometry.index(orientation, line)
        return self.holder[position] if orientation is Orientation.INLINE else self.holder[:, position]


def joint_grid(volumes: Sequence[SegyVolume]) -> JointGrid:
    """The grid over all lines of all files, and the time window over all samples.

    Raises:
        SurveyError: sample intervals or times of samples differ, or the line numbers span no grid.
    """
    start, samples, windows = _time_window(volumes)
    grids = [volume.geometry for volume in volumes]
    inlines = np.unique(np.concatenate([grid.inlines for grid in grids]))
    crosslines = np.unique(np.concatenate([grid.crosslines for grid in grids]))
    _check_dense(volumes, inlines, crosslines)
    placed = tuple(
        Placed(np.searchsorted(inlines, grid.inlines), np.searchsorted(crosslines, grid.crosslines), window)
        for grid, window in zip(grids, windows, strict=True)
    )
    holder = np.full((len(inlines), len(crosslines)), -1, np.int16)
    live = np.zeros(holder.shape, np.bool_)
    taken = [volume.index >= 0 for volume in volumes]
    for holds in (taken, [grid.live for grid in grids]):  # a live trace is laid over a dead one
        for number in reversed(range(len(volumes))):  # the first file is laid on top
            box = placed[number].box
            holder[box] = np.where(holds[number], number, holder[box])
    for grid, place in zip(grids, placed, strict=True):
        live[place.box] |= grid.live
    interval = grids[0].sample_interval_ms
    return JointGrid(Geometry(inlines, crosslines, samples, interval, start, live), holder, placed)


def _time_window(volumes: Sequence[SegyVolume]) -> tuple[float, int, list[slice]]:
    """Time of the first sample of the survey, ms; its samples; and the samples of each file among them.

    A file whose traces begin at different times lies sample by sample beside the others, as such traces do in one file.
    """
    first, *others = volumes
    interval = first.geometry.sample_interval_ms
    for other in others:
        _check_interval(first, other)
    steps = [
        0.0 if volume.starts_vary else (volume.geometry.start_ms - first.geometry.start_ms) / interval
        for volume in volumes
    ]
    for step, other in zip(steps, volumes, strict=True):
        if abs(step - round(step)) > _ON_SAMPLES:
            raise SurveyError(
                problem=f"{other.path}: its first sample is at {other.geometry.start_ms:g} ms, that of "
                f"{first.path.name} at {first.geometry.start_ms:g} ms, which is no multiple of the sample interval of "
                f"{interval:g} ms apart",
                fix="leave it out if it is of another survey; if the headers are wrong, give the time of the first "
                f"sample of all files: --start {first.geometry.start_ms:g} (YAML: data.read.segy.start)",
            )
    begins = np.rint(np.array(steps)).astype(np.int64)
    ends = begins + [volume.geometry.samples for volume in volumes]
    if (apart := np.flatnonzero((begins >= ends[0]) | (ends <= begins[0]))).size:
        other = volumes[apart[0]]
        raise SurveyError(
            problem=f"{other.path}: its samples are at {_times(other)}, those of {first.path.name} at {_times(first)}: "
            "no time in common",
            fix="leave it out if it is of another survey",
        )
    lowest = int(begins.min())
    windows = [slice(int(begin) - lowest, int(end) - lowest) for begin, end in zip(begins, ends, strict=True)]
    return first.geometry.start_ms + lowest * interval, int(ends.max()) - lowest, windows


def _check_interval(first: SegyVolume, other: SegyVolume) -> None:
    here, there = first.geometry.sample_interval_ms, other.geometry.sample_interval_ms
    if abs(here - there) > _SAME_INTERVAL * here:
        raise SurveyError(
            problem=f"{other.path}: has a sample every {there:g} ms, {first.path.name} every {here:g} ms",
            fix="leave it out if it is of another survey; if the headers are wrong, give the interval of all files: "
            f"--sample-interval {here:g} (YAML: data.read.segy.sample_interval)",
        )


def _times(volume: SegyVolume) -> str:
    return f"{volume.geometry.start_ms:g}-{volume.geometry.end_ms:g} ms"


def _check_dense(volumes: Sequence[SegyVolume], inlines: NDArray[np.int32], crosslines: NDArray[np.int32]) -> None:
    """Refuse line numbers that have so little in common that nearly all places would be empty."""
    places, traces = len(inlines) * len(crosslines), sum(volume.traces for volume in volumes)
    if places <= _SMALL or traces >= _SPARSEST * places:
        return
    lines = "".join(
        f"\n  {volume.path.name}: inlines {describe_lines(volume.geometry.inlines)}, crosslines "
        f"{describe_lines(volume.geometry.crosslines)}"
        for volume in volumes[:6]
    )
    raise SurveyError(
        problem=f"{volumes[0].path.parent}: the {len(volumes)} files span {len(inlines):,} x {len(crosslines):,} "
        f"lines, of which their {traces:,} traces fill {100 * traces / places:.1f} %: their line numbers are not those "
        f"of one survey{lines}",
        fix="leave out the files of other surveys, and give 2D lines one by one",
    )
