"""A result on its way to disk: sections go in, and the finished file appears under its name only when all went well."""

import errno
import os
import shutil
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from sam_seismic.errors import SurveyError
from sam_seismic.survey.volume import Section

ZEROS = 1 << 20
"""Bytes written at a time where the system cannot reserve disk space."""


class Result(ABC):
    """A volume (or folder of sections) being written, as a context manager.

    Everything goes to a hidden temporary name beside the final one. Leaving the block renames it; leaving the block by
    an error or an interrupt removes it, so no half file is ever found under the final name.

    Args:
        path: the final name.
        dtype: type of the samples: int8 for classes, float32 for probabilities.
        overwrite: whether an existing file may be replaced.

    Raises:
        SurveyError: the path exists and may not be replaced, or its folder cannot be written to.
    """

    def __init__(self, path: Path, dtype: np.dtype[np.generic], *, overwrite: bool) -> None:
        check_output(path, overwrite=overwrite)
        self.path = path
        self.dtype = dtype
        self._overwrite = overwrite
        # The ending stays last: some writers judge the format by it.
        self.temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")

    @abstractmethod
    def open(self) -> None:
        """Create the temporary file, at its full size, with everything but the samples."""

    @abstractmethod
    def write(self, section: Section) -> None:
        """Write one whole section, [sample, trace]; values of dead traces are not used."""

    @abstractmethod
    def close(self) -> None:
        """Flush and close the temporary file."""

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.open()
        except BaseException:
            self._give_up()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self._give_up()
            return
        try:
            self.close()
            self._publish()
        except BaseException:
            self._give_up()
            raise

    def _publish(self) -> None:
        """Give the temporary file the final name."""
        if not (self._overwrite and self.temporary.is_dir() and self.path.is_dir()):
            self.temporary.replace(self.path)
            return
        # A folder cannot be renamed onto another: the old one steps aside and is removed last, when the new one stands.
        old = self.temporary.with_name(f"{self.temporary.name}.old")
        self.path.rename(old)
        try:
            self.temporary.rename(self.path)
        except BaseException:
            old.rename(self.path)
            raise
        _remove(old)

    def _give_up(self) -> None:
        """Leave nothing behind. What goes wrong here is not told: it would hide the error that led here."""
        try:
            with suppress(Exception):
                self.close()
        finally:
            with suppress(OSError):
                _remove(self.temporary)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse an output that cannot be written under its name, before any work is done for it.

    Raises:
        SurveyError: it exists, and `overwrite` is not given; a folder on the way to it is a file; or it has no name.
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


def check_outputs_apart(paths: list[Path]) -> None:
    """Refuse outputs of one run of which one would replace another.

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


def reserve(file: BinaryIO, size: int, *, what: str, fix: str) -> None:
    """Claim disk space behind the end of a new file, which reads as zeros, before the file is mapped into memory.

    Without it the file is sparse, and a disk that fills up later kills the process through the mapping (SIGBUS).

    Args:
        file: open for writing.
        size: bytes.
        what: needs them, for the message.
        fix: for the message.

    Raises:
        SurveyError: the disk, or the user's share of it, has no room for so much.
    """
    folder = Path(file.name).parent
    check_room(folder, size, what=what, fix=fix)
    try:
        _claim(file, size)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        left = _left(folder) if error.errno == errno.ENOSPC else str(error.strerror)
        raise _too_full(what, size, left, fix) from error


def check_room(folder: Path, size: int, *, what: str, fix: str) -> None:
    """Refuse to begin what the disk has no room for.

    Args:
        folder: where it will be written.
        size: bytes.
        what: needs them, for the message.
        fix: for the message.

    Raises:
        SurveyError: the disk has less.
    """
    if shutil.disk_usage(folder).free < size:
        raise _too_full(what, size, _left(folder), fix)


def _claim(file: BinaryIO, size: int) -> None:
    file.flush()
    start = file.tell()
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), start, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
        else:
            return
    # macOS has no such call, and some file systems refuse it.
    for begin in range(0, size, ZEROS):
        file.write(bytes(min(ZEROS, size - begin)))
    file.flush()


def _left(folder: Path) -> str:
    return f"the disk has {_in_words(shutil.disk_usage(folder).free)} left"


def _too_full(what: str, size: int, left: str, fix: str) -> SurveyError:
    return SurveyError(problem=f"{what} needs {_in_words(size)}, {left}", fix=fix)


def _in_words(size: int) -> str:
    """Bytes as `6.2 MB` or `1.4 GB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
