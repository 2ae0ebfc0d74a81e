"""Content comes in; a file goes out that gets its name when it is complete, and is removed if writing fails."""

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path, *, sync: bool = False) -> Iterator[BinaryIO]:
    """A new file to write to; at the end of the block it gets the final name, and replaces a file of that name.

    Until then it has a unique hidden name in the same folder. Several processes may write one file at a time: the last
    one wins, and a reader finds the old content or the new one. After an error or an interrupt the hidden file is
    removed, and the exception is raised unchanged. Only a killed process leaves the file: see `remove_abandoned`.

    Args:
        path: the final name; the folder exists.
        sync: wait until the content is on the disk before the rename. Otherwise, after a crash of the machine, the file
            may be empty.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    file = part.open("xb")  # exclusive: does not follow an existing link of this name
    try:
        yield file
        if sync:
            file.flush()
            os.fsync(file.fileno())
        file.close()
        part.replace(path)
    except BaseException:
        # An error while cleaning up would hide the first one.
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            part.unlink()
        raise


def write_bytes(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Write a file as `whole_file` does."""
    with whole_file(path, sync=sync) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file, in UTF-8, as `whole_file` does."""
    write_bytes(path, text.encode())


def remove_abandoned(folder: Path, *, of: str | None = None, age_s: float = 0) -> None:
    """Remove the hidden files that killed processes left in a folder.

    Args:
        folder: where they are.
        of: the final name of the file whose hidden files are removed; None: those of all files.
        age_s: remove only files that were not changed for so many seconds; 0: no other process writes one.
    """
    name = None if of is None else re.compile(rf"\.{re.escape(of)}\.[0-9a-f]+\.part")
    for part in folder.glob("*.part"):
        if name is None or name.fullmatch(part.name):
            with suppress(FileNotFoundError):  # it was finished or removed just now
                if not age_s or time.time() - part.stat().st_mtime > age_s:
                    part.unlink()
