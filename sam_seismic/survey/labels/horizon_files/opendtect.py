"""OpendTect's ASCII horizons: tab-separated columns below a commented header.

Source: OpendTect, `src/uiEarthModel/uiexphorizon.cc`: the header `# "X"<tab>"Y"<tab>"Inline"<tab>"Crossline"<tab>"Z"`,
or one line a column (`# 1: X`), closed by `# - - -`; X and Y with 2 decimals; 1e30 where undefined. Its files do not
say the unit of Z. A file of several horizons has their names, in quotes, in a first column that the header does not
name.
"""

from pathlib import Path
from typing import IO

from sam_seismic.survey.labels.horizon_files.columns import read_columns
from sam_seismic.survey.labels.horizon_files.picks import PickOptions, Picks, Top, placed_picks

_HEADER = '# "X"\t"Y"\t"Inline"\t"Crossline"\t"Z"\n# - - - - - - - - - -\n'


def recognises_opendtect(_: Path, text: str) -> bool:
    """Whether a file begins with OpendTect's header."""
    head = "".join(line for line in text.splitlines()[:8] if line.startswith("#"))
    return "# - - -" in head and ('"Z"' in head or ": Z" in head)


def read_opendtect(path: Path, text: str, options: PickOptions) -> list[Picks]:
    """The surfaces of a file: one, or several by the names in the first column.

    Raises:
        SurveyError: a cell is no number.
    """
    return read_columns(path, text, options)


def write_opendtect(top: Top, file: IO[str], path: Path) -> None:
    """Write a surface; Z in ms.

    Raises:
        SurveyError: the survey has no coordinates.
    """
    picks = placed_picks(top, path)
    file.write(_HEADER)
    for inline, crossline, x, y, time in picks:
        file.write(f"{x:.2f}\t{y:.2f}\t{inline:.0f}\t{crossline:.0f}\t{time:.10g}\n")
