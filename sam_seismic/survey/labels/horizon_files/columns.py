"""A text file of columns comes in, declared or named in its header; the picks of its surfaces go out.

The columns are separated by blanks, tabs, commas or semicolons. There is no standard: this is how interpretation
programs export points (OpendTect, Petrel, Kingdom and others differ in names and order only).
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import TimeUnit
from sam_seismic.errors import SurveyError
from sam_seismic.survey.labels.horizon_files.picks import PickOptions, Picks

NAME_COLUMNS = "name what each column holds, e.g. --columns il,xl,time or --columns x,y,time (in the YAML: columns)"
_ALIASES = {
    "il": {"il", "inline", "iline", "inl", "inlineno", "inlinenumber", "inlinenum"},
    "xl": {"xl", "crossline", "xline", "crl", "xlineno", "crosslineno", "crosslinenumber", "crosslinenum", "trace"},
    "x": {"x", "easting", "cdpx", "utmx", "xcoord", "xcoordinate", "xutm"},
    "y": {"y", "northing", "cdpy", "utmy", "ycoord", "ycoordinate", "yutm"},
    "time": {"z", "t", "time", "twt", "twtt", "owt", "zvalue", "ztime"},
    "depth": {"depth", "tvd", "tvdss", "zdepth"},
    "name": {"name", "horizon", "surface", "horizonname"},
}
"""Names of columns by role, in lower case without blanks and marks."""
_UNITS: dict[str, TimeUnit] = {"ms": "ms", "msec": "ms", "s": "s", "sec": "s", "us": "us", "m": "ms", "ft": "ms"}
_UNIT = re.compile(r"[\s_]*[(\[]\s*(\w+)\s*[)\]]\s*$|[\s_]+(ms|msec|s|sec|us|m|ft)$", re.IGNORECASE)
_TOKEN = re.compile(r'"[^"]*"|\S+')
_NUMBERED = re.compile(r"\s*(\d+)\s*:\s*(.+)")
_COMMENTS = "#!@"
_EMPTY = {"", "-", "--", "----", "*", "n/a", "na", "null", "none", "nan", "undefined"}


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


@dataclass(frozen=True)
class Table:
    """The text of a file, taken apart.

    Args:
        path: of the file.
        heads: lines above the first row, without the marks of comments.
        numbers: of the lines of the rows, from 1.
        lines: the rows as text.
    """

    path: Path
    heads: tuple[str, ...]
    numbers: tuple[int, ...]
    lines: tuple[str, ...]

    @classmethod
    def of(cls, path: Path, text: str) -> "Table":
        """Take a text apart."""
        heads: list[str] = []
        numbers: list[int] = []
        lines: list[str] = []
        for number, line in enumerate(text.splitlines(), start=1):
            bare = line.strip()
            if not bare:
                continue
            if bare[0] in _COMMENTS:
                if not lines:
                    heads.append(bare.lstrip(_COMMENTS).strip())
            elif not lines and sum(map(_is_number, splitter(bare)(bare))) < 3:
                heads.append(bare)
            else:
                numbers.append(number)
                lines.append(bare)
        return cls(path, tuple(heads), tuple(numbers), tuple(lines))

    @cached_property
    def rows(self) -> tuple[tuple[int, list[str]], ...]:
        """Line number and cells of each row."""
        split = splitter(self.lines[0]) if self.lines else str.split
        return tuple((number, split(line)) for number, line in zip(self.numbers, self.lines, strict=True))


def _separator(line: str) -> str | None:
    """What separates the cells of lines like this one; None for blanks and tabs."""
    return next((mark for mark in ";," if mark in line), None)


def splitter(line: str) -> Callable[[str], list[str]]:
    """How lines like this one are cut into cells."""
    mark = _separator(line)
    if mark is not None:
        return lambda text: [cell.strip() for cell in next(csv.reader([text], delimiter=mark), [])]
    return lambda text: [cell.strip('"') for cell in _TOKEN.findall(text)]


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
        raise SurveyError(problem=f"{path}: holds no row of numbers", fix="check that this is a horizon file")
    columns = [Column(role) for role in options.columns] or named_columns(table)
    if columns is None:
        shown = " ".join(table.lines[0].split()[:8])
        raise SurveyError(
            problem=f"{path}: no header says what its columns hold: the first row is {shown}", fix=NAME_COLUMNS
        )
    return surfaces(table, columns, options)


def named_columns(table: Table) -> list[Column] | None:
    """The columns by the names in the lines above the rows; None where these name no position or no time."""
    first = splitter(table.lines[0])(table.lines[0])
    width = len(first)
    numbered = [match for head in table.heads if (match := _NUMBERED.match(head))]
    candidates = [[match[2].strip().strip('"') for match in numbered]] if numbered else []
    candidates += [splitter(head)(head) for head in reversed(table.heads)]
    for titles in candidates:
        columns = [_column(title) for title in titles]
        if not _complete([column.role for column in columns]):
            continue
        # OpendTect's export of several horizons has a first column of names, which its header leaves out.
        if len(columns) == width - 1 and not _is_number(first[0]):
            columns = [Column("name"), *columns]
        return columns
    return None


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
    values = {at: column_values(table, at) for at, role in enumerate(roles) if role in ("il", "xl", "x", "y")}
    times = column_values(table, time)
    found = {roles[at]: column for at, column in values.items()}
    names = _names(table, roles)
    picks = []
    for name, mask in names.items():
        pair = {key: _pair(found, key, mask) for key in (("il", "xl"), ("x", "y"))}
        each = Picks(name, table.path, times[mask], pair["il", "xl"], pair["x", "y"], columns[time].unit)
        picks.append(each.with_picks_only(options.null))
    return picks


def column_values(table: Table, at: int) -> NDArray[np.float64]:
    """A column of numbers: float64[row], NaN where a cell is empty.

    Raises:
        SurveyError: a cell is no number, or a row is too short.
    """
    first = table.lines[0]
    if '"' not in first:
        # Several times as fast; where a cell is empty or no number, the rows are taken one by one.
        with suppress(ValueError):
            mark = _separator(first)
            return np.loadtxt(table.lines, np.float64, comments=None, delimiter=mark, usecols=at, ndmin=1)
    return np.fromiter(_numbers(table, at), np.float64, len(table.rows))


def _numbers(table: Table, at: int) -> Iterator[float]:
    for number, cells in table.rows:
        text = cells[at] if at < len(cells) else None
        if text is None:
            raise SurveyError(
                problem=f"{table.path}: line {number} has {len(cells)} columns, where column {at + 1} is needed",
                fix=f"correct that line, or {NAME_COLUMNS}",
            )
        try:
            yield float(text)
        except ValueError:
            if text.lower() not in _EMPTY:
                raise SurveyError(
                    problem=f"{table.path}: line {number}, column {at + 1}: {text} is no number",
                    fix=f"correct that line, or {NAME_COLUMNS}",
                ) from None
            yield float("nan")


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


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
