"""A 3D array without names for its axes goes in; which one is time comes out, where that shows."""

import numpy as np
from numpy.typing import NDArray

_PLACES = 12
"""Lines are drawn along each axis at so many places of each of the other two."""
_LAGS = 32
_SWINGS = -0.15
"""Amplitudes swing along time: shifted by half a period they are opposite. Along layers they resemble each other."""
_APART = 0.25
_ROUGHER = 1.5
"""Labels change along time this much more often than along either of the other axes."""


def time_axis(array: NDArray[np.generic], *, labels: bool) -> int | None:
    """The axis that samples run along, or None where it does not show.

    Args:
        array: a volume [a, b, c], which may be mapped: some hundred lines of it are read.
        labels: whether it holds label values, not amplitudes.
    """
    drawn = [_lines_along(array, axis) for axis in range(3)]  # each [place along the axis, line]
    if min(len(lines) for lines in drawn) < 4:
        return None
    if labels:
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
