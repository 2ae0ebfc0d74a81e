"""Content goes in; a file comes out that appears under its name when it is whole, and leaves nothing if it fails."""

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
    """A new file to write to; when the block ends it takes the final name, and replaces a file that has it.

    Until then it has a hidden name of its own in the same folder, so several processes may write one file at a time:
    the last one wins, and a reader finds the old content or the new one. After any error, an interrupt too, the hidden
    file is removed and the error goes on as it is. Only a process that is killed leaves it behind: `remove_abandoned`.

    Args:
        path: the final name; the folder exists.
        sync: wait until the content is on the disk before the rename. Otherwise a machine that crashes may leave the
            name without the content.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    file = part.open("xb")  # exclusive: a link that somebody planted under this name is not followed
    try:
        yield file
        if sync:
            file.flush()
            os.fsync(file.fileno())
        file.close()
        part.replace(path)
    except BaseException:
        # Errors of the cleaning up would hide the one that led here.
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
        of: the final name of the file whose parts are removed; None: those of all files.
        age_s: seconds without a change after which no living process can be writing one; 0: none is.
    """
    name = None if of is None else re.compile(rf"\.{re.escape(of)}\.[0-9a-f]+\.part")
    for part in folder.glob("*.part"):
        if name is None or name.fullmatch(part.name):
            with suppress(FileNotFoundError):  # it was finished or removed just now
                if not age_s or time.time() - part.stat().st_mtime > age_s:
                    part.unlink()
