"""Signals come in; a training learns from them, at the end of a step, that it is to stop."""

import os
import signal
import threading
from types import FrameType
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""Ctrl-C; what `kill`, `scancel` and preemption send; what Slurm sends on request before a time limit."""


class RunStopped(BaseException):
    """A training ends at the end of a step, because it was asked to; its last checkpoint is of that step.

    Lightning lets it pass, and so does code that looks for errors only.

    Args:
        signal_name: what asked for it.
        epoch: counted from 1, that the run was in.
        step: steps that are done.
    """

    def __init__(self, signal_name: str, *, epoch: int, step: int) -> None:
        super().__init__(f"stopped by {signal_name} after step {step}, in epoch {epoch}")


class StopRequest(Callback):
    """Notes what asks a training to stop; a checkpoint is written and the training ended elsewhere.

    A handler does nothing but note it: anything more could meet a process in the middle of anything. Before and after
    the training itself a signal ends the program as it does in any other command.
    """

    def __init__(self) -> None:
        self.by: str | None = None
        """Name of the signal, once there was one."""
        self._process = os.getpid()
        self._before: dict[signal.Signals, Any] = {}

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Put aside what Lightning does on SIGTERM: it would talk to the other processes from within a handler."""
        if _in_main_thread():
            composed = signal.getsignal(signal.SIGTERM)
            ours = getattr(composed, "signal_handlers", [composed])[-1]
            signal.signal(signal.SIGTERM, ours if len(getattr(composed, "signal_handlers", ())) > 1 else signal.SIG_DFL)

    def on_train_start(self, *_: Any) -> None:
        """From here on a signal is noted."""
        if _in_main_thread():
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}

    def on_train_end(self, *_: Any) -> None:
        """From here on a signal does what it did before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def on_exception(self, *_: Any) -> None:
        """As at the end of a training."""
        self.on_train_end()

    def agreed(self, trainer: lightning.Trainer) -> str | None:
        """What asked any of the processes to stop; all must ask at once, and all get an answer."""
        if not trainer.strategy.reduce_boolean_decision(self.by is not None, all=False):
            return None
        return self.by or "the signal to another process"

    def _note(self, number: int, _: FrameType | None) -> None:
        if os.getpid() != self._process:
            return  # a process that reads inherits the handler, and ends with this one
        if number == signal.SIGINT and self.by is not None:
            raise KeyboardInterrupt  # whoever presses Ctrl-C twice does not want to wait
        self.by = signal.Signals(number).name


def _in_main_thread() -> bool:
    """Whether this thread may handle signals."""
    return threading.current_thread() is threading.main_thread()
