"""Label volumes, a truth and predictions of it, come in; the scores of the predictions go out. No network is needed.

The truth is a label volume, or the lines of a split of a configuration: then the classes have names, and guesses are
scored beside the predictions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import DataConfig, ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.folders import folder_of_results
from sam_seismic.files.several_paths import VolumePath, name_of
from sam_seismic.files.units import counted
from sam_seismic.inspection.leak_guard import leak_notes
from sam_seismic.inspection.score_intervals import with_intervals
from sam_seismic.listener import Listener
from sam_seismic.report.metrics_file import write_metrics
from sam_seismic.runs.score_report import ScoreReport
from sam_seismic.scoring.evaluator import Evaluator, ScoreDetails, ScoredSection
from sam_seismic.scoring.guesses import SurveyGuesses, constant_notes, guess_notes
from sam_seismic.scoring.label_values import VALUES, ComparedValues, compare_values
from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labels.pairing import open_pair, open_prediction, sections_to_compare
from sam_seismic.survey.parts import Part, Survey, open_survey
from sam_seismic.survey.sample_interval import stated_interval_ms
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.volume import Volume


@dataclass(frozen=True)
class ScoreRequest:
    """What to compare.

    Args:
        truth: label volume or folder of label sections, or the SEG-Y files of one survey; None for that of `data`.
        prediction: predicted labels of the same lines, likewise.
        classes: score label values 0 to classes - 1; None to score the values that occur.
        read: how to open both: `segy` applies to each that is SEG-Y, `axes` and `key` only to the truth.
        output: folder for metrics.json and report.html; None for none.
        overwrite: replace the metrics and pictures in that folder; other files are not changed.
        also: other predictions of the same lines, scored beside the first.
        mapping: label value of the truth by that of the predictions, for those that differ.
        data: a survey whose labels are the truth; None where `truth` is given.
        split: the part of that survey that is scored: `test`, `val` or the name of a part.
    """

    truth: VolumePath | None
    prediction: VolumePath
    classes: int | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    output: Path | None = None
    overwrite: bool = False
    also: tuple[Path, ...] = ()
    mapping: Mapping[int, int] = field(default_factory=dict)
    data: DataConfig | None = None
    split: str = "test"

    @property
    def predictions(self) -> dict[str, VolumePath]:
        """All predictions, by a name that tells them apart."""
        paths: list[VolumePath] = [self.prediction, *self.also]
        names = [str(name_of(path)) for path in paths]
        stems = [name_of(path).stem for path in paths]
        return dict(zip(stems if len(set(stems)) == len(stems) else names, paths, strict=True))


@dataclass(frozen=True, eq=False)
class Scoring:
    """Result of a comparison.

    Args:
        scores: of each prediction, by its name; the first one is that of the request.
        details: of each prediction.
        notes: sentences on what the scores do not say by themselves.
        files: files that were written.
    """

    scores: Mapping[str, FaciesScores]
    details: Mapping[str, ScoreDetails]
    notes: tuple[str, ...]
    files: tuple[Path, ...] = ()

    @property
    def first(self) -> FaciesScores:
        """Scores of the prediction of the request."""
        return next(iter(self.scores.values()))

    def as_dict(self) -> dict[str, Any]:
        """The contents of metrics.json."""
        others = {name: scores.as_dict() for name, scores in self.scores.items()} if len(self.scores) > 1 else {}
        details = next(iter(self.details.values())).as_dict()
        return (
            self.first.as_dict()
            | ({"predictions": others} if others else {})
            | {"notes": list(self.notes)}
            | {name: value for name, value in details.items() if value}
        )


def score(request: ScoreRequest, listener: Listener) -> Scoring:
    """Score all sections with one confusion matrix; voxels whose truth is negative, 255 or a null value are not scored.

    Raises:
        SurveyError: the volumes have different lines, or a value is not a whole number or not one of the classes.
    """
    with folder_of_results(request.output, overwrite=request.overwrite):
        found, report = _of_volumes(request, listener) if request.data is None else _of_survey(request, listener)
        for note in found.notes:
            listener.say(f"note: {note}")
        if request.output is None:
            return found
        metrics = write_metrics(request.output, found.as_dict())
        page = report.write(request.output)
        return Scoring(found.scores, found.details, found.notes, (metrics, page))


def _of_volumes(request: ScoreRequest, listener: Listener) -> tuple[Scoring, ScoreReport]:
    """Compare label volumes: first which values occur, then each prediction in detail."""
    assert request.truth is not None, "checked by the command line"
    pairs = {name: open_pair(request.truth, path, request.read) for name, path in request.predictions.items()}
    truth = next(iter(pairs.values()))[0]
    for note in truth.notes:
        listener.say(f"note: {truth.path.name}: {note}")
    comparisons = {name: _Comparison(request, name, *pair) for name, pair in pairs.items()}
    confusions = {name: each.confusion(listener) for name, each in comparisons.items()}
    values = _values(np.sum(list(confusions.values()), axis=0), request)
    names = tuple(str(value) for value in values)
    table = FaciesTable(names, tuple(values.tolist()))
    scores = {name: FaciesScores(names, each[np.ix_(values, values)]) for name, each in confusions.items()}
    details = {name: each.details(table, listener) for name, each in comparisons.items()}
    notes = tuple(note for each in scores.values() for note in constant_notes(each))
    read = {name: each.labels(table) for name, each in comparisons.items()}
    return Scoring(scores, details, notes), ScoreReport(str(name_of(request.truth)), scores, details, notes, read)


@dataclass(frozen=True, eq=False)
class _Comparison:
    """A truth and a prediction on one grid.

    Args:
        request: how to compare them.
        name: of the prediction.
        truth, prediction: the volumes.
    """

    request: ScoreRequest
    name: str
    truth: Volume
    prediction: Volume

    def sections(self) -> Iterator[tuple[Orientation, int, ComparedValues]]:
        """The sections that are compared."""
        for orientation, line in sections_to_compare(self.truth, self.prediction):
            yield orientation, line, self.section(orientation, line)

    def section(self, orientation: Orientation, line: int) -> ComparedValues:
        """One section."""
        return compare_values(
            self.truth.section(orientation, line),
            self.prediction.section(orientation, line),
            names=(str(self.truth.path), str(self.prediction.path)),
            null=self.request.read.null,
            mapping=self.request.mapping,
        )

    def confusion(self, listener: Listener) -> NDArray[np.int64]:
        """Voxels int64[truth value, predicted value] of all sections."""
        total, unpredicted = np.zeros((VALUES, VALUES), np.int64), 0
        sections = len(sections_to_compare(self.truth, self.prediction))
        for done, (_, _, values) in enumerate(self.sections(), start=1):
            total, unpredicted = total + values.confusion(), unpredicted + values.unpredicted
            listener.progress(f"score {self.name}", done, sections)
        if unpredicted:
            told = counted(unpredicted, "interpreted trace", "are")
            listener.say(f"note: {told} dead in the prediction, and {'is' if unpredicted == 1 else 'are'} not scored")
        return total

    def details(self, table: FaciesTable, listener: Listener) -> ScoreDetails:
        """What the confusion matrix does not show."""
        evaluator = Evaluator(table.names, sample_interval_ms=stated_interval_ms(self.truth))
        sections = len(sections_to_compare(self.truth, self.prediction))
        for done, (orientation, line, values) in enumerate(self.sections(), start=1):
            truth, guess = (table.encode(each, self.name) for each in (values.truth, values.prediction))
            evaluator.add(ScoredSection("", orientation, line, truth, guess))
            listener.progress(f"tops and shapes of {self.name}", done, sections)
        return with_intervals(evaluator.details())

    def labels(self, table: FaciesTable) -> Callable[[ScoredSection], NDArray[np.uint8]]:
        """Reads the predicted class indices uint8[sample, trace] of a section."""
        return lambda section: table.encode(self.section(section.orientation, section.line).prediction, self.name)


def _of_survey(request: ScoreRequest, listener: Listener) -> tuple[Scoring, ScoreReport]:
    """Compare predictions with the labels of a split of a survey, beside guesses from its training lines."""
    assert request.data is not None, "there is a configuration"
    survey = open_survey(request.data)
    parts = survey.named(request.split)
    for part in parts:
        listener.say(f"split {part}")
    guesses, facies = SurveyGuesses(survey, parts), survey.facies
    scores, details, read = {}, {}, {}
    for name, path in request.predictions.items():
        predicted = _Predicted(request, path, survey)
        evaluator = Evaluator(facies.names, sample_interval_ms=stated_interval_ms(parts[0].volume.amplitude))
        refs = [(part, ref) for part in parts for ref in _once(part)]
        for done, (part, ref) in enumerate(refs, start=1):
            labels = predicted.labels(part, ref)
            truth = part.labels(ref).values.astype(np.uint8, copy=False)
            evaluator.add(
                ScoredSection(
                    part.name,
                    ref.orientation,
                    ref.line,
                    np.where(labels == IGNORE, IGNORE, truth),
                    np.where(labels == IGNORE, 0, labels).astype(np.uint8),
                    first_trace=0 if ref.traces is None else ref.traces[0],
                    guesses=guesses.of(part, ref),
                )
            )
            listener.progress(f"score {name}", done, len(refs))
        scores[name], details[name] = evaluator.scores(), with_intervals(evaluator.details(), parts)
        read[name] = predicted.of_section({part.name: part for part in parts})
    first = next(iter(scores.values()))
    notes = (
        *constant_notes(first),
        *guess_notes(first.mean_iou, next(iter(details.values())).guesses, lines=request.split, what="prediction"),
        *leak_notes(survey, parts),
    )
    where = "; ".join(str(part) for part in parts)
    return Scoring(scores, details, notes), ScoreReport(where, scores, details, notes, read, parts)


def _once(part: Part) -> Sequence[SectionRef]:
    """Sections of a part in which each voxel occurs once: inlines where there are some; all of loose sections."""
    inlines = [ref for ref in part.sections if ref.orientation is Orientation.INLINE]
    return part.sections if part.volume.amplitude.loose_sections or not inlines else inlines


@dataclass(frozen=True, eq=False)
class _Predicted:
    """A prediction of a survey.

    Args:
        request: how to read it.
        path: its file.
        survey: whose classes it has.
    """

    request: ScoreRequest
    path: VolumePath
    survey: Survey
    opened: dict[int, Volume] = field(default_factory=dict)

    def labels(self, part: Part, ref: SectionRef) -> NDArray[np.uint8]:
        """Class indices uint8[sample, trace] of a section of a part; IGNORE on traces that were not predicted."""
        here = self.opened.get(id(part.volume))
        if here is None:
            here = self.opened[id(part.volume)] = open_prediction(self.path, part.volume.amplitude, self.request.read)
        section = here.section(ref.orientation, ref.line).traces(slice(*ref.traces or (None,)))
        shape = part.section_shape(ref)
        if section.shape != shape:
            raise SurveyError(
                problem=f"{name_of(self.path)}: {section.name} has {section.shape[0]} samples x {section.shape[1]} "
                f"traces, that of the survey {shape[0]} x {shape[1]}",
                fix="score a prediction of the same survey",
            )
        values = section.values.astype(np.float64)  # [sample, trace]
        for theirs, ours in self.request.mapping.items():
            values[section.values == theirs] = ours
        dead = ~section.live | (values < 0).all(axis=0) | (values == IGNORE).all(axis=0)  # [trace]
        labels = np.full(shape, IGNORE, np.uint8)
        labels[:, ~dead] = self.survey.facies.encode(values[:, ~dead], f"{name_of(self.path)}: {section.name}")
        return labels

    def of_section(self, parts: Mapping[str, Part]) -> Callable[[ScoredSection], NDArray[np.uint8]]:
        """Reads the predicted class indices uint8[sample, trace] of a section that was scored."""
        return lambda section: self.labels(parts[section.part], section.ref)


def _values(confusion: NDArray[np.int64], request: ScoreRequest) -> NDArray[np.int64]:
    """The label values that are scored, ascending."""
    present = np.flatnonzero(confusion.sum(axis=0) + confusion.sum(axis=1))
    if request.classes is None:
        return present
    unknown = present[present >= request.classes]
    if unknown.size:
        raise SurveyError(
            problem=f"the label value {unknown[0]} occurs, which --classes {request.classes} does not reach",
            fix="raise --classes, or leave it out to score the values that occur",
        )
    return np.arange(request.classes)
