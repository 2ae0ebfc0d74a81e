"""Files of polygons come in; the samples inside closed bodies, trace by trace, go out.

A file is a table of vertices with the columns il, xl and time (or depth), by name or declared. The vertices of one
polygon stand one below the other, all on one inline or all on one crossline; its last vertex is joined to its first. A
new polygon begins after an empty line, or where a column `name` changes.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import BodiesConfig
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labels.horizon_files.columns import Column, named_columns
from sam_seismic.survey.labels.horizon_files.picks import is_null
from sam_seismic.survey.labels.horizon_files.table import Table
from sam_seismic.survey.labels.horizon_files.text import read_text
from sam_seismic.survey.labels.times import find_reading

_NAME_COLUMNS = "name what each column holds, e.g. --body-columns il,xl,time (in the YAML: columns)"
_ROUNDING = 1e-6
"""In samples, as for surfaces."""


@dataclass(frozen=True, eq=False)
class Body:
    """A closed body on the grid of a survey.

    Args:
        name: of the body.
        spans: int32[span, 4]: position of the inline and of the crossline, first sample, first sample below.
        lines: the lines on which its polygons lie.
        notes: what was left out or assumed.
    """

    name: str
    spans: NDArray[np.int32]
    lines: tuple[tuple[Orientation, int], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Polygon:
    """A polygon on a line: traces float64[vertex] as line numbers across it, times float64[vertex] in ms."""

    orientation: Orientation
    line: int
    traces: NDArray[np.float64]
    times: NDArray[np.float64]


def read_body(path: Path, grid: Geometry, config: BodiesConfig, later: NDArray[np.float64] | None = None) -> Body:
    """The body that the polygons of a file describe.

    A sample is inside where the polygon begins at or above it, and ends below it. Both outer traces of a polygon belong
    to it.

    Args:
        path: of the file.
        grid: of the survey.
        config: how the file is read.
        later: how much later than the volume each trace begins, ms: float64[inline, crossline]; None: all alike.

    Raises:
        SurveyError: the file cannot be read, a polygon has fewer than three vertices or lies on no single line, or none
            lies in the survey.
    """
    polygons, assumed = _polygons(path, grid, config)
    spans: list[tuple[int, int, int, int]] = []
    lines, outside = [], 0
    for polygon in polygons:
        if polygon.line not in grid.lines(polygon.orientation):
            outside += 1
            continue
        spans += _spans(polygon, grid, np.zeros(grid.live.shape) if later is None else later)
        lines.append((polygon.orientation, polygon.line))
    notes = list(assumed)
    if outside:
        notes.append(f"{path}: {outside} of {len(polygons)} polygons lie on no line of the survey and are left out")
    if not spans:
        raise SurveyError(
            problem=f"{path}: none of its {len(polygons)} polygons holds a sample of the survey",
            fix="check that the line numbers and times are those of this survey; il and xl may be exchanged: "
            "--body-columns xl,il,time",
        )
    return Body(path.stem, np.array(spans, np.int32), tuple(dict.fromkeys(lines)), tuple(notes))


def _polygons(path: Path, grid: Geometry, config: BodiesConfig) -> tuple[list[_Polygon], list[str]]:
    """The polygons of a file, and what was assumed."""
    table = Table.of(path, read_text(path, "body"))
    columns = [Column(role) for role in config.columns or ()] or (named_columns(table) if table.lines else None)
    roles = [column.role for column in columns or ()]
    if not {"il", "xl"} <= set(roles) or not {"time", "depth"} & set(roles):
        raise SurveyError(
            problem=f"{path}: a body needs columns of inline, crossline and time; found {', '.join(roles) or 'none'}",
            fix=_NAME_COLUMNS,
        )
    at = next(place for place, role in enumerate(roles) if role in ("time", "depth"))
    vertices = np.stack(
        [table.column(roles.index("il"), _NAME_COLUMNS), table.column(roles.index("xl"), _NAME_COLUMNS)], axis=1
    )
    times = table.column(at, _NAME_COLUMNS)
    if is_null(times).any() or not np.isfinite(vertices).all():
        raise SurveyError(problem=f"{path}: a vertex without a position or time", fix="remove its row")
    unit = config.unit or (columns or [])[at].unit
    reading = find_reading(times, grid, str(path), unit=unit, upward=config.upward)
    notes = [] if unit and config.upward is not None else [f"{path}: its times are read as {reading}"]
    names = [cells[roles.index("name")] for _, cells in table.rows] if "name" in roles else [""] * len(times)
    numbers = table.numbers
    breaks = [
        place
        for place in range(1, len(times))
        if numbers[place] != numbers[place - 1] + 1 or names[place] != names[place - 1]
    ]
    ms = reading.milliseconds(times)
    bounds = pairwise([0, *breaks, len(times)])
    return [_polygon(path, numbers[begin], vertices[begin:end], ms[begin:end]) for begin, end in bounds], (
        notes if reading.unit != "ms" or reading.upward else []
    )


def _polygon(path: Path, number: int, vertices: NDArray[np.float64], times: NDArray[np.float64]) -> _Polygon:
    """The polygon of some rows; `vertices` float64[vertex, 2] are inline and crossline numbers."""
    if len(times) < 3:
        raise SurveyError(
            problem=f"{path}: the polygon at line {number} has {len(times)} vertices, where 3 are the fewest",
            fix="separate polygons, and nothing else, by an empty line",
        )
    still = np.ptp(vertices, axis=0) == 0
    if not still.any():
        raise SurveyError(
            problem=f"{path}: the polygon at line {number} lies neither on one inline nor on one crossline",
            fix="separate the polygons of different lines by an empty line",
        )
    on = Orientation.INLINE if still[0] else Orientation.CROSSLINE
    fixed, running = (0, 1) if still[0] else (1, 0)
    return _Polygon(on, round(float(vertices[0, fixed])), vertices[:, running], times)


def _spans(polygon: _Polygon, grid: Geometry, later: NDArray[np.float64]) -> list[tuple[int, int, int, int]]:
    """The samples inside a polygon, as rows of `Body.spans`."""
    across = grid.lines(polygon.orientation.across)
    position = grid.index(polygon.orientation, polygon.line)
    traces = np.flatnonzero((across >= polygon.traces.min()) & (across <= polygon.traces.max()))
    found = []
    for trace in traces.tolist():
        place = (position, trace) if polygon.orientation is Orientation.INLINE else (trace, position)
        start = grid.start_ms + later[place]
        for begin, end in _inside(polygon, float(across[trace])):
            first, below = (
                int(np.clip(np.ceil((t - start) / grid.sample_interval_ms - _ROUNDING), 0, grid.samples))
                for t in (begin, end)
            )
            if below > first:
                found.append((*place, first, below))
    return found


def _inside(polygon: _Polygon, trace: float) -> list[tuple[float, float]]:
    """Begin and end, in ms, of the parts of a trace inside a polygon (even-odd rule).

    A trace through a vertex, or along an edge, is taken as the union of what lies just left and just right of it, so
    that the outer traces of a box belong to it.
    """
    x, t = polygon.traces, polygon.times
    x1, t1 = np.roll(x, -1), np.roll(t, -1)
    low, high = np.minimum(x, x1), np.maximum(x, x1)
    sides = [(low <= trace) & (trace < high), (low < trace) & (trace <= high)]  # just right, just left: bool[edge]
    found = []
    for crossed in sides:
        share = (trace - x[crossed]) / (x1[crossed] - x[crossed])
        times = np.sort(t[crossed] + share * (t1[crossed] - t[crossed])).tolist()
        found += list(zip(times[::2], times[1::2], strict=True))
    return list(dict.fromkeys(found))
