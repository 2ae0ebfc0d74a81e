"""X and Y of traces in the order of the file go in; the regular grid on which they lie comes out, numbered from 1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NEAR = 0.3
"""A step from trace to trace is one along the line if it differs from the usual one by less than this share."""
_FAR_OFF = 0.15
"""Root mean square distance from the grid, as a share of the bin, above which there is no grid."""
_NEARER = (_NEAR, 0.1, 0.03)
"""Shares that are tried."""
_TRIED = 400
_ROUNDS = 4
"""Times that the grid is fitted and the traces are put on it anew."""
_REPEATED = 0.1
"""If more traces than this share lie where another one lies, there is no grid."""
_SPARSEST = 0.05
"""Nor where a smaller share of its places is taken."""


@dataclass(frozen=True, eq=False)
class FittedGrid:
    """A grid, and the place of each trace on it.

    Args:
        inline: int32[trace], from 1: lines in the order of the file.
        crossline: int32[trace], from 1: traces along the lines.
        spacing: distance between inlines and between crosslines, in the unit of the coordinates; 0 for a single line.
        azimuth: of the lines, degrees from Y towards X, 0 to 180.
        rms: root mean square distance of the traces from their places.
        worst: the greatest distance.
    """

    inline: NDArray[np.int32]
    crossline: NDArray[np.int32]
    spacing: tuple[float, float]
    azimuth: float
    rms: float
    worst: float

    @property
    def shape(self) -> tuple[int, int]:
        """(inlines, crosslines) of the grid, with those that hold no trace."""
        return int(self.inline.max()), int(self.crossline.max())

    def __str__(self) -> str:
        inlines, crosslines = self.shape
        apart, along = self.spacing
        least = 1e-6 * max(self.spacing)  # less is an error of the computation
        rms, worst = (0.0 if distance < least else distance for distance in (self.rms, self.worst))
        return (
            f"{inlines} x {crosslines} lines, {apart:.4g} and {along:.4g} apart, inlines at {self.azimuth:.1f} "
            f"degrees; traces lie {rms:.2g} off their places, at most {worst:.2g}"
        )


def fit_grid(xy: NDArray[np.float64]) -> FittedGrid | None:
    """The regular grid of one or several straight lines on which traces lie; None where they lie on none.

    The traces must come line by line, in either direction; lines may have gaps and different lengths.

    Args:
        xy: float64[trace, 2], finite.
    """
    if len(xy) < 2:
        return None
    xy = xy - xy[0]
    step = _usual_step(xy)
    if step is None:
        return None
    # A jump to the next line may differ little more from a step than rounding does: the widest that gives a grid.
    return next((grid for near in _NEARER if (grid := _fit_with(xy, step, near)) is not None), None)


def _fit_with(xy: NDArray[np.float64], step: NDArray[np.float64], near: float) -> FittedGrid | None:
    """The grid, where steps along the line differ from the usual one by less than a share of it."""
    along, runs = _direction(xy, step, near)
    across = np.array([-along[1], along[0]]) / np.linalg.norm(along)
    spacing = _line_spacing(xy @ across, runs, float(np.linalg.norm(along)))
    line = np.rint(xy @ across / spacing) if spacing else np.zeros(len(xy))
    steps = xy @ along / (along @ along)  # along the line
    shift = _shift(line, steps)
    place = np.stack([line, np.rint(steps - shift * line)])
    weights = np.stack([across * spacing + shift * along, along, np.zeros(2)])  # [inline, crossline, one] -> X, Y
    for _ in range(_ROUNDS):
        weights = _fit(xy, place, weights)
        basis = weights[:2] if spacing else np.stack([across, weights[1]])
        if abs(np.linalg.det(basis)) <= 1e-6 * np.linalg.norm(basis, axis=1).prod():
            return None
        inverse = np.linalg.inv(basis)
        again = np.rint((xy - weights[2]) @ inverse).T  # [2, trace]
        if not spacing:
            again[0] = 0
        if np.array_equal(again, place):
            break
        place = again
    return _checked(xy, place, weights)


def _usual_step(xy: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The commonest step from trace to trace, of either sign: float64[2]."""
    steps = np.diff(xy, axis=0)
    length = np.hypot(*steps.T)
    steps = steps[length > 0]
    if not len(steps):
        return None
    length = length[length > 0]
    middle_length = np.sort(length)[len(length) // 2]
    usual = steps[np.abs(length - middle_length) <= _NEAR * middle_length]
    tried = usual[np.unique(np.linspace(0, len(usual) - 1, _TRIED).astype(np.int64))]
    near = _NEAR * middle_length
    votes = [int((_apart(tried, each) < near).sum()) for each in tried]
    middle = tried[int(np.argmax(votes))]
    usual = usual[_apart(usual, middle) < near]
    signs = np.where(usual @ middle < 0, -1.0, 1.0)
    return np.asarray(np.median(usual * signs[:, np.newaxis], axis=0), np.float64)


def _direction(
    xy: NDArray[np.float64], step: NDArray[np.float64], near: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The mean step along the lines, exact over their length, towards where the first one goes; a run of each trace.

    Returns:
        float64[2]; int64[trace], ascending: numbers of runs of traces that follow each other by one step.
    """
    steps = np.diff(xy, axis=0)
    reach = near * float(np.linalg.norm(step))
    forward, back = (np.linalg.norm(steps - sign * step, axis=1) < reach for sign in (1, -1))
    sign = forward.astype(np.int64) - back
    taken = sign != 0
    along = (steps[taken] * sign[taken, np.newaxis]).mean(axis=0) if taken.any() else step
    broken = np.concatenate([[False], (~taken) | np.concatenate([[False], sign[1:] != sign[:-1]])])
    first = sign[taken][0] if taken.any() else 1
    return along * first, np.cumsum(broken)


def _line_spacing(t: NDArray[np.float64], runs: NDArray[np.int64], step: float) -> float:
    """Distance between lines; 0 for a single one.

    Args:
        t: float64[trace], distances across the lines.
        runs: int64[trace], see `_direction`.
        step: distance of traces along a line.
    """
    counts = np.bincount(runs)
    means = np.bincount(runs, t) / counts
    noise = float(np.sqrt(np.mean((t - means[runs])[counts[runs] >= 3] ** 2))) if (counts >= 3).any() else 0.0
    gaps = np.diff(np.sort(means[counts >= min(3, counts.max())]))
    gaps = gaps[gaps > max(4 * noise, 0.02 * step)]
    if not len(gaps):
        return 0.0
    least = float(np.percentile(gaps, 10, method="lower"))
    lines = np.maximum(1, np.rint(gaps / least))
    return float(gaps.sum() / lines.sum())


def _apart(steps: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far steps are from a step or its opposite: float64[step]."""
    away, opposite = np.linalg.norm(steps - step, axis=1), np.linalg.norm(steps + step, axis=1)
    return np.asarray(np.minimum(away, opposite), np.float64)


def _shift(line: NDArray[np.float64], steps: NDArray[np.float64]) -> float:
    """By how many steps along the line the traces of a line lie off those of the line before, -0.5 to 0.5.

    Args:
        line: float64[trace], whole numbers.
        steps: float64[trace], position along the line in steps.
    """
    lines, position = np.unique(line, return_inverse=True)
    phases = np.exp(2j * np.pi * steps)
    means = np.bincount(position, phases.real) + 1j * np.bincount(position, phases.imag)
    turns = (means[1:] * means[:-1].conj())[np.diff(lines) == 1]
    return float(np.angle(turns.sum()) / (2 * np.pi)) if len(turns) else 0.0


def _fit(xy: NDArray[np.float64], place: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """X and Y as a linear function of the place: float64[3, 2]; what the traces do not tell stays as it was."""
    several = np.ptp(place, axis=1) > 0  # of inline, crossline
    weights = before.copy()
    if not several.all():
        weights[:2][~several] = 0
    design = np.column_stack([*place[several], np.ones(place.shape[1])])
    found, *_ = np.linalg.lstsq(design, xy, rcond=None)
    weights[np.concatenate([several, [True]])] = found
    if not several.all():
        weights[:2][~several] = before[:2][~several]
    return weights


def _checked(xy: NDArray[np.float64], place: NDArray[np.float64], weights: NDArray[np.float64]) -> FittedGrid | None:
    """The grid, numbered in the order of the file; None where the traces do not lie on it."""
    several = np.ptp(place, axis=1) > 0
    off = np.linalg.norm(xy - np.column_stack([*place, np.ones(len(xy))]) @ weights, axis=1)
    spacing = np.linalg.norm(weights[:2], axis=1) * several
    rms = float(np.sqrt(np.mean(off**2)))
    if not several.any() or rms > _FAR_OFF * spacing[several].min():
        return None
    if place[0, -1] < place[0, 0]:
        place[0] *= -1
    place -= place.min(axis=1, keepdims=True)
    sizes = place.max(axis=1) + 1
    if len(xy) < _SPARSEST * sizes.prod():
        return None
    distinct = len(np.unique(place[0] * sizes[1] + place[1]))
    if distinct < (1 - _REPEATED) * len(xy):
        return None
    inline, crossline = (place + 1).astype(np.int32)
    azimuth = float(np.degrees(np.arctan2(*weights[1])) % 180)
    return FittedGrid(inline, crossline, (float(spacing[0]), float(spacing[1])), azimuth, rms, float(off.max()))
