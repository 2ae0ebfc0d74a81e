"""Worker processes that read sections: how they start, which signals they heed, and how they end."""

import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing import forkserver, queues
from multiprocessing.process import BaseProcess

from torch._C import _remove_worker_pids

from sam_seismic.signals import STOP_SIGNALS

_PRELOADED = "sam_seismic.data.loader"
"""Imported once, by the process that workers are forked from."""


def exit_code(worker: BaseProcess) -> int:
    """The exit code of a worker that has ended or does so now, negative for a signal; 0 while it lives."""
    worker.join(timeout=1)
    return worker.exitcode or 0


def start_fork_server() -> None:
    """Start the process that workers are forked from, unless it runs; it ignores the stop signals."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([_PRELOADED])
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, signal.SIG_IGN) for number in STOP_SIGNALS}
    try:
        forkserver.ensure_running()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_room(workers: int) -> None:
    """Make and drop what PyTorch needs to talk with its workers; it prints a traceback where it is the first to fail.

    Raises:
        OSError: there is no room for it in shared memory, or too few descriptors are left.
    """
    context = multiprocessing.get_context("forkserver")
    context.Event()
    made = [context.Queue() for _ in range(workers + 1)]
    for each in made:
        each.close()


def prepare_worker(main_pid: int, worker: int) -> None:
    """In a worker process: handle signals, and end it where it cannot hand over a batch.

    Threads of Python hand batches over. If one fails, they print a traceback, and the training waits forever.
    """
    _handle_worker_signals(main_pid, worker)
    queues.Queue._on_queue_feeder_error = staticmethod(  # type: ignore[attr-defined]
        lambda error, _batch: _end_worker(error)
    )
    sys.excepthook = lambda _kind, error, _at: _end_worker(error)


def _end_worker(error: BaseException) -> None:
    """End this process; its exit code is the number of the system's error, which the main process tells."""
    number = getattr(error, "errno", None)
    os._exit(number if isinstance(number, int) and 1 < number < 128 else 1)


def _handle_worker_signals(main_pid: int, _worker: int) -> None:
    """In a worker process: ignore stop signals, so that the main process can finish its step and then end the worker.

    Args:
        main_pid: the main process, whose SIGTERM ends the worker.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN if number != signal.SIGTERM else signal.SIG_DFL)
    if not hasattr(signal, "sigwaitinfo"):  # macOS, which has no Slurm that sends SIGTERM to all processes
        return
    # Only sigwaitinfo tells which process sent a signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])

    def exit_on_sigterm() -> None:
        while signal.sigwaitinfo([signal.SIGTERM]).si_pid != main_pid:
            pass
        os._exit(0)

    threading.Thread(target=exit_on_sigterm, daemon=True).start()


def kill_workers(batches: object) -> None:
    """End the workers of a loader's iterator without waiting for what they read, which may never come.

    Args:
        batches: the iterator of PyTorch.
    """
    workers: list[BaseProcess] = getattr(batches, "_workers", [])
    # PyTorch's handler of SIGCHLD would raise an error in the middle of what the main thread does next.
    _remove_worker_pids(id(batches))
    setattr(batches, "_worker_pids_set", False)  # noqa: B010  # so that PyTorch does not remove them again
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.join(timeout=1)  # a read from a dead file server can outlast even a kill
