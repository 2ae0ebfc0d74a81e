"""How findings look on the terminal: tables and JSON on stdout."""

import json
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from sam_seismic.cli.streams import printable


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of numbers on stdout; the first column is text."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for position, column in enumerate(columns):
        table.add_column(column, justify="right" if position else "left", overflow="fold")
    _print(table, rows)


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
