"""IRAP classic grids: a header of 19 numbers and a regular, rotated grid of Z, X running fastest.

Source: the layout that xtgeo reads and writes as `irap_ascii` surfaces (equinor/xtgeo): `-996 nrow xinc yinc`, `xori
xmax yori ymax`, `ncol rotation xori yori`, seven zeros; six values a line; 9999900.0 where undefined; the rotation is
anticlockwise from X, in degrees, about the origin.
"""

from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.labels.affine_grid import fit_places, line_step
from sam_seismic.survey.labels.horizon_files.picks import PickOptions, Picks, Top, need_places

_MARK = "-996"
_HEADER = 19
_UNDEFINED = 9999900.0
_ROW = 6
_SKEW = 1e-3
"""Largest cosine of the angle between the axes of a survey that counts as a right angle."""
_OFF = 0.1
"""Largest distance of the survey's coordinates from the grid, in bins."""


def recognises_irap_grid(_: Path, text: str) -> bool:
    """Whether the first number is -996."""
    return text.split(maxsplit=1)[:1] == [_MARK]


def read_irap_grid(path: Path, text: str, options: PickOptions) -> list[Picks]:
    """The defined nodes of a grid as one surface.

    Raises:
        SurveyError: the header is none of such a grid, or the file does not hold all nodes.
    """
    try:
        numbers = np.array(text.split(), np.float64)
    except ValueError as error:
        raise _damaged(path, f"holds what is no number: {error}") from None
    if len(numbers) < _HEADER or numbers[0] != float(_MARK):
        raise _damaged(path, f"has no header of {_HEADER} numbers that begins with {_MARK}")
    rows, columns = int(numbers[1]), int(numbers[8])
    values = numbers[_HEADER:]
    if rows < 1 or columns < 1 or len(values) != rows * columns:
        raise _damaged(path, f"holds {len(values)} nodes, and its header says {rows} rows of {columns}")
    angle = np.deg2rad(numbers[9])
    along = numbers[2] * np.array([np.cos(angle), np.sin(angle)])
    up = numbers[3] * np.array([-np.sin(angle), np.cos(angle)])
    row, column = np.divmod(np.arange(len(values)), columns)  # X runs fastest
    places = numbers[10:12] + column[:, None] * along + row[:, None] * up  # [node, 2]
    return [Picks(path.stem, path, values, None, places).with_picks_only(options.null)]


def write_irap_grid(top: Top, file: IO[str], path: Path) -> None:
    """Write a surface; Z in ms, down. Lines that the survey skips become undefined nodes.

    Raises:
        SurveyError: the survey has no coordinates, or they lie on no grid with right angles.
    """
    nodes = _on_every_line(top.geometry, top.times)  # [inline, crossline]
    origin, inline_step, crossline_step = frame_of(top, path)
    along, up = crossline_step, inline_step
    if _turn(along, up) < 0:
        along, up, nodes = up, along, nodes.T  # rows must lie anticlockwise of columns
    rows, columns = nodes.shape
    xinc, yinc = float(np.hypot(*along)), float(np.hypot(*up))
    rotation = round(float(np.rad2deg(np.arctan2(along[1], along[0]))), 6) % 360
    x, y = origin.tolist()
    file.write(f"{_MARK} {rows} {xinc:.6f} {yinc:.6f}\n")
    file.write(f"{x:.6f} {x + (columns - 1) * xinc:.6f} {y:.6f} {y + (rows - 1) * yinc:.6f}\n")
    file.write(f"{columns} {rotation:.6f} {x:.6f} {y:.6f}\n0 0 0 0 0 0 0\n")
    values = np.where(np.isfinite(nodes), nodes, _UNDEFINED).ravel().tolist()
    for first in range(0, len(values), _ROW):
        file.write(" ".join(f"{value:.4f}" for value in values[first : first + _ROW]) + "\n")


def frame_of(top: Top, path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The grid of a survey in X and Y: origin, step of an inline, step of a crossline, float64[2] each.

    Raises:
        SurveyError: the survey has no coordinates, or they lie on no grid with right angles.
    """
    places, grid = need_places(top, path), top.geometry
    known = np.isfinite(places).all(axis=2)
    inline, crossline = np.nonzero(known)
    lines = np.stack([grid.inlines[inline], grid.crosslines[crossline]], axis=1).astype(np.float64)  # [trace, 2]
    found = fit_places(grid, lines, places[known])
    if found is None or found.residual > _OFF * min(found.bins):
        raise _other_format(path, "the coordinates of the survey lie on no regular grid")
    steps = found.steps * np.array([[line_step(grid.inlines)], [line_step(grid.crosslines)]])
    if abs(float(steps[0] @ steps[1])) > _SKEW * found.bins[0] * found.bins[1]:
        raise _other_format(path, "the inlines and crosslines of the survey are not at right angles")
    first = np.array([[grid.inlines[0], grid.crosslines[0]]], np.float64)
    return found.places(first)[0], steps[0], steps[1]


def _on_every_line(grid: Geometry, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times on lines at even steps: float64[inline, crossline], NaN on lines that the survey skips."""
    at = []
    for lines in (grid.inlines, grid.crosslines):
        at.append((lines.astype(np.int64) - int(lines[0])) // line_step(lines))
    nodes = np.full((int(at[0][-1]) + 1, int(at[1][-1]) + 1), np.nan)
    nodes[np.ix_(*at)] = times
    return nodes


def _turn(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """More than 0 where the second vector lies anticlockwise of the first."""
    return float(one[0] * other[1] - one[1] * other[0])


def _damaged(path: Path, what: str) -> SurveyError:
    return SurveyError(problem=f"{path}: {what}", fix="export it again as an IRAP classic grid (ASCII)")


def _other_format(path: Path, why: str) -> SurveyError:
    return SurveyError(
        problem=f"{path}: an IRAP grid cannot hold it: {why}", fix="write points: --horizon-format irap-points"
    )
