"""Picks of a file come in; a surface on the grid of a survey goes out, with what was left out and assumed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import HorizonsConfig
from sam_seismic.errors import SurveyError
from sam_seismic.files.units import counted
from sam_seismic.survey.geometry import Geometry, describe_lines
from sam_seismic.survey.labels.affine_grid import AffineGrid, TraceLine, line_step
from sam_seismic.survey.labels.horizon_files import Picks
from sam_seismic.survey.labels.times import find_reading, within

_ON_A_LINE = 0.01
"""Largest distance of a pick's line number from a line of the survey, where the file gives line numbers."""
_MOST_OFF = 0.1
"""Largest share of the picks of a file that may lie too far from any trace."""


@dataclass(frozen=True, eq=False)
class Surface:
    """A surface on the grid of a survey.

    Args:
        name: of the surface.
        times: float64[inline, crossline], ms, NaN where it is not picked.
        notes: what was left out or assumed.
        interpolated: traces whose time is interpolated between picks.
    """

    name: str
    times: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    interpolated: int = 0

    @property
    def picked(self) -> NDArray[np.bool_]:
        """Where it has a time: bool[inline, crossline]."""
        return np.isfinite(self.times)


def place(
    picks: Picks,
    grid: Geometry,
    fitted: Callable[[], AffineGrid | TraceLine],
    config: HorizonsConfig,
    *,
    beside: Sequence[Picks] = (),
) -> Surface:
    """Put picks on the traces of a survey: by line numbers, or by X and Y where the file has nothing else.

    Args:
        picks: of one surface.
        grid: of the survey.
        fitted: gives the grid of the survey's coordinates; asked only where it is needed.
        config: how the files are read.
        beside: all surfaces of the same file, which has one unit and direction.

    Raises:
        SurveyError: no pick lies in the survey, too many lie too far from any trace, or the times are those of another
            volume.
    """
    where = f"{picks.path}: {picks.name}"
    title = picks.path.name if picks.path.stem == picks.name else f"{picks.path.name}: {picks.name}"
    if picks.lines is not None:
        positions, inside = _by_numbers(picks.lines, grid)
        notes = list(picks.notes)
    else:
        positions, inside, found = _by_coordinates(picks, grid, fitted(), where, config.max_residual)
        notes = [*picks.notes, *found]
    if not inside.any():
        raise _elsewhere(picks, grid, where)
    if outside := int((~inside).sum()):
        notes.append(f"{outside:,} of {len(inside):,} picks lie on no line of the survey and are left out")
    given = picks.times[inside]
    of_file = np.concatenate([given, *(each.times for each in beside if each is not picks)])
    reading = find_reading(of_file, grid, where, unit=config.unit or picks.unit, upward=config.upward)
    if (config.unit is None and picks.unit is None and reading.unit != "ms") or (
        config.upward is None and reading.upward
    ):
        notes.append(f"its times {given.min():g} to {given.max():g} are read as {reading}")
    here = reading.milliseconds(given)
    times, repeated = _on_grid(here, positions[inside], grid)
    if repeated:
        notes.append(f"{counted(repeated, 'pick', 'share')} a trace with another one; the shallowest is taken")
    if clipped := int((~within(here, grid)).sum()):
        notes.append(f"{counted(clipped, 'pick', 'lie')} above the first or below the last sample of the volume")
    return Surface(picks.name, times, tuple(f"{title}: {note}" for note in notes))


def _by_numbers(lines: NDArray[np.float64], grid: Geometry) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Positions int[pick, 2] on the axes of the grid, and which picks lie on a line of it: bool[pick]."""
    found = [_nearest(numbers, axis) for numbers, axis in zip(lines.T, (grid.inlines, grid.crosslines), strict=True)]
    inside = np.logical_and(*(distance <= _ON_A_LINE for _, distance in found))
    return np.stack([position for position, _ in found], axis=1), inside


def _by_coordinates(
    picks: Picks, grid: Geometry, fitted: AffineGrid | TraceLine, where: str, limit: float | None
) -> tuple[NDArray[np.intp], NDArray[np.bool_], list[str]]:
    """Positions int[pick, 2], which picks lie in the survey and near enough to a trace, and the residual in words."""
    assert picks.places is not None, "picks have line numbers or coordinates"
    numbers = fitted.lines(picks.places)  # [pick, 2]
    axes = (grid.inlines, grid.crosslines)
    found = [_nearest(column, axis) for column, axis in zip(numbers.T, axes, strict=True)]
    positions = np.stack([position for position, _ in found], axis=1)  # [pick, 2]
    steps = [line_step(axis) for axis in axes]
    inside = np.logical_and(*(distance <= step / 2 for (_, distance), step in zip(found, steps, strict=True)))
    nearest = np.stack([axis[at] for axis, at in zip(axes, positions.T, strict=True)], axis=1).astype(np.float64)
    residuals = np.hypot(*(picks.places - fitted.places(nearest)).T)[inside]
    if not len(residuals):
        return positions, inside, []
    allowed = min(fitted.bins) / 2 if limit is None else limit
    off = residuals > allowed
    if off.mean() > _MOST_OFF:
        raise SurveyError(
            problem=f"{where}: {int(off.sum()):,} of {len(off):,} picks lie farther than {allowed:.4g} from any trace, "
            f"up to {residuals.max():.4g}; the bins of the survey are {fitted.bins[0]:.4g} by {fitted.bins[1]:.4g}",
            fix=f"check that X and Y are those of this survey; to take the nearest trace: --max-residual "
            f"{np.ceil(residuals.max() + 1e-9):g} (in the YAML: max_residual)",
        )
    kept = inside.copy()
    kept[inside] = ~off
    note = (
        f"X and Y are mapped to lines: picks lie {residuals[~off].mean():.3g} from their traces on average, at most "
        f"{residuals[~off].max():.3g}; the survey's own coordinates lie up to {fitted.residual:.3g} off their grid"
    )
    return positions, kept, [note]


def _nearest(numbers: NDArray[np.float64], axis: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The nearest line to each number: its position on the axis, and its distance in line numbers."""
    right = np.clip(np.searchsorted(axis, numbers), 0, len(axis) - 1)
    left = np.maximum(right - 1, 0)
    to_left, to_right = np.abs(numbers - axis[left]), np.abs(numbers - axis[right])
    nearest = np.where(to_left < to_right, left, right)
    return nearest, np.minimum(to_left, to_right)


def _on_grid(
    times: NDArray[np.float64], positions: NDArray[np.intp], grid: Geometry
) -> tuple[NDArray[np.float64], int]:
    """The shallowest pick of each trace: float64[inline, crossline], NaN without; and how many others there are."""
    surface = np.full(grid.live.shape, np.inf)
    np.minimum.at(surface, (positions[:, 0], positions[:, 1]), times)
    surface[np.isinf(surface)] = np.nan
    return surface, len(times) - int(np.isfinite(surface).sum())


def _elsewhere(picks: Picks, grid: Geometry, where: str) -> SurveyError:
    """The error of a file that has no pick in the survey."""
    lines = f"inlines {describe_lines(grid.inlines)} and crosslines {describe_lines(grid.crosslines)}"
    if picks.lines is None:
        assert picks.places is not None, "picks have line numbers or coordinates"
        (x0, y0), (x1, y1) = picks.places.min(axis=0), picks.places.max(axis=0)
        return SurveyError(
            problem=f"{where}: no pick lies in the survey: X {x0:.10g} to {x1:.10g}, Y {y0:.10g} to {y1:.10g}",
            fix="check that the coordinates are those of this survey, in its unit"
            + (
                f"; to exchange X and Y: --columns {_exchanged(picks.roles)} (in the YAML: columns)"
                if picks.roles
                else ""
            ),
        )
    (i0, c0), (i1, c1) = picks.lines.min(axis=0), picks.lines.max(axis=0)
    return SurveyError(
        problem=f"{where}: no pick lies on a line of the survey, {lines}: its inlines are {i0:g} to {i1:g}, its "
        f"crosslines {c0:g} to {c1:g}",
        fix=_other_columns(picks, grid),
    )


def _other_columns(picks: Picks, grid: Geometry) -> str:
    """How to read the positions of a file otherwise, in whose columns no pick lies on a line of the survey."""
    assert picks.lines is not None, "no line number fits"
    _, exchanged = _by_numbers(picks.lines[:, ::-1], grid)
    swapped = {"il": "xl", "xl": "il"}
    if exchanged.any() and picks.roles:
        columns = ",".join(swapped.get(role, role) for role in picks.roles)
        return f"inlines and crosslines are exchanged: --columns {columns} (in the YAML: columns)"
    if picks.places is not None and picks.roles:
        columns = ",".join("skip" if role in swapped else role for role in picks.roles)
        return (
            f"check that the file belongs to this survey; if its lines are numbered otherwise, take its X and Y: "
            f"--columns {columns} (in the YAML: columns)"
        )
    return "check that the file belongs to this survey"


def _exchanged(roles: Sequence[str]) -> str:
    """Columns with X and Y exchanged, as they are declared."""
    return ",".join({"x": "y", "y": "x"}.get(role, role) for role in roles)
