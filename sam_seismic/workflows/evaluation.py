"""A checkpoint and lines it has not seen come in, scores go out, beside what guesses without a network would get."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import lightning
import numpy as np

from sam_seismic.config import DataConfig
from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.errors import SurveyError
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.tasks.facies import FaciesSegmentation, load_task
from sam_seismic.tasks.metrics import (
    FaciesScores,
    confusion_of,
    depth_guess,
    depth_histogram,
    majority_guess,
)
from sam_seismic.workflows.callbacks import TestProgress
from sam_seismic.workflows.files import new_folder, write_text
from sam_seismic.workflows.listener import Listener
from sam_seismic.workflows.pictures import draw_evaluation
from sam_seismic.workflows.quiet import quiet_lightning


@dataclass(frozen=True)
class EvaluationRequest:
    """What to measure.

    Args:
        checkpoint: of a run.
        data: another survey to measure on; None for the one that the checkpoint was trained on.
        split: `test` (with test1, test2, ... as one), `val`, `train` or the name of a part.
        output: folder for metrics.json and pictures; None for none.
        overwrite: replace what the folder holds.
        batch_size: sections at a time.
        accelerator: in Lightning's words.
    """

    checkpoint: Path
    data: DataConfig | None = None
    split: str = "test"
    output: Path | None = None
    overwrite: bool = False
    batch_size: int = 2
    accelerator: str = "auto"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured.

    Args:
        scores: of the network.
        guesses: by name, of guesses that know the training labels but not the amplitudes.
        parts: what was scored, a line each.
        files: what was written.
    """

    scores: FaciesScores
    guesses: dict[str, FaciesScores]
    parts: tuple[str, ...]
    files: tuple[Path, ...] = field(default=())


def evaluate(request: EvaluationRequest, listener: Listener) -> Evaluation:
    """Score a checkpoint on a split: one confusion matrix over all its sections.

    Sections of both orientations, where the survey is read in both, count each voxel twice and are not merged, as in
    the protocol of the F3 facies benchmark.

    Raises:
        UserError: the checkpoint, the survey, the split or the output folder cannot be used as they are.
    """
    if request.output is not None:
        new_folder(request.output, overwrite=request.overwrite)
    task = load_task(request.checkpoint)
    card = task.card
    module = SeismicDataModule(request.data or card.data, card.inputs, batch_size=request.batch_size, scale=card.scale)
    _check_classes(module.survey, card.facies.names)
    parts = module.survey.named(request.split)
    for part in parts:
        listener.say(f"split {part}")
    with quiet_lightning():
        trainer = lightning.Trainer(
            accelerator=request.accelerator,
            devices=1,
            logger=False,
            callbacks=[TestProgress(listener, f"evaluate {request.split}")],
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.test(task, module.split_dataloader(request.split), verbose=False)
    found = Evaluation(task.scores(), guess_scores(module.survey, parts), tuple(str(part) for part in parts))
    return found if request.output is None else _written(found, request.output, request.checkpoint, task, parts)


def guess_scores(survey: Survey, parts: list[Part]) -> dict[str, FaciesScores]:
    """Scores on parts of two guesses made from the training labels alone: `majority class` and `depth only`.

    A part whose traces have another number of samples than the training lines has no depth-only guess.
    """
    classes = len(survey.facies)
    train = survey.parts["train"]
    histogram = depth_histogram([train.read(ref)[1] for ref in train.sections], classes)
    guesses = {"majority class": majority_guess(histogram), "depth only": depth_guess(histogram)}
    confusions = {name: np.zeros((classes, classes), dtype=np.int64) for name in guesses}
    for part in parts:
        for ref in part.sections:
            _, truth = part.read(ref)
            for name, column in guesses.items():
                if len(column) != len(truth):
                    return {}
                prediction = np.broadcast_to(column[:, None], truth.shape)  # [sample, trace]
                confusions[name] += confusion_of(truth, prediction, classes)
    return {name: FaciesScores(survey.facies.names, confusion) for name, confusion in confusions.items()}


def _check_classes(survey: Survey, names: tuple[str, ...]) -> None:
    if len(survey.facies) != len(names):
        raise SurveyError(
            problem=f"the checkpoint knows {len(names)} classes ({', '.join(names)}), "
            f"the survey has {len(survey.facies)} ({', '.join(survey.facies.names)})",
            fix="evaluate on a survey with the same classes",
        )


def _written(
    found: Evaluation, output: Path, checkpoint: Path, task: FaciesSegmentation, parts: list[Part]
) -> Evaluation:
    """The same, with metrics.json and pictures in the output folder."""
    metrics = found.scores.as_dict() | {
        "checkpoint": str(checkpoint),
        "parts": list(found.parts),
        "guesses": {name: scores.as_dict() for name, scores in found.guesses.items()},
    }
    write_text(output / "metrics.json", json.dumps(metrics, indent=2))
    pictures = draw_evaluation(output, task, parts, found.scores)
    return Evaluation(found.scores, found.guesses, found.parts, (output / "metrics.json", *pictures))
