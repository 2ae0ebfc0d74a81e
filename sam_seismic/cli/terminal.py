"""How things look on the terminal: news and progress on stderr, tables on stdout."""

import json
from collections.abc import Sequence
from types import TracebackType
from typing import Self

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

STEPS_IN_A_LOG = 10
"""Lines that a long job writes where there is no terminal to draw a bar on."""


class Terminal:
    """A listener that prints news and draws one progress bar; a context manager, so that the bar is always taken down.

    Where stderr is no terminal (a Slurm log), the bar becomes a line each tenth of the way.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task: tuple[str, TaskID] | None = None
        self._logged: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """One line of news."""
        self._console.print(text, markup=False, soft_wrap=True)

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:
        """Move the bar; a job with another name replaces it."""
        if not self._console.is_terminal:
            self._log(what, done, total, detail)
            return
        if self._task is None or self._task[0] != what:
            if self._task is not None:
                self._bar.remove_task(self._task[1])
            self._task = what, self._bar.add_task(what, total=total, detail=detail)
        self._bar.update(self._task[1], completed=done, total=total, detail=detail)

    def _log(self, what: str, done: int, total: int | None, detail: str) -> None:
        tenth = done * STEPS_IN_A_LOG // total if total else 0
        # Epochs have a line of their own at their end.
        if self._logged.get(what) != tenth and not what.startswith(("epoch", "validate")):
            self._logged[what] = tenth
            self.say(f"{what}: {done:,}/{total or 0:,} {detail}".rstrip())


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout: the first column is text, the others are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for position, column in enumerate(columns):
        table.add_column(column, justify="right" if position else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)


def print_json(value: object) -> None:
    """One JSON object on stdout, for programs."""
    print(json.dumps(value, indent=2))
