"""What a long job has finished, in a small file beside its output: a job that was killed goes on where it stood."""

import errno
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sam_seismic.errors import SurveyError
from sam_seismic.survey.result import Start, Unfinished

SECONDS = 2.0
"""Waiting for the disk takes time: finished steps are put down no more often than this. Less is not worth keeping."""


class Journal:
    """The steps that a job has finished, as a context manager around its results.

    The file's first line holds what the job is; each line after it the number of steps finished by then, put down when
    their samples were on the disk. It is locked while the job runs, and removed when the block is left, unless the job
    is broken off when something is finished and worth keeping.

    Args:
        output: the (first) result of the job; the journal lies beside it.
        job: what the job depends on, as plain data; a resumed job must say the same.
        steps: how many there are.
        resume: go on with what an earlier run left, if it left anything.
        overwrite: whether what an earlier run left unfinished may be thrown away.

    Raises:
        SurveyError: (on entering) something unfinished is there, and neither may be resumed nor thrown away; it is of
            another job; or another process is at it.
    """

    def __init__(
        self, output: Path, job: Mapping[str, Any], *, steps: int, resume: bool = False, overwrite: bool = False
    ) -> None:
        self.output = output
        self.path = output.with_name(f".{output.name}.journal")
        self.steps = steps
        self.finished = 0
        """Steps finished so far, by this run and those before it."""
        self.start = Start.ANEW
        """How the results of the job are to be opened."""
        self._job = {**json.loads(json.dumps(job)), "steps": steps}  # as it will be read back
        self._resume, self._overwrite = resume, overwrite
        self._descriptor = -1
        self._noted = time.monotonic()

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            self._lock()
            self._begin()
        except BaseException:
            self._close()
            raise
        return self

    def advance(self, finished: int, files: Sequence[Unfinished]) -> None:
        """Put down that steps are finished, when their samples are on the disk.

        Args:
            finished: steps, counted from the beginning of the job.
            files: all that the job fills.
        """
        if finished == self.steps or time.monotonic() - self._noted >= SECONDS:
            self._put_down(finished, files)

    def catch_up(self, finished: int, files: Sequence[Unfinished]) -> None:
        """Put down what was finished since the last time, because the job is being interrupted."""
        if self.finished < finished and self.finished:
            self._put_down(finished, files)

    def _put_down(self, finished: int, files: Sequence[Unfinished]) -> None:
        for file in files:
            file.sync()
            file.keep = True
        os.write(self._descriptor, f"{finished}\n".encode())
        os.fsync(self._descriptor)
        self.finished, self._noted = finished, time.monotonic()

    @property
    def complete(self) -> bool:
        """Whether an earlier run finished all steps, and was killed before all its files had their final names."""
        return self.start is Start.RESUME and self.finished == self.steps

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None or not self.finished:
            self.path.unlink(missing_ok=True)
        else:
            error.add_note(
                f"{self.finished} of {self.steps} steps are finished and kept: --resume goes on with them, --overwrite "
                "starts anew"
            )
        self._close()

    def _begin(self) -> None:
        text = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        # What stands behind the last line break was being written when the run was killed.
        whole = text[: text.rfind(b"\n") + 1]
        lines = whole.decode(errors="replace").splitlines() or [""]
        job, finished = _read_plain(lines[0]), [int(line) for line in lines[1:] if line.isdigit()]
        if job is None or not finished:
            self._write_head()
        elif self._resume:
            self._check_same(job)
            self.finished, self.start = finished[-1], Start.RESUME
            os.ftruncate(self._descriptor, len(whole))
            os.lseek(self._descriptor, 0, os.SEEK_END)
        elif self._overwrite:
            self._write_head()
        else:
            raise SurveyError(
                problem=f"{self.output}: an earlier run finished {finished[-1]} of {job.get('steps')} steps of it",
                fix="add --resume to go on with them, or --overwrite to start anew",
            )

    def _write_head(self) -> None:
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{json.dumps(self._job)}\n".encode())

    def _check_same(self, job: Mapping[str, Any]) -> None:
        other = [name for name in sorted({*job, *self._job}) if job.get(name) != self._job.get(name)]
        if other:
            raise SurveyError(
                problem=f"{self.output}: what an earlier run finished cannot be gone on with, these have changed: "
                f"{', '.join(other)}",
                fix="give the same ones again, or start anew: --overwrite in place of --resume",
            )

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise SurveyError(
                    problem=f"{self.output}: another process is writing it", fix="wait for it, or write elsewhere"
                ) from error
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
                raise  # a file system without locks is no reason not to work

    def _close(self) -> None:
        os.close(self._descriptor)


def _read_plain(line: str) -> dict[str, Any] | None:
    """The job of a journal; None where the run was killed before it was written whole."""
    try:
        plain = json.loads(line)
    except ValueError:
        return None
    return plain if isinstance(plain, dict) else None


def stamp(path: Path) -> list[str | int]:
    """What tells that a file, or a folder of files, is the same as before: its place, size and time of change."""
    if not path.is_dir():
        status = path.stat()
        return [str(path.resolve()), status.st_size, status.st_mtime_ns]
    files = [f"{file.name} {(s := file.stat()).st_size} {s.st_mtime_ns}" for file in sorted(path.rglob("*"))]
    return [str(path.resolve()), hashlib.sha256("\n".join(files).encode()).hexdigest()]
