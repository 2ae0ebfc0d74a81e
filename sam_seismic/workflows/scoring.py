"""Two label volumes come in, truth and prediction; the scores of one against the other go out. No network is needed."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.volume import Orientation, Section, Volume
from sam_seismic.tasks.metrics import FaciesScores
from sam_seismic.workflows.files import new_folder, write_text
from sam_seismic.workflows.listener import Listener

VALUES = 256
"""Label values that can be told apart: 0 to 255."""


@dataclass(frozen=True)
class ScoreRequest:
    """What to compare.

    Args:
        truth: label volume or folder of label sections.
        prediction: the same lines, predicted.
        classes: label values 0 to classes - 1 are scored; None for those that occur.
        read: how to open the volumes.
        output: folder for metrics.json; None for none.
        overwrite: replace what the folder holds.
    """

    truth: Path
    prediction: Path
    classes: int | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    output: Path | None = None
    overwrite: bool = False


def score(request: ScoreRequest, listener: Listener) -> FaciesScores:
    """One confusion matrix over all sections; voxels whose truth is negative or 255 are not scored.

    Raises:
        SurveyError: the two do not cover the same lines, or a value is none of the classes.
    """
    if request.output is not None:
        new_folder(request.output, overwrite=request.overwrite)
    truth = open_volume(request.truth, request.read)
    prediction = open_volume(request.prediction, request.read)
    confusion = np.zeros((VALUES, VALUES), dtype=np.int64)
    sections = _sections_to_compare(truth, prediction)
    for done, (orientation, line) in enumerate(sections, start=1):
        confusion += _count(truth.section(orientation, line), prediction.section(orientation, line), request.prediction)
        listener.progress("score", done, len(sections))
    scores = _of_classes(confusion, request)
    if request.output is not None:
        write_text(request.output / "metrics.json", json.dumps(scores.as_dict(), indent=2))
    return scores


def _sections_to_compare(truth: Volume, prediction: Volume) -> list[tuple[Orientation, int]]:
    """Every inline of two volumes on one grid; every section of two folders with the same sections."""
    if truth.has_grid and prediction.has_grid:
        if not truth.geometry.same_grid(prediction.geometry):
            raise SurveyError(
                problem=f"{truth.path} ({truth.geometry}) and {prediction.path} ({prediction.geometry}) "
                "are not on one grid",
                fix="score a prediction of the same survey",
            )
        return [(Orientation.INLINE, line) for line in truth.geometry.inlines.tolist()]
    lines = [{(o, line) for o in Orientation for line in volume.lines(o).tolist()} for volume in (truth, prediction)]
    if lines[0] != lines[1]:
        odd = ", ".join(f"{o.short} {line}" for o, line in sorted(lines[0] ^ lines[1])[:5])
        raise SurveyError(
            problem=f"{truth.path} and {prediction.path} do not hold the same sections: {odd} only in one of them",
            fix="predict the same sections as the truth has",
        )
    return sorted(lines[0])


def _count(truth: Section, prediction: Section, path: Path) -> NDArray[np.int64]:
    """int64[truth value, predicted value] of one section."""
    if truth.shape != prediction.shape:
        raise SurveyError(
            problem=f"{truth.name}: truth has {truth.shape[0]} samples x {truth.shape[1]} traces, "
            f"{path} has {prediction.shape[0]} x {prediction.shape[1]}",
            fix="score a prediction of the same survey",
        )
    actual, predicted = truth.values.astype(np.int64), prediction.values.astype(np.int64)  # [sample, trace]
    scored = (actual >= 0) & (actual != IGNORE) & truth.live[None]
    strange = predicted[scored & ((predicted < 0) | (predicted >= VALUES))]
    if strange.size:
        raise SurveyError(
            problem=f"{path}: {truth.name} has the value {strange[0]} where the truth has a class",
            fix="score a prediction that covers all labelled voxels",
        )
    pairs = actual[scored] * VALUES + predicted[scored]
    return np.bincount(pairs, minlength=VALUES * VALUES).reshape(VALUES, VALUES)  # [truth, prediction]


def _of_classes(confusion: NDArray[np.int64], request: ScoreRequest) -> FaciesScores:
    present = np.flatnonzero(confusion.sum(axis=0) + confusion.sum(axis=1))
    if request.classes is None:
        values = present
    else:
        values = np.arange(request.classes)
        strange = present[present >= request.classes]
        if strange.size:
            raise SurveyError(
                problem=f"the label value {strange[0]} occurs, which --classes {request.classes} does not reach",
                fix="raise --classes, or leave it out to score the values that occur",
            )
    return FaciesScores(tuple(str(value) for value in values), confusion[np.ix_(values, values)])
