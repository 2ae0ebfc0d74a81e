"""A horizon file comes in, its picks go out, whatever the format; a surface goes in, a file of a format comes out.

`HORIZON_FORMATS` is the only list of horizon formats: a new one is a file beside the others and one entry here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sam_seismic.config.choices import HorizonFormatName
from sam_seismic.errors import SurveyError
from sam_seismic.survey.labels.horizon_files.columns import read_columns, recognises_columns
from sam_seismic.survey.labels.horizon_files.dug import LINES, PLACES, read_dug, recognises_dug, write_dug
from sam_seismic.survey.labels.horizon_files.iesx import read_iesx, recognises_iesx, write_iesx
from sam_seismic.survey.labels.horizon_files.irap_grid import (
    frame_of,
    read_irap_grid,
    recognises_irap_grid,
    write_irap_grid,
)
from sam_seismic.survey.labels.horizon_files.irap_points import (
    read_irap_points,
    recognises_irap_points,
    write_irap_points,
)
from sam_seismic.survey.labels.horizon_files.opendtect import read_opendtect, recognises_opendtect, write_opendtect
from sam_seismic.survey.labels.horizon_files.own_csv import read_csv, recognises_csv
from sam_seismic.survey.labels.horizon_files.picks import PickOptions, Picks, Top, need_places, places_of
from sam_seismic.survey.labels.horizon_files.text import read_text

__all__ = [
    "HORIZON_FORMATS",
    "HorizonFormat",
    "PickOptions",
    "Picks",
    "Top",
    "format_of_file",
    "places_of",
    "read_horizons",
    "writable_as",
]


@dataclass(frozen=True)
class HorizonFormat:
    """One way of storing horizons as text.

    Args:
        title: as messages call it.
        recognises: whether a file is of it, by its path and its text.
        read: the surfaces of a file.
        write: writes one surface; None where the format is only read, or holds all surfaces in one table.
        endings: of files that are written.
        check: raises where a surface of a survey cannot be written so.
        declares: whether the columns can be declared.
    """

    title: str
    recognises: Callable[[Path, str], bool]
    read: Callable[[Path, str, PickOptions], list[Picks]]
    write: Callable[[Top, IO[str], Path], None] | None = None
    endings: tuple[str, ...] = ()
    check: Callable[[Top, Path], object] = need_places
    declares: bool = False


def _check_dug(top: Top, path: Path) -> None:
    if path.suffix.lower() in PLACES:
        need_places(top, path)


_TEXT = (".dat", ".txt", ".asc")
HORIZON_FORMATS: dict[HorizonFormatName, HorizonFormat] = {
    "csv": HorizonFormat("the CSV of predict", recognises_csv, read_csv, endings=(".csv",)),
    "opendtect": HorizonFormat("OpendTect ASCII", recognises_opendtect, read_opendtect, write_opendtect, _TEXT),
    "iesx": HorizonFormat("IESX 3d_ci7m", recognises_iesx, read_iesx, write_iesx, (*_TEXT, ".iesx")),
    "dug": HorizonFormat("DUG", recognises_dug, read_dug, write_dug, (*LINES, *PLACES), _check_dug, declares=True),
    "irap-grid": HorizonFormat(
        "IRAP classic grid",
        recognises_irap_grid,
        read_irap_grid,
        write_irap_grid,
        (".irap", ".grd", ".gri", *_TEXT),
        frame_of,
    ),
    "irap-points": HorizonFormat(
        "IRAP classic points",
        recognises_irap_points,
        read_irap_points,
        write_irap_points,
        (".irap", ".poi", ".xyz", *_TEXT),
        declares=True,
    ),
    "columns": HorizonFormat("columns", recognises_columns, read_columns, declares=True),
}
"""All horizon formats, by the word that chooses them; a file is of the first one that recognises it."""


def read_horizons(path: Path, options: PickOptions, *, format: HorizonFormatName | None = None) -> list[Picks]:
    """The surfaces of a horizon file.

    Args:
        path: the file.
        options: facts of it that the user declares.
        format: of the file; None: found out, or columns where these are declared.

    Raises:
        SurveyError: it cannot be read, is of no known format, or holds no pick.
    """
    found = HORIZON_FORMATS[format_of_file(path, options, format=format)]
    if options.columns and not found.declares:
        raise SurveyError(
            problem=f"{path}: --columns cannot apply to {found.title}, which has columns of its own",
            fix="leave --columns out, or name --horizon-format columns",
        )
    text = read_text(path, "horizon")
    surfaces = [picks for picks in found.read(path, text, options) if len(picks.times)]
    if not surfaces:
        raise SurveyError(problem=f"{path}: holds no pick, only null values", fix="check what was exported")
    return surfaces


def format_of_file(path: Path, options: PickOptions, *, format: HorizonFormatName | None = None) -> HorizonFormatName:
    """The format of a horizon file: the first one that recognises it; columns where none does.

    Args:
        path: the file.
        options: facts of it that the user declares; declared columns leave only formats that have some.
        format: as the user names it; None: found out.

    Raises:
        SurveyError: there is no such file, or it is no text.
    """
    if format is not None:
        return format
    text = read_text(path, "horizon")
    words = [
        word
        for word, each in HORIZON_FORMATS.items()
        if (each.declares or not options.columns) and each.recognises(path, text)
    ]
    return words[0] if words else "columns"


def writable_as(path: Path, format: HorizonFormatName | None) -> HorizonFormatName:
    """The format in which horizons are written under a name.

    Args:
        path: of the output.
        format: as the user names it; None: by the ending, which only .csv and those of DUG determine.

    Raises:
        SurveyError: the ending determines no format, or is none of the named one.
    """
    ending = path.suffix.lower()
    if format is None:
        format = "csv" if ending == ".csv" else "dug" if ending in (*LINES, ".xyt") else None
    if format is None:
        raise SurveyError(
            problem=f"{path}: horizons are written as CSV unless another format is named",
            fix="end the name in .csv, or name a format: --horizon-format opendtect",
        )
    endings = HORIZON_FORMATS[format].endings
    if ending not in endings:
        raise SurveyError(
            problem=f"{path}: horizons of --horizon-format {format} end in {', '.join(endings)}",
            fix=f"name it {path.with_suffix(endings[0])}",
        )
    return format
