"""What a workflow tells comes in; a progress bar and lines on stderr, or in a notebook, go out."""

import time
from importlib.util import find_spec
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

BAR = 24
"""Columns of the bar: a line that fills a wide terminal would break where one looks at it through a narrower one."""
NARROW = 72
"""Columns of a terminal below which the bar itself and the time since its start are left out: numbers tell more."""
LOG_EVERY_S = 30.0
"""Seconds between the lines that a long job writes where no bar can be drawn."""


class Terminal:
    """A listener that prints news and draws one progress bar; a context manager, so that the bar is always taken down.

    In a Jupyter notebook the bar is drawn below the cell, which needs ipywidgets. Where nothing can be drawn (a Slurm
    log, a notebook without ipywidgets), the bar becomes a line now and then.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        what, done = TextColumn("{task.description}"), MofNCompleteColumn()
        detail, left = TextColumn("{task.fields[detail]}"), TimeRemainingColumn()
        self._wide = (what, BarColumn(bar_width=BAR), done, detail, TimeElapsedColumn(), left)
        self._narrow = (what, done, detail, left)
        # Rich itself would warn at each step that it misses ipywidgets.
        notebook = self._console.is_jupyter and find_spec("ipywidgets") is not None
        self._draws = self._console.is_terminal or notebook
        self._bar = Progress(*self._wide, console=self._console, transient=True, disable=not self._draws)
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
        """Move the bar; a job with another name replaces it."""
        if not self._draws:
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
