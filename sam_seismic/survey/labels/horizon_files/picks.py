"""What a horizon file holds, before it lies on a survey (Picks), and a surface of a survey to be written (Top)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import TimeUnit
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.volume import Volume

MILLISECONDS: dict[TimeUnit, float] = {"s": 1000.0, "ms": 1.0, "us": 0.001}
"""Milliseconds in each unit; for depths, `ms` is the unit of the volume itself."""
NULLS = (-999.25, -9999.0, 9999.0, 99999.0, 9999900.0)
"""Values without a pick in the files of interpretation programs, beside NaN, infinity and numbers from 1e29 on."""
_HUGE = 1e29
_PERHAPS = (0.0, -1.0)
"""Values that may mean that there is no pick, or a first sample; they are kept, and told where all others are far."""
_LIKELY_NULLS = (-999.0, -9999.25, -99999.0, -999999.0, -32767.0, -32768.0)
"""Values that may be picks, and are none where all others are far from them."""
_FAR, _VERY_FAR = 0.5, 2.0
"""In medians of the picks."""


@dataclass(frozen=True)
class PickOptions:
    """Facts of a horizon file that the user declares.

    Args:
        columns: what each column holds, in the words of the configuration; empty: the names in the header say it.
        null: further values without a pick.
    """

    columns: tuple[str, ...] = ()
    null: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Picks:
    """The picks of one surface, as a file holds them.

    Args:
        name: of the surface.
        path: of the file.
        times: float64[pick], in the unit and direction of the file; all finite.
        lines: float64[pick, 2], inline and crossline number; None where the file has coordinates only.
        places: float64[pick, 2], X and Y; None where the file has line numbers only.
        unit: of the times; None where the file does not say.
        nulls: places of the file without a pick.
        notes: what was assumed of the file.
        roles: what each of its columns holds; empty where its format says that.
    """

    name: str
    path: Path
    times: NDArray[np.float64]
    lines: NDArray[np.float64] | None = None
    places: NDArray[np.float64] | None = None
    unit: TimeUnit | None = None
    nulls: int = 0
    notes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def with_picks_only(self, null: Sequence[float] = (), *, guess: bool = True) -> "Picks":
        """The same without the places that hold a null value or no position.

        Args:
            null: values without a pick beside the usual ones.
            guess: whether values far from all others are looked at, too; not where the writer is known.
        """
        keep = ~is_null(self.times, null)
        odd, notes = _far_values(self.times[keep]) if guess else ([], ())
        keep &= ~np.isin(self.times, odd)
        if self.lines is not None:
            keep &= np.isfinite(self.lines).all(axis=1)
        elif self.places is not None:
            keep &= np.isfinite(self.places).all(axis=1)
        return replace(
            self,
            times=self.times[keep],
            lines=None if self.lines is None else self.lines[keep],
            places=None if self.places is None else self.places[keep],
            nulls=self.nulls + int((~keep).sum()),
            notes=self.notes + notes,
        )


def is_null(times: NDArray[np.float64], further: Sequence[float] = ()) -> NDArray[np.bool_]:
    """Which values mean that there is no pick: bool, same shape.

    Args:
        times: as a file holds them.
        further: values beside the usual ones.
    """
    return ~np.isfinite(times) | (np.abs(times) >= _HUGE) | np.isin(times, (*NULLS, *further))


def _far_values(times: NDArray[np.float64]) -> tuple[list[float], tuple[str, ...]]:
    """Values that stand for no pick because all picks are far from them; and notes of these and of others to be named.

    Args:
        times: without the usual null values; float64[pick].
    """
    picks = times[~np.isin(times, (*_LIKELY_NULLS, *_PERHAPS))]
    if not len(picks):
        return [], ()
    scale = abs(float(np.median(picks)))
    far = [v for v in (*_LIKELY_NULLS, *_PERHAPS) if v in times and np.abs(picks - v).min() > _FAR * scale]
    nulls = [value for value in far if value in _LIKELY_NULLS]
    told = [value for value in far if value in _PERHAPS]
    for value in dict.fromkeys((float(picks.min()), float(picks.max()))):
        others = picks[picks != value]
        if 1 < len(picks) - len(others) < len(others) and np.abs(others - value).min() > _VERY_FAR * scale:
            told.append(value)
    notes = [f"{_count(times, value)}: taken as no pick" for value in nulls]
    notes += [
        f"{_count(times, value)}: if these mean that there is none, add --no-pick {value:g} (in the YAML: null)"
        for value in told
    ]
    return nulls, tuple(notes)


def _count(times: NDArray[np.float64], value: float) -> str:
    count = int((times == value).sum())
    return f"{count:,} pick{'' if count == 1 else 's'} at {value:g}, far from all others"


@dataclass(frozen=True, eq=False)
class Top:
    """A surface on the grid of a survey, to be written.

    Args:
        name: of the surface.
        geometry: the grid.
        times: float64[inline, crossline] in ms, NaN where there is no pick.
        places: float64[inline, crossline, 2], X and Y; None where the survey has no coordinates.
    """

    name: str
    geometry: Geometry
    times: NDArray[np.float64]
    places: NDArray[np.float64] | None

    def picks(self) -> Picks:
        """The picks of the surface alone, inline by inline."""
        there = np.isfinite(self.times)
        inline, crossline = np.nonzero(there)
        numbers = np.stack([self.geometry.inlines[inline], self.geometry.crosslines[crossline]], axis=1)  # [pick, 2]
        places = None if self.places is None else self.places[there]
        return Picks(self.name, Path(self.name), self.times[there], numbers.astype(np.float64), places, "ms")


def places_of(volume: Volume) -> NDArray[np.float64] | None:
    """X and Y of all places of a survey: float64[inline, crossline, 2]; None where it has none, or angles.

    Raises:
        SurveyError: the file is damaged.
    """
    if volume.angle_unit is not None:
        return None
    grid = volume.geometry
    found = np.full((len(grid.inlines), len(grid.crosslines), 2), np.nan)
    for position, line in enumerate(grid.inlines.tolist()):
        along = volume.coordinates(Orientation.INLINE, line)  # [trace, 2]
        if along is not None:
            found[position] = along
    found[~grid.live] = np.nan
    found[(found == 0).all(axis=2)] = np.nan  # header fields that were never filled in
    return found if np.isfinite(found).any() else None


def need_places(top: Top, path: Path) -> NDArray[np.float64]:
    """The coordinates of a surface that is written in a format that needs them: float64[inline, crossline, 2].

    Raises:
        SurveyError: the survey has none.
    """
    if top.places is None:
        raise no_coordinates(path)
    return top.places


def placed_picks(top: Top, path: Path) -> list[tuple[float, float, float, float, float]]:
    """Inline, crossline, X, Y and time (ms) of each pick of a surface, for a format with all of them.

    Raises:
        SurveyError: the survey has no coordinates.
    """
    need_places(top, path)
    picks = top.picks()
    assert picks.lines is not None, "they are on a grid"
    assert picks.places is not None, "just checked"
    rows = np.column_stack([picks.lines, picks.places, picks.times])  # [pick, 5]
    return [tuple(row) for row in rows.tolist()]


def no_coordinates(path: Path) -> SurveyError:
    """The error of a format with X and Y, and a survey without coordinates."""
    return SurveyError(
        problem=f"{path}: this horizon format holds X and Y, and the survey has no coordinates in metres or feet",
        fix="write line numbers: --horizon-format dug with a name in .ilclt, or --horizon-format csv",
    )
