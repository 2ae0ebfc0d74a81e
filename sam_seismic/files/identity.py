"""A file or a folder of files comes in; data that change when it is changed, moved or replaced go out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class FileState:
    """Size and times of change of a file; a file whose content is changed has another state.

    Args:
        path: the file, as it was given.
        size: bytes.
        modified_ns: time of the last change of its content, ns since 1970. A program can set it back.
        changed_ns: time of the last change of content or metadata, ns since 1970. Only the system sets it.
    """

    path: Path
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """The state of a file now.

        Raises:
            OSError: its state cannot be read.
        """
        status = path.stat()
        return cls(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def file_states(path: Path) -> list[FileState]:
    """The state of a file, or of each file in a folder, see `files_in`.

    Raises:
        OSError: the path does not exist, or a file disappears meanwhile.
    """
    return [FileState.of(file) for file in (files_in(path) if path.is_dir() else [path])]


def files_in(folder: Path) -> list[Path]:
    """All files below a folder, sorted by path, without hidden ones except the metadata of Zarr (.zarray)."""
    files = {file.relative_to(folder): file for file in folder.rglob("*") if file.is_file()}
    hidden = {inside for inside in files for part in inside.parts if part[0] == "." and not part.startswith(".z")}
    return [files[inside] for inside in sorted(files.keys() - hidden, key=Path.as_posix)]


def stamp(path: Path, *, exclude: Sequence[Path] = ()) -> list[str | int]:
    """Plain data that stay the same while a file, or a folder of files, is neither moved nor changed.

    Args:
        path: the file or folder.
        exclude: files and folders inside the folder to ignore, such as results that are written into it.

    Raises:
        OSError: the path does not exist, or a file disappears meanwhile.
    """
    resolved = path.resolve()
    if not path.is_dir():
        state = FileState.of(resolved)
        return [str(resolved), state.size, state.modified_ns]
    excluded = {each.resolve() for each in exclude}
    states = [FileState.of(file) for file in files_in(resolved) if excluded.isdisjoint((file, *file.parents))]
    rows = [f"{state.path.relative_to(resolved)} {state.size} {state.modified_ns}" for state in states]
    return [str(resolved), hashlib.sha256("\n".join(rows).encode()).hexdigest()]
