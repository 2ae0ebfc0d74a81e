"""The folder of an output comes in; it is made, or refused where it holds files already."""

from pathlib import Path

from sam_seismic.errors import UserError


def new_folder(folder: Path, *, overwrite: bool) -> Path:
    """Make a folder for results; an existing one is used where it is empty, or with `overwrite`.

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
    folder.mkdir(parents=True, exist_ok=True)
    return folder
