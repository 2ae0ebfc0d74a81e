"""IESX horizons (3d_ci7m), as GeoFrame and OpendTect write them: a card of fixed columns a pick.

Source: OpendTect, `src/uiEarthModel/uiexphorizon.cc` (initGF, writeGF). Line 1: `PROFILE `, the name at column 9 (17
characters), `TYPE 1  4`, a comment (45), `3d_ci7m.ifdf`, the unit of X and Y, ` ms`. Line 2: `SNAPPING PARAMETERS`.
Then X and Y (16 columns each), two integers (3 each), Z (9), crossline (10, 10 and 5), a value (14), ` I`, inline (7),
` XX`; `EOD` at the end. OpendTect repeats each pick in a line that begins with a tab, and puts `EOD` before every card.
"""

import re
from pathlib import Path
from typing import IO

import numpy as np

from sam_seismic.errors import SurveyError
from sam_seismic.survey.labels.horizon_files.picks import PickOptions, Picks, Top, placed_picks

_INLINE = re.compile(r" I\s*(-?\d+)")
_UNDEFINED = 3.4028235e38


def recognises_iesx(_: Path, text: str) -> bool:
    """Whether a file begins with a card PROFILE."""
    return text.startswith("PROFILE ")


def read_iesx(path: Path, text: str, options: PickOptions) -> list[Picks]:
    """The surfaces of a file, one a PROFILE; the times are in ms.

    Raises:
        SurveyError: it holds no card of a pick, or a card that is not understood.
    """
    surfaces: list[tuple[str, list[tuple[float, ...]]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        card = line.removeprefix("EOD")
        if card.startswith("PROFILE "):
            surfaces.append((card[8:25].strip(), []))
        elif card.strip() and not card.startswith(("\t", "SNAPPING")) and surfaces:
            surfaces[-1][1].append(_pick(path, number, card))
    found = []
    for name, rows in surfaces:
        values = np.array(rows, np.float64).reshape(-1, 5)  # [pick, (x, y, z, crossline, inline)]
        lines = values[:, [4, 3]]
        each = Picks(
            name or path.stem,
            path,
            values[:, 2],
            None if np.isnan(lines).all() else lines,
            values[:, :2],
            "ms",
        )
        found.append(each.with_picks_only(options.null))
    if not any(len(picks.times) for picks in found):
        raise SurveyError(problem=f"{path}: holds no pick", fix="check that this is an IESX horizon (3d_ci7m)")
    return found


def _pick(path: Path, number: int, card: str) -> tuple[float, ...]:
    """X, Y, Z, crossline and inline of a card; NaN for line numbers that it lacks, and for an undefined Z."""
    try:
        x, y = float(card[:16]), float(card[16:32])
        inline = float(match[1]) if (match := _INLINE.search(card, 60)) else float("nan")
        # An undefined Z, 3.4E+38 written out, is wider than its columns and moves all that follows.
        defined = "." in card[38:47]
        z = float(card[38:47]) if defined else _UNDEFINED
        crossline = float(card[47:57]) if defined and card[47:57].strip() else float("nan")
    except ValueError:
        raise SurveyError(
            problem=f"{path}: line {number} is no card of an IESX horizon: {card[:60].rstrip()}",
            fix="export it again as IESX (3d_ci7m), or name its columns: --horizon-format columns --columns x,y,time",
        ) from None
    return x, y, z, crossline, inline


def write_iesx(top: Top, file: IO[str], path: Path) -> None:
    """Write a surface; Z in ms.

    Raises:
        SurveyError: the survey has no coordinates.
    """
    picks = placed_picks(top, path)
    name = top.name.encode("ascii", "replace").decode()[:17]
    file.write(f"PROFILE {name:<17}TYPE 1  4 {'SAM-SEISMIC':<45}3d_ci7m.ifdf     m ms\n")
    file.write("SNAPPING PARAMETERS 5     0 1\n")
    for inline, crossline, x, y, time in picks:
        number = f"{crossline:10.2f}{crossline:10.2f}{crossline:5.0f}"
        file.write(f"{x:16.8E}{y:16.8E}{0:3d}{14:3d}{time:9.2f}{number}{0.0:14.7E} I{inline:7.0f} XX\n")
    file.write("EOD\n")
