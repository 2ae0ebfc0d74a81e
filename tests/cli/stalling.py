"""Reads that never end, as from a dead file server, for programs of the tests; also within worker processes."""

import ctypes
import os
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sam_seismic.data import datamodule
from sam_seismic.data.canvas import CanvasTransform
from sam_seismic.runs.stopping import StopRequest

BETWEEN_SECONDS = 1.5
"""Between two signals: less would be one request."""
_made: list[None] = []


@dataclass(frozen=True)
class StallingTransform(CanvasTransform):
    """The transform of a training; from one section on, counted from 1 in each process, none comes."""

    def canvas(self, *given: Any) -> Any:
        _made.append(None)
        if len(_made) >= int(os.environ["STALL_AT"]):
            hang()
        return super().canvas(*given)


def stall_training(*, at: int, wait: int, signals: Sequence[int]) -> None:
    """Let the reading of sections stall; when the main thread waits for one that never comes, send it signals.

    Args:
        at: number of the section that stalls, in each process.
        wait: number of the wait for a section, counted from 1, in which the signals come.
        signals: one after the other.
    """
    os.environ["STALL_AT"] = str(at)
    datamodule.CanvasTransform = StallingTransform  # type: ignore[misc]
    waiting, waits = StopRequest.waiting, []

    def signalling(self: StopRequest, awaited: str) -> AbstractContextManager[None]:
        waits.append(awaited.startswith("IL "))
        if sum(waits) == wait and waits[-1]:
            threading.Thread(target=send, args=(signals,), daemon=True).start()
        return waiting(self, awaited)

    StopRequest.waiting = signalling  # type: ignore[method-assign]


def stall_reads(*, at: int, signals: Sequence[int], deaf: bool = False) -> None:
    """From the given read of a file on, counted from 1, none ends; then send this process signals.

    Args:
        at: number of the read.
        signals: one after the other.
        deaf: whether it is a read that no signal interrupts.
    """
    read, done = os.preadv, []

    def stalling(*given: Any) -> int:
        done.append(None)
        if len(done) == at:
            threading.Thread(target=send, args=(signals,), daemon=True).start()
        if len(done) >= at:
            hang(deaf=deaf)
        return read(*given)

    os.preadv = stalling


def send(signals: Sequence[int]) -> None:
    """Send this process signals, one after the other."""
    for number in signals:
        time.sleep(BETWEEN_SECONDS)
        os.kill(os.getpid(), number)


def hang(*, deaf: bool = False) -> None:
    """Read from a pipe that nobody writes to; or lock a mutex twice, which a signal does not interrupt."""
    if deaf:
        mutex = ctypes.create_string_buffer(64)
        system = ctypes.CDLL(None)
        for _ in range(2):
            system.pthread_mutex_lock(mutex)
    read, _ = os.pipe()
    os.read(read, 1)
