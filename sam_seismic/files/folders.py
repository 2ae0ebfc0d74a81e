"""A folder comes in; it is made, or refused if it holds something already, or the place to make it in is found."""

from pathlib import Path

from sam_seismic.errors import UserError


def check_new_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that cannot take new results. Nothing is made.

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
    """Make a folder for results.

    Raises:
        UserError: it is a file, or holds something and may not be reused.
    """
    check_new_folder(folder, overwrite=overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def nearest_existing(path: Path) -> Path:
    """The path itself, or the nearest one above it that exists: on its disk, with its permissions, it would be made."""
    return next(each for each in (path, *path.absolute().parents) if each.exists())
