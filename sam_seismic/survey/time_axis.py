"""A 3D array of amplitudes whose axes have no names goes in; the axis that looks like time comes out, if one does."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.axis_order import NAME_IT, NATURAL

SAMPLES_FIRST = "sample,inline,crossline"
STACK = "inline,sample,crossline"
"""A stack of pictures [n, h, w]."""
Read = Callable[[NDArray[np.int64]], NDArray[np.generic]]
"""Gives the values at places of the array, counted with the last axis running fastest."""

_LONGEST = 256
"""Places in the middle of each axis that are looked at."""
_PLACES = 12
"""Places along each of the two other axes at which lines are read."""
_LAGS = 32
_SWINGS = -0.15
"""The lowest autocorrelation along time is below this: half a period later, amplitudes have the opposite sign."""
_APART = 0.25
"""Along layers amplitudes stay alike: the lowest autocorrelation is higher there, by more than this."""
_LABELS = 64
"""An array with no more different values than this holds labels, which do not show the time axis."""


def assume_order(shape: tuple[int, ...], read: Read) -> tuple[str, str]:
    """The likeliest axis order of a volume without names for its axes, and a note that says why.

    Args:
        shape: of the array.
        read: gives values of it; some thousands are asked for.
    """
    axis = time_axis(shape, read)
    if axis in (0, 1):
        order, place = ((SAMPLES_FIRST, "first"), (STACK, "middle"))[axis]
        return order, (
            f"AXIS ORDER {order} GUESSED for shape {shape}: its {place} axis looks like time, the others like "
            f"layers; {NAME_IT}"
        )
    shows = "which axis is time does not show" if axis is None else "the last axis looks like time"
    return NATURAL, f"axis order {NATURAL} assumed for shape {shape}; {shows}; {NAME_IT}"


def time_axis(shape: tuple[int, ...], read: Read) -> int | None:
    """The axis of the samples; None where no axis looks like time, or the array holds labels.

    Args:
        shape: of the array.
        read: gives values of it.
    """
    drawn = [_lines_along(shape, axis, read) for axis in range(3)]  # each [place along the axis, line]
    if min(len(lines) for lines in drawn) < 4:
        return None
    if max(len(np.unique(lines)) for lines in drawn) <= _LABELS:
        return None
    lowest = [_lowest_autocorrelation(lines) for lines in drawn]
    order = np.argsort(lowest)
    swings = lowest[order[0]] < _SWINGS and lowest[order[1]] > lowest[order[0]] + _APART
    return int(order[0]) if swings else None


def _lines_along(shape: tuple[int, ...], axis: int, read: Read) -> NDArray[np.generic]:
    """Lines along the middle of an axis, spread over the others: [place, line]."""
    pick = []
    for other, size in enumerate(shape):
        begin = max(0, size // 2 - _LONGEST // 2)
        middle = np.arange(begin, min(size, begin + _LONGEST))
        pick.append(middle if other == axis else np.unique(np.linspace(0, size - 1, min(_PLACES, size)).astype(int)))
    places = np.ravel_multi_index(np.ix_(*pick), shape).astype(np.int64)  # [a, b, c]
    lines = np.moveaxis(read(places.ravel()).reshape(places.shape), axis, 0)
    return lines.reshape(len(lines), -1)


def _lowest_autocorrelation(lines: NDArray[np.generic]) -> float:
    """The lowest correlation of lines with themselves, shifted by up to 32 places; 1 where nothing changes."""
    values = np.nan_to_num(lines.astype(np.float64), posinf=0, neginf=0)
    values /= np.abs(values).max(initial=0) or 1  # squares of float64 can overflow
    values -= values.mean()
    power = float(np.mean(values * values))
    lags = range(1, min(_LAGS, len(values) // 2) + 1)
    return min((float(np.mean(values[:-lag] * values[lag:])) / power for lag in lags), default=1) if power > 0 else 1.0
