"""Bytes at places of an open file, to and from memory: all of them, or an error that says where the file ends."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from sam_seismic.errors import SurveyError

ADVISED = 256 * 2**10
"""Bytes of one request to read ahead: unless its limits were changed, the system takes no more at a time."""


def read_exactly(
    descriptor: int, buffer: memoryview, offset: int, *, path: Path, place: Callable[[int], str] | None = None
) -> None:
    """Fill a buffer with the bytes of a file from an offset on.

    Args:
        descriptor: of the open file; its own position is neither used nor moved.
        buffer: bytes, uint8[byte].
        offset: byte in the file.
        path: of the file, for the message.
        place: tells what should lie at a byte, as `in trace 7 of 9`, for the message.

    Raises:
        SurveyError: the file ends before the buffer is full.
    """
    done = os.preadv(descriptor, [buffer], offset)
    while done < len(buffer):  # the system may give less than it was asked for, at most 2 GB at a time
        count = os.preadv(descriptor, [buffer[done:]], offset + done)
        if count == 0:
            end = min(offset + done, os.fstat(descriptor).st_size)
            raise cut_off(path, end, None if place is None else place(end))
        done += count


def write_exactly(descriptor: int, buffer: memoryview, offset: int) -> None:
    """Write all bytes of a buffer, uint8[byte], to a file from an offset on; its own position is not moved."""
    done = os.pwrite(descriptor, buffer, offset)
    while done < len(buffer):  # the system may take less than it was given, at most 2 GB at a time
        done += os.pwrite(descriptor, buffer[done:], offset + done)


def read_ahead(descriptor: int, runs: Iterable[tuple[int, int]]) -> None:
    """Let the system fetch runs of bytes that are read next, several at a time; nothing happens where it cannot.

    Args:
        descriptor: of the open file.
        runs: (offset, bytes) of each.
    """
    if not hasattr(os, "posix_fadvise"):  # macOS
        return
    advise, needed = os.posix_fadvise, os.POSIX_FADV_WILLNEED
    for begin, size in runs:
        if size <= ADVISED:  # nearly always; these loops are what short runs cost
            advise(descriptor, begin, size, needed)
            continue
        for at in range(begin, begin + size, ADVISED):
            advise(descriptor, at, min(ADVISED, begin + size - at), needed)


def expect_order(descriptor: int, *, sequential: bool) -> None:
    """Tell the system whether a file is read from its begin to its end, or here and there."""
    if hasattr(os, "posix_fadvise"):  # macOS has none
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL if sequential else os.POSIX_FADV_RANDOM)


def cut_off(path: Path, end: int, place: str | None = None) -> SurveyError:
    """The error of a file that is shorter than it was when its layout was read.

    Args:
        path: the file.
        end: byte where it ends.
        place: what should lie there, as `in trace 7 of 9`.
    """
    where = "" if place is None else f", {place}"
    return SurveyError(
        problem=f"{path}: ends at byte {end}{where}: it was cut since it was opened", fix="copy the file again"
    )
