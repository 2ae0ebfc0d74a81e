"""News, progress and tables come in; news and progress go to stderr, tables to stdout."""

import json
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

BAR = 24
"""Columns of the bar. A longer line would wrap when a narrower terminal attaches to the session (tmux)."""
NARROW = 72
"""In a terminal with fewer columns than this, the bar and the elapsed time are left out; the numbers stay."""
LOG_EVERY_S = 30.0
"""Seconds between two lines of progress if stderr is not a terminal."""


class Terminal:
    """A listener that prints news and draws one progress bar; leaving the context removes the bar.

    If stderr is not a terminal (a Slurm log), progress is a line every LOG_EVERY_S seconds.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        what, done = TextColumn("{task.description}"), MofNCompleteColumn()
        detail, left = TextColumn("{task.fields[detail]}"), TimeRemainingColumn()
        self._wide = (what, BarColumn(bar_width=BAR), done, detail, TimeElapsedColumn(), left)
        self._narrow = (what, done, detail, left)
        self._bar = Progress(
            *self._wide,
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task: tuple[str, TaskID] | None = None
        self._logged: tuple[str, float] = "", 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """One line of news."""
        self._console.print(text, markup=False, soft_wrap=True)

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:
        """Update the bar; work with another name gets a new bar in its place."""
        if not self._console.is_terminal:
            self._log(what, done, total, detail)
            return
        # The width changes when another terminal attaches to the session.
        self._bar.columns = self._wide if self._console.width >= NARROW else self._narrow
        if self._task is None or self._task[0] != what:
            if self._task is not None:
                self._bar.remove_task(self._task[1])
            self._task = what, self._bar.add_task(what, total=total, detail=detail)
        self._bar.update(self._task[1], completed=done, total=total, detail=detail)

    def _log(self, what: str, done: int, total: int | None, detail: str) -> None:
        """Print a line if the last one of this work, or its start, is LOG_EVERY_S seconds ago."""
        now = time.monotonic()
        if self._logged[0] != what:
            self._logged = what, now
        elif now - self._logged[1] >= LOG_EVERY_S:
            self._logged = what, now
            share = f"{done:,}/{total:,}" if total else f"{done:,}"
            self.say(f"{what}: {share} {detail}".rstrip())


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
    for row in rows:
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)


def print_json(value: object) -> None:
    """Print one JSON value on stdout, for programs."""
    print(json.dumps(value, indent=2))
