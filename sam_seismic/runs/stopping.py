"""Stop signals come in; the training stops at the end of its step."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.data.loader import SectionLoader
from sam_seismic.signals import STOP_SIGNALS


class RunStopped(BaseException):
    """A training ended at the end of a step because a signal asked for it; its last checkpoint is of that step.

    It is a BaseException, so that neither Lightning nor code that handles errors catches it.

    Args:
        signal_name: the signal, or other reason for the stop.
        epoch: the epoch that the run was in, counted from 1.
        step: how many steps are done.
    """

    def __init__(self, signal_name: str, *, epoch: int, step: int) -> None:
        super().__init__(f"stopped by {signal_name} after step {step}, in epoch {epoch}")


class StoppedWaiting(BaseException):
    """A signal asked a training to stop that waited for a section. It may never come: a file server may be dead.

    Args:
        signal_name: the signal.
        awaited: what it waited for.
    """

    def __init__(self, signal_name: str, awaited: str) -> None:
        super().__init__(f"stopped by {signal_name} while it waited for {awaited}")
        self.signal_name = signal_name
        self.awaited = awaited


class StopRequest(Callback):
    """Records the first stop signal; LastCheckpoint reads it, writes the checkpoint and ends the training.

    The handler only records the signal: it may interrupt the process anywhere, also within a collective operation.
    While the training waits for a section, a signal ends the wait, and LastCheckpoint writes the checkpoint as well.
    Outside of the training loop a signal ends the program as it ends any other command.
    """

    def __init__(self) -> None:
        self.by: str | None = None
        """Name of the signal that was received; None while there was none."""
        self._process = os.getpid()
        self._before: dict[signal.Signals, Any] = {}
        self._awaited: str | None = None
        self._alone = True
        """Whether this is the only process of the training."""

    @contextmanager
    def waiting(self, awaited: str) -> Iterator[None]:
        """Inside, the training waits for a section, and a stop signal ends the wait; one that came before does, too.

        Of several processes one cannot write the checkpoint alone: there the first signal waits for the end of the
        step, which all of them agree on, and a second one ends the wait.

        Args:
            awaited: what it waits for.

        Raises:
            StoppedWaiting: a stop signal came.
        """
        self._awaited = awaited
        try:
            if self.by is not None and self._before and self._alone:
                raise StoppedWaiting(self.by, awaited)
            yield
        finally:
            self._awaited = None

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Remove Lightning's handler of SIGTERM, which would communicate with the other processes."""
        self._alone = trainer.world_size == 1
        if isinstance(module := getattr(trainer, "datamodule", None), SeismicDataModule):
            module.waiting = self.waiting
        if _in_main_thread():
            composed = signal.getsignal(signal.SIGTERM)
            ours = getattr(composed, "signal_handlers", [composed])[-1]
            signal.signal(signal.SIGTERM, ours if len(getattr(composed, "signal_handlers", ())) > 1 else signal.SIG_DFL)

    def on_train_start(self, *_: Any) -> None:
        """Install the handlers."""
        if _in_main_thread():
            self._before = {number: signal.signal(number, self._record) for number in STOP_SIGNALS}

    def on_train_end(self, *_: Any) -> None:
        """Restore the previous handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,  # noqa: ARG002
        exception: BaseException,
    ) -> None:
        """Restore the previous handlers; after a stop, end the worker processes, which may hang in a read."""
        self.on_train_end()
        if not isinstance(exception, Exception):
            for loader in (trainer.train_dataloader, trainer.val_dataloaders):
                if isinstance(loader, SectionLoader):
                    loader.kill_workers()

    def agreed(self, trainer: lightning.Trainer) -> str | None:
        """Name of the signal that asked any process to stop; None if there was none.

        This is a collective operation: all processes call it at the same step, and all get the same decision.
        """
        if not trainer.strategy.reduce_boolean_decision(self.by is not None, all=False):
            return None
        return self.by or "the signal to another process"

    def _record(self, number: int, _: FrameType | None) -> None:
        if os.getpid() != self._process:
            return  # a forked reader process inherits this handler; it ends when its parent does
        if number == signal.SIGINT and self.by is not None:
            raise KeyboardInterrupt  # a second Ctrl-C: the user does not want to wait for the end of the step
        second, self.by = self.by is not None, signal.Signals(number).name
        if self._awaited is not None and (self._alone or second):
            raise StoppedWaiting(self.by, self._awaited)


def _in_main_thread() -> bool:
    """Whether this is the main thread; Python allows no other one to set handlers."""
    return threading.current_thread() is threading.main_thread()
