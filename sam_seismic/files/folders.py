"""A path comes in; a folder is created, refused if it is not empty, or its nearest existing parent is found."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sam_seismic.errors import UserError
from sam_seismic.files.locks import LOCK, open_locked


def check_new_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that cannot hold new results. Nothing is created.

    Raises:
        UserError: it is a file, or holds files and `overwrite` is not given.
    """
    if folder.is_file():
        raise UserError(problem=f"{folder}: is a file", fix="give a folder as --output")
    if folder.is_dir() and any(path.name != LOCK for path in folder.iterdir()) and not overwrite:
        raise UserError(
            problem=f"{folder}: holds files already",
            fix="choose another --output, or add --overwrite to replace earlier results in it",
        )


def new_folder(folder: Path, *, overwrite: bool) -> Path:
    """Create a folder for results.

    Raises:
        UserError: it is a file, or holds files and `overwrite` is not given.
    """
    check_new_folder(folder, overwrite=overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def folder_of_results(folder: Path | None, *, overwrite: bool) -> Iterator[None]:
    """Inside, this process alone writes its results to a folder, which is created.

    Args:
        folder: None: nothing is written.
        overwrite: the folder may hold earlier results.

    Raises:
        UserError: another process writes there, or as `new_folder`.
    """
    if folder is None:
        yield
        return
    if folder.is_file():
        check_new_folder(folder, overwrite=overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / LOCK
    descriptor = open_locked(lock)
    if descriptor is None:
        raise UserError(
            problem=f"{folder}: another command is writing to this folder",
            fix="wait until it has ended, or choose another --output",
        )
    try:
        check_new_folder(folder, overwrite=overwrite)
        yield
    finally:
        lock.unlink(missing_ok=True)  # before the lock is released, so that nobody else holds it
        os.close(descriptor)


def nearest_existing(path: Path) -> Path:
    """The path or its nearest existing parent, whose disk and permissions apply if the path is created."""
    # A path below a folder that may not be searched counts as missing: `Path.exists` would raise.
    return next(each for each in (path, *path.absolute().parents) if os.path.exists(each))  # noqa: PTH110


def is_writable(folder: Path) -> bool:
    """Whether this user can make files in a folder; it may still have to be made itself."""
    return os.access(nearest_existing(folder), os.W_OK | os.X_OK)


def is_utf8(path: Path) -> bool:
    """Whether the bytes of a path are UTF-8; those of an old disk may be in another encoding."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
