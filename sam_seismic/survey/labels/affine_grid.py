"""The coordinates of a survey come in; the affine map between its line numbers and X and Y goes out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.volume import Volume

_LINES = 64
"""Inlines whose coordinates are read, spread evenly; the first and the last are among them."""
_TOLERANCE = 0.5
"""Largest residual of the survey's own coordinates that is still a grid, in bins."""
_FLAT = 1e-9
"""Smallest area of a bin, as a share of its longer side squared, of coordinates that are not on one straight line."""
DECLARE_LINES = "give horizons with line numbers: --columns il,xl,time"


@dataclass(frozen=True, eq=False)
class AffineGrid:
    """X and Y as an affine function of inline and crossline number.

    Args:
        origin: float64[2], X and Y of inline 0, crossline 0.
        steps: float64[2, 2], change of (X, Y) a line number: row 0 for inlines, row 1 for crosslines.
        bins: distance between neighbouring inlines and between neighbouring crosslines of the survey, in the unit of X.
        residual: largest distance between the survey's own coordinates and the grid, in the unit of X.
    """

    origin: NDArray[np.float64]
    steps: NDArray[np.float64]
    bins: tuple[float, float]
    residual: float

    def places(self, lines: NDArray[np.float64]) -> NDArray[np.float64]:
        """X and Y of line numbers: float64[pick, 2] -> float64[pick, 2]."""
        return np.asarray(self.origin + lines @ self.steps, np.float64)

    def lines(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Inline and crossline numbers, with fractions, of X and Y: float64[pick, 2] -> float64[pick, 2]."""
        return np.asarray((places - self.origin) @ np.linalg.inv(self.steps), np.float64)


def fit_grid(volume: Volume) -> AffineGrid:
    """The affine grid of a survey's own coordinates.

    Raises:
        SurveyError: it has no coordinates, fewer than two lines of either orientation, or they lie on no grid.
    """
    found = fit_places(volume.geometry, *_sampled(volume))
    if found is None:
        raise SurveyError(
            problem=f"{volume.path}: has no coordinates that X and Y could be mapped to its lines with",
            fix=DECLARE_LINES,
        )
    if found.residual > _TOLERANCE * min(found.bins):
        raise SurveyError(
            problem=f"{volume.path}: its coordinates lie on no regular grid: up to {found.residual:.4g} off it, with "
            f"bins of {found.bins[0]:.4g} and {found.bins[1]:.4g}; X and Y cannot be mapped to its lines",
            fix=DECLARE_LINES,
        )
    return found


def fit_places(grid: Geometry, lines: NDArray[np.float64], places: NDArray[np.float64]) -> AffineGrid | None:
    """The affine grid through some places, by least squares; None where they do not span one.

    Args:
        grid: of the survey.
        lines: float64[trace, 2], inline and crossline numbers.
        places: float64[trace, 2], X and Y.
    """
    if len(lines) < 3 or min(len(np.unique(lines[:, 0])), len(np.unique(lines[:, 1]))) < 2:
        return None
    center = lines.mean(axis=0)
    design = np.column_stack([np.ones(len(lines)), lines - center])  # [trace, 3]
    solution, *_ = np.linalg.lstsq(design, places, rcond=None)  # [3, 2]
    steps = solution[1:]
    inline, crossline = (float(np.hypot(*step)) for step in steps)
    if abs(float(np.linalg.det(steps))) <= _FLAT * max(inline, crossline) ** 2:
        return None
    bins = inline * line_step(grid.inlines), crossline * line_step(grid.crosslines)
    residual = float(np.hypot(*(design @ solution - places).T).max())
    return AffineGrid(solution[0] - center @ steps, steps, bins, residual)


def _sampled(volume: Volume) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Line numbers and coordinates of the traces of some inlines: float64[trace, 2] each."""
    grid = volume.geometry
    chosen = np.unique(np.rint(np.linspace(0, len(grid.inlines) - 1, min(_LINES, len(grid.inlines)))).astype(int))
    numbers, found = [np.empty((0, 2))], [np.empty((0, 2))]
    for line in grid.inlines[chosen].tolist():
        places = volume.coordinates(Orientation.INLINE, line)  # [trace, 2]
        if places is None:
            continue
        known = grid.live_along(Orientation.INLINE, line) & np.isfinite(places).all(axis=1) & (places != 0).any(axis=1)
        found.append(places[known].astype(np.float64))
        numbers.append(np.column_stack([np.full(int(known.sum()), line), grid.crosslines[known]]).astype(np.float64))
    return np.concatenate(numbers), np.concatenate(found)


def line_step(lines: NDArray[np.int32]) -> int:
    """The largest step that leads from the first line to all others."""
    return int(np.gcd.reduce(np.diff(lines.astype(np.int64)))) if len(lines) > 1 else 1
