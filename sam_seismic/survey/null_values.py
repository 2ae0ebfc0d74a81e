"""Amplitudes as they are stored go in; the same without null values comes out, with what was found.

Null values stand where nothing was recorded: NaN, -999.25 (well logs, many interpretation programs), 1e30 (ZMAP, xtgeo,
OpendTect), 9999 and others, or any constant. A user may name one more (`data.read.null`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.volume import Section

PADDING = 4
"""So many null values in a row at the end of a trace are padding; fewer may be a coincidence or a fault."""
_PADS = (-999.25,)
HUGE_NULL = 1e30
"""No amplitude is as large as this."""
HUGE_NULLS = (HUGE_NULL, 1.70141e38, float(np.finfo(np.float32).max))
"""Sizes of null values of either sign: 1e30, that of Surfer, and the largest float."""
_FLOAT_NULLS = (-999.25, -999.0, 999.25, -9999.0, 9999.0, *HUGE_NULLS, *(-value for value in HUGE_NULLS))
_CLOSE = 1e-5
"""Relative difference of a null value and what a format of 24 bits makes of it."""


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A section without null values.

    Args:
        section: traces that hold nothing but null values, or one value only, are dead; null samples at the ends of
            live traces, and those of the named value, are zero.
        empty: bool[trace], traces that are dead for this reason.
        fills: number of these traces by the value that they hold; that of several is the first sample's.
        zeroed: number of samples of live traces that were set to zero.
        padded: number of live traces with such samples.
    """

    section: Section
    empty: NDArray[np.bool_]
    fills: Mapping[float, int] = field(default_factory=dict)
    zeroed: int = 0
    padded: int = 0


def clean_section(section: Section, null: float | None = None) -> Cleaned:
    """Take null values out of a section.

    Args:
        section: amplitudes [sample, trace] of any real type.
        null: a value that means "nothing" wherever it stands; None: only what is known to mean it is found.
    """
    values = section.values
    columns = np.flatnonzero(section.live & _suspect(values, null))
    if not len(columns) or len(values) < 2:
        return Cleaned(section, np.zeros(len(section.live), np.bool_))
    block = values[:, columns]  # [sample, suspect trace]
    nulls = _padding(block)
    if null is not None:
        nulls |= equal_to(block, null)
    low, high = _range(block, ~nulls)
    none_left = low >= high  # one value, or nothing at all
    empty = np.zeros(len(section.live), np.bool_)
    empty[columns[none_left]] = True
    if not none_left.any() and not nulls.any():
        return Cleaned(section, empty)
    block = np.where(nulls | none_left, values.dtype.type(0), block)
    clean = values.copy()
    clean[:, columns] = block
    zeroed = np.count_nonzero(nulls[:, ~none_left], axis=0)  # [live suspect trace]
    return Cleaned(
        replace(section, values=clean, live=section.live & ~empty),
        empty,
        _fills(values[0, columns[none_left]]),
        int(zeroed.sum()),
        int(np.count_nonzero(zeroed)),
    )


def equal_to(values: NDArray[np.generic], null: float) -> NDArray[np.bool_]:
    """Where values are a null value, but for the rounding of their type: bool, same shape. NaN is infinite, too."""
    if math.isnan(null):
        return ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, np.bool_)
    if values.dtype.kind != "f" or not math.isfinite(null):
        return np.asarray(values == null)
    near = _CLOSE * abs(null) if abs(null) >= HUGE_NULL else 1e-6 * abs(null)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(np.abs(values.astype(np.float64, copy=False) - null) <= near)


def is_float_null(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where values are such as only ever stand for nothing in a label volume: NaN, infinite, -999.25, 1e30, ..."""
    found = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, np.bool_)
    for null in _FLOAT_NULLS:
        found |= equal_to(values, null)
    return found


def is_huge_null(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where values are 1e30, -1e30 or another of HUGE_NULLS, which no amplitude is: bool, same shape."""
    found = np.zeros(values.shape, np.bool_)
    if values.dtype.kind != "f":
        return found
    with np.errstate(invalid="ignore"):
        for null in HUGE_NULLS:
            found |= np.abs(np.abs(values) / null - 1) <= _CLOSE
    return found


def null_name(value: float) -> str:
    """`NaN`, `zeros`, `-999.25`, `1e+30`, as messages call a null value."""
    return "NaN" if math.isnan(value) else "zeros" if value == 0 else f"{value:.7g}"


def _suspect(values: NDArray[np.generic], null: float | None) -> NDArray[np.bool_]:
    """bool[trace]: traces that may hold null values; nearly all traces of most files are not looked at further."""
    if not values.size:
        return np.zeros(values.shape[1], np.bool_)
    lowest, highest = float(values.min()), float(values.max())
    suspect = np.asarray((values[0] == values[len(values) // 2]) & (values[0] == values[-1]))  # of one value, perhaps
    if values.dtype.kind == "f":
        if not (abs(lowest) < HUGE_NULL / 2 and abs(highest) < HUGE_NULL / 2):  # in this form NaN is, too
            low, high = values.min(axis=0), values.max(axis=0)  # [trace]
            suspect |= ~(np.abs(low) < HUGE_NULL / 2) | ~(np.abs(high) < HUGE_NULL / 2)
        for pad in _PADS:
            suspect |= (values[0] == pad) | (values[-1] == pad)
    if null is not None:
        margin = 2 * _CLOSE * abs(null)
        with np.errstate(invalid="ignore"):
            if not (lowest > null + margin or highest < null - margin):
                low, high = (each.astype(np.float64) for each in (values.min(axis=0), values.max(axis=0)))  # [trace]
                suspect |= ~np.asarray((low > null + margin) | (high < null - margin))
    return suspect


def _padding(block: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Null values in a row at either end of traces: bool[sample, trace]."""
    if block.dtype.kind != "f":
        return np.zeros(block.shape, np.bool_)
    nulls = ~np.isfinite(block) | is_huge_null(block)
    for value in _PADS:
        nulls |= block == block.dtype.type(value)
    whole = nulls.all(axis=0)
    found = np.zeros(block.shape, np.bool_)
    for step in (1, -1):
        run = np.logical_and.accumulate(nulls[::step], axis=0)[::step]
        found |= run & (whole | (run.sum(axis=0) >= PADDING))
    return found


def _range(block: NDArray[np.generic], kept: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Lowest and highest of the values that are kept of each trace; where there is none, the lowest is the larger."""
    with np.errstate(invalid="ignore"):  # signalling NaN, as bytes of another format hold them
        floats = block.astype(np.float64)
    return (
        np.min(floats, axis=0, where=kept, initial=np.inf),
        np.max(floats, axis=0, where=kept, initial=-np.inf),
    )


def _fills(first: NDArray[np.generic]) -> dict[float, int]:
    """Number of traces by their first sample; all NaN are one key, `math.nan`."""
    values, counts = np.unique(first, return_counts=True)
    return {
        math.nan if value != value else float(value): int(count)  # noqa: PLR0124  # NaN
        for value, count in zip(values.tolist(), counts.tolist(), strict=True)
    }
