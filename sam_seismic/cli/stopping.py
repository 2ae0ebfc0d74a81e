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
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Literal

from sam_seismic.signals import STOP_SIGNALS

EndOfTask = Literal["stopped", "lost", "failed", "done"]
"""How a task of a job ended; also the name of the marker file."""
JOB_FOLDER = "SAM_SEISMIC_JOB"
"""Environment variable that names the folder."""
POLL_SECONDS = 2.0
"""Seconds between two looks for the file `stop`."""
ONE_REQUEST_SECONDS = 1.0
"""Signals within so many seconds are one request: `timeout` and shells send theirs to a process and to its group."""
PATIENCE_SECONDS = 10.0
"""Time that a training has to end its step after a second Ctrl-C."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside, every stop signal and the file `stop` raise KeyboardInterrupt, so that unfinished files are removed.

    A second request ends the process at once: the first one may wait for a disk or file server that does not answer.
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
        with _ending_at_once(over) if handled else nullcontext():
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


@contextmanager
def _ending_at_once(over: threading.Event) -> Iterator[None]:
    """Inside, a thread ends the process at its second request to stop.

    The system tells the thread of each signal. Python's own handlers run between two steps of the main thread only,
    which may be inside a call that does not come back.

    Args:
        over: set when the command has ended.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    watching = threading.Thread(target=_count_requests, args=(read, over), name="second-signal", daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(before)
        os.close(write)
        watching.join()
        os.close(read)


def _count_requests(read: int, over: threading.Event) -> None:
    """Read the numbers of signals from a pipe; at the second request to stop, end the process."""
    first: float | None = None
    while numbers := os.read(read, 1):
        number, now = numbers[0], time.monotonic()
        if number not in STOP_SIGNALS:
            continue
        if first is None:
            first = now
        # SIGUSR1 comes besides SIGTERM, from the file `stop`.
        elif now - first >= ONE_REQUEST_SECONDS and number != signal.SIGUSR1:
            if _is_recorded(number) and (number == signal.SIGTERM or over.wait(PATIENCE_SECONDS)):
                continue
            name = signal.Signals(number).name
            os.write(2, f"error: ended at once by a second signal, {name}\n  fix: run the command again\n".encode())
            report_end("stopped")
            os._exit(2)


def _is_recorded(number: int) -> bool:
    """Whether a training is in its steps, and only records this signal until the step is done."""
    return getattr(signal.getsignal(number), "__name__", "") not in ("stop", "default_int_handler")


def end_child_processes() -> bool:
    """Kill what child processes are left after a stop; Python would wait for them, and they may hang in a read.

    Returns:
        Whether all of them have ended; a read from a dead file server can outlast even a kill.
    """
    if "multiprocessing" not in sys.modules:
        return True
    from multiprocessing import active_children  # noqa: PLC0415  # it was imported already

    left = active_children()
    for child in left:
        child.kill()
    for child in left:
        child.join(timeout=1)
    return not active_children()


def _watch(stop_file: Path, over: threading.Event) -> None:
    """Send this process SIGUSR1 when the file appears; end when `over` is set."""
    while not over.wait(POLL_SECONDS):
        if stop_file.exists():
            os.kill(os.getpid(), signal.SIGUSR1)
            return
