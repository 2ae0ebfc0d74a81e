"""A checkpoint and the lines of a split come in; its scores go out, beside those of guesses without a network."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from sam_seismic.config import DataConfig, Precision
from sam_seismic.data.datamodule import data_module
from sam_seismic.errors import SurveyError
from sam_seismic.files.folders import new_folder
from sam_seismic.listener import Listener
from sam_seismic.report.metrics_file import METRICS, write_metrics
from sam_seismic.runs.callbacks import TestProgress
from sam_seismic.runs.devices import choose_device
from sam_seismic.runs.memory_advice import memory_advice, predicting_remedies
from sam_seismic.runs.pictures import draw_evaluation
from sam_seismic.runs.quiet import quiet_lightning
from sam_seismic.runs.trainer import testing_trainer
from sam_seismic.scoring.guesses import guess_scores
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
        files: the files that were written.
    """

    scores: FaciesScores
    guesses: dict[str, FaciesScores]
    parts: tuple[str, ...]
    files: tuple[Path, ...] = field(default=())


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
    module = data_module(
        request.data or metadata.data, metadata.inputs, batch_size=request.batch_size, scale=metadata.scale
    )
    check_classes(module.survey, metadata.facies.names, listener)
    parts = module.survey.named(request.split)
    for part in parts:
        listener.say(f"split {part}")
    with quiet_lightning():
        trainer = testing_trainer(device, [TestProgress(listener, f"evaluate {request.split}")])
        trainer.test(task, module.split_dataloader(request.split), verbose=False)
    found = Evaluation(task.scores(), {}, tuple(str(part) for part in parts))
    _save(found, request)  # before guesses and pictures: if those fail, the scores of the network are not lost
    found = replace(found, guesses=guess_scores(module.survey, parts))
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
    metrics = found.scores.as_dict() | {
        "checkpoint": str(request.checkpoint),
        "parts": list(found.parts),
        "guesses": {name: scores.as_dict() for name, scores in found.guesses.items()},
    }
    write_metrics(request.output, metrics, pictures=pictures)


def _illustrated(
    found: Evaluation, request: EvaluationRequest, output: Path, task: FaciesSegmentation, parts: list[Part]
) -> Evaluation:
    """Write all metrics and the pictures into the output folder; the evaluation with the names of these files."""
    _save(found, request)
    pictures = draw_evaluation(output, task, parts, found.scores)
    _save(found, request, pictures)
    return replace(found, files=(output / METRICS, *pictures))
