"""IRAP classic points: X, Y and Z a row, closed by a row of 999.0.

Source: the layout that xtgeo reads and writes as `irap ascii` points (equinor/xtgeo); the closing row is RMS's own. Z
has no unit, and points down or, in RMS, often up as negative numbers.
"""

from pathlib import Path
from typing import IO

from sam_seismic.survey.labels.horizon_files.columns import read_columns
from sam_seismic.survey.labels.horizon_files.picks import PickOptions, Picks, Top, need_places
from sam_seismic.survey.labels.horizon_files.table import number_of

_END = "999.0 999.0 999.0"
_COLUMNS = ("x", "y", "time")


def recognises_irap_points(_: Path, text: str) -> bool:
    """Whether a file ends in the closing row."""
    last = text.rstrip().rsplit("\n", 1)[-1].split()
    return len(last) == 3 and _closes(last)


def read_irap_points(path: Path, text: str, options: PickOptions) -> list[Picks]:
    """The points of a file as one surface.

    Raises:
        SurveyError: a cell is no number.
    """
    lines = text.rstrip().split("\n")
    if _closes(lines[-1].split()):
        lines = lines[:-1]
    text = "\n".join(lines)
    return read_columns(path, text, PickOptions(options.columns or _COLUMNS, options.null))


def write_irap_points(top: Top, file: IO[str], path: Path) -> None:
    """Write a surface; Z in ms, down.

    Raises:
        SurveyError: the survey has no coordinates.
    """
    need_places(top, path)
    picks = top.picks()
    assert picks.places is not None, "just checked"
    for (x, y), time in zip(picks.places.tolist(), picks.times.tolist(), strict=True):
        file.write(f"{x:.10g} {y:.10g} {time:.10g}\n")
    file.write(f"{_END}\n")


def _closes(cells: list[str]) -> bool:
    return [number_of(cell) for cell in cells[:3]] == [999.0] * 3
