"""A survey and the parts of it that are scored come in; a note goes out where they lie too near to the training lines.

Neighbouring lines are near copies. What is scored within the correlation length of a training line shows how well the
network remembers, not how well it would do where nobody has interpreted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.inspection.line_correlation import (
    HIGH,
    LAGS,
    LineCorrelation,
    line_correlation,
    mean_correlation,
    trace_correlation,
)
from sam_seismic.scoring.training_lines import TrainingLines, training_lines
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.survey.volume import Volume


@dataclass(frozen=True)
class CorrelationLength:
    """The distance at which the correlation of lines has fallen to HIGH.

    Args:
        lines: the distance; the largest that was measured where they correlate even there.
        at_least: whether it may be larger.
    """

    lines: float
    at_least: bool = False

    @classmethod
    def of(cls, correlation: LineCorrelation) -> "CorrelationLength | None":
        """Interpolate between the distances that were measured; None if none was."""
        before, related = 0, 1.0
        for lag, value in sorted(correlation.items()):
            if value is None:
                continue
            if value < HIGH:
                return cls(before + (lag - before) * (related - HIGH) / (related - value))
            before, related = lag, value
        return cls(float(before), at_least=True) if before else None

    def __str__(self) -> str:
        return f"{'more than ' if self.at_least else ''}{self.lines:.3g} lines"


def correlation_at(correlation: LineCorrelation, lines: float) -> float | None:
    """Correlation of lines at a distance, interpolated between those that were measured; None beyond them."""
    known = {0: 1.0} | {lag: value for lag, value in correlation.items() if value is not None}
    return (
        float(np.interp(lines, sorted(known), [known[lag] for lag in sorted(known)])) if lines <= max(known) else None
    )


def survey_correlation(volume: Volume, orientation: Orientation) -> dict[int, float | None]:
    """Correlation of lines of an orientation by distance; of crosslines, from the traces of a few inlines if need be.

    Args:
        volume: amplitudes.
        orientation: of the lines that are compared.
    """
    across = volume.lines(orientation.across)
    slow = volume.fast_orientation is not orientation and len(across) > 0
    if not slow and len(volume.lines(orientation)) > 1:
        return line_correlation(volume, orientation)
    middle = across[np.unique(np.linspace(0, len(across) - 1, 5)[1:-1].round().astype(int))]
    return mean_correlation([trace_correlation(volume.section(orientation.across, int(line))) for line in middle])


def leak_notes(survey: Survey, parts: Sequence[Part]) -> tuple[str, ...]:
    """A note for each part that lies within the correlation length of the training part.

    Amplitudes are read only where a part comes as near as the largest distance at which lines are compared.

    Args:
        survey: with its training part.
        parts: those that are scored.

    Raises:
        SurveyError: amplitudes cannot be read.
    """
    train, notes, known = survey.parts["train"], [], dict[Orientation, LineCorrelation]()
    lines = training_lines(train, range(len(survey.facies)))
    for part in parts:
        if part.name == train.name:
            continue
        for orientation, offsets in _offsets(lines, part).items():
            if not len(offsets) or offsets.min() > LAGS[-1]:
                continue
            if orientation not in known:
                known[orientation] = survey_correlation(train.volume.amplitude, orientation)
            note = _note(part, orientation, offsets, known[orientation])
            notes += [] if note is None else [note]
    return tuple(notes)


def _offsets(lines: TrainingLines, part: Part) -> Mapping[Orientation, NDArray[np.float64]]:
    """Distances to the nearest training trace, by the orientation of the lines that lie between: float64[trace]."""
    found = [offset for ref in part.sections if (offset := lines.offset(part, ref)) is not None]
    if not found:
        return {}
    offsets = np.concatenate(found)  # [trace, (inlines, crosslines)]
    inlines = offsets[:, 0] >= offsets[:, 1]
    distance = np.hypot(*offsets.T)
    return {Orientation.INLINE: distance[inlines], Orientation.CROSSLINE: distance[~inlines]}


def _note(
    part: Part, orientation: Orientation, offsets: NDArray[np.float64], correlation: LineCorrelation
) -> str | None:
    length = CorrelationLength.of(correlation)
    nearest = float(offsets.min())
    if length is None or nearest >= length.lines:
        return None
    share = float((offsets < length.lines).mean())
    related = correlation_at(correlation, nearest)
    near = f"{nearest:.3g} {orientation}{'' if nearest == 1 else 's'}"
    return (
        f"{part.name} begins {near} from the training lines, and {orientation}s that far apart correlate "
        f"{related:.2f}: {100 * share:.0f} % of it lies within the correlation length of {length}, so its score is "
        f"higher than on lines farther away; leave a gap of {int(np.ceil(length.lines))} lines (data.split.guard or "
        "data.split.regions)"
    )
