"""Folders and small files that workflows write, so that nothing is lost and nothing is half-written."""

from pathlib import Path

from sam_seismic.errors import UserError


def new_folder(folder: Path, *, overwrite: bool) -> Path:
    """Make a folder for results.

    Raises:
        UserError: it is a file, or holds something and may not be reused.
    """
    if folder.is_file():
        raise UserError(problem=f"{folder}: is a file", fix="give a folder as --output")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise UserError(
            problem=f"{folder}: holds files already", fix="choose another --output, or add --overwrite to replace them"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_text(path: Path, text: str) -> None:
    """Write a text file so that a reader finds the old one or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
