"""A task and parts of a survey come in; the scores of what `predict` would deliver for them go out, beside guesses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.background import WriteBehind
from sam_seismic.inference.delivered_sections import DeliveredSection, Direction, delivered_sections
from sam_seismic.scoring.evaluator import Evaluator, ScoreDetails, ScoredSection
from sam_seismic.scoring.guesses import SectionGuesses, SurveyGuesses
from sam_seismic.scoring.scores import FaciesScores, confusion_of
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.survey.sample_interval import stated_interval_ms
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tasks.facies import FaciesSegmentation

UNMERGED = "unmerged"
"""Inlines and crosslines in one confusion matrix: each voxel counts twice."""


@dataclass(frozen=True, eq=False)
class PartScores:
    """What a network scores on parts of a survey.

    Args:
        scores: of what `predict` would deliver: one value a voxel, unless it is a folder of sections.
        directions: scores by the direction that was predicted; with both orientations also `unmerged`, their sum.
        details: by line, by distance to the training lines, of the guesses, and more.
    """

    scores: FaciesScores
    directions: Mapping[str, FaciesScores]
    details: ScoreDetails


@dataclass(frozen=True, eq=False)
class _Beside:
    """What a section is compared with: its labels uint8[sample, trace], and the guesses."""

    truth: NDArray[np.uint8]
    guesses: SectionGuesses


class _Scores:
    """Counts delivered sections.

    Args:
        names: names of the classes.
        sample_interval_ms: of the survey; None where its files do not state it.
    """

    def __init__(self, names: tuple[str, ...], sample_interval_ms: float | None) -> None:
        self._names = names
        self._evaluator = Evaluator(names, sample_interval_ms=sample_interval_ms)
        self._directions: dict[Direction, NDArray[np.int64]] = {}

    def add(self, section: DeliveredSection[_Beside]) -> None:
        """Count a section for its direction, and if it would be delivered, compare it in detail."""
        truth, probabilities = section.beside.truth, section.probabilities
        prediction = probabilities.argmax(axis=0).astype(np.uint8)  # [sample, trace]
        counts = confusion_of(truth, prediction, len(self._names))
        self._directions[section.direction] = counts + self._directions.get(section.direction, 0)
        if section.is_final:
            ref = section.ref
            self._evaluator.add(
                ScoredSection(
                    section.part.name,
                    ref.orientation,
                    ref.line,
                    truth,
                    prediction,
                    first_trace=0 if ref.traces is None else ref.traces[0],
                    guesses=section.beside.guesses,
                    confidence=probabilities.max(axis=0),
                )
            )

    def result(self) -> PartScores:
        """The scores of all sections."""
        held = {direction: self._directions[direction] for direction in Direction if direction in self._directions}
        directions = {str(direction): FaciesScores(self._names, counts) for direction, counts in held.items()}
        if len(held) > 1:
            both = held[Direction.INLINE] + held[Direction.CROSSLINE]
            directions[UNMERGED] = FaciesScores(self._names, both)
        return PartScores(self._evaluator.scores(), directions, self._evaluator.details())


def score_parts(
    task: FaciesSegmentation,
    survey: Survey,
    parts: Sequence[Part],
    *,
    names: tuple[str, ...],
    batch_size: int,
    progress: Callable[[int, int], None],
    scale: AmplitudeScale | None = None,
) -> PartScores:
    """Predict the sections of some parts as `predict` does, and compare them with their labels.

    Args:
        task: in eval mode, on the device to use.
        survey: whose training part the guesses are made from.
        parts: of it, to be scored.
        names: of the classes.
        batch_size: sections that the network predicts together.
        progress: called with (sections scored, sections in all).
        scale: of the amplitudes; None for that of the training.

    Raises:
        SurveyError: a file is damaged, an amplitude is not finite, or a section does not fit the canvas.
        UserError: the probabilities are not finite.
    """
    guesses, scores = SurveyGuesses(survey, parts), _Scores(names, stated_interval_ms(parts[0].volume.amplitude))
    total, done = sum(len(part.sections) for part in parts), 0

    def beside(part: Part, ref: SectionRef) -> _Beside:
        return _Beside(part.labels(ref).values.astype(np.uint8, copy=False), guesses.of(part, ref))

    with WriteBehind(scores.add, capacity=2 * batch_size) as behind:
        for part in parts:
            for section in delivered_sections(task, part, batch_size=batch_size, beside=beside, scale=scale):
                behind.put(section)
                if section.direction is not Direction.MERGED:
                    done += 1
                    progress(done, total)
    return scores.result()
