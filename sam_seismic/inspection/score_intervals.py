"""Scores of the lines of some parts come in; confidence intervals of the scores of all lines together go out.

Neighbouring lines are no independent samples: how far apart they must be is measured on the amplitudes, as the
correlation of lines, and on the scores, as their autocorrelation; the longer of both counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sam_seismic.inspection.leak_guard import CorrelationLength, survey_correlation
from sam_seismic.scoring.evaluator import LineScores, ScoreDetails
from sam_seismic.scoring.intervals import Interval, LineBootstrap
from sam_seismic.scoring.line_counts import LineCounts, correlation_length
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.parts import Part

TO_FALLEN = 1.44
"""Distance at which a correlation that falls exponentially is 1/e, over that at which it is a half."""


def with_intervals(details: ScoreDetails, parts: Sequence[Part] = ()) -> ScoreDetails:
    """The same details with confidence intervals; arguments and errors as of `score_intervals`."""
    intervals, length = score_intervals(details.lines, parts)
    return replace(details, intervals=intervals, correlation_length=length)


def score_intervals(
    lines: Sequence[LineScores], parts: Sequence[Part] = (), *, seed: int = 0
) -> tuple[Mapping[str, Interval | None], float | None]:
    """Intervals of the mean scores by their keys in metrics.json, and the correlation length in lines.

    Args:
        lines: scores of each line.
        parts: of the survey that they lie in, whose amplitudes are read; empty where none are known.
        seed: of the resampling.

    Returns:
        No intervals where the lines are too few to tell how far they are correlated; None for one that cannot be given.

    Raises:
        SurveyError: amplitudes cannot be read.
    """
    if not lines:
        return {}, None
    volumes = {part.name: part.volume.amplitude for part in parts}
    keys = [(line.part, line.orientation) for line in lines]
    units = {
        (name, orientation): _unit(volumes[name].lines(orientation).tolist() if name in volumes else numbers)
        for (name, orientation), numbers in _numbers(lines).items()
    }
    groups = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    counts = LineCounts(
        np.stack([line.scores.confusion for line in lines]),
        np.array([line.line / units[key] for line, key in zip(lines, keys, strict=True)]),
        np.array([groups[key] for key in keys]),
    )
    found = [correlation_length(counts)]
    for name, orientation in groups:
        if name in volumes and not volumes[name].loose_sections:
            measured = CorrelationLength.of(survey_correlation(volumes[name], orientation))
            found.append(None if measured is None else TO_FALLEN * measured.lines)
    known = [each for each in found if each is not None]
    if not known:
        return {}, None
    bootstrap = LineBootstrap(counts, correlation_length=max(known), generator=np.random.default_rng(seed))
    return bootstrap.mean_scores(), max(known)


def _numbers(lines: Sequence[LineScores]) -> dict[tuple[str, Orientation], list[int]]:
    """The line numbers of each part and orientation."""
    found: dict[tuple[str, Orientation], list[int]] = {}
    for line in lines:
        found.setdefault((line.part, line.orientation), []).append(line.line)
    return found


def _unit(numbers: Sequence[int]) -> int:
    """Smallest step of line numbers; 1 where there are no two."""
    return int(np.diff(np.unique(numbers)).min()) if len(set(numbers)) > 1 else 1
