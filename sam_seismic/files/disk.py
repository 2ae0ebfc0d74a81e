"""A number of bytes comes in; disk space for them is reserved, or the job is refused before any work is done."""

import errno
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from sam_seismic.errors import SurveyError
from sam_seismic.files.units import format_bytes

ZEROS = 1 << 20
"""Bytes of zeros written at a time, if the system cannot reserve disk space."""
FILE_LIMIT = "ulimit -f unlimited"
"""Fix where a file is larger than the shell allows."""


def reserve(file: BinaryIO, size: int, *, what: str, fix: str) -> None:
    """Extend a new file by `size` bytes of zeros, and allocate disk space for them.

    Otherwise the file would be sparse: a disk that fills up later would stop a long job in the middle, and kill a
    process that has mapped the file (SIGBUS).

    Args:
        file: open for writing.
        size: bytes.
        what: what needs the bytes, for the error message.
        fix: for the error message.

    Raises:
        SurveyError: the disk, or the user's quota, has less space.
    """
    folder = Path(file.name).parent
    check_room(folder, size, what=what, fix=fix)
    try:
        _allocate(file, size)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        left = _free_space(folder) if error.errno == errno.ENOSPC else str(error.strerror)
        raise _too_full(what, size, left, or_limit(error, fix)) from error


def or_limit(error: BaseException, fix: str) -> str:
    """The fix for an error of writing: of a file that is larger than the shell allows, else the one that is given."""
    # HDF5 may raise a RuntimeError, whose text holds the number.
    limited = getattr(error, "errno", None) == errno.EFBIG or f"errno = {errno.EFBIG}," in str(error)
    return FILE_LIMIT if limited else fix


def check_room(folder: Path, size: int, *, what: str, fix: str) -> None:
    """Refuse a job if the disk has no space for its output.

    Args:
        folder: where the output will be written.
        size: bytes.
        what: what needs the bytes, for the error message.
        fix: for the error message.

    Raises:
        SurveyError: the disk has less space.
    """
    if shutil.disk_usage(folder).free < size:
        raise _too_full(what, size, _free_space(folder), fix)


def _allocate(file: BinaryIO, size: int) -> None:
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
    # macOS has no posix_fallocate, and some file systems reject it.
    for begin in range(0, size, ZEROS):
        file.write(bytes(min(ZEROS, size - begin)))
    file.flush()


def _free_space(folder: Path) -> str:
    return f"the disk has {format_bytes(shutil.disk_usage(folder).free)} left"


def _too_full(what: str, size: int, left: str, fix: str) -> SurveyError:
    return SurveyError(problem=f"{what} needs {format_bytes(size)}, {left}", fix=fix)
