"""A surface with gaps comes in; the same with short gaps along a line interpolated goes out."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labels.surfaces import Surface


def without_gaps(surface: Surface, max_gap: int, along: Orientation | None = None) -> Surface:
    """Interpolate a surface linearly over gaps of at most `max_gap` traces between two picks of a line.

    Args:
        surface: as picked.
        max_gap: longest gap in traces; 0 leaves the surface as it is.
        along: the lines; None for those of the orientation of which a smaller share has picks, else inlines.
    """
    if max_gap == 0:
        return surface
    chosen = along or picked_along(surface)
    rows = surface.times if chosen is Orientation.INLINE else surface.times.T  # [line, trace]
    filled = np.stack([_fill(row, max_gap) for row in rows])
    times = filled if chosen is Orientation.INLINE else filled.T
    count = int(np.isfinite(times).sum() - surface.picked.sum())
    note = (
        f"{surface.name}: {count:,} traces are interpolated along {chosen}s, of which no larger share has picks than "
        f"of {chosen.across}s; --along {chosen.across} (in the YAML: along) chooses the others"
    )
    notes = surface.notes if along is not None or not count else (*surface.notes, note)
    return replace(surface, times=times, notes=notes, interpolated=count)


def picked_along(surface: Surface) -> Orientation:
    """The orientation of the lines that were interpreted: the one with the smaller share of lines that have picks."""
    inlines, crosslines = (float(surface.picked.any(axis=axis).mean()) for axis in (1, 0))
    return Orientation.CROSSLINE if crosslines < inlines else Orientation.INLINE


def _fill(row: NDArray[np.float64], max_gap: int) -> NDArray[np.float64]:
    """A line of times float64[trace], with short gaps filled."""
    picks = np.flatnonzero(np.isfinite(row))
    if len(picks) < 2:
        return row
    traces = np.arange(len(row))
    after = np.clip(np.searchsorted(picks, traces), 0, len(picks) - 1)  # the next pick at or behind each trace
    before = np.maximum(after - 1, 0)
    short = (picks[after] - picks[before] - 1 <= max_gap) & (traces > picks[before]) & (traces < picks[after])
    return np.where(short, np.interp(traces, picks, row[picks]), row)
