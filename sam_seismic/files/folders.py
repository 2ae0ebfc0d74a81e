"""A path comes in; a folder is created, refused if it is not empty, or its nearest existing parent is found."""

from pathlib import Path

from sam_seismic.errors import UserError


def check_new_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that cannot hold new results. Nothing is created.

    Raises:
        UserError: it is a file, or holds files and `overwrite` is not given.
    """
    if folder.is_file():
        raise UserError(problem=f"{folder}: is a file", fix="give a folder as --output")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
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


def nearest_existing(path: Path) -> Path:
    """The path or its nearest existing parent, whose disk and permissions apply if the path is created."""
    return next(each for each in (path, *path.absolute().parents) if each.exists())
