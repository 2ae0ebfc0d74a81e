"""A file whose headers number no lines goes in; a grid comes out, from X and Y or from the order of the traces."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import SegyOptions
from sam_seismic.files.units import counted
from sam_seismic.survey.segy import refusals
from sam_seismic.survey.segy.coordinates import WORDS, CoordinateFields, Traces, find_fields
from sam_seismic.survey.segy.geometry import Axis, Numbering
from sam_seismic.survey.segy.grid_fit import FittedGrid, fit_grid
from sam_seismic.survey.segy.headers import SegyLayout
from sam_seismic.survey.segy.scan import TraceHeaders, scan

CDP = 21
_SAMPLED = 4096
_JUMP = 20
"""Along a 2D line no trace is further from the one before than this many times the usual distance."""


@dataclass(frozen=True, eq=False)
class Positions:
    """Where the traces of a file lie.

    Args:
        headers: of all traces, with the fields of coordinates.
        fields: which of them hold X and Y; None: none.
        known: int64[known], numbers of the traces with a position.
        xy: float64[known, 2].
    """

    headers: TraceHeaders
    fields: CoordinateFields | None
    known: NDArray[np.int64]
    xy: NDArray[np.float64]

    @property
    def is_path(self) -> bool:
        """Whether the traces follow each other along a line, straight or crooked."""
        steps = np.hypot(*np.diff(self.xy, axis=0).T)
        usual = np.median(steps) if len(steps) else 0.0
        return bool(usual > 0 and steps.max() <= _JUMP * usual)


def read_positions(path: Path, layout: SegyLayout) -> Positions:
    """X and Y of all traces, from a pass over their headers."""
    headers = scan(path, layout, (*WORDS, CDP))
    sample = np.unique(np.linspace(0, layout.traces - 1, _SAMPLED).astype(np.int64))
    fields = find_fields(Traces({byte: headers.columns[byte][sample] for byte in WORDS}, sample))
    if fields is None:
        return Positions(headers, None, np.empty(0, np.int64), np.empty((0, 2)))
    found = fields.read(headers.columns)
    known = np.flatnonzero(np.isfinite(found).all(axis=1))
    return Positions(headers, fields, known, found[known])


def several_lines(positions: Positions) -> FittedGrid | None:
    """The grid of several lines on which the traces lie; None where they lie on none, or on a single line."""
    grid = fit_grid(positions.xy)
    return grid if grid is not None and min(grid.shape) > 1 else None


def on_fitted_grid(path: Path, positions: Positions) -> tuple[Numbering, NDArray[np.int64], str]:
    """The traces numbered from 1 on the grid of their coordinates.

    Returns:
        Their numbering; int64[trace], numbers of those that have a position; how it was found, in words.

    Raises:
        SurveyError: no coordinates, or they lie on no grid.
    """
    if positions.fields is None:
        raise refusals.no_coordinates(path, positions.headers.traces)
    grid = fit_grid(positions.xy)
    if grid is None:
        raise refusals.no_fitted_grid(path, positions.headers.traces, positions.fields.pair)
    numbering = Numbering(Axis(0, grid.inline), Axis(0, grid.crossline))
    x, y = positions.fields.pair
    lost = positions.headers.traces - len(positions.known)
    without = f"; {counted(lost, 'trace')} without a position {'is' if lost == 1 else 'are'} left out" if lost else ""
    return numbering, positions.known, f"taken from a grid fitted to X and Y (bytes {x}/{y}): {grid}{without}"


def by_position(path: Path, headers: TraceHeaders, options: SegyOptions) -> tuple[Numbering, str]:
    """The traces numbered from 1 in their order in the file, a given number of them a line.

    The traces of a single line get their CDP numbers (byte 21), if these are distinct.

    Raises:
        SurveyError: the traces do not fill whole lines.
    """
    count, traces = options.traces_per_line or headers.traces, headers.traces
    if traces % count:
        raise refusals.uneven_lines(path, traces, count)
    line, place = np.divmod(np.arange(traces, dtype=np.int32), np.int32(count))
    cdp = headers.columns[CDP]
    if count == traces and len(np.unique(cdp)) == traces:
        return Numbering(Axis(0, line + 1), Axis(CDP, cdp)), f"taken from the CDP numbers (byte {CDP}) of one line"
    lines = traces // count
    words = f"{lines} lines of {count} traces" if lines > 1 else f"one line of {count} traces"
    return Numbering(Axis(0, line + 1), Axis(0, place + 1)), f"taken from the order of the traces: {words}"
