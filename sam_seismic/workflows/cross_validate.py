"""A configuration with folds comes in; a run folder for each fold, and the scores of all of them, go out."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sam_seismic.config import Config
from sam_seismic.errors import ConfigError, StoppedError, UserError
from sam_seismic.inspection.label_check import check_training_labels
from sam_seismic.listener import Listener
from sam_seismic.report.folds_file import CrossValidation, FoldResult, write_folds
from sam_seismic.report.metrics_file import read_metrics
from sam_seismic.runs.folds_folder import FoldsFolder
from sam_seismic.runs.slurm_job import SlurmJob
from sam_seismic.scoring.guesses import guess_notes
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.parts import Survey, open_folds
from sam_seismic.survey.splits import describe_sections
from sam_seismic.workflows.evaluate import EvaluationRequest, evaluate
from sam_seismic.workflows.train import TrainRequest, after_requeue, check_run_folder, train


@dataclass(frozen=True)
class CrossValidationRequest:
    """A cross-validation, and where its folds go.

    Args:
        config: the experiment, whose `data.split` describes all folds.
        output: the folder of the run folders fold-1, fold-2, ...
        resume: go on with what an earlier call began; finished folds are not trained again.
        overwrite: replace the runs in the folder.
        fold: the only fold to train now, as an element of a Slurm array does; None for all of them.
    """

    config: Config
    output: Path
    resume: bool = False
    overwrite: bool = False
    fold: int | None = None

    @property
    def folder(self) -> FoldsFolder:
        """The folder of the folds."""
        return FoldsFolder(self.output)

    @cached_property
    def surveys(self) -> Mapping[int, Survey]:
        """The survey of each fold, by its number; the first access opens them.

        Raises:
            UserError: as of `open_folds`.
        """
        return dict(enumerate(open_folds(self.config.data), start=1))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The folds to train.

        Raises:
            UserError: there is no such fold.
        """
        if self.fold is None:
            return tuple(self.surveys)
        if self.fold not in self.surveys:
            raise UserError(
                problem=f"element {self.fold - 1} of the array has no fold: there are {len(self.surveys)}",
                fix=f"submit --array=0-{len(self.surveys) - 1}",
            )
        return (self.fold,)

    def of_fold(self, number: int) -> TrainRequest:
        """The training of a fold; where an earlier one was begun, it is resumed."""
        run = self.folder.fold(number)
        begun = self.resume and run.last.is_file()
        replaced = self.overwrite or (self.resume and not begun)
        config = one_device(self.config.of_fold(number))
        return TrainRequest(config, run.path, resume=begun, overwrite=replaced)


def cross_validate(request: CrossValidationRequest, listener: Listener) -> CrossValidation | None:
    """Train and score a network for each fold, one after another; None while other folds are still to be scored.

    Raises:
        UserError: as of `train` and `evaluate`; or several devices or tasks are asked for.
    """
    check_folds(request, listener)
    folder, count = request.folder, len(request.surveys)
    for number in request.numbers:
        held_out = describe_sections(request.surveys[number].parts["test"].sections)
        listener.say(f"fold {number} of {count}: holds out {held_out}")
        try:
            _train_and_score(request, number, listener)
        except (KeyboardInterrupt, StoppedError) as stop:
            raise _stopped(request, number, stop) from stop
    left = folder.unscored({number: request.of_fold(number).config for number in request.surveys})
    if left:
        listener.say(f"{folder.scores}: written when all folds are scored; left: {', '.join(map(str, left))}")
        return None
    found = _collected(request)
    write_folds(found, folder.scores, folder.table)
    return found


def check_folds(request: CrossValidationRequest, listener: Listener) -> None:
    """Refuse what would end a cross-validation after some of its folds. Nothing is written.

    Raises:
        UserError: the folder, the devices, or the labels of a fold cannot be used.
    """
    job = SlurmJob.current()
    if job is not None and job.tasks > 1:
        raise UserError(
            problem=f"a cross-validation trains on one device, but Slurm granted {job.tasks} tasks",
            fix="submit it with --nodes 1 --gpus 1, as an array that trains the folds at the same time",
        )
    request.folder.check()
    if request.resume and request.overwrite:
        raise UserError(problem="--resume and --overwrite exclude each other", fix="give one of them")
    if request.resume and not any(request.folder.fold(number).last.is_file() for number in request.surveys):
        raise UserError(
            problem=f"{request.output}: no fold with checkpoints/last.ckpt to go on from", fix="leave --resume out"
        )
    one_device(request.config)
    if request.fold is not None:
        return  # the training of a single fold checks itself
    for number in request.numbers:
        training = request.of_fold(number)
        check_run_folder(after_requeue(training, request.folder.fold(number), job))
        try:
            check_training_labels(request.surveys[number], training.config.data, listener, refuse=not training.resume)
        except UserError as error:
            raise UserError(problem=f"fold {number}: {error.problem}", fix=error.fix) from error


def one_device(config: Config) -> Config:
    """The configuration on one device, where `trainer.devices: auto` could be several.

    Raises:
        ConfigError: it asks for several.
    """
    trainer = config.trainer
    count = len(trainer.devices) if isinstance(trainer.devices, list) else trainer.devices
    if (isinstance(count, int) and count != 1) or trainer.num_nodes not in ("auto", 1):
        raise ConfigError(
            problem=f"a cross-validation trains on one device, and trainer.devices: {trainer.devices}, "
            f"trainer.num_nodes: {trainer.num_nodes} ask for more",
            fix="--set trainer.devices=1 --set trainer.num_nodes=1",
        )
    if count != "auto":
        return config
    return config.model_copy(update={"trainer": trainer.model_copy(update={"devices": 1})})


def _train_and_score(request: CrossValidationRequest, number: int, listener: Listener) -> None:
    folder, training = request.folder, request.of_fold(number)
    if not request.resume:
        folder.discard_scores()
    train(training, listener)
    if folder.is_scored(number, training.config):
        listener.say(f"{folder.test(number)}: scored already")
        return
    devices = training.config.trainer.devices
    kind = {"gpu": "cuda"}.get(training.config.trainer.accelerator, training.config.trainer.accelerator)
    device = f"{kind}:{devices[0]}" if isinstance(devices, list) and kind == "cuda" else kind
    evaluate(
        EvaluationRequest(
            folder.fold(number).best,
            output=folder.test(number),
            overwrite=True,
            batch_size=training.config.train.batch_size,
            device=device,
        ),
        listener,
    )


def _stopped(request: CrossValidationRequest, number: int, stop: BaseException) -> StoppedError:
    """What a user is told of a stop in a fold: how all of them go on."""
    why = stop.problem if isinstance(stop, StoppedError) else str(stop) or "interrupted"
    begun = any(request.folder.fold(each).last.is_file() for each in request.numbers)
    return StoppedError(
        problem=f"fold {number} of {len(request.surveys)}: {why}",
        fix="to go on there, give the same command with --resume"
        if begun
        else "there is no checkpoint yet: run the same command again",
    )


def _collected(request: CrossValidationRequest) -> CrossValidation:
    """The scores of all folds, from the files that they were written to."""
    folds = []
    for number, survey in request.surveys.items():
        scores, guesses = read_metrics(request.folder.test(number))
        test = survey.parts["test"].sections
        held_out = {str(each): [ref.line for ref in test if ref.orientation is each] for each in Orientation}
        parts = {name: describe_sections(part.sections) for name, part in survey.parts.items()}
        run = request.folder.fold(number).path
        folds.append(FoldResult(number, run, parts, {k: v for k, v in held_out.items() if v}, scores, guesses))
    found = CrossValidation(tuple(folds))
    pooled = {name: each.pooled for name, each in found.guesses.items()}
    notes = (
        *guess_notes(found.network.pooled.mean_iou, pooled, lines="held-out"),
        "these are scores of a way to train; for the network that predicts, train once more without data.split.folds",
    )
    return CrossValidation(found.folds, notes, (request.folder.scores, request.folder.table))
