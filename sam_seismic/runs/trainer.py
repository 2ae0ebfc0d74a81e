"""A configuration comes in; a Lightning Trainer with the checkpoints, logs and progress of this project goes out."""

from collections.abc import Sequence
from typing import Any

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.strategies import ModelParallelStrategy
from lightning.pytorch.utilities import rank_zero_only

from sam_seismic.config import Config, TrainerConfig
from sam_seismic.errors import ConfigError, first_line
from sam_seismic.listener import Listener
from sam_seismic.runs.callbacks import MeanLoss, MetricsFile, TrainingProgress
from sam_seismic.runs.checkpoints import BestCheckpoint, LastCheckpoint, WholeCheckpointIO
from sam_seismic.runs.epoch_position import EpochPosition
from sam_seismic.runs.finite_numbers import FiniteNumbers
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.slurm_job import SlurmJob, placement
from sam_seismic.runs.stopping import StopRequest


def is_first_process() -> bool:
    """Whether this process prints, draws and makes folders; in a distributed training only one process does."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


def training_trainer(
    config: Config,
    folder: RunFolder,
    listener: Listener,
    further: Sequence[Callback] = (),
    *,
    job: SlurmJob | None = None,
    validates: bool = True,
) -> lightning.Trainer:
    """The Trainer that a configuration asks for.

    Args:
        config: the experiment.
        folder: of the run.
        listener: told of progress.
        further: callbacks in addition to the usual ones.
        job: the Slurm job that the training runs in; None outside of Slurm.
        validates: whether there are validation lines; without them the last epoch counts as the best one.

    Raises:
        ConfigError: Lightning or this machine cannot do what the configuration asks for.
    """
    stop = StopRequest()
    callbacks: list[Callback] = [
        stop,
        FiniteNumbers(listener),
        *further,
        MeanLoss(),
        # Before the checkpoints: the row of an epoch must be written before the checkpoint at its end.
        MetricsFile(folder.metrics),
        TrainingProgress(listener),
        EpochPosition(),
        BestCheckpoint(folder.best, monitor="val_mean_iou" if validates else None),
        LastCheckpoint(folder.last, every=config.train.checkpoint_every, stop=stop),
    ]
    if config.train.patience is not None and validates:
        callbacks.append(Patience("val_mean_iou", patience=config.train.patience, mode="max"))
    place = placement(config.trainer, job)
    options: dict[str, Any] = config.trainer.model_dump(exclude={"val_every_epochs", *place})
    if config.trainer.strategy == "fsdp":
        options["strategy"] = Sharded()
    trainer = _make_trainer(
        **options,
        devices=place["devices"],
        num_nodes=place["num_nodes"],
        max_epochs=config.train.epochs,
        check_val_every_n_epoch=config.trainer.val_every_epochs if validates else 1,
        callbacks=callbacks,
        logger=TensorBoardLogger(folder.path, name="", version="tensorboard"),
        plugins=[WholeCheckpointIO(), *place["plugins"]],
        default_root_dir=folder.path,
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        limit_val_batches=None if validates else 0,
        use_distributed_sampler=False,  # SharedBatches distributes the sections
    )
    if config.trainer.precision == "16-mixed" and trainer.strategy.root_device.type == "cpu":
        listener.say("note: trainer.precision: 16-mixed: a CPU computes in bf16-mixed instead")
    return trainer


def testing_trainer(device: torch.device, callbacks: Sequence[Callback]) -> lightning.Trainer:
    """A Trainer that tests on one device and writes nothing."""
    devices = 1 if device.type == "cpu" or device.index is None else [device.index]
    return _make_trainer(accelerator=device.type, devices=devices, logger=False, callbacks=list(callbacks))


def _make_trainer(**options: Any) -> lightning.Trainer:
    try:
        return lightning.Trainer(**options, enable_progress_bar=False, enable_model_summary=False)
    except (MisconfigurationException, ValueError, TypeError, RuntimeError) as error:
        known = ", ".join(f"trainer.{name}" for name in TrainerConfig.model_fields)
        raise ConfigError(
            problem=f"this training cannot run here: {first_line(error)}",
            fix=f"trainer.accelerator: auto and trainer.devices: auto use what this machine has; known keys: {known}",
        ) from error


class Sharded(ModelParallelStrategy):
    """Each process holds a share of the parameters; a checkpoint has all of them, as with any other strategy."""

    def __init__(self) -> None:
        super().__init__(tensor_parallel_size=1, save_distributed_checkpoint=False)

    def setup_environment(self) -> None:
        """Let every process train on its own sections; by default, processes of one node get the same sections."""
        self._data_parallel_size = self.num_nodes * self.num_processes
        super().setup_environment()


class Patience(EarlyStopping):
    """Early stopping that uses the patience of the current configuration, also in a resumed run."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore how long the score has not risen, but not the patience."""
        super().load_state_dict(state_dict | {"patience": self.patience})
