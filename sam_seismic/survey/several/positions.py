"""The volumes of several files come in; whether their X and Y lie on one grid goes out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labels.affine_grid import AffineGrid, fit_places
from sam_seismic.survey.segy import SegyVolume

_LINES = 9
"""Lines of a file whose coordinates are read, spread evenly."""
_TRACES = 256
"""Traces of a line, likewise."""
_TOLERANCE = 0.5
"""Largest distance of a trace from the grid of the survey, in bins."""


@dataclass(frozen=True, eq=False)
class _Sample:
    """Some traces of a file with a position.

    Args:
        volume: the file.
        lines: float64[trace, 2], inline and crossline numbers.
        places: float64[trace, 2], X and Y.
    """

    volume: SegyVolume
    lines: NDArray[np.float64]
    places: NDArray[np.float64]

    def off(self, grid: AffineGrid) -> float:
        """Largest distance of its traces from a grid, in the unit of X."""
        return float(np.hypot(*(grid.places(self.lines) - self.places).T).max())

    def is_on(self, grid: AffineGrid) -> bool:
        """Whether all its traces lie on a grid."""
        return self.off(grid) <= _TOLERANCE * min(grid.bins)


def check_positions(volumes: Sequence[SegyVolume], geometry: Geometry) -> str | None:
    """What X and Y tell of the files of a survey, as a note; None where they tell nothing.

    Args:
        volumes: the files.
        geometry: the grid of all of them.

    Raises:
        SurveyError: a file does not lie on the grid of the others, or X and Y are in different units.
    """
    _check_units(volumes)
    if volumes[0].angle_unit is not None:
        return None
    samples = [found for volume in volumes if (found := _sampled(volume)) is not None]
    if not samples:
        return "no file holds coordinates: that they are of one survey is taken from their line numbers"
    together = np.concatenate([each.lines for each in samples]), np.concatenate([each.places for each in samples])
    grid = fit_places(geometry, *together)
    if grid is None:
        return None
    if any(not each.is_on(grid) for each in samples):
        raise _off_grid(samples, geometry, grid)
    missing = [volume.path.name for volume in volumes if volume not in [each.volume for each in samples]]
    without = f"; without coordinates: {', '.join(missing[:3])}{' ...' * (len(missing) > 3)}" if missing else ""
    return (
        f"X and Y of the {len(samples)} files lie on one grid of {grid.bins[0]:.4g} by {grid.bins[1]:.4g} between "
        f"lines, at most {grid.residual:.2g} off it{without}"
    )


def _check_units(volumes: Sequence[SegyVolume]) -> None:
    first = volumes[0]
    for other in volumes[1:]:
        if other.coordinate_fields is None or first.coordinate_fields is None or other.angle_unit == first.angle_unit:
            continue
        raise SurveyError(
            problem=f"{other.path}: its X and Y are {other.angle_unit or 'lengths'}, those of {first.path.name} "
            f"{first.angle_unit or 'lengths'}",
            fix="export all files of the survey with coordinates of one system",
        )


def _sampled(volume: SegyVolume) -> _Sample | None:
    """Line numbers and coordinates of traces spread over a file; None where none of them has a position."""
    orientation, grid, reader = volume.fast_orientation, volume.geometry, volume.reopened()
    numbers, across = grid.lines(orientation), grid.lines(orientation.across)
    lines, places = [np.empty((0, 2))], [np.empty((0, 2))]
    for line in numbers[_spread(len(numbers), _LINES)].tolist():
        found = reader.coordinates(orientation, line)
        if found is None:
            return None
        known = np.flatnonzero(np.isfinite(found).all(axis=1) & grid.live_along(orientation, line))
        known = known[_spread(len(known), _TRACES)]
        pair = [np.full(len(known), line), across[known]]
        lines.append(np.column_stack(pair if orientation is Orientation.INLINE else pair[::-1]).astype(np.float64))
        places.append(found[known])
    both = np.concatenate(lines), np.concatenate(places)
    return _Sample(volume, *both) if len(both[0]) else None


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """At most so many positions of a list, spread evenly."""
    return np.unique(np.rint(np.linspace(0, count - 1, min(most, count))).astype(np.int64))


def _off_grid(samples: Sequence[_Sample], geometry: Geometry, joint: AffineGrid) -> SurveyError:
    """The error of the first file that is not on the grid that most traces lie on."""
    best, on_best = joint, [False] * len(samples)
    for each in samples:
        own = fit_places(geometry, each.lines, each.places)
        if own is None or not each.is_on(own):
            continue
        on_own = [other.is_on(own) for other in samples]
        if _traces(samples, on_own) > _traces(samples, on_best):
            best, on_best = own, on_own
    if not any(on_best):
        return SurveyError(
            problem=f"{samples[0].volume.path.parent}: X and Y of the {len(samples)} files lie on no grid, up to "
            f"{joint.residual:.4g} off it: they are 2D lines, or of different surveys",
            fix="give 2D lines one by one, each as a survey of its own",
        )
    odd, named = samples[on_best.index(False)], samples[on_best.index(True)].volume.path.name
    return SurveyError(
        problem=f"{odd.volume.path}: is not on the grid of {named}: its X and Y lie up to {odd.off(best):,.4g} off it, "
        f"with bins of {best.bins[0]:.4g} and {best.bins[1]:.4g}; it is of another survey, or numbers its lines "
        "otherwise",
        fix="leave it out; if other header bytes hold its line numbers, export it with those of the other files",
    )


def _traces(samples: Sequence[_Sample], kept: Sequence[bool]) -> int:
    return sum(each.volume.traces for each, is_kept in zip(samples, kept, strict=True) if is_kept)
