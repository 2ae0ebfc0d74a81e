"""Offsets in an open file come in; all bytes there are read or written, or an error says where the file ends."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from sam_seismic.errors import SurveyError

ADVISED = 256 * 2**10
"""Largest request to read ahead, in bytes; by default the system ignores what exceeds it."""


def read_exactly(
    descriptor: int, buffer: memoryview, offset: int, *, path: Path, place: Callable[[int], str] | None = None
) -> None:
    """Fill a buffer with the bytes of a file from an offset on.

    Args:
        descriptor: of the open file; its position is neither used nor changed.
        buffer: bytes, uint8[byte].
        offset: byte in the file.
        path: of the file, for the error message.
        place: describes a byte, for example `in trace 7 of 9`, for the error message.

    Raises:
        SurveyError: the file ends before the buffer is full.
    """
    done = os.preadv(descriptor, [buffer], offset)
    while done < len(buffer):  # the system may read less than requested, at most 2 GB at a time
        count = os.preadv(descriptor, [buffer[done:]], offset + done)
        if count == 0:
            end = min(offset + done, os.fstat(descriptor).st_size)
            raise cut_off(path, end, None if place is None else place(end))
        done += count


def write_exactly(descriptor: int, buffer: memoryview, offset: int) -> None:
    """Write all bytes of a buffer, uint8[byte], to a file from an offset on; its position is not changed."""
    done = os.pwrite(descriptor, buffer, offset)
    while done < len(buffer):  # the system may write less than requested, at most 2 GB at a time
        done += os.pwrite(descriptor, buffer[done:], offset + done)


def read_ahead(descriptor: int, runs: Iterable[tuple[int, int]]) -> None:
    """Tell the system which runs of bytes are read next, so that it fetches several at a time; no effect on macOS.

    Args:
        descriptor: of the open file.
        runs: (offset, bytes) of each.
    """
    if not hasattr(os, "posix_fadvise"):  # macOS
        return
    advise, needed = os.posix_fadvise, os.POSIX_FADV_WILLNEED
    for begin, size in runs:
        if size <= ADVISED:  # nearly always; this loop is most of the cost of short runs
            advise(descriptor, begin, size, needed)
            continue
        for at in range(begin, begin + size, ADVISED):
            advise(descriptor, at, min(ADVISED, begin + size - at), needed)


def expect_order(descriptor: int, *, sequential: bool) -> None:
    """Tell the system whether a file is read from begin to end, or at random offsets."""
    if hasattr(os, "posix_fadvise"):  # macOS has none
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL if sequential else os.POSIX_FADV_RANDOM)


def cut_off(path: Path, end: int, place: str | None = None) -> SurveyError:
    """The error of a file that is shorter than it was when its layout was read.

    Args:
        path: the file.
        end: byte where it ends.
        place: description of that byte, for example `in trace 7 of 9`.
    """
    where = "" if place is None else f", {place}"
    return SurveyError(
        problem=f"{path}: ends at byte {end}{where}: it was cut since it was opened", fix="copy the file again"
    )
