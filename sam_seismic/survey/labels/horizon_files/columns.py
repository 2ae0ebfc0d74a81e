"""A text file of columns comes in, declared or named in its header; the picks of its surfaces go out.

The columns are separated by blanks, tabs, commas or semicolons. There is no standard: this is how interpretation
programs export points (OpendTect, Petrel, Kingdom and others differ in names and order only).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import TimeUnit
from sam_seismic.errors import SurveyError
from sam_seismic.survey.labels.horizon_files.picks import PickOptions, Picks
from sam_seismic.survey.labels.horizon_files.table import Table, is_number, number_of, splitter

NAME_COLUMNS = "name what each column holds, e.g. --columns il,xl,time or --columns x,y,time (in the YAML: columns)"
_ALIASES = {
    "il": {"il", "inline", "iline", "inl", "ilno", "inlineno", "inlinenumber", "inlinenum", "line", "lineno"},
    "xl": {"xl", "crossline", "xline", "crl", "xlno", "xlineno", "xlinenumber", "crosslineno", "crosslinenumber",
           "crosslinenum", "trace", "traceno"},
    "x": {"x", "easting", "cdpx", "utmx", "xcoord", "xcoordinate", "xutm"},
    "y": {"y", "northing", "cdpy", "utmy", "ycoord", "ycoordinate", "yutm"},
    "time": {"z", "t", "time", "twt", "twtt", "zvalue", "ztime", "timepick", "zeit", "temps", "tiempo", "tempo"},
    "depth": {"depth", "tvd", "tvdss", "zdepth"},
    "name": {"name", "horizon", "surface", "horizonname"},
}  # fmt: skip
"""Names of columns by role, in lower case without blanks and marks."""
_UNITS: dict[str, TimeUnit] = {
    "ms": "ms", "msec": "ms", "milliseconds": "ms", "s": "s", "sec": "s", "seconds": "s", "us": "us", "m": "ms",
    "meters": "ms", "metres": "ms", "ft": "ms", "feet": "ms",
}  # fmt: skip
"""Units by their names; for depths, `ms` is the unit of the volume."""
_UNIT = re.compile(rf"[\s_]*[(\[]\s*(\w+)\s*[)\]]\s*$|[\s_]+({'|'.join(_UNITS)})$", re.IGNORECASE)
_NUMBERED = re.compile(r"\s*(?:field\s*:\s*\d+\s+|\d+\s*:\s*)(.+)", re.IGNORECASE)
"""A line that names one column: `1: X` of OpendTect, `Field: 1 x` of EarthVision."""
_FIRST, _LAST = "BEGIN HEADER", "END HEADER"
"""Lines of Petrel between which each line names one column."""
_LARGEST_LINE = 1e5
"""Whole numbers below it may be line numbers, in the advice."""


@dataclass(frozen=True)
class Column:
    """A column of a file.

    Args:
        role: what it holds.
        title: its name in the header.
        unit: of a column of times, where the header says it.
    """

    role: str
    title: str = ""
    unit: TimeUnit | None = None


def recognises_columns(_: Path, text: str) -> bool:
    """Whether a header names the columns."""
    table = Table.of(Path(), text)
    return bool(table.lines) and named_columns(table) is not None


def read_columns(path: Path, text: str, options: PickOptions) -> list[Picks]:
    """The surfaces of a file of columns: one, or one for each value of a column of names.

    Raises:
        SurveyError: what the columns hold is neither declared nor named, or a cell is no number.
    """
    table = Table.of(path, text)
    if not table.lines:
        raise SurveyError(
            problem=f"{path}: holds no row of numbers; it begins with {(table.heads or ('nothing',))[0][:60]}",
            fix="check that this is a horizon file",
        )
    columns = [Column(role) for role in options.columns] or named_columns(table)
    if columns is None:
        raise _unnamed(table)
    return surfaces(table, columns, options)


def named_columns(table: Table) -> list[Column] | None:
    """The columns by the names in the lines above the rows; None where these name no position or no time."""
    width = len(table.first)
    for titles in _titles(table):
        columns = [_column(title) for title in titles]
        # OpendTect's export of several horizons has a first column of names, which its header leaves out.
        if len(columns) == width - 1 and not is_number(table.first[0]):
            columns = [Column("name"), *columns]
        columns = _with_numbers(columns, table)
        commas = table.lines[0].count(",") and len([cell for cell in table.first if cell]) > len(columns)
        if _complete([column.role for column in columns]) and not commas:
            return columns
    return None


def _with_numbers(columns: Sequence[Column], table: Table) -> list[Column]:
    """The columns, of which those that hold text in the first row can be names only."""
    cells = [*table.first, *[""] * len(columns)]
    return [
        replace(column, role="skip") if column.role != "name" and cell and not is_number(cell) else column
        for column, cell in zip(columns, cells, strict=False)
    ]


def _titles(table: Table) -> list[list[str]]:
    """What may be the names of the columns: from lines that name one each, then each line, the last one first."""
    found = []
    if numbered := [match for head in table.heads if (match := _NUMBERED.match(head))]:
        found.append([match[1].strip().strip('"') for match in numbered])
    if _FIRST in table.heads and _LAST in table.heads:
        # Attributes have their type before their name: FLOAT,Inline.
        named = table.heads[table.heads.index(_FIRST) + 1 : table.heads.index(_LAST)]
        found.append([head.rpartition(",")[2] for head in named])
    return found + [splitter(head)(head) for head in reversed(table.heads)]


def surfaces(table: Table, columns: Sequence[Column], options: PickOptions) -> list[Picks]:
    """The picks of a table, by the values of its column of names.

    Raises:
        SurveyError: there is no position or no time among the columns, or a cell is no number.
    """
    roles = [column.role for column in columns]
    if not _complete(roles):
        raise SurveyError(
            problem=f"{table.path}: the columns {', '.join(roles)} hold no {_lacking(roles)}", fix=NAME_COLUMNS
        )
    time = next(at for at, role in enumerate(roles) if role in ("time", "depth"))
    found = {role: table.column(at, NAME_COLUMNS) for at, role in enumerate(roles) if role in ("il", "xl", "x", "y")}
    times = table.column(time, NAME_COLUMNS)
    picks = []
    for name, mask in _names(table, roles).items():
        pair = {key: _pair(found, key, mask) for key in (("il", "xl"), ("x", "y"))}
        each = Picks(
            name,
            table.path,
            times[mask],
            pair["il", "xl"],
            pair["x", "y"],
            columns[time].unit,
            notes=_choice(columns, time),
            roles=tuple(roles),
        )
        picks.append(each.with_picks_only(options.null))
    return picks


def _choice(columns: Sequence[Column], time: int) -> tuple[str, ...]:
    """What is to be told of the column that is read as time."""
    others = [each.title for each in columns[time + 1 :] if each.role in ("time", "depth") and each.title]
    notes = [f"of {columns[time].title} and {', '.join(others)}, {columns[time].title} is read"] if others else []
    if columns[time].role == "depth":
        notes.append("its depths are taken in the unit of the volume, which must be a depth volume")
    return tuple(notes)


def _unnamed(table: Table) -> SurveyError:
    """The error of a table whose columns are not named in a way that is understood, with columns that may fit."""
    row = " ".join(table.lines[0].split()[:12])
    head = next((head for head in reversed(table.heads) if any(map(str.isalpha, head))), None)
    columns = [_column(title) for title in splitter(head)(head)] if head else []
    roles = [column.role for column in _with_numbers(columns, table)]
    told = (
        f"its header {head[:60]!r} names no {_lacking(roles) or 'column for each cell'}"
        if head
        else ("no header says what its columns hold")
    )
    likely = likely_columns(table.first)
    return SurveyError(
        problem=f"{table.path}: {told}; the first row is {row}",
        fix=f"name what each of its {len(table.first)} columns holds, perhaps --columns {likely} (in the YAML: columns)"
        if likely
        else NAME_COLUMNS,
    )


def likely_columns(cells: Sequence[str]) -> str:
    """Columns as they may be declared, from the size of the numbers in a row; empty where that does not show."""
    roles = ["skip"] * len(cells)
    values = [(at, value) for at, cell in enumerate(cells) if (value := number_of(cell)) is not None]
    large = [at for at, value in values if abs(value) >= _LARGEST_LINE]
    whole = [at for at, value in values if value.is_integer() and 0 <= value < _LARGEST_LINE]
    for pair, names in ((whole[:2], ("il", "xl")), (large[:2], ("x", "y"))):
        if len(pair) == 2:
            roles[pair[0]], roles[pair[1]] = names
    rest = [(at, value) for at, value in values if roles[at] == "skip"]
    if not rest or not {"il", "x"} & set(roles):
        return ""
    roles[next((at for at, value in rest if not value.is_integer()), rest[-1][0])] = "time"
    while roles[-1] == "skip":
        roles.pop()
    return ",".join(roles)


def _names(table: Table, roles: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """The rows of each surface: bool[row], by its name, in the order of their first rows."""
    if "name" not in roles:
        return {table.path.stem: np.ones(len(table.lines), np.bool_)}
    at = roles.index("name")
    given = [cells[at] if at < len(cells) else "" for _, cells in table.rows]
    index = {name: number for number, name in enumerate(dict.fromkeys(given))}
    numbers = np.array([index[name] for name in given])
    return {name: numbers == number for name, number in index.items()}


def _pair(
    found: Mapping[str, NDArray[np.float64]], keys: tuple[str, str], mask: NDArray[np.bool_]
) -> NDArray[np.float64] | None:
    if not set(keys) <= found.keys():
        return None
    pair = np.stack([found[key][mask] for key in keys], axis=1)  # [pick, 2]
    return pair if np.isfinite(pair).any() else None


def _column(title: str) -> Column:
    """What a column holds, by its name: `TWT (ms)` -> time, in ms."""
    match = _UNIT.search(title)
    bare = title[: match.start()] if match else title
    word = (match[1] or match[2]).lower() if match else ""
    plain = re.sub(r"[^a-z0-9]", "", bare.lower())
    role = next((role for role, names in _ALIASES.items() if plain in names), "skip")
    return Column(role, title, _UNITS.get(word) if role in ("time", "depth") else None)


def _complete(roles: Sequence[str]) -> bool:
    return not _lacking(roles)


def _lacking(roles: Sequence[str]) -> str:
    """What the columns lack, in words; empty where they have a position and a time."""
    if not {"time", "depth"} & set(roles):
        return "time or depth"
    return "" if {"il", "xl"} <= set(roles) or {"x", "y"} <= set(roles) else "il and xl, nor x and y"
