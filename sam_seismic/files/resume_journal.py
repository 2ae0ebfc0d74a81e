"""Finished steps of a long job come in and are recorded beside its output, so that a killed job can be resumed."""

import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sam_seismic.errors import SurveyError
from sam_seismic.files.locks import open_locked
from sam_seismic.files.unfinished import Start, Unfinished, remove_hidden

SECONDS = 2.0
"""Smallest time between two records, since each waits for the disk; a killed job loses at most this work."""


class Journal:
    """The record of the steps that a job has finished, as a context manager around its results.

    The first line of the file describes the job. Each later line is the number of steps finished by then, written after
    their samples were on the disk. The file is locked while the job runs. It is removed at the end of the block, unless
    the job is interrupted after steps that were recorded.

    Entering decides whether the results are created or resumed, and changes nothing. `claim` then removes what an
    earlier run left, unless this one resumes it. Between the two, the job can be refused without loss.

    Args:
        outputs: all results of the job; the journal lies beside the first one.
        job: what the job depends on, as plain data; a resumed job must have the same.
        steps: number of all steps.
        resume: continue the unfinished results of an earlier run, if there are any.
        overwrite: remove the unfinished results of an earlier run, and replace older results; a resumed job also may
            if the earlier run was allowed to.

    Raises:
        SurveyError: (on entering) an earlier run left unfinished results and neither `resume` nor `overwrite` is given,
            they are those of another job, or another process is writing them.
    """

    def __init__(
        self,
        outputs: Sequence[Path],
        job: Mapping[str, Any],
        *,
        steps: int,
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        self.output = outputs[0]
        self.path = self.output.with_name(f".{self.output.name}.journal")
        self.steps = steps
        self.finished = 0
        """Steps finished so far, by this run and those before it."""
        self.start = Start(secrets.token_hex(4))
        """How to open the results of the job."""
        self.overwrite = overwrite
        """Whether results of the job may replace older ones."""
        plain = {**job, "steps": steps, "outputs": [str(path.resolve()) for path in outputs]}
        self._job = json.loads(json.dumps(plain))  # as JSON returns it
        self._earlier: dict[str, Any] | None = None  # first line of the journal of an earlier run
        self._resume = resume
        self._claimed = False
        self._descriptor = -1
        self._new_folders: list[Path] = []
        self._recorded_at = time.monotonic()

    def __enter__(self) -> Self:
        parents = self.path.parents
        self._new_folders = [folder for folder in parents if not folder.exists()]  # the innermost first
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._open()
            self._begin()
        except BaseException:
            self._close(keep=True)
            raise
        return self

    def claim(self) -> None:
        """Begin the job: continue the journal of an earlier run if this one resumes it, else remove its results."""
        self._claimed = True
        if self.start.resumed:
            return
        if self._earlier is not None:
            remove_hidden({Path(output).parent for output in self._earlier["outputs"]}, str(self._earlier["token"]))
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        head = {**self._job, "token": self.start.token, "overwrite": self.overwrite}
        os.write(self._descriptor, f"{json.dumps(head)}\n".encode())

    def advance(self, finished: int, files: Sequence[Unfinished]) -> None:
        """Record that steps are finished, once their samples are on the disk; at most every SECONDS.

        Args:
            finished: steps, counted from the beginning of the job.
            files: all that the job fills.
        """
        if finished == self.steps or time.monotonic() - self._recorded_at >= SECONDS:
            self._record(finished, files)

    def catch_up(self, finished: int, files: Sequence[Unfinished]) -> None:
        """Record the steps finished since the last record, because the job is being interrupted."""
        if self.finished < finished and self.finished:
            self._record(finished, files)

    def _record(self, finished: int, files: Sequence[Unfinished]) -> None:
        assert self._claimed, "a job is claimed before it begins"
        for file in files:
            file.sync()
            file.keep = True
        os.write(self._descriptor, f"{finished}\n".encode())
        os.fsync(self._descriptor)
        self.finished, self._recorded_at = finished, time.monotonic()

    @property
    def complete(self) -> bool:
        """Whether an earlier run finished all steps, and was killed before all its files had their final names."""
        return self.start.resumed and self.finished == self.steps

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        keep = error is not None and (self.finished > 0 if self._claimed else self._earlier is not None)
        if error is not None and self.finished:
            error.add_note(
                f"{self.finished} of {self.steps} steps are finished and kept: --resume goes on with them, --overwrite "
                "starts anew"
            )
        if self._claimed and not keep:  # a replaced folder may remain from a run that was killed
            remove_hidden({Path(output).parent for output in self._job["outputs"]}, self.start.mark)
        self._close(keep=keep)

    def _open(self) -> None:
        """Open and lock the journal."""
        try:
            descriptor = open_locked(self.path)
        except OSError as error:
            raise type(error)(error.errno, error.strerror, str(self.output)) from error
        if descriptor is None:
            raise SurveyError(
                problem=f"{self.output}: another process is writing it", fix="wait for it, or write elsewhere"
            )
        self._descriptor = descriptor

    def _begin(self) -> None:
        text = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        # A last line without a line break was being written when the run was killed.
        complete = text[: text.rfind(b"\n") + 1]
        lines = complete.decode(errors="replace").splitlines() or [""]
        self._earlier = _read_head(lines[0])
        finished = [int(line) for line in lines[1:] if line.isdigit()]
        if self._earlier is None or not finished:
            self._refuse_finished()
        elif self._resume:
            self._check_same(self._earlier)
            self.finished, self.start = finished[-1], Start(str(self._earlier["token"]), resumed=True)
            self.overwrite = self.overwrite or bool(self._earlier.get("overwrite"))
            os.ftruncate(self._descriptor, len(complete))
            os.lseek(self._descriptor, 0, os.SEEK_END)
        elif not self.overwrite:
            raise SurveyError(
                problem=f"{self.output}: an earlier run finished {finished[-1]} of {self._earlier.get('steps')} steps "
                "of it",
                fix="add --resume to go on with them, or --overwrite to start anew",
            )

    def _refuse_finished(self) -> None:
        """Refuse to resume if the output is finished and there is no unfinished result."""
        if self._resume and not self.overwrite and self.output.exists():
            raise SurveyError(
                problem=f"{self.output}: exists already, and there is no unfinished result beside it to resume",
                fix="use it as it is, or make it anew: --overwrite in place of --resume",
            )

    def _close(self, *, keep: bool) -> None:
        """Close the journal; remove it unless unfinished results remain, and remove new folders that are empty."""
        if self._descriptor >= 0:
            if not (keep and (self._earlier is not None or self.finished)):
                self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1
        for folder in self._new_folders:
            with suppress(OSError):  # it is not empty
                folder.rmdir()

    def _check_same(self, job: Mapping[str, Any]) -> None:
        names = {*job, *self._job} - {"token", "overwrite"}
        other = [name for name in sorted(names) if job.get(name) != self._job.get(name)]
        if other:
            raise SurveyError(
                problem=f"{self.output}: the work of an earlier run cannot be resumed, these have changed: "
                f"{', '.join(other)}",
                fix="give the same ones again, or start anew: --overwrite in place of --resume",
            )


def _read_head(line: str) -> dict[str, Any] | None:
    """The first line of a journal; None if the run was killed while writing it."""
    try:
        plain = json.loads(line)
    except ValueError:
        return None
    return plain if isinstance(plain, dict) and {"token", "outputs"} <= plain.keys() else None
