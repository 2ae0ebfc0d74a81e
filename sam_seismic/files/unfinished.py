"""Results that a job writes in steps under a hidden name; at the end each gets its final name or is removed."""

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from sam_seismic.errors import SurveyError


@dataclass(frozen=True)
class Start:
    """Whether a job creates or resumes its files, and whether they remain after an interrupt.

    Args:
        token: part of the hidden names of a resumable job, unique to it; None: the job cannot be resumed, and its files
            are removed after an interrupt.
        resumed: open the files of an earlier run; they remain after any error.
    """

    token: str | None = None
    resumed: bool = False

    ONCE: ClassVar["Start"]

    @property
    def mark(self) -> str:
        """The part of hidden names that is unique to this job or, if it cannot be resumed, to this process."""
        return str(os.getpid()) if self.token is None else self.token


Start.ONCE = Start()


class Unfinished(ABC):
    """A file (or folder) that a job writes in steps, as a context manager.

    It is written under a hidden name. At the end of the block it is published. After an error or an interrupt it is
    removed, or remains under its hidden name for a run that resumes.

    Args:
        temporary: the hidden name.
        start: whether it is created or resumed, and remains after an interrupt (see `files.resume_journal`).
    """

    def __init__(self, temporary: Path, *, start: Start) -> None:
        self.temporary = temporary
        self.start = start
        self.keep = start.resumed
        """Whether the temporary file remains after an interrupt, because some steps are recorded."""

    @abstractmethod
    def open(self) -> None:
        """Create the temporary file, at its full size."""

    @abstractmethod
    def reopen(self) -> None:
        """Open the temporary file of an earlier run.

        Raises:
            SurveyError: it is missing, or was changed since.
        """

    @abstractmethod
    def sync(self) -> None:
        """Wait until all written data are on the disk."""

    @abstractmethod
    def close(self) -> None:
        """Flush and close the temporary file; a second time does nothing."""

    @abstractmethod
    def publish(self) -> None:
        """Turn the closed temporary file into the result; called at the end of the job."""

    def __enter__(self) -> Self:
        self.temporary.parent.mkdir(parents=True, exist_ok=True)
        try:
            if self.start.resumed:
                self.reopen()
            else:
                remove(self.temporary)
                self.open()
        except BaseException:
            self._abort()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self._abort()
            return
        try:
            self.close()
            self.publish()
        except BaseException:
            self._abort()
            raise

    def _abort(self) -> None:
        """Close the temporary file, and remove it unless a later run may resume it.

        Errors are suppressed here: they would hide the first one.
        """
        try:
            with suppress(Exception):
                self.close()
        finally:
            if not self.keep:
                with suppress(OSError):
                    remove(self.temporary)


def remove(path: Path) -> None:
    """Remove a file, or a folder with its content, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse an output that cannot be written under its name, before any work is done.

    Raises:
        SurveyError: it exists and `overwrite` is not given, one of its parent folders is a file, or it has no name.
    """
    if path.name in ("", ".."):
        raise SurveyError(problem=f"{path}: names no file of its own", fix="end the path in a name, as facies.sgy")
    folder = next((parent for parent in path.parents if parent.exists()), path.parent)
    if folder.is_file():
        raise SurveyError(problem=f"{path}: cannot be written, {folder} is a file", fix="choose another folder")
    if path.is_dir() and path.suffix:
        raise SurveyError(problem=f"{path}: is a folder, where a file is to be written", fix="choose another name")
    if path.exists() and not overwrite:
        raise SurveyError(
            problem=f"{path}: exists already", fix="choose another name, or add --overwrite to replace it"
        )


def remove_hidden(folders: Iterable[Path], token: str) -> None:
    """Remove the hidden files of a job from the folders of its outputs."""
    for folder in folders:
        for path in folder.glob(f".*.{token}.part*"):
            remove(path)


def resume_error(temporary: Path) -> SurveyError:
    """The error of a resumed result whose unfinished file is missing or was changed."""
    return SurveyError(
        problem=f"{temporary}: the unfinished result is missing, or not as an earlier run left it",
        fix="start anew: --overwrite in place of --resume",
    )


def check_outputs_disjoint(paths: list[Path]) -> None:
    """Refuse outputs of one run that would overwrite each other.

    Raises:
        SurveyError: two are the same file, or one is a folder that holds another.
    """
    places = [path.resolve() for path in paths]
    for later, place in enumerate(places):
        for earlier, other in enumerate(places[:later]):
            if place == other or place in other.parents or other in place.parents:
                raise SurveyError(
                    problem=f"{paths[earlier]} and {paths[later]}: two outputs cannot be written to one place",
                    fix="choose another name for one of them",
                )
