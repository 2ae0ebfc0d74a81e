"""Files of one survey come in; which of their traces two of them hold, and whether they are the same, goes out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import SegyVolume
from sam_seismic.survey.several.grid import JointGrid

_COMPARED = 64
"""Lines of an overlap whose traces are compared, spread evenly over it."""
_IBM_DIGITS = 2.0**-20
"""What an IBM float of a value may differ from an IEEE float of it, as a share of the value."""
_OTHER = 0.5
"""A file without a trace of its own is no part of a survey where a larger share of its traces differs."""


@dataclass(frozen=True)
class _Overlap:
    """Traces of a file that an earlier one holds, too.

    Args:
        file: the later one.
        earlier: the other, whose traces are read.
        traces: how many.
        compared: of these, on `lines` lines of `all_lines`.
        differ: traces with other samples, of those compared.
        first: the first of them, in words.
    """

    file: SegyVolume
    earlier: SegyVolume
    traces: int
    compared: int
    lines: int
    all_lines: int
    differ: int
    first: str

    def __str__(self) -> str:
        whole = self.lines == self.all_lines
        where = "" if whole else f" (compared on {self.lines} of {self.all_lines} lines)"
        shared = f"{self.file.path.name}: {self.traces:,} of its {self.file.traces:,} traces are in "
        if not self.differ:
            return f"{shared}{self.earlier.path.name}, too{where}: identical, taken once"
        return (
            f"{shared}{self.earlier.path.name}, too{where}, {self.differ:,} of them with other samples (first at "
            f"{self.first}): those of {self.earlier.path.name}, which comes first, are read"
        )


def describe_overlaps(
    volumes: Sequence[SegyVolume], grid: JointGrid, reader: Callable[[int], SegyVolume]
) -> tuple[str, ...]:
    """A note for each file and each earlier one that holds some of its traces.

    Args:
        volumes: the files.
        grid: their grid.
        reader: gives a file to read sections of, by its number.

    Raises:
        SurveyError: a file has no trace of its own, and others than the files before it: it is another volume of the
            same lines, such as a partial stack or labels.
    """
    notes: list[str] = []
    for number, volume in enumerate(volumes):
        holders = np.where(volume.geometry.live, grid.holder[grid.placed[number].box], number)
        found = [
            _compared(grid, (number, earlier), holders == earlier, reader)
            for earlier in np.unique(holders).tolist()
            if earlier != number
        ]
        shared, differ = sum(each.traces for each in found), sum(each.differ for each in found)
        if shared == np.count_nonzero(volume.geometry.live) and differ > _OTHER * sum(each.compared for each in found):
            raise SurveyError(
                problem=f"{volume.path}: all of its traces are in {found[0].earlier.path.name}, too, with other "
                f"samples (first at {found[0].first}): these are two volumes of the same lines, not parts of one",
                fix="leave one of them out; name a part that replaces traces of another one before it",
            )
        notes += map(str, found)
    return tuple(notes)


def _compared(
    grid: JointGrid, pair: tuple[int, int], shared: NDArray[np.bool_], reader: Callable[[int], SegyVolume]
) -> _Overlap:
    """Compare the traces that two files share.

    Args:
        grid: of all files.
        pair: numbers of the later file and of the earlier one.
        shared: bool[inline, crossline] of the later file.
        reader: see `describe_overlaps`.
    """
    later, earlier = reader(pair[0]), reader(pair[1])
    orientation = later.fast_orientation
    rows = shared if orientation is Orientation.INLINE else shared.T  # [line, trace]
    lines = np.flatnonzero(rows.any(axis=1))
    chosen = lines[np.unique(np.rint(np.linspace(0, len(lines) - 1, min(_COMPARED, len(lines)))).astype(np.int64))]
    compared, differ, first = 0, 0, ""
    for row in chosen.tolist():
        line = int(later.geometry.lines(orientation)[row])
        odd = _differing(grid, pair, (later, earlier), orientation, line)[rows[row]]
        if odd.any() and not first:
            trace = later.geometry.lines(orientation.across)[np.flatnonzero(rows[row])[odd.argmax()]]
            first = f"{orientation.short} {line}, {orientation.across.short} {trace}"
        compared, differ = compared + len(odd), differ + int(np.count_nonzero(odd))
    return _Overlap(later, earlier, int(shared.sum()), compared, len(chosen), len(lines), differ, first)


def _differing(
    grid: JointGrid,
    pair: tuple[int, int],
    volumes: tuple[SegyVolume, SegyVolume],
    orientation: Orientation,
    line: int,
) -> NDArray[np.bool_]:
    """Which traces of a line of the later file have other samples in the earlier one: bool[trace of the later file]."""
    placed = [grid.placed[number] for number in pair]
    begin = max(each.samples.start for each in placed)
    end = min(each.samples.stop for each in placed)
    columns = [each.lines(orientation.across) for each in placed]  # positions on the grid of the survey
    _, here, there = np.intersect1d(columns[0], columns[1], assume_unique=True, return_indices=True)
    cut = [
        volume.section(orientation, line).values[begin - each.samples.start : end - each.samples.start, traces]
        for volume, each, traces in zip(volumes, placed, (here, there), strict=True)
    ]  # [sample, trace] each
    found = np.zeros(len(columns[0]), np.bool_)
    found[here] = ~_alike(*cut, exact=volumes[0].encoding == volumes[1].encoding).all(axis=0)
    return found


def _alike(one: NDArray[np.generic], other: NDArray[np.generic], *, exact: bool) -> NDArray[np.bool_]:
    """Where two arrays hold the same values; IBM floats have fewer digits than IEEE floats."""
    same = np.asarray(one == other)
    if same.all():
        return same
    same |= (one != one) & (other != other)  # noqa: PLR0124  # NaN is NaN
    if not exact:
        with np.errstate(invalid="ignore", over="ignore"):
            same |= np.isclose(one.astype(np.float64), other.astype(np.float64), rtol=_IBM_DIGITS, atol=0)
    return same
