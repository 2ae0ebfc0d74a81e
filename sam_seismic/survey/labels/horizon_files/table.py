"""The text of a file of columns comes in; the lines of its header, its rows and columns of numbers go out."""

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError

_COMMENT = re.compile(r"(?:[#!@%]|//|--)[#!@%/-]*\s*")
_TOKEN = re.compile(r'"[^"]*"|\S+')
_FORTRAN = re.compile(r"(?<=[\d.])[dD](?=[+-]?\d)")
"""The D of an exponent: 1.25D+03."""
_EMPTY = {"", "-", "--", "----", "*", "n/a", "na", "null", "none", "nan", "undefined"}
_FEWEST = 3
"""Numbers in a row: a position takes two, a time one."""


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
        for number, line in enumerate(text.split("\n"), start=1):
            bare = line.strip(" ")  # an empty cell may stand before or behind a tab
            if not bare.strip():
                continue
            if comment := _COMMENT.match(bare):
                if not lines:
                    heads.append(bare[comment.end() :].strip())
            elif not lines and sum(map(is_number, splitter(bare)(bare))) < _FEWEST:
                heads.append(bare.strip())
            else:
                numbers.append(number)
                lines.append(bare)
        return cls(path, tuple(heads), tuple(numbers), tuple(lines))

    @cached_property
    def first(self) -> list[str]:
        """The cells of the first row."""
        return splitter(self.lines[0])(self.lines[0])

    @cached_property
    def rows(self) -> tuple[tuple[int, list[str]], ...]:
        """Line number and cells of each row."""
        split = splitter(self.lines[0]) if self.lines else str.split
        return tuple((number, split(line)) for number, line in zip(self.numbers, self.lines, strict=True))

    def column(self, at: int, advice: str) -> NDArray[np.float64]:
        """A column of numbers: float64[row], NaN where a cell is empty.

        Args:
            at: its position, from 0.
            advice: how to say what the columns hold.

        Raises:
            SurveyError: a cell is no number, or a row is too short.
        """
        first = self.lines[0]
        if '"' not in first:
            # Several times as fast; where a cell is empty or no number, the rows are taken one by one.
            mark = _separator(first)
            lines = self.lines if mark == "," or "," not in first else [line.replace(",", ".") for line in self.lines]
            with suppress(ValueError):
                return np.loadtxt(lines, np.float64, comments=None, delimiter=mark, usecols=at, ndmin=1)
        return np.fromiter(self._numbers(at, advice), np.float64, len(self.rows))

    def _numbers(self, at: int, advice: str) -> Iterator[float]:
        tabs = _separator(self.lines[0]) == "\t"
        for number, cells in self.rows:
            if at >= len(cells) and not tabs:
                raise SurveyError(
                    problem=f"{self.path}: line {number} has {len(cells)} columns, where column {at + 1} is needed",
                    fix=f"correct that line, or {advice}",
                )
            text = cells[at] if at < len(cells) else ""
            if (value := number_of(text)) is not None:
                yield value
            elif text.lower() in _EMPTY:
                yield float("nan")
            else:
                raise SurveyError(
                    problem=f"{self.path}: line {number}, column {at + 1}: {text} is no number",
                    fix=f"correct that line, or {advice}",
                )


def splitter(line: str) -> Callable[[str], list[str]]:
    """How lines like this one are cut into cells: at semicolons, tabs, commas or blanks."""
    mark = _separator(line)
    if mark == "\t":
        return lambda text: [cell.strip().strip('"').strip() for cell in text.split("\t")]
    if mark is not None:
        return lambda text: [cell.strip() for cell in next(csv.reader([text], delimiter=mark), [])]
    return lambda text: [cell.strip('"') for cell in _TOKEN.findall(text)]


def number_of(text: str) -> float | None:
    """The number that a cell holds, with a decimal point or comma, or an exponent of Fortran; None: it is none."""
    for each in (text, _FORTRAN.sub("e", text), text.replace(",", ".")):
        with suppress(ValueError):
            return float(each)
    return None


def is_number(text: str) -> bool:
    """Whether a cell holds a number."""
    return number_of(text) is not None


def _separator(line: str) -> str | None:
    """What separates the cells of lines like this one; None for blanks, with tabs among them."""
    if ";" in line:
        return ";"
    tokens = line.split()
    if "\t" in line and not any(sum(map(is_number, cell.split())) > 1 for cell in line.split("\t")):
        return "\t"
    decimal = sum(is_number(token) for token in tokens) >= _FEWEST  # so its commas are decimal ones, if it has any
    return "," if "," in line and not decimal else None
