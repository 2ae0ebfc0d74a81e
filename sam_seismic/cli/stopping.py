"""A stop signal, or the `stop` file of a batch script, comes in; the command ends, and a marker file tells how.

A batch script cannot rely on the exit status of `srun`: when one task of a job ends, Slurm kills the others. The script
therefore names a folder in the environment variable SAM_SEISMIC_JOB. It creates the file `stop` there to ask all tasks
to stop. Each task creates one of these files there when it ends:

- `stopped`: it was asked to stop, and a later run can go on from what it kept;
- `lost`: another task of the job had ended;
- `failed`: an error, which would come again;
- `done`: all work is finished, even if another task is killed afterwards.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from sam_seismic.signals import STOP_SIGNALS

EndOfTask = Literal["stopped", "lost", "failed", "done"]
"""How a task of a job ended; also the name of the marker file."""
JOB_FOLDER = "SAM_SEISMIC_JOB"
"""Environment variable that names the folder."""
POLL_SECONDS = 2.0
"""Seconds between two looks for the file `stop`."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside, every stop signal and the file `stop` raise KeyboardInterrupt, so that unfinished files are removed.

    A signal keeps its handler if the calling program has installed one, or ignores the signal.
    """
    stopped = False

    def stop(number: int, _: object) -> None:
        nonlocal stopped
        if not stopped:  # `timeout` sends the signal twice; the second must not interrupt the removal of files
            stopped = True
            raise KeyboardInterrupt(f"stopped by {signal.Signals(number).name}")

    folder = os.environ.get(JOB_FOLDER)
    # Python itself turns SIGINT into KeyboardInterrupt.
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS if number != signal.SIGINT}
    in_main_thread = threading.current_thread() is threading.main_thread()
    handled = [number for number, handler in before.items() if in_main_thread and handler is signal.SIG_DFL]
    over = threading.Event()
    if folder and handled:
        threading.Thread(target=_watch, args=(Path(folder) / "stop", over), daemon=True).start()
    for number in handled:
        signal.signal(number, stop)
    try:
        yield
    finally:
        over.set()
        for number in handled:
            signal.signal(number, before[number])


def report_end(end: EndOfTask) -> None:
    """Create the marker file that tells the batch script how this task ended; do nothing without a batch script."""
    if folder := os.environ.get(JOB_FOLDER):
        with suppress(OSError):  # the folder is gone, or the disk is full: the error itself is printed anyway
            (Path(folder) / end).touch()


def _watch(stop_file: Path, over: threading.Event) -> None:
    """Send this process SIGUSR1 when the file appears; end when `over` is set."""
    while not over.wait(POLL_SECONDS):
        if stop_file.exists():
            os.kill(os.getpid(), signal.SIGUSR1)
            return
