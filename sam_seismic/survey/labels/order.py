"""Surfaces from top to bottom come in; their first samples go out, in order: crossings are refused or resolved."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.files.units import counted
from sam_seismic.survey.geometry import Geometry, describe_lines
from sam_seismic.survey.labels.surfaces import Surface

ABSENT = -1
"""The first sample of a surface that is not picked on a trace."""
_ROUNDING = 1e-6
"""In samples: a time that is meant to fall on a sample may miss it by so much."""
_PLACES = 3
"""Inlines of a crossing that a message names."""


def first_samples(surface: Surface, grid: Geometry) -> NDArray[np.int32]:
    """The first sample at or below a surface: int32[inline, crossline], ABSENT where it is not picked.

    A sample belongs to the class whose top is at or above its time. A surface above the first sample begins there; one
    below the last sample begins at the number of samples.

    Args:
        surface: times in ms.
        grid: of the survey.
    """
    samples = np.ceil((surface.times - grid.start_ms) / grid.sample_interval_ms - _ROUNDING)
    return np.where(surface.picked, np.clip(np.nan_to_num(samples), 0, grid.samples), ABSENT).astype(np.int32)


def check_order(surfaces: Sequence[Surface], grid: Geometry) -> None:
    """Refuse surfaces that cross by at least a sample.

    Args:
        surfaces: from top to bottom.
        grid: of the survey.

    Raises:
        SurveyError: a surface lies above one that is named before it; the pairs and places are named.
    """
    tops = [first_samples(each, grid) for each in surfaces]
    found = []
    for upper, lower in combinations(range(len(surfaces)), 2):
        crossed = (tops[upper] > tops[lower]) & (tops[lower] != ABSENT)  # [inline, crossline]
        if crossed.any():
            by = (surfaces[upper].times - surfaces[lower].times)[crossed].max()
            found.append(
                f"{surfaces[lower].name} lies above {surfaces[upper].name} on "
                f"{counted(int(crossed.sum()), 'trace')}, by up to {by:.4g} ms: {_places(crossed, grid)}"
            )
    if found:
        names = shlex.join(each.name for each in surfaces)
        raise SurveyError(
            problem="horizons cross, from top to bottom:\n  " + "\n  ".join(found),
            fix=f"give them from the shallowest to the deepest; or name the order in which they are kept, the others "
            f"being cut at them: --priority {names} (in the YAML: priority)",
        )


def resolved(surfaces: Sequence[Surface], priority: Sequence[str]) -> tuple[list[Surface], list[str]]:
    """Cut surfaces at those that have priority over them, so that none crosses another.

    Args:
        surfaces: from top to bottom.
        priority: names of surfaces, the one that is kept as it is first; surfaces that it does not name follow, from
            top to bottom.

    Returns:
        The surfaces, and what was cut, in words.

    Raises:
        SurveyError: there is no surface of a name.
    """
    names = [each.name for each in surfaces]
    unknown = [name for name in priority if name not in names]
    if unknown:
        raise SurveyError(
            problem=f"--priority: there is no horizon called {unknown[0]}", fix=f"name some of {', '.join(names)}"
        )
    ranks = [names.index(name) for name in priority]
    ranks += [at for at in range(len(names)) if at not in ranks]
    found, notes = list(surfaces), []
    for place, at in enumerate(ranks):
        times = surfaces[at].times
        for kept in ranks[:place]:
            limit = found[kept].times
            cut = np.maximum(times, limit) if kept < at else np.minimum(times, limit)
            times = np.where(np.isnan(limit), times, cut)
        changed = int((np.isfinite(times) & (times != surfaces[at].times)).sum())
        if changed:
            notes.append(f"{names[at]} is cut at horizons with priority on {counted(changed, 'trace')}")
        found[at] = replace(surfaces[at], times=times)
    return found, notes


def _places(crossed: NDArray[np.bool_], grid: Geometry) -> str:
    """`IL 100 XL 300-305, IL 102 XL 300 and 4 more inlines`."""
    inlines = np.flatnonzero(crossed.any(axis=1))
    shown = [
        f"IL {grid.inlines[at]} XL {describe_lines(grid.crosslines[crossed[at]])}" for at in inlines[:_PLACES].tolist()
    ]
    more = len(inlines) - len(shown)
    return ", ".join(shown) + (f" and {more} more inlines" if more else "")
