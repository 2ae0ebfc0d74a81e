"""A training comes in; its two checkpoints go out: best.ckpt, and last.ckpt, from which a run is resumed.

Both also hold the frozen weights, so with a frozen encoder, writing them can take longer than an epoch. After short
epochs they are therefore not always written. best.ckpt is written before last.ckpt, which holds the best score.
"""

import copy
import math
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from sam_seismic.data.loader import SectionLoader
from sam_seismic.files.atomic import remove_abandoned, whole_file
from sam_seismic.runs.stopping import RunStopped, StoppedWaiting, StopRequest

_VALIDATION = ("fit_loop", "epoch_loop.val_loop.batch_progress")
"""Keys under which a checkpoint of Lightning holds the progress of a validation."""

SHARE = 0.05
"""Largest share of the training time that checkpoints at the ends of epochs may take."""


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint under a temporary name and renames it, so that a reader never finds an incomplete one.

    Checkpoints named by `hold_back` are held in memory until `write_held` is called.
    """

    def __init__(self) -> None:
        super().__init__()
        self._frozen: dict[Path, Collection[str]] = {}
        """Files that are held back, each with the names of the weights that do not change."""
        self._waiting: dict[Path, dict[str, Any]] = {}

    def hold_back(self, path: Path, frozen: Collection[str]) -> None:
        """From now on, hold checkpoints of this path in memory until `write_held` is called.

        Args:
            path: of the checkpoint.
            frozen: names of the weights that training does not change, which are not copied.
        """
        self._frozen[path] = frozen

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any = None,  # noqa: ARG002  # part of the interface
    ) -> None:
        """Write a checkpoint, or leave no file if that fails; if its path is held back, copy it into memory.

        Raises:
            OSError: of the file system, with the path of the checkpoint.
        """
        final = Path(path)
        if final in self._frozen:
            self._waiting[final] = _copy(checkpoint, self._frozen[final])
        else:
            self._write(checkpoint, final)

    def write_held(self) -> None:
        """Write the checkpoints that are held back.

        Raises:
            OSError: of the file system, with the path of the checkpoint.
        """
        while self._waiting:
            path, checkpoint = self._waiting.popitem()
            self._write(checkpoint, path)

    def _write(self, checkpoint: dict[str, Any], final: Path) -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(final.parent, of=final.name)  # gigabytes from a killed run; only one process writes a run
        try:
            with whole_file(final) as file:
                torch.save(checkpoint, file)
        except RuntimeError as error:
            # PyTorch's writer raises a RuntimeError on closing the file; the error of the file system is its context.
            if isinstance(error.__context__, OSError):
                raise OSError(error.__context__.errno, error.__context__.strerror, str(final)) from error
            raise


def _copy(checkpoint: dict[str, Any], frozen: Collection[str]) -> dict[str, Any]:
    """A copy that later steps do not change. Weights are copied into main memory; frozen ones are not copied."""
    weights = {
        name: tensor if name in frozen else tensor.detach().to("cpu", copy=True)
        for name, tensor in checkpoint["state_dict"].items()
    }
    return copy.deepcopy({name: value for name, value in checkpoint.items() if name != "state_dict"}) | {
        "state_dict": weights
    }


class BestCheckpoint(ModelCheckpoint):
    """Saves the weights of the epoch with the highest score. The run folder may be moved between two runs.

    If fewer weights are trained than frozen, the checkpoint is held back until last.ckpt is written or training ends.

    Args:
        path: of the checkpoint.
        monitor: the score; None saves the weights of the last epoch.
    """

    def __init__(self, path: Path, *, monitor: str | None) -> None:
        super().__init__(
            path.parent,
            filename=path.stem,
            monitor=monitor,
            mode="max",
            save_weights_only=True,
            enable_version_counter=False,
        )

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Hold the checkpoint back if fewer weights are trained than frozen."""
        super().on_train_start(trainer, pl_module)
        frozen = {name: weight.numel() for name, weight in pl_module.named_parameters() if not weight.requires_grad}
        trained = sum(weight.numel() for weight in pl_module.parameters() if weight.requires_grad)
        if trained < sum(frozen.values()):
            _files(trainer).hold_back(Path(self.format_checkpoint_name({})), frozen)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write the checkpoint if it is held back."""
        super().on_train_end(trainer, pl_module)
        _files(trainer).write_held()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Write the checkpoint if it is held back: the run may never be resumed."""
        super().on_exception(trainer, pl_module, exception)
        _files(trainer).write_held()

    @property
    def state_key(self) -> str:
        """The key that earlier versions saved the best score under, so that their runs can be resumed with it."""
        return super().state_key.replace(type(self).__name__, "RunCheckpoint")

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best score, with all paths changed to the current run folder.

        Otherwise Lightning drops the score if the run folder was moved, because it compares the paths.
        """
        moved = dict(state_dict) | {"dirpath": self.dirpath}
        for name in ("best_model_path", "kth_best_model_path", "last_model_path"):
            if state_dict.get(name):
                moved[name] = self._here(state_dict[name])
        moved["best_k_models"] = {self._here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict(moved)

    def _here(self, path: str) -> str:
        assert self.dirpath is not None, "always given"
        return str(Path(self.dirpath) / Path(path).name)


class LastCheckpoint(Checkpoint):
    """Saves everything needed to resume a run: at ends of epochs, every `every` steps, and on a request to stop.

    At the end of an epoch it is not saved if that would take more than SHARE of the time, except after the first and
    the last epoch. It is saved only between two steps or two validation batches. A run that was stopped within a
    validation repeats the whole validation.

    Args:
        path: of the checkpoint.
        every: number of steps between saves; None: only at ends of epochs.
        stop: knows whether the training was asked to stop.
    """

    def __init__(self, path: Path, *, every: int | None, stop: StopRequest) -> None:
        self._path = path
        self._every = every
        self._stop = stop
        self._step = 0
        """Step of the last save, or the step that the run started from."""
        self._affordable_from = -math.inf
        """Monotonic time from which another save stays within SHARE; minus infinity before the first save."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Count steps from the start of the run; in a resumed epoch, skip the batches that it has trained on already.

        Lightning's own restoring of a loader does not work here: it makes the loader, to count the steps of the
        schedule, before it reads the checkpoint.
        """
        self._step = trainer.global_step
        if trainer.fit_loop.restarting:
            loader = trainer.train_dataloader
            assert isinstance(loader, SectionLoader), "the data module makes the loader"
            given = trainer.fit_loop.epoch_loop.batch_progress.current.ready
            loader.load_state_dict({"epoch": trainer.current_epoch, "given": given})

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Save if it is due; after the last step of an epoch, `on_train_epoch_end` does that.

        Raises:
            RunStopped: a stop was requested.
        """
        if _between_steps(trainer) and not trainer.is_last_batch:
            self._save_if_due(trainer)

    def on_validation_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Save if it is due.

        Raises:
            RunStopped: a stop was requested.
        """
        self._save_if_due(trainer)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Save, unless that takes too large a share of the time.

        Raises:
            RunStopped: a stop was requested, and another epoch would follow.
        """
        by = self._stop.agreed(trainer)
        goes_on = trainer.current_epoch + 1 < (trainer.max_epochs or 0) and not trainer.should_stop
        if self._affordable(trainer) or by is not None or not goes_on:
            self._save(trainer)
        if by is not None and goes_on:
            raise _stopped(trainer, by)

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,  # noqa: ARG002
        exception: BaseException,
    ) -> None:
        """Save the last step if a stop signal ended a wait for the next section.

        Processes of a distributed training save together, and the others do not know that this one stops.
        """
        alone, new = trainer.world_size == 1, trainer.global_step > self._step
        if isinstance(exception, StoppedWaiting) and alone and new and _between_steps(trainer):
            self._save(trainer)

    def on_save_checkpoint(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Save a running validation as one in its first batch, so that a resumed run repeats all of it."""
        if trainer.validating:
            loop, validation = _VALIDATION
            for count in ("total", "current"):
                checkpoint["loops"][loop][validation][count] |= {
                    "ready": 1,
                    "started": 1,
                    "processed": 0,
                    "completed": 0,
                }

    def _save_if_due(self, trainer: lightning.Trainer) -> None:
        by = self._stop.agreed(trainer)
        due = self._every is not None and trainer.global_step - self._step >= self._every
        if by is not None or due:
            self._save(trainer)
        if by is not None:
            raise _stopped(trainer, by)

    def _affordable(self, trainer: lightning.Trainer) -> bool:
        """Whether a save stays within SHARE of the time; all processes get the same answer."""
        return trainer.strategy.reduce_boolean_decision(time.monotonic() >= self._affordable_from, all=False)

    def _save(self, trainer: lightning.Trainer) -> None:
        begin = time.monotonic()
        _files(trainer).write_held()
        trainer.save_checkpoint(self._path)
        end = time.monotonic()
        self._step, self._affordable_from = trainer.global_step, end + (end - begin) / SHARE


def _between_steps(trainer: lightning.Trainer) -> bool:
    """Whether no gradients are being accumulated, which a checkpoint does not hold."""
    given = trainer.fit_loop.epoch_loop.batch_progress.current.ready
    return trainer.is_last_batch or given % trainer.accumulate_grad_batches == 0


def _files(trainer: lightning.Trainer) -> WholeCheckpointIO:
    files = trainer.strategy.checkpoint_io
    assert isinstance(files, WholeCheckpointIO), "training_trainer adds it as a plugin"
    return files


def _stopped(trainer: lightning.Trainer, by: str) -> RunStopped:
    return RunStopped(by, epoch=trainer.current_epoch + 1, step=trainer.global_step)
