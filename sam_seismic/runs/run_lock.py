"""A run folder comes in; while a training uses it, every other training is refused."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sam_seismic.errors import UserError
from sam_seismic.files.locks import open_locked, try_lock
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.slurm_job import SlurmJob
from sam_seismic.runs.status import RunStatus, read_status
from sam_seismic.runs.trainer import is_first_process


@contextmanager
def run_lock(folder: RunFolder) -> Iterator[None]:
    """Inside, this training alone uses the folder. The first process holds the lock for all processes of a training.

    The lock ends with the process, so a run that crashed can be resumed at once. Some network file systems do not share
    locks between machines; there, the status file tells that a training on another machine is alive.

    Raises:
        UserError: another training is using the folder.
    """
    if not is_first_process() or (folder.path.exists() and not folder.path.is_dir()):
        yield  # a file in place of the folder is refused later, with its own message
        return
    made = [path for path in (folder.path, *folder.path.parents) if not path.exists()]  # the innermost first
    folder.path.mkdir(parents=True, exist_ok=True)
    descriptor = open_locked(folder.lock)
    if descriptor is None:
        raise UserError(
            problem=f"{folder.path}: another training is using this folder{_who(read_status(folder.status))}",
            fix="wait until it has ended, stop it, or choose another --output",
        )
    try:
        _check_other_machines(folder)
        yield
    finally:
        folder.lock.unlink(missing_ok=True)  # before the lock is released, so that nobody else holds it
        os.close(descriptor)
        for path in made:
            with suppress(OSError):  # it holds a run
                path.rmdir()


def who_uses(folder: RunFolder) -> str | None:
    """The training that uses a folder now, in words; None where none does. Nothing is written."""
    status = read_status(folder.status)
    try:
        descriptor = os.open(folder.lock, os.O_RDWR)
    except OSError:  # there is no lock, or it is another user's
        held = False
    else:
        held = not try_lock(descriptor)
        os.close(descriptor)
    if held or (status is not None and _is_elsewhere(status) and status.silent(time.time()) is None):
        return f"another training is using this folder{_who(status)}"
    return None


def _is_elsewhere(status: RunStatus) -> bool:
    """Whether a run is, or was when it ended without notice, on another machine."""
    return status.host not in ("", socket.gethostname()) and status.active


def _check_other_machines(folder: RunFolder) -> None:
    """Refuse a folder whose run was alive on another machine a moment ago."""
    status, job = read_status(folder.status), SlurmJob.current()
    if status is None or not _is_elsewhere(status):
        return
    if job is not None and status.job == job.name:
        return  # Slurm ends a job before it starts it again
    now = time.time()
    if status.silent(now) is None:
        raise UserError(
            problem=f"{folder.path}: another training is using this folder{_who(status)}; it wrote its status "
            f"{max(now - status.noted, 0):.0f} s ago",
            fix="wait until it has ended, or choose another --output; if that machine has crashed, give the same "
            f"command again when the status is {status.longest_silence:.0f} s old",
        )


def _who(status: RunStatus | None) -> str:
    """Where the training runs, as far as its status file tells."""
    if status is None or not status.active:
        return ""
    job = f", job {status.job}" if status.job else ""
    return f" (process {status.process} on {status.host}{job})"
