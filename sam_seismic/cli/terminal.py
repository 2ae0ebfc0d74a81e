"""How findings look on the terminal: tables and JSON on stdout."""

import json
import textwrap
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from sam_seismic.cli.streams import printable

_WIDE = 10_000
"""Columns of a terminal that is wide enough for every table."""


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of numbers on stdout; the first column is text."""
    _print(_table(title, columns), rows)


def fits_terminal(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether `print_table` can show these on the terminal without breaking cells."""
    console, table = Console(), _table("", columns)
    for row in rows:
        table.add_row(*row)
    return Measurement.get(console, console.options.update(max_width=_WIDE), table).maximum <= console.width


def print_words(words: Sequence[str]) -> None:
    """Print facts of a few words each on stdout, indented, in as many lines as they need; none of them is broken."""
    whole = [word.replace(" ", "\N{NO-BREAK SPACE}") for word in words]
    told = textwrap.wrap(
        ", ".join(whole), Console().width - 2, break_long_words=False, break_on_hyphens=False, initial_indent="  ",
        subsequent_indent="  ",
    )  # fmt: skip
    for line in told:
        print(line.replace("\N{NO-BREAK SPACE}", " "))


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for position, column in enumerate(columns):
        table.add_column(column, justify="right" if position else "left", overflow="fold")
    return table


def print_facts(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print names and their values on stdout."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    _print(table, rows)


def _print(table: Table, rows: Sequence[Sequence[str]]) -> None:
    console = Console(highlight=False, markup=False)
    for row in rows:
        table.add_row(*(printable(cell, console.encoding) for cell in row))
    console.print(table)


def print_json(value: object) -> None:
    """Print one JSON value on stdout, for programs."""
    print(json.dumps(value, indent=2))
