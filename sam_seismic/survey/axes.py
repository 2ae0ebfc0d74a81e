"""A 3D array without names for its axes goes in; which one is time comes out, where that shows."""

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.cube import NATURAL

SAMPLES_FIRST = "sample,inline,crossline"

_PLACES = 12
"""Lines are drawn along each axis at so many places of each of the other two."""
_LAGS = 32
_SWINGS = -0.15
"""Amplitudes swing along time: shifted by half a period they are opposite. Along layers they resemble each other."""
_APART = 0.25
_ROUGHER = 1.5
"""Labels change along time this much more often than along either of the other axes."""


_LABELS = 64
"""Integers of at most so many different values are labels, not amplitudes."""


def assume_order(array: NDArray[np.generic]) -> tuple[str, str]:
    """The likeliest axis order of a volume without names for its axes, and a note that says why.

    Args:
        array: [a, b, c], which may be mapped: some hundred lines of it are read.
    """
    axis = time_axis(array)
    if axis == 0:
        return SAMPLES_FIRST, (
            f"AXIS ORDER {SAMPLES_FIRST} GUESSED for shape {array.shape}: its first axis looks like time, the others "
            "like layers; name it with axes"
        )
    shows = {
        None: "; which axis is time does not show",
        1: f"; BUT THE MIDDLE AXIS LOOKS LIKE TIME: save it as {NATURAL}",
        2: "; the last axis looks like time",
    }[axis]
    return NATURAL, f"axis order {NATURAL} assumed for shape {array.shape}{shows}; name it with axes"


def time_axis(array: NDArray[np.generic]) -> int | None:
    """The axis that samples run along, or None where it does not show.

    Args:
        array: a volume of amplitudes or labels [a, b, c], which may be mapped: some hundred lines of it are read.
    """
    drawn = [_lines_along(array, axis) for axis in range(3)]  # each [place along the axis, line]
    if min(len(lines) for lines in drawn) < 4:
        return None
    if array.dtype.kind in "iub" and max(len(np.unique(lines)) for lines in drawn) <= _LABELS:
        changes = [float(np.mean(np.diff(lines, axis=0) != 0)) for lines in drawn]
        order = np.argsort(changes)
        return int(order[2]) if changes[order[2]] > _ROUGHER * changes[order[1]] else None
    lowest = [_lowest_autocorrelation(lines) for lines in drawn]
    order = np.argsort(lowest)
    swings = lowest[order[0]] < _SWINGS and lowest[order[1]] > lowest[order[0]] + _APART
    return int(order[0]) if swings else None


def _lines_along(array: NDArray[np.generic], axis: int) -> NDArray[np.float64]:
    """Whole lines along an axis, spread over the volume: float64[place, line]."""
    pick: list[NDArray[np.intp]] = []
    for other, size in enumerate(array.shape):
        spread = np.unique(np.linspace(0, size - 1, min(_PLACES, size)).astype(np.intp))
        pick.append(np.arange(size) if other == axis else spread)
    lines = np.moveaxis(array[np.ix_(*pick)].astype(np.float64), axis, 0)
    return np.nan_to_num(lines.reshape(len(lines), -1), posinf=0, neginf=0)


def _lowest_autocorrelation(lines: NDArray[np.float64]) -> float:
    """The lowest correlation of lines with themselves, shifted by up to 32 places; 1 where nothing changes."""
    lines = lines - lines.mean()
    power = float(np.mean(lines * lines))
    lags = range(1, min(_LAGS, len(lines) // 2) + 1)
    return min((float(np.mean(lines[:-lag] * lines[lag:])) / power for lag in lags), default=1) if power > 0 else 1.0
