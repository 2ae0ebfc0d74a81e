"""Bytes that are needed come in; room for them is reserved on the disk, or refused before any work is done."""

import errno
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from sam_seismic.errors import SurveyError
from sam_seismic.files.units import format_bytes

ZEROS = 1 << 20
"""Bytes written at a time where the system cannot reserve disk space."""


def reserve(file: BinaryIO, size: int, *, what: str, fix: str) -> None:
    """Extend a new file by `size` bytes of zeros that have their place on the disk.

    Without it the file would be sparse: a disk that fills up later breaks a long job off in the middle, and kills a
    process that has mapped the file (SIGBUS).

    Args:
        file: open for writing.
        size: bytes.
        what: names what needs the bytes, for the message.
        fix: for the message.

    Raises:
        SurveyError: the disk, or the user's quota, has less room.
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
    """Refuse a job whose output the disk has no room for.

    Args:
        folder: where the output will be written.
        size: bytes.
        what: names what needs the bytes, for the message.
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
    # macOS has no such call, and some file systems reject it.
    for begin in range(0, size, ZEROS):
        file.write(bytes(min(ZEROS, size - begin)))
    file.flush()


def _left(folder: Path) -> str:
    return f"the disk has {format_bytes(shutil.disk_usage(folder).free)} left"


def _too_full(what: str, size: int, left: str, fix: str) -> SurveyError:
    return SurveyError(problem=f"{what} needs {format_bytes(size)}, {left}", fix=fix)
