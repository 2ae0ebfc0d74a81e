"""Two label volumes, truth and prediction, come in; the scores of the prediction go out. No network is needed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.folders import folder_of_results
from sam_seismic.files.several_paths import VolumePath, name_of
from sam_seismic.files.units import counted
from sam_seismic.listener import Listener
from sam_seismic.report.metrics_file import write_metrics
from sam_seismic.scoring.guesses import constant_notes
from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.survey.axis_order import NATURAL
from sam_seismic.survey.facies import IGNORE, check_whole
from sam_seismic.survey.formats import format_of, open_volume
from sam_seismic.survey.geometry import Orientation, describe_lines
from sam_seismic.survey.labelled import check_lossless
from sam_seismic.survey.labels.aligned import can_be_aligned, on_grid_of
from sam_seismic.survey.labels.sample_match import describe_times
from sam_seismic.survey.null_values import equal_to, is_float_null
from sam_seismic.survey.sample_interval import stated_interval_ms
from sam_seismic.survey.volume import Section, Volume

VALUES = IGNORE
"""Number of label values that can be scored: 0 to 254."""


@dataclass(frozen=True)
class ScoreRequest:
    """What to compare.

    Args:
        truth: label volume or folder of label sections; or the SEG-Y files of one survey.
        prediction: predicted labels of the same lines, likewise.
        classes: score label values 0 to classes - 1; None to score the values that occur.
        read: how to open both: `segy` applies to each that is SEG-Y, `axes` and `key` only to the truth.
        output: folder for metrics.json; None for none.
        overwrite: replace the metrics and pictures in that folder; other files are not changed.
    """

    truth: VolumePath
    prediction: VolumePath
    classes: int | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    output: Path | None = None
    overwrite: bool = False


def score(request: ScoreRequest, listener: Listener) -> FaciesScores:
    """Score all sections with one confusion matrix; voxels whose truth is negative, 255 or a null value are not scored.

    Raises:
        SurveyError: the volumes have different lines, or a value is not a whole number or not one of the classes.
    """
    with folder_of_results(request.output, overwrite=request.overwrite):
        return _score(request, listener)


def _score(request: ScoreRequest, listener: Listener) -> FaciesScores:
    truth, prediction = open_pair(request)
    for note in truth.notes:
        listener.say(f"note: {truth.path.name}: {note}")
    confusion = np.zeros((VALUES, VALUES), dtype=np.int64)
    sections = sections_to_compare(truth, prediction)
    unpredicted = 0
    for done, (orientation, line) in enumerate(sections, start=1):
        counts, dead = _count(truth.section(orientation, line), prediction.section(orientation, line), request)
        confusion, unpredicted = confusion + counts, unpredicted + dead
        listener.progress("score", done, len(sections))
    if unpredicted:
        told = counted(unpredicted, "interpreted trace", "are")
        listener.say(f"note: {told} dead in the prediction, and {'is' if unpredicted == 1 else 'are'} not scored")
    scores = _of_classes(confusion, request)
    for note in constant_notes(scores):
        listener.say(f"note: {note}")
    if request.output is not None:
        write_metrics(request.output, score_facts(scores))
    return scores


def score_facts(scores: FaciesScores) -> dict[str, Any]:
    """The contents of metrics.json: the scores, and notes on what they do not say by themselves."""
    return scores.as_dict() | {"notes": list(constant_notes(scores))}


def open_pair(request: ScoreRequest) -> tuple[Volume, Volume]:
    """Open truth and prediction, each with the reading options that apply to it; the truth on the prediction's grid.

    SEG-Y options apply to each volume that is SEG-Y. Axis order and array name apply only to the truth, because
    predictions of this program are always [inline, crossline, sample].

    A truth of fewer lines, traces or samples is matched by line number and by time; all else is not scored.

    Raises:
        SurveyError: one of them cannot be opened, they have no line in common, or their times do not fit.
    """
    read, formats = request.read, [format_of(path) for path in (request.truth, request.prediction)]
    segy = ["segy" in each.options for each in formats]
    nothing = ReadOptions()
    for_truth = read if segy[0] or not segy[1] else read.model_copy(update={"segy": nothing.segy})
    axes = NATURAL if formats[1].guesses_axes else None
    for_prediction = {"segy": read.segy if segy[1] else nothing.segy, "axes": axes, "key": None, "null": None}
    truth = open_volume(request.truth, for_truth)
    prediction = open_volume(request.prediction, read.model_copy(update=for_prediction))
    for labels in (truth, prediction):
        check_lossless(labels)
    if can_be_aligned(prediction, truth) and _covers(prediction, truth):
        truth = on_grid_of(prediction, truth, IGNORE)
    return truth, prediction


def _covers(prediction: Volume, truth: Volume) -> bool:
    """Whether a prediction has all lines of the truth: what was not predicted must not be passed over.

    Raises:
        SurveyError: it has, but not all times.
    """
    if not all(np.isin(truth.lines(each), prediction.lines(each)).all() for each in Orientation):
        return False
    if not truth.loose_sections and not _covers_times(prediction, truth):
        raise SurveyError(
            problem=f"{truth.path}: has {describe_times(truth.geometry)}; {prediction.path} has "
            f"{describe_times(prediction.geometry)}: not all of the truth was predicted",
            fix="score a prediction of the same survey",
        )
    return True


def _covers_times(prediction: Volume, truth: Volume) -> bool:
    """Whether the time window of a prediction holds that of the truth; arrays do not state theirs."""
    if stated_interval_ms(prediction) is None or stated_interval_ms(truth) is None:
        return True
    there, here = truth.geometry, prediction.geometry
    half = here.sample_interval_ms / 2
    return here.start_ms - half <= there.start_ms and there.end_ms <= here.end_ms + half


def sections_to_compare(truth: Volume, prediction: Volume) -> list[tuple[Orientation, int]]:
    """Orientation and line number of the sections to compare; each voxel of a volume is compared once.

    If both are folders, these are all sections; else all inlines, or all crosslines of a folder without inlines.

    Raises:
        SurveyError: truth and prediction have different lines.
    """
    pair = (truth, prediction)
    folders = [volume.loose_sections for volume in pair]
    if all(folders):
        return _sections_of_both(truth, prediction)
    # Traces in a folder of sections have no line numbers, so grids cannot be compared: the lines must be equal.
    if any(folders) or truth.geometry.same_grid(prediction.geometry):
        for orientation in Orientation:
            lines = truth.lines(orientation)
            if len(lines) and np.array_equal(lines, prediction.lines(orientation)):
                return [(orientation, line) for line in _with_truth(truth, orientation)]
    held = [f"{volume.path} ({_lines_held(volume)})" for volume in pair]
    named = ", or name the axis order of the truth with --axes" if truth.axis_order is not None else ""
    raise SurveyError(
        problem=" and ".join(held) + " are not on one grid", fix=f"score a prediction of the same survey{named}"
    )


def _with_truth(truth: Volume, orientation: Orientation) -> list[int]:
    """The lines on which the truth has a trace."""
    lines = truth.lines(orientation)
    if not truth.loose_sections:
        lines = lines[truth.geometry.live.any(axis=1 if orientation is Orientation.INLINE else 0)]
    return [int(line) for line in lines]


def _sections_of_both(truth: Volume, prediction: Volume) -> list[tuple[Orientation, int]]:
    held = [[(o, line) for o in Orientation for line in volume.lines(o).tolist()] for volume in (truth, prediction)]
    if held[0] != held[1]:
        unpaired = ", ".join(f"{o.short} {line}" for o, line in sorted(set(held[0]) ^ set(held[1]))[:5])
        raise SurveyError(
            problem=f"{truth.path} and {prediction.path} do not hold the same sections: {unpaired} only in one of them",
            fix="predict the same sections as the truth has",
        )
    return held[0]


def _lines_held(volume: Volume) -> str:
    if not volume.loose_sections:
        return str(volume.geometry)
    return ", ".join(f"{len(volume.lines(o))} {o}s {describe_lines(volume.lines(o))}" for o in Orientation)


def _count(truth: Section, prediction: Section, request: ScoreRequest) -> tuple[NDArray[np.int64], int]:
    """Voxel counts int64[truth value, predicted value] of a section, and its number of interpreted, unscored traces.

    Traces that are dead in the prediction are not scored: dead traces of the format, and traces with only negative
    values or only 255, which mark dead traces in arrays.
    """
    if truth.shape != prediction.shape:
        raise SurveyError(
            problem=f"{truth.name}: truth has {truth.shape[0]} samples x {truth.shape[1]} traces, "
            f"{name_of(request.prediction)} has {prediction.shape[0]} x {prediction.shape[1]}",
            fix="score a prediction of the same survey",
        )
    nulls = is_float_null(truth.values)
    if request.read.null is not None:
        nulls |= equal_to(truth.values, request.read.null)
    check_whole(truth.values[:, truth.live][~nulls[:, truth.live]], f"{name_of(request.truth)}: {truth.name}")
    with np.errstate(invalid="ignore"):
        values = truth.values.astype(np.float64)  # [sample, trace]
        labelled = (values >= 0) & (values != IGNORE) & truth.live[None] & ~nulls
    guess = prediction.values.astype(np.float64)  # [sample, trace]
    dead = ~prediction.live | (guess < 0).all(axis=0) | (guess == IGNORE).all(axis=0)  # [trace]
    dead |= is_float_null(prediction.values).all(axis=0)
    unpredicted = int(np.count_nonzero(labelled.any(axis=0) & dead))
    labelled[:, dead] = False
    actual = _label_values(truth.values[labelled], f"{name_of(request.truth)}: {truth.name}")  # [voxel]
    predicted = _label_values(prediction.values[labelled], f"{name_of(request.prediction)}: {truth.name}")
    pairs = actual * VALUES + predicted
    counts = np.bincount(pairs, minlength=VALUES * VALUES).reshape(VALUES, VALUES)  # [truth, prediction]
    return counts, unpredicted


def _label_values(values: NDArray[np.generic], where: str) -> NDArray[np.int64]:
    """Convert the values of labelled voxels to int64[voxel].

    Raises:
        SurveyError: a value is not a whole number, is negative, or is not below VALUES.
    """
    check_whole(values, where)
    numbers = values.astype(np.float64)  # cannot overflow, unlike integers
    unknown = numbers[(numbers < 0) | (numbers >= VALUES)]
    if unknown.size:
        raise SurveyError(
            problem=f"{where} holds the label value {unknown[0]:g}, which cannot be scored: classes are 0 to 254, "
            "and negative values and 255 mean not interpreted in the truth only",
            fix="number the classes 0 to 254, and predict a class wherever the truth has one",
        )
    return numbers.astype(np.int64)


def _of_classes(confusion: NDArray[np.int64], request: ScoreRequest) -> FaciesScores:
    present = np.flatnonzero(confusion.sum(axis=0) + confusion.sum(axis=1))
    if request.classes is None:
        values = present
    else:
        values = np.arange(request.classes)
        unknown = present[present >= request.classes]
        if unknown.size:
            raise SurveyError(
                problem=f"the label value {unknown[0]} occurs, which --classes {request.classes} does not reach",
                fix="raise --classes, or leave it out to score the values that occur",
            )
    return FaciesScores(tuple(str(value) for value in values), confusion[np.ix_(values, values)])
