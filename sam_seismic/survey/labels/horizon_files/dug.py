"""DUG Insight's horizons: `.ilclt` and `.ilclz` hold inline, crossline and time or depth, `.xyt` X, Y and time.

Source: files that DUG Insight exports: three columns without a header, and an optional comment `#
vertical_dimension=time`. Times are in ms.
"""

from pathlib import Path
from typing import IO

from sam_seismic.survey.labels.horizon_files.columns import read_columns
from sam_seismic.survey.labels.horizon_files.picks import PickOptions, Picks, Top, need_places

LINES, PLACES = (".ilclt", ".ilclz"), (".xyt", ".xyz")
_DEPTH = (".ilclz", ".xyz")


def recognises_dug(path: Path, _: str) -> bool:
    """Whether the ending is one of DUG's."""
    return path.suffix.lower() in (*LINES, ".xyt")


def read_dug(path: Path, text: str, options: PickOptions) -> list[Picks]:
    """The surface of a file.

    Raises:
        SurveyError: a cell is no number.
    """
    by_lines = path.suffix.lower() not in PLACES
    columns = options.columns or (("il", "xl", "time") if by_lines else ("x", "y", "time"))
    return read_columns(path, text, PickOptions(columns, options.null))


def write_dug(top: Top, file: IO[str], path: Path) -> None:
    """Write a surface: line numbers, or X and Y, as the ending of the file says.

    Raises:
        SurveyError: X and Y are asked for, and the survey has no coordinates.
    """
    picks = top.picks()
    if path.suffix.lower() in PLACES:
        need_places(top, path)
    positions = picks.lines if path.suffix.lower() in LINES else picks.places
    assert positions is not None, "just checked"
    file.write(f"# vertical_dimension={'depth' if path.suffix.lower() in _DEPTH else 'time'}\n")
    for (one, other), time in zip(positions.tolist(), picks.times.tolist(), strict=True):
        file.write(f"{one:.10g} {other:.10g} {time:.10g}\n")
