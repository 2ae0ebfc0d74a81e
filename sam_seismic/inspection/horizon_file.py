"""A horizon file comes in; its format, and the lines, times and null values of each horizon go out."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import TimeUnit
from sam_seismic.inspection.request import Inspection, InspectRequest
from sam_seismic.report.blocks import Columns, Facts
from sam_seismic.survey.formats import FORMATS
from sam_seismic.survey.labels.horizon_files import HORIZON_FORMATS, PickOptions, Picks, format_of_file, read_horizons
from sam_seismic.survey.labels.horizon_files.text import is_text

_LARGEST: tuple[tuple[TimeUnit, float], ...] = (("s", 20.0), ("ms", 20_000.0), ("us", np.inf))
"""Two-way times are smaller than these in each unit."""


def may_be_horizons(path: Path) -> bool:
    """Whether a file is a text, with an ending that no format of volumes has."""
    endings = {ending for each in FORMATS.values() for ending in each.suffixes}
    return path.suffix.lower() not in endings and path.is_file() and is_text(path)


def inspect_horizons(request: InspectRequest) -> Inspection:
    """Report what a horizon file contains.

    Raises:
        SurveyError: it is no horizon file, or what its columns hold is not known.
    """
    options = PickOptions(columns=request.columns)
    word = format_of_file(request.path, options, format=request.horizon_format)
    found = read_horizons(request.path, options, format=word)
    unit, upward = found[0].unit or _unit(found), _upward(found)
    notes = [f"{picks.name}: {note}" if len(found) > 1 else note for picks in found for note in picks.notes]
    facts = {
        "format": word,
        "columns": list(found[0].roles),
        "unit": unit,
        "unit_in_file": found[0].unit is not None,
        "upward": upward,
        "horizons": [_facts(picks) for picks in found],
        "warnings": notes,
    }
    told = "as the file says" if found[0].unit else "by the size of its times; a volume decides when labels are made"
    if next((role for role in found[0].roles if role in ("time", "depth")), "time") == "depth":
        unit_row = ("depths", "in the unit of the volume")
    else:
        unit_row = ("unit of time", f"{unit}, {told}")
    rows = [
        ("format", f"horizons: {HORIZON_FORMATS[word].title}"),
        *([("columns", ", ".join(found[0].roles))] if found[0].roles else []),
        ("positions", _positions(found[0])),
        unit_row,
        ("direction", "up: deeper is more negative" if upward else "down"),
    ]
    return Inspection(facts, [Facts(str(request.path), rows), _table(found)], tuple(notes))


def _facts(picks: Picks) -> dict[str, Any]:
    """What one horizon holds, for programs."""
    lines, places = picks.lines, picks.places
    return {
        "name": picks.name,
        "picks": len(picks.times),
        "no_pick": picks.nulls,
        "times": _ends(picks.times),
        "inlines": None if lines is None else _line_facts(lines[:, 0]),
        "crosslines": None if lines is None else _line_facts(lines[:, 1]),
        "x": None if places is None else _ends(places[:, 0]),
        "y": None if places is None else _ends(places[:, 1]),
    }


def _line_facts(numbers: NDArray[np.float64]) -> dict[str, float]:
    first, last = _ends(numbers)
    return {"first": first, "last": last, "lines": len(np.unique(numbers))}


def _table(found: list[Picks]) -> Columns:
    """A row for each horizon."""
    by_lines = found[0].lines is not None
    where = ("inlines", "crosslines") if by_lines else ("X", "Y")
    rows = []
    for picks in found:
        both = picks.lines if by_lines else picks.places
        assert both is not None, "picks have line numbers or coordinates"
        ranges = [_range(each, count=by_lines) for each in both.T]
        rows.append(
            (picks.name, f"{len(picks.times):,}", f"{picks.nulls:,}", *ranges, _range(picks.times, count=False))
        )
    return Columns("Horizons", ("horizon", "picks", "no pick", *where, "times"), rows)


def _positions(picks: Picks) -> str:
    known = [
        *(["inline and crossline"] if picks.lines is not None else []),
        *(["X and Y"] if picks.places is not None else []),
    ]
    return ", ".join(known) + (": the lines are used" if len(known) > 1 else "")


def _range(values: NDArray[np.float64], *, count: bool) -> str:
    """`100 to 110 (6)`, with the number of different values where it counts."""
    first, last = _ends(values)
    return f"{first:.10g} to {last:.10g}" + (f" ({len(np.unique(values))})" if count else "")


def _ends(values: NDArray[np.float64]) -> list[float]:
    known = values[np.isfinite(values)]
    return [float(known.min()), float(known.max())] if len(known) else [float("nan")] * 2


def _unit(found: list[Picks]) -> TimeUnit:
    """The unit by the size of the times."""
    largest = float(np.median(np.abs(np.concatenate([picks.times for picks in found]))))
    return next(unit for unit, limit in _LARGEST if largest < limit)


def _upward(found: list[Picks]) -> bool:
    """Whether most times are negative."""
    return bool(np.median(np.concatenate([picks.times for picks in found])) < 0)
