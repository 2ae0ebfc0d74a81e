"""The path of a text file comes in; its text goes out, whatever program and system wrote it."""

import codecs
from pathlib import Path

from sam_seismic.errors import SurveyError

_HEAD = 4096
"""Bytes by which text is told from other content."""
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_END_OF_FILE = "\x1a"
"""Ctrl-Z, which programs of DOS put behind the last line."""


def read_text(path: Path, what: str) -> str:
    """The text of a file, with `\\n` at the end of each line.

    UTF-8 and UTF-16 are told by their content; what is neither is read as Windows-1252, which differs from the other
    8-bit encodings in letters of names only.

    Args:
        path: of the file.
        what: it should hold, for messages: `horizon`.

    Raises:
        SurveyError: there is no such file, or it is no text.
    """
    if not path.is_file():
        raise SurveyError(problem=f"{path}: there is no such {what} file", fix="check the path")
    if not is_text(path):
        raise SurveyError(
            problem=f"{path}: is no text: a {what} is read from a text file", fix=f"export the {what} as ASCII"
        )
    return _decoded(path.read_bytes()).replace("\r\n", "\n").replace("\r", "\n").rstrip(_END_OF_FILE)


def is_text(path: Path) -> bool:
    """Whether a file is a text, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return head.startswith(_MARKS) or b"\0" not in head


def _decoded(raw: bytes) -> str:
    if raw.startswith(_MARKS):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
