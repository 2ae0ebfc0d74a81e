"""The steps of a training come in; the status file of its run folder goes out, updated every few seconds."""

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from sam_seismic.errors import StoppedError
from sam_seismic.files.processes import birth_of
from sam_seismic.runs.slurm_job import SlurmJob
from sam_seismic.runs.status import RunStatus, read_status, write_status
from sam_seismic.tasks.facies import FaciesSegmentation

INTERVAL_SECONDS = 5.0
"""Smallest time between two updates."""


class StatusFile(Callback):
    """Updates the status file of a run. Only the first process writes it.

    Args:
        path: of the file.
        job: the Slurm job that the run is in; None outside of Slurm.
    """

    def __init__(self, path: Path, job: SlurmJob | None) -> None:
        self._path = path
        self._status = RunStatus(
            "starting",
            job=None if job is None else job.name,
            host=socket.gethostname(),
            process=os.getpid(),
            birth=birth_of(os.getpid()),
        )
        self._step = 0
        self._started = 0.0

    @contextmanager
    def of_run(self, *, resumed: bool) -> Iterator[None]:
        """Inside, the status says that the run is active; at the end, how it ended.

        Args:
            resumed: whether the run resumes from a checkpoint, and continues the counts of its old status.
        """
        before = read_status(self._path) if resumed else None
        if before is not None:
            self._status = replace(
                self._status,
                restarts=before.restarts + 1,
                epoch=before.epoch,
                epochs=before.epochs,
                step=before.checkpoint or 0,
                steps=before.steps,
                checkpoint=before.checkpoint,
            )
        self._update(begun=time.time())
        try:
            yield
        except StoppedError as stop:
            self._update(state="stopped", why=stop.problem)
            raise
        except BaseException as error:
            self._update(state="failed", why=str(error) or type(error).__name__)
            raise
        self._update(state="finished")

    def add_notes(self, notes: Sequence[str]) -> None:
        """Write what the scores do not say by themselves."""
        self._update(notes=tuple(notes))

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write where the training begins, and how many steps there will be."""
        assert isinstance(pl_module, FaciesSegmentation), "the task of a training"
        self._step, self._started = trainer.global_step, time.monotonic()
        # Epochs that were done with another batch size, or on more devices, had another number of steps.
        steps = int(trainer.estimated_stepping_batches) - pl_module.steps_ahead
        if trainer.is_global_zero:
            self._update(state="training", epochs=trainer.max_epochs, step=trainer.global_step, steps=steps)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Write the progress if the last update is some seconds old."""
        self._write_if_due(trainer)

    def on_validation_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Write the progress if the last update is some seconds old."""
        self._write_if_due(trainer)

    def on_save_checkpoint(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Write the step of last.ckpt, which is about to be saved; best.ckpt, without optimizer states, is ignored."""
        if "optimizer_states" in checkpoint and trainer.is_global_zero:
            self._update(**self._progress(trainer), checkpoint=trainer.global_step)

    def _write_if_due(self, trainer: lightning.Trainer) -> None:
        if trainer.is_global_zero and time.time() - self._status.noted >= INTERVAL_SECONDS:
            self._update(**self._progress(trainer))

    def _progress(self, trainer: lightning.Trainer) -> dict[str, Any]:
        done = trainer.global_step - self._step
        pace = (time.monotonic() - self._started) / done if done else None
        return {"epoch": trainer.current_epoch + 1, "step": trainer.global_step, "pace": pace}

    def _update(self, **changes: Any) -> None:
        self._status = replace(self._status, **changes, noted=time.time())
        if self._path.parent.is_dir():  # the folder of a run that ended without a checkpoint was removed
            write_status(self._path, self._status)
