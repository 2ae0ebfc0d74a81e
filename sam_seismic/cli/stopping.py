"""Signals and a batch script's word come in; a command ends with what it has kept, and leaves word of how it ended.

A batch script cannot trust exit statuses: where one task of a job ends, Slurm ends the others. It names a folder in
the environment variable SAM_SEISMIC_JOB instead. The file `stop` in there asks all tasks to stop. What they leave is
`stopped`: it can go on; `lost`: another task had ended; `failed`: it would fail again; `done`: nothing is left to do,
whatever becomes of the other tasks.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

Word = Literal["stopped", "lost", "failed", "done"]
JOB = "SAM_SEISMIC_JOB"
"""Environment variable that names the folder."""
SECONDS = 2.0
"""Between two looks at the folder."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside, SIGTERM, SIGUSR1 and the file `stop` end a command as Ctrl-C does: unfinished files are removed.

    A program that ignores or handles a signal itself, and calls this in its own process, keeps its way.
    """
    stopped = False

    def stop(number: int, _: object) -> None:
        nonlocal stopped
        if not stopped:  # `timeout` sends it twice; the second one must not break off the cleaning up
            stopped = True
            raise KeyboardInterrupt(f"stopped by {signal.Signals(number).name}")

    folder = os.environ.get(JOB)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}
    main = threading.current_thread() is threading.main_thread()
    mine = [number for number, handler in before.items() if main and handler is signal.SIG_DFL]
    over = threading.Event()
    if folder and mine:
        threading.Thread(target=_watch, args=(Path(folder) / "stop", over), daemon=True).start()
    for number in mine:
        signal.signal(number, stop)
    try:
        yield
    finally:
        over.set()
        for number in mine:
            signal.signal(number, before[number])


def leave_word(word: Word) -> None:
    """Tell the batch script, where there is one, how this task ends."""
    if folder := os.environ.get(JOB):
        with suppress(OSError):  # the folder is gone, or the disk full: nobody listens, and the error is told anyway
            (Path(folder) / word).touch()


def _watch(word: Path, over: threading.Event) -> None:
    """Turn the file into a signal to this process."""
    while not over.wait(SECONDS):
        if word.exists():
            os.kill(os.getpid(), signal.SIGUSR1)
            return
