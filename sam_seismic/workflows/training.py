"""A configuration comes in; a run folder goes out: configuration, checkpoints, metrics and pictures."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger

from sam_seismic import __version__
from sam_seismic.config import Config, ModelConfig, dump_config, load_config
from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.errors import ConfigError, UserError
from sam_seismic.sam import build_sam
from sam_seismic.sam.weights import file_hash, official_path
from sam_seismic.tasks.checkpoint import Card, read_checkpoint
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.methods import count_parameters
from sam_seismic.workflows.callbacks import MetricsFile, TrainingProgress
from sam_seismic.workflows.listener import Listener
from sam_seismic.workflows.pictures import draw_run
from sam_seismic.workflows.quiet import quiet_lightning


@dataclass(frozen=True)
class TrainRequest:
    """What to train and where.

    Args:
        config: the experiment.
        output: the run folder.
        resume: go on from checkpoints/last.ckpt of that folder.
        overwrite: replace a folder that holds another run.
    """

    config: Config
    output: Path
    resume: bool = False
    overwrite: bool = False


def train(request: TrainRequest, listener: Listener) -> Path:
    """Train and return the best checkpoint.

    Raises:
        UserError: the configuration, the survey, the weights or the run folder cannot be used as they are.
    """
    config, output = request.config, request.output
    last = _check_run_folder(request)
    lightning.seed_everything(config.train.seed, verbose=False)
    module = SeismicDataModule(config.data, config.input, batch_size=config.train.batch_size, seed=config.train.seed)
    task = build_task(config, module)
    for line in describe(task, module):
        listener.say(line)
    _prepare_run_folder(request)
    with quiet_lightning():
        trainer = build_trainer(config, output, listener)
        _fit(trainer, task, module, last)
    best = output / "checkpoints" / "best.ckpt"
    if trainer.is_global_zero:
        draw_run(output, best, module)
        listener.say(f"best checkpoint: {best}")
    return best


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
    if model.weights == "random":
        return None
    return model.weights or official_path(model.size)


def describe(task: FaciesSegmentation, module: SeismicDataModule) -> list[str]:
    """What is about to be trained on what, a line each."""
    trainable, frozen = count_parameters(task)
    model, inputs, scale = task.card.model, task.card.inputs, task.card.scale
    weights = "random weights: not SAM's" if task.card.weights_hash is None else f"weights {task.card.weights_hash[:8]}"
    return [
        *(f"note: {note}" for note in module.survey.notes),
        f"classes: {', '.join(task.card.facies.names)}",
        *(f"split {part}" for part in module.survey.parts.values()),
        f"amplitudes: {scale.center:g} +- {scale.clip:g} becomes [-1, 1] "
        f"({inputs.clip_percentile:g}th percentile of the training lines)",
        f"canvas: {inputs.side} x {inputs.side}, fit: {inputs.fit}",
        f"model: {model.size}, {weights}; encoder {model.encoder}, decoder {model.decoder}",
        f"parameters: {trainable:,} trainable, {frozen:,} frozen",
    ]


def build_trainer(config: Config, output: Path, listener: Listener) -> lightning.Trainer:
    """Lightning's Trainer with this project's checkpoints, logs and progress."""
    options = config.trainer
    folder = output / "checkpoints"
    callbacks: list[Callback] = [
        # The table comes first: a checkpoint must never be ahead of it.
        MetricsFile(output / "metrics.csv"),
        TrainingProgress(listener),
        ModelCheckpoint(
            folder,
            filename="best",
            monitor="val_mean_iou",
            mode="max",
            enable_version_counter=False,
            save_weights_only=True,
        ),
        ModelCheckpoint(folder, filename="last", enable_version_counter=False),
    ]
    if config.train.patience is not None:
        callbacks.append(EarlyStopping("val_mean_iou", patience=config.train.patience, mode="max"))
    settings: dict[str, Any] = {
        name: getattr(options, name)
        for name in (
            "accelerator",
            "devices",
            "num_nodes",
            "strategy",
            "precision",
            "accumulate_grad_batches",
            "gradient_clip_val",
        )
    }
    return lightning.Trainer(
        **settings,
        max_epochs=config.train.epochs,
        check_val_every_n_epoch=options.val_every_epochs,
        callbacks=callbacks,
        logger=TensorBoardLogger(output, name="", version="tensorboard"),
        default_root_dir=output,
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _fit(trainer: lightning.Trainer, task: FaciesSegmentation, module: SeismicDataModule, last: Path | None) -> None:
    try:
        trainer.fit(task, module, ckpt_path=last, weights_only=True)
    except SystemExit as stop:
        # Lightning turns Ctrl-C into an exit of its own.
        if not trainer.interrupted:
            raise
        raise UserError(
            problem=f"{trainer.default_root_dir}: interrupted in epoch {trainer.current_epoch + 1}",
            fix="go on from the last finished epoch: the same command with --resume",
        ) from stop


def _check_run_folder(request: TrainRequest) -> Path | None:
    """The checkpoint to go on from; None for a new run.

    Raises:
        UserError: the folder holds a run and neither --resume nor --overwrite is given, or there is nothing to resume.
        ConfigError: the folder's run has another survey, input or model.
    """
    folder, last = request.output, request.output / "checkpoints" / "last.ckpt"
    if not request.resume:
        if folder.exists() and any(folder.iterdir()) and not request.overwrite:
            raise UserError(
                problem=f"{folder}: holds files already",
                fix="add --resume to go on with that run, --overwrite to replace it, or choose another --output",
            )
        return None
    if not last.is_file():
        raise UserError(problem=f"{folder}: no checkpoints/last.ckpt to go on from", fix="leave --resume out")
    read_checkpoint(last)
    before = load_config(folder / "config.yaml")
    changed = [name for name in ("data", "input", "model") if getattr(before, name) != getattr(request.config, name)]
    if changed:
        raise ConfigError(
            problem=f"{folder}: its run has another {' and '.join(changed)} section than this configuration",
            fix=f"resume with --config {folder / 'config.yaml'}, or choose another --output",
        )
    return last


def _prepare_run_folder(request: TrainRequest) -> None:
    if request.overwrite and not request.resume:
        for name in ("checkpoints", "report", "tensorboard"):
            shutil.rmtree(request.output / name, ignore_errors=True)
        (request.output / "metrics.csv").unlink(missing_ok=True)
    request.output.mkdir(parents=True, exist_ok=True)
    (request.output / "config.yaml").write_text(dump_config(request.config), encoding="utf-8")
