"""A training comes in, its two checkpoints go out: the best one, and the last one, from which a run goes on.

With a frozen encoder an epoch can take less time than its checkpoints, which hold the encoder, too. At the ends of
short epochs they are therefore written only now and then, and the best one first: the last one knows its score.
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
from sam_seismic.runs.stopping import RunStopped, StopRequest

_VALIDATION = ("fit_loop", "epoch_loop.val_loop.batch_progress")
"""Where Lightning keeps, among the loops of a checkpoint, how far a validation is."""

SHARE = 0.05
"""Of the time since the last one, that a checkpoint at the end of an epoch may take."""


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint under a temporary name first: a reader finds the old one or the new one, never a part.

    A file that is held back waits in memory until it is to be written.
    """

    def __init__(self) -> None:
        super().__init__()
        self._frozen: dict[Path, Collection[str]] = {}
        """By file that is held back."""
        self._waiting: dict[Path, dict[str, Any]] = {}

    def hold_back(self, path: Path, frozen: Collection[str]) -> None:
        """From now on, keep what is saved as this file until it is written.

        Args:
            path: of the file.
            frozen: names of the weights that stay as they are, and are not copied.
        """
        self._frozen[path] = frozen

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any = None,  # noqa: ARG002  # part of the interface
    ) -> None:
        """Save, or leave nothing behind; a file that is held back is only noted.

        Raises:
            OSError: of the file system, with the path of the checkpoint.
        """
        final = Path(path)
        if final in self._frozen:
            self._waiting[final] = _copy(checkpoint, self._frozen[final])
        else:
            self._write(checkpoint, final)

    def write_held(self) -> None:
        """Write what waits.

        Raises:
            OSError: of the file system, with the path of the checkpoint.
        """
        while self._waiting:
            path, checkpoint = self._waiting.popitem()
            self._write(checkpoint, path)

    def _write(self, checkpoint: dict[str, Any], final: Path) -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(final.parent, of=final.name)  # a killed run left gigabytes; one process writes a run
        try:
            with whole_file(final) as file:
                torch.save(checkpoint, file)
        except RuntimeError as error:
            # PyTorch's writer meets the real error first and complains of what follows from it.
            if isinstance(error.__context__, OSError):
                raise OSError(error.__context__.errno, error.__context__.strerror, str(final)) from error
            raise


def _copy(checkpoint: dict[str, Any], frozen: Collection[str]) -> dict[str, Any]:
    """A checkpoint that training does not change; what it copies of the weights lies in main memory."""
    weights = {
        name: tensor if name in frozen else tensor.detach().to("cpu", copy=True)
        for name, tensor in checkpoint["state_dict"].items()
    }
    return copy.deepcopy({name: value for name, value in checkpoint.items() if name != "state_dict"}) | {
        "state_dict": weights
    }


class BestCheckpoint(ModelCheckpoint):
    """The weights of the epoch with the highest score; it stays with its run when the folder is moved.

    Where less is trained than is frozen it waits in memory for the last checkpoint, or for the end of the training.

    Args:
        path: of the checkpoint.
        monitor: the score.
    """

    def __init__(self, path: Path, *, monitor: str) -> None:
        super().__init__(
            path.parent,
            filename=path.stem,
            monitor=monitor,
            mode="max",
            save_weights_only=True,
            enable_version_counter=False,
        )

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Look at what is trained."""
        super().on_train_start(trainer, pl_module)
        frozen = {name: weight.numel() for name, weight in pl_module.named_parameters() if not weight.requires_grad}
        trained = sum(weight.numel() for weight in pl_module.parameters() if weight.requires_grad)
        if trained < sum(frozen.values()):
            _files(trainer).hold_back(Path(self.format_checkpoint_name({})), frozen)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write what waits."""
        super().on_train_end(trainer, pl_module)
        _files(trainer).write_held()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Write what waits: whatever ended the training, it may be the best there will be."""
        super().on_exception(trainer, pl_module, exception)
        _files(trainer).write_held()

    @property
    def state_key(self) -> str:
        """As runs of older versions call it, which must not forget their best score."""
        return super().state_key.replace(type(self).__name__, "RunCheckpoint")

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the best score, with its path in the folder as it is called now.

        Lightning compares folders by name and would forget the score of a run that was moved.
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
    """All that a run needs to go on: written at ends of epochs, every so many steps, and when it is to stop.

    At the end of an epoch it is written unless that would take more than its share of the time; after the first epoch
    and after the last one it always is. It is written where no step and no validation batch is half done. A validation
    that is broken off begins anew.

    Args:
        path: of the checkpoint.
        every: steps; None for the ends of epochs alone.
        stop: what asks the training to stop.
    """

    def __init__(self, path: Path, *, every: int | None, stop: StopRequest) -> None:
        self._path = path
        self._every = every
        self._stop = stop
        self._step = 0
        """That the last one was written after, or a run began with."""
        self._affordable_from = -math.inf
        """Time from which another one, with what waits for it, takes no more than its share; the first one always."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Count from where the run begins, and begin with the data that follow.

        Lightning hands a loader its state too early: it makes the loader, to count the steps of the schedule, before it
        reads the checkpoint.
        """
        self._step = trainer.global_step
        if trainer.fit_loop.restarting:
            loader = trainer.train_dataloader
            assert isinstance(loader, SectionLoader), "the data module makes it"
            given = trainer.fit_loop.epoch_loop.batch_progress.current.ready
            loader.load_state_dict({"epoch": trainer.current_epoch, "given": given})

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """After a step, but for the last one of an epoch: what follows that belongs to the epoch.

        Raises:
            RunStopped: somebody asked for it.
        """
        # Gradients that wait for further batches are not in a checkpoint.
        whole = trainer.fit_loop.epoch_loop.batch_progress.current.ready % trainer.accumulate_grad_batches == 0
        if whole and not trainer.is_last_batch:
            self._now_and_then(trainer)

    def on_validation_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """In a validation.

        Raises:
            RunStopped: somebody asked for it.
        """
        self._now_and_then(trainer)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """At the end of an epoch.

        Raises:
            RunStopped: somebody asked for it, and there would be another epoch.
        """
        by = self._stop.agreed(trainer)
        goes_on = trainer.current_epoch + 1 < (trainer.max_epochs or 0) and not trainer.should_stop
        if self._affordable(trainer) or by is not None or not goes_on:
            self._save(trainer)
        if by is not None and goes_on:
            raise _stopped(trainer, by)

    def on_save_checkpoint(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Let a validation that is under way count as one that is in its first batch."""
        if trainer.validating:
            loop, validation = _VALIDATION
            for count in ("total", "current"):
                checkpoint["loops"][loop][validation][count] |= {
                    "ready": 1,
                    "started": 1,
                    "processed": 0,
                    "completed": 0,
                }

    def _now_and_then(self, trainer: lightning.Trainer) -> None:
        by = self._stop.agreed(trainer)
        due = self._every is not None and trainer.global_step - self._step >= self._every
        if by is not None or due:
            self._save(trainer)
        if by is not None:
            raise _stopped(trainer, by)

    def _affordable(self, trainer: lightning.Trainer) -> bool:
        """Whether one that is written now takes no more than its share; all processes get one answer."""
        return trainer.strategy.reduce_boolean_decision(time.monotonic() >= self._affordable_from, all=False)

    def _save(self, trainer: lightning.Trainer) -> None:
        begin = time.monotonic()
        _files(trainer).write_held()
        trainer.save_checkpoint(self._path)
        end = time.monotonic()
        self._step, self._affordable_from = trainer.global_step, end + (end - begin) / SHARE


def _files(trainer: lightning.Trainer) -> WholeCheckpointIO:
    files = trainer.strategy.checkpoint_io
    assert isinstance(files, WholeCheckpointIO), "every training is given one"
    return files


def _stopped(trainer: lightning.Trainer, by: str) -> RunStopped:
    return RunStopped(by, epoch=trainer.current_epoch + 1, step=trainer.global_step)
