"""Sections with truth, prediction and guesses come in, one after the other; what their comparison tells goes out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sam_seismic.scoring.boundaries import BoundaryIou, boundary_iou
from sam_seismic.scoring.by_distance import ByDistance, DistanceBin
from sam_seismic.scoring.calibration import Calibration, calibration
from sam_seismic.scoring.class_tops import ClassTops, class_tops
from sam_seismic.scoring.guesses import SectionGuesses
from sam_seismic.scoring.intervals import Interval
from sam_seismic.scoring.pieces import Pieces, pieces
from sam_seismic.scoring.scores import FaciesScores, confusion_of
from sam_seismic.scoring.transitions import Transitions, transitions
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.splits import SectionRef

PREDICTION = "network"
"""Name of the prediction beside the guesses."""
WORST = 6
"""Sections that are held to be looked at."""
BOUNDARY = 3
"""Samples and traces from a boundary that count for the boundary IoU."""
SMALL_PIECE = 100
"""A piece of a section with fewer voxels is small."""
APART = 8
"""Lines between two of them, at least: neighbours look alike."""


@dataclass(frozen=True, eq=False)
class ScoredSection:
    """A section to score.

    Args:
        part: name of the part of the survey.
        orientation, line: where it is.
        truth: uint8[sample, trace] class indices; IGNORE is not scored.
        prediction: uint8[sample, trace] class indices.
        first_trace: position of its first trace in the whole section.
        guesses: what is guessed of it without a look at the amplitudes; None for no guesses.
        confidence: float32[sample, trace], probability of the predicted class; None where it is not known.
    """

    part: str
    orientation: Orientation
    line: int
    truth: NDArray[np.uint8]
    prediction: NDArray[np.uint8]
    first_trace: int = 0
    guesses: SectionGuesses | None = None
    confidence: NDArray[np.float32] | None = None

    @property
    def ref(self) -> SectionRef:
        """Where it is, with the run of its traces."""
        return SectionRef(self.orientation, self.line, (self.first_trace, self.first_trace + self.truth.shape[1]))


@dataclass(frozen=True, eq=False)
class LineScores:
    """Scores of one section.

    Args:
        part: name of the part of the survey.
        orientation, line: where it is.
        distance: mean distance of its traces to the nearest training line; None where it is not known.
        scores: of the prediction.
        first_trace: position of its first trace in the whole section.
        errors: float32[trace], share of its interpreted samples that are predicted wrongly; nan without any.
    """

    part: str
    orientation: Orientation
    line: int
    distance: float | None
    scores: FaciesScores
    first_trace: int
    errors: NDArray[np.float32]

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return {
            "part": self.part,
            "orientation": str(self.orientation),
            "line": self.line,
            "distance": self.distance,
            "mean_iou": self.scores.as_dict()["mean_iou"],
            "confusion": self.scores.confusion.tolist(),
        }


@dataclass(frozen=True, eq=False)
class ScoreDetails:
    """What the scores of all sections together do not show.

    Args:
        guesses: scores of each guess, on the voxels of the prediction.
        lines: scores of each section.
        by_distance: scores by distance to the nearest training line.
        worst: the sections with the lowest mean IoU, the worst one first.
        boundaries: boundary IoU, section by section.
        tops: distances of the tops of classes.
        transitions: transitions down the traces, and those out of order.
        pieces: connected pieces of each class in the sections.
        calibration: how often the network is right by how sure it is; None where its confidence is not known.
        sample_interval_ms: for distances in ms; None where it is not known.
        intervals: confidence intervals of the mean scores by their keys in metrics.json; empty where the lines are too
            few to tell.
        correlation_length: distance in lines at which lines are no longer much correlated, by which they were made.
    """

    guesses: Mapping[str, FaciesScores] = field(default_factory=dict)
    lines: Sequence[LineScores] = ()
    by_distance: Sequence[DistanceBin] = ()
    worst: Sequence[ScoredSection] = ()
    boundaries: BoundaryIou | None = None
    tops: ClassTops | None = None
    transitions: Transitions | None = None
    pieces: Pieces | None = None
    calibration: Calibration | None = None
    sample_interval_ms: float | None = None
    intervals: Mapping[str, Interval | None] = field(default_factory=dict)
    correlation_length: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        intervals = {name: each and each.as_dict() for name, each in self.intervals.items()}
        more = {
            "intervals": intervals or None,
            "correlation_length": self.correlation_length,
            "boundary_iou": self.boundaries and self.boundaries.as_dict(),
            "class_tops": self.tops and self.tops.as_dict(self.sample_interval_ms),
            "transitions": self.transitions and self.transitions.as_dict(),
            "pieces": self.pieces and self.pieces.as_dict(),
            "calibration": self.calibration and self.calibration.as_dict(),
        }
        return {name: value for name, value in more.items() if value is not None} | {
            "guesses": {name: scores.as_dict() for name, scores in self.guesses.items()},
            "by_distance": [each.as_dict() for each in self.by_distance],
            "lines": [each.as_dict() for each in self.lines],
        }


class Evaluator:
    """Adds up the comparison of sections; each voxel of a survey should come in once.

    Args:
        names: names of the classes.
        sample_interval_ms: of the survey; None where it is not known.
    """

    def __init__(self, names: tuple[str, ...], *, sample_interval_ms: float | None = None) -> None:
        self._names = names
        self._details = ScoreDetails(sample_interval_ms=sample_interval_ms)
        self._lines: list[LineScores] = []
        self._guesses: dict[str, NDArray[np.int64]] = {}
        self._by_distance = ByDistance(names)
        self._worst: list[tuple[float, int, ScoredSection]] = []

    def add(self, section: ScoredSection) -> None:
        """Add a section."""
        distance = None if section.guesses is None else section.guesses.distance
        confusion = confusion_of(section.truth, section.prediction, len(self._names))
        line = LineScores(
            section.part,
            section.orientation,
            section.line,
            None if distance is None else float(distance.mean()),
            FaciesScores(self._names, confusion),
            section.first_trace,
            _trace_errors(section),
        )
        self._lines.append(line)
        self._add_shapes(section)
        self._note_worst(line.scores.mean_iou, section)
        if section.guesses is None:
            return
        for name, guess in section.guesses.labels.items():
            held = self._guesses.setdefault(name, np.zeros_like(confusion))
            held += confusion_of(section.truth, guess, len(self._names))
        if distance is not None:
            labels = {PREDICTION: section.prediction, **section.guesses.labels}
            self._by_distance.add(section.truth, labels, distance)

    def scores(self) -> FaciesScores:
        """Scores of all sections, with one confusion matrix."""
        classes = len(self._names)
        confusions = [line.scores.confusion for line in self._lines]
        return FaciesScores(self._names, sum(confusions, np.zeros((classes, classes), np.int64)))

    def details(self) -> ScoreDetails:
        """All else."""
        return replace(
            self._details,
            guesses={name: FaciesScores(self._names, confusion) for name, confusion in self._guesses.items()},
            lines=tuple(self._lines),
            by_distance=self._by_distance.bins(),
            worst=tuple(section for _, _, section in self._worst),
        )

    def _add_shapes(self, section: ScoredSection) -> None:
        """Add what depends on where the voxels of a section lie, and on how sure the network is."""
        truth, prediction, names, held = section.truth, section.prediction, self._names, self._details
        sure = section.confidence
        self._details = replace(
            held,
            boundaries=_sum(held.boundaries, boundary_iou(truth, prediction, names, distance=BOUNDARY)),
            tops=_sum(held.tops, class_tops(truth, prediction, names)),
            transitions=_sum(held.transitions, transitions(truth, prediction, names)),
            pieces=_sum(held.pieces, pieces(truth, prediction, names, smaller_than=SMALL_PIECE)),
            calibration=held.calibration
            if sure is None
            else _sum(held.calibration, calibration(truth, prediction, sure)),
        )

    def _note_worst(self, mean_iou: float, section: ScoredSection) -> None:
        """Hold the sections that score lowest, of neighbours only one; no section without an interpreted voxel."""
        near = [each for each in self._worst if _are_neighbours(each[2], section)]
        if math.isnan(mean_iou) or any(each[0] <= mean_iou for each in near):
            return
        others = [each for each in self._worst if all(each is not other for other in near)]
        ranked = [*others, (mean_iou, len(self._lines), section)]
        self._worst = sorted(ranked, key=lambda each: each[:2])[:WORST]


class _Summable(Protocol):
    def __add__(self, other: Self) -> Self: ...


Sum = TypeVar("Sum", bound=_Summable)


def _sum(held: Sum | None, more: Sum) -> Sum:
    return more if held is None else held + more


def _are_neighbours(one: ScoredSection, other: ScoredSection) -> bool:
    same = (one.part, one.orientation) == (other.part, other.orientation)
    return same and abs(one.line - other.line) < APART


def _trace_errors(section: ScoredSection) -> NDArray[np.float32]:
    """float32[trace]: share of the interpreted samples that are predicted wrongly; nan without any."""
    known = section.truth != IGNORE  # [sample, trace]
    wrong = (known & (section.truth != section.prediction)).sum(axis=0)
    counted = known.sum(axis=0)
    return np.where(counted > 0, wrong / np.maximum(counted, 1), np.nan).astype(np.float32)
