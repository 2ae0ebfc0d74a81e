"""A checkpoint and the lines of a split come in; its scores go out, beside those of guesses without a network."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from sam_seismic.config import DataConfig, Precision
from sam_seismic.data.datamodule import data_module
from sam_seismic.errors import SurveyError
from sam_seismic.files.folders import new_folder
from sam_seismic.inspection.label_check import check_scored_labels
from sam_seismic.listener import Listener
from sam_seismic.report.metrics_file import METRICS, write_metrics
from sam_seismic.runs.callbacks import TestProgress
from sam_seismic.runs.devices import choose_device
from sam_seismic.runs.memory_advice import memory_advice, predicting_remedies
from sam_seismic.runs.pictures import draw_evaluation
from sam_seismic.runs.quiet import quiet_lightning
from sam_seismic.runs.trainer import testing_trainer
from sam_seismic.scoring.guesses import guess_notes, guess_scores
from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.loading import load_task
from sam_seismic.tuning.precision import ENCODER_DTYPES


@dataclass(frozen=True)
class EvaluationRequest:
    """What to measure.

    Args:
        checkpoint: of a run.
        data: the survey to measure on; None for the one that the checkpoint was trained on.
        split: `test` (with test1, test2, ... as one), `val`, `train` or the name of a part.
        output: folder for metrics.json and pictures; None for none.
        overwrite: replace the metrics and pictures of an earlier evaluation; other files are left alone.
        batch_size: sections at a time.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
        precision: of the image encoder.
    """

    checkpoint: Path
    data: DataConfig | None = None
    split: str = "test"
    output: Path | None = None
    overwrite: bool = False
    batch_size: int = 2
    device: str = "auto"
    precision: Precision = "32"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured.

    Args:
        scores: of the network.
        guesses: scores, by name, of guesses that use the training labels but no amplitudes.
        parts: the parts that were scored, each as a line of text.
        untrained: names of the classes that the network was never trained on.
        notes: what the scores do not say by themselves.
        files: the files that were written.
    """

    scores: FaciesScores
    guesses: dict[str, FaciesScores]
    parts: tuple[str, ...]
    untrained: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """The contents of metrics.json, but for the checkpoint and the pictures."""
        return self.scores.as_dict() | {
            "parts": list(self.parts),
            "never_trained": list(self.untrained),
            "notes": list(self.notes),
            "guesses": {name: scores.as_dict() for name, scores in self.guesses.items()},
        }


def evaluate(request: EvaluationRequest, listener: Listener) -> Evaluation:
    """Score a checkpoint on a split: one confusion matrix over all its sections.

    If the survey is read in both orientations, inlines and crosslines are scored separately, so that each voxel counts
    twice, as in the protocol of the F3 facies benchmark.

    Raises:
        UserError: the checkpoint, the survey, the split or the output folder cannot be used as they are, or memory runs
            out.
    """
    if request.output is not None:
        new_folder(request.output, overwrite=request.overwrite)
    device, task = choose_device(request.device), load_task(request.checkpoint)
    task.network.set_encoder_precision(ENCODER_DTYPES[request.precision])
    remedies = predicting_remedies(
        task.metadata, batch_size=request.batch_size, precision=request.precision, device=device
    )
    with memory_advice(remedies):
        return _evaluate_with(task, device, request, listener)


def _evaluate_with(
    task: FaciesSegmentation, device: torch.device, request: EvaluationRequest, listener: Listener
) -> Evaluation:
    metadata = task.metadata
    data = request.data or metadata.data
    module = data_module(data, metadata.inputs, batch_size=request.batch_size, scale=metadata.scale)
    check_classes(module.survey, metadata.facies.names, listener)
    parts = module.survey.named(request.split)
    for part in parts:
        listener.say(f"split {part}")
    labels = check_scored_labels(module.survey, parts, data, listener)
    # What another configuration calls train need not be what the network was trained on.
    untrained = labels.untrained if request.data is None else ()
    with quiet_lightning():
        trainer = testing_trainer(device, [TestProgress(listener, f"evaluate {request.split}")])
        trainer.test(task, module.split_dataloader(request.split), verbose=False)
    notes = (
        *(f"{name} was never trained on: the lines of train hold no voxel of it" for name in untrained),
        *labels.notes,
    )
    found = Evaluation(task.scores(), {}, tuple(str(part) for part in parts), untrained, notes)
    _save(found, request)  # before guesses and pictures: if those fail, the scores of the network are not lost
    guesses = guess_scores(module.survey, parts)
    notes += guess_notes(found.scores.mean_iou, guesses, lines=request.split)
    found = replace(found, guesses=guesses, notes=notes)
    return found if request.output is None else _illustrated(found, request, request.output, task, parts)


def check_classes(survey: Survey, names: tuple[str, ...], listener: Listener) -> None:
    """Compare the classes of a survey with those of a checkpoint; tell the listener if only their names differ.

    Args:
        survey: to evaluate on.
        names: of the checkpoint's classes.
        listener: is told how classes are paired.

    Raises:
        SurveyError: the survey has another number of classes, or the same ones in another order.
    """
    theirs = survey.facies.names
    if len(theirs) != len(names):
        raise SurveyError(
            problem=f"the checkpoint knows {len(names)} classes ({', '.join(names)}), "
            f"the survey has {len(theirs)} ({', '.join(theirs)})",
            fix="evaluate on a survey with the same classes",
        )
    if any(name in theirs and name != other for name, other in zip(names, theirs, strict=True)):
        fix = f"list data.classes in the checkpoint's order: {', '.join(names)}"
        if set(names) == set(theirs):
            values = [survey.facies.values[theirs.index(name)] for name in names]
            fix += f"; and their label values in that order too, data.label_values: {values}"
        raise SurveyError(
            problem=f"the survey has the checkpoint's classes in another order: {', '.join(theirs)}", fix=fix
        )
    if theirs != names:
        pairs = ", ".join(f"{name} = {other}" for name, other in zip(names, theirs, strict=True))
        listener.say(f"classes are scored by position: {pairs}")


def _save(found: Evaluation, request: EvaluationRequest, pictures: Sequence[Path] = ()) -> None:
    """Write metrics.json if the request names an output folder."""
    if request.output is None:
        return
    metrics = {"checkpoint": str(request.checkpoint)} | found.as_dict()
    write_metrics(request.output, metrics, pictures=pictures)


def _illustrated(
    found: Evaluation, request: EvaluationRequest, output: Path, task: FaciesSegmentation, parts: list[Part]
) -> Evaluation:
    """Write all metrics and the pictures into the output folder; the evaluation with the names of these files."""
    _save(found, request)
    pictures = draw_evaluation(output, task, parts, found.scores, found.untrained)
    _save(found, request, pictures)
    return replace(found, files=(output / METRICS, *pictures))
