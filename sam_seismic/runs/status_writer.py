"""A training comes in; how it stands goes into the status file of its folder, every few seconds."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from sam_seismic.errors import StoppedError
from sam_seismic.runs.slurm_job import SlurmJob
from sam_seismic.runs.status import RunStatus, read_status, write_status

SECONDS = 5.0
"""Between two notes."""


class StatusFile(Callback):
    """Keeps the status of a run up to date, on the first process.

    Args:
        path: of the file.
        job: of Slurm, that it runs in.
    """

    def __init__(self, path: Path, job: SlurmJob | None) -> None:
        self._path = path
        self._now = RunStatus(
            "starting", job=None if job is None else job.name, host=socket.gethostname(), process=os.getpid()
        )
        self._step = 0
        self._started = 0.0

    @contextmanager
    def telling(self, *, goes_on: bool) -> Iterator[None]:
        """Inside, the run is under way; how it ended is told in the end.

        Args:
            goes_on: from a checkpoint.
        """
        before = read_status(self._path) if goes_on else None
        if before is not None:
            self._now = replace(
                self._now,
                restarts=before.restarts + 1,
                epoch=before.epoch,
                epochs=before.epochs,
                step=before.checkpoint or 0,
                steps=before.steps,
                checkpoint=before.checkpoint,
            )
        self._note(begun=time.time())
        try:
            yield
        except StoppedError as stop:
            self._note(state="stopped", why=stop.problem)
            raise
        except BaseException as error:
            self._note(state="failed", why=str(error) or type(error).__name__)
            raise
        self._note(state="finished")

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Training begins here."""
        self._step, self._started = trainer.global_step, time.monotonic()
        steps = int(trainer.estimated_stepping_batches)
        if trainer.is_global_zero:
            self._note(state="training", epochs=trainer.max_epochs, step=trainer.global_step, steps=steps)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Every few seconds."""
        self._now_and_then(trainer)

    def on_validation_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Every few seconds."""
        self._now_and_then(trainer)

    def on_save_checkpoint(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """The last checkpoint is about to be written; the best one has no optimiser."""
        if "optimizer_states" in checkpoint and trainer.is_global_zero:
            self._note(**self._progress(trainer), checkpoint=trainer.global_step)

    def _now_and_then(self, trainer: lightning.Trainer) -> None:
        if trainer.is_global_zero and time.time() - self._now.noted >= SECONDS:
            self._note(**self._progress(trainer))

    def _progress(self, trainer: lightning.Trainer) -> dict[str, Any]:
        done = trainer.global_step - self._step
        pace = (time.monotonic() - self._started) / done if done else None
        return {"epoch": trainer.current_epoch + 1, "step": trainer.global_step, "pace": pace}

    def _note(self, **changes: Any) -> None:
        self._now = replace(self._now, **changes, noted=time.time())
        if self._path.parent.is_dir():  # a run that left nothing has no folder in the end
            write_status(self._path, self._now)
