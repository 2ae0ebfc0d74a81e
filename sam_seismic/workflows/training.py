"""A configuration comes in; a run folder goes out: configuration, checkpoints, metrics and pictures."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback

from sam_seismic import __version__
from sam_seismic.config import Config, InputConfig, ModelConfig, load_config
from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.data.dataset import frame_of
from sam_seismic.errors import PeerLostError, StoppedError, UserError
from sam_seismic.sam import build_sam
from sam_seismic.sam.weights import file_hash, official_path
from sam_seismic.survey.parts import Survey
from sam_seismic.tasks.checkpoint import Card, read_checkpoint
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.processes import peer_is_lost
from sam_seismic.tuning.compiling import compile_blocks
from sam_seismic.tuning.methods import count_parameters
from sam_seismic.workflows.job import Job
from sam_seismic.workflows.listener import Listener, Silent
from sam_seismic.workflows.memory_advice import memory_advice, training_remedies
from sam_seismic.workflows.noting import StatusFile
from sam_seismic.workflows.pictures import draw_run
from sam_seismic.workflows.quiet import quiet_lightning
from sam_seismic.workflows.runfolder import RunFolder
from sam_seismic.workflows.status import read_status
from sam_seismic.workflows.stopping import RunStopped
from sam_seismic.workflows.store import FillStore, Store, hold_frozen
from sam_seismic.workflows.trainer import is_first_process, training_trainer


@dataclass(frozen=True)
class TrainRequest:
    """What to train and where.

    Args:
        config: the experiment.
        output: the run folder.
        resume: go on from checkpoints/last.ckpt of that folder.
        overwrite: replace the run that the folder holds.
    """

    config: Config
    output: Path
    resume: bool = False
    overwrite: bool = False


def train(request: TrainRequest, listener: Listener) -> Path | None:
    """Train and return the best checkpoint; None on all but the first process of a distributed training.

    Raises:
        UserError: the configuration, the survey, the weights or the run folder cannot be used as they are, or memory
            runs out.
    """
    with memory_advice(training_remedies(request.config)):
        return _train(request, listener)


def _train(request: TrainRequest, listener: Listener) -> Path | None:
    job = Job.current()
    if job is not None:
        job.limit_threads()
    config, folder, first = request.config, RunFolder(request.output), is_first_process()
    listener = listener if first else Silent()
    if job is not None and job.array and _finished(request, folder):
        listener.say(f"{folder.path}: finished already, nothing is left to do")
        return folder.best if first else None
    request = _again(request, folder, job)
    if first:
        _check_folder(request, folder)
    lightning.seed_everything(config.train.seed, verbose=False)
    module = SeismicDataModule(config.data, config.input, batch_size=config.train.batch_size, seed=config.train.seed)
    check_canvas(module.survey, config.input)
    task = build_task(config, module)
    for line in describe(task, module):
        listener.say(line)
    if request.resume and config.caches:
        # Lightning would do so later: what is kept is named by the weights that it is made with.
        task.load_state_dict(read_checkpoint(folder.last)[1]["state_dict"])
    hold_frozen(task, config)
    if config.model.compile:
        compile_blocks(task.image_encoder)
        listener.say("the encoder is compiled at its first step: minutes, once for each shape of canvas and batch")
    status = StatusFile(folder.status, job)
    callbacks: list[Callback] = [status]
    if config.caches:
        store = Store(config, module, task)
        module.kept = store.kept
        callbacks.append(FillStore(store, listener))
    with quiet_lightning():
        trainer = training_trainer(config, folder, listener, callbacks, job=job)
        last = folder.last if request.resume else None
        if not first:
            _fit(trainer, task, module, last)
            return None
        with folder.making_way() if last is None else nullcontext():
            folder.write_config(config)
            with status.telling(goes_on=request.resume):
                _fit(trainer, task, module, last)
                draw_run(folder.path, folder.best, module)
    listener.say(f"best checkpoint: {folder.best}")
    return folder.best


def _finished(request: TrainRequest, folder: RunFolder) -> bool:
    """Whether the folder holds just this run, at its end: an array is submitted again for those that are not."""
    status = None if request.overwrite else read_status(folder.status)
    return status is not None and status.state == "finished" and load_config(folder.config) == request.config


def _again(request: TrainRequest, folder: RunFolder, job: Job | None) -> TrainRequest:
    """What a job does that Slurm started again: go on with its own run, which may not have come to a checkpoint."""
    if job is None or not job.restarts:
        return request
    status = read_status(folder.status)
    if status is None or status.job != job.name:
        return request
    there = folder.last.is_file()
    return replace(request, resume=there, overwrite=not there)


def check_canvas(survey: Survey, inputs: InputConfig) -> None:
    """Refuse sections that do not fit the canvas before anything is trained.

    Raises:
        SurveyError: a section is larger than the canvas.
    """
    for part in survey.parts.values():
        one_of_each = {(ref.orientation, ref.traces): ref for ref in part.sections}
        for ref in one_of_each.values():
            frame_of(part.read(ref)[0], inputs)


def build_task(config: Config, module: SeismicDataModule) -> FaciesSegmentation:
    """The network that a configuration asks for, with its card.

    Raises:
        WeightsError: the weights are missing, damaged or of another size.
    """
    weights = find_weights(config.model)
    card = Card(
        data=config.data,
        inputs=config.input,
        model=config.model,
        facies=module.survey.facies,
        scale=module.scale,
        split=tuple(str(part) for part in module.survey.parts.values()),
        weights_hash=None if weights is None else file_hash(weights),
        version=__version__,
    )
    return FaciesSegmentation(build_sam(config.model.size, weights), card, config.train)


def find_weights(model: ModelConfig) -> Path | None:
    """The weights file to start from; None for random weights.

    Raises:
        WeightsError: no file is given, and the official one is not in the weights folder.
    """
    if model.weights is None:
        return official_path(model.size)
    return model.weights if isinstance(model.weights, Path) else None


def describe(task: FaciesSegmentation, module: SeismicDataModule) -> list[str]:
    """What is about to be trained on what, a line each."""
    trainable, frozen = count_parameters(task)
    model, inputs, scale = task.card.model, task.card.inputs, task.card.scale
    weights = "random weights: not SAM's" if task.card.weights_hash is None else f"weights {task.card.weights_hash[:8]}"
    canvas = f"{inputs.side} x {inputs.side}" if inputs.canvas == "square" else f"tight, at most {inputs.side} pixels"
    encoder = model.encoder if model.blocks is None else f"{model.encoder} ({model.blocks})"
    return [
        *(f"note: {note}" for note in module.survey.notes),
        f"classes: {', '.join(task.card.facies.names)}",
        *(f"split {part}" for part in module.survey.parts.values()),
        f"amplitudes: {scale.center:g} +- {scale.clip:g} becomes [-1, 1] "
        f"({inputs.clip_percentile:g}th percentile of the training lines)",
        f"canvas: {canvas}, fit: {inputs.fit}",
        f"model: {model.size}, {weights}; encoder {encoder}, decoder {model.decoder}",
        f"parameters: {trainable:,} trainable, {frozen:,} frozen",
    ]


def _check_folder(request: TrainRequest, folder: RunFolder) -> None:
    if request.resume and request.overwrite:
        raise UserError(problem="--resume and --overwrite exclude each other", fix="give one of them")
    if request.resume:
        folder.check_resume(request.config)
    else:
        folder.check_new(overwrite=request.overwrite)


def _fit(trainer: lightning.Trainer, task: FaciesSegmentation, module: SeismicDataModule, last: Path | None) -> None:
    try:
        trainer.fit(task, module, ckpt_path=last, weights_only=True)
    except RunStopped as stop:
        raise StoppedError(
            problem=f"{trainer.default_root_dir}: {stop}", fix="go on with that step: the same command with --resume"
        ) from stop
    except RuntimeError as error:
        if trainer.world_size > 1 and peer_is_lost(error):
            raise PeerLostError(
                problem=f"{trainer.default_root_dir}: another process of this training has ended",
                fix="see what it said; then go on from the last checkpoint: the same command with --resume",
            ) from error
        raise
    except SystemExit as stop:
        # Lightning turns Ctrl-C into an exit of its own.
        if not trainer.interrupted:
            raise
        resumable = RunFolder(Path(trainer.default_root_dir)).last.is_file()
        raise StoppedError(
            problem=f"{trainer.default_root_dir}: interrupted in epoch {trainer.current_epoch + 1}",
            fix="go on from the last checkpoint: the same command with --resume"
            if resumable
            else "there is no checkpoint yet: run the same command again",
        ) from stop
