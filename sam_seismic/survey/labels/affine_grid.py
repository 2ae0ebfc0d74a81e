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
_AT_ONCE = 1000
"""Picks whose distances from all traces are computed at a time."""
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


@dataclass(frozen=True, eq=False)
class TraceLine:
    """The traces of a single line, straight or crooked: X and Y belong to the nearest one, if it is near enough.

    Args:
        numbers: float64[trace, 2], inline and crossline numbers.
        positions: float64[trace, 2], X and Y.
        limit: largest distance between a pick and its trace; None: half the usual distance of neighbouring traces.
    """

    numbers: NDArray[np.float64]
    positions: NDArray[np.float64]
    limit: float | None = None
    residual: float = 0.0

    @property
    def bins(self) -> tuple[float, float]:
        """The usual distance of neighbouring traces, twice."""
        step = float(np.median(np.hypot(*np.diff(self.positions, axis=0).T)))
        return step, step

    def places(self, lines: NDArray[np.float64]) -> NDArray[np.float64]:
        """X and Y of line numbers of traces: float64[pick, 2] -> float64[pick, 2]."""
        running = 1 if np.ptp(self.numbers[:, 1]) else 0
        at = np.searchsorted(self.numbers[:, running], lines[:, running])
        return self.positions[np.minimum(at, len(self.positions) - 1)]

    def lines(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Inline and crossline number of the nearest trace, NaN where it is too far: float64[pick, 2], as `places`."""
        found = np.full(places.shape, np.nan)
        allowed = self.bins[0] / 2 if self.limit is None else self.limit
        for first in range(0, len(places), _AT_ONCE):
            block = slice(first, first + _AT_ONCE)
            apart = np.hypot(*(places[block, None] - self.positions).transpose(2, 0, 1))  # [pick, trace]
            nearest = apart.argmin(axis=1)
            near = apart.min(axis=1) <= allowed
            found[block][near] = self.numbers[nearest[near]]
        return found


def fit_lines(volume: Volume, limit: float | None = None) -> AffineGrid | TraceLine:
    """How X and Y belong to the traces of a survey: by its grid, or of a single line by the nearest trace.

    Args:
        volume: the survey.
        limit: largest distance of a pick from the trace of a single line; None: half the distance of its traces.

    Raises:
        SurveyError: as `fit_grid`.
    """
    if min(volume.geometry.shape[:2]) == 1:
        numbers, positions = _sampled(volume, len(volume.geometry.inlines))
        if len(numbers) > 1 and np.ptp(positions, axis=0).any():
            return TraceLine(numbers, positions, limit)
    return fit_grid(volume)


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


def _sampled(volume: Volume, most: int = _LINES) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Line numbers and coordinates of the traces of some inlines, at most so many: float64[trace, 2] each."""
    grid = volume.geometry
    chosen = np.unique(np.rint(np.linspace(0, len(grid.inlines) - 1, min(most, len(grid.inlines)))).astype(int))
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
