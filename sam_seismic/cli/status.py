"""`sam-seismic status`: run folders come in; a table of the status of each run goes out."""

import time
from dataclasses import asdict
from itertools import compress
from pathlib import Path
from typing import Annotated

import typer

from sam_seismic.cli.given_paths import as_meant
from sam_seismic.cli.options import Json
from sam_seismic.cli.terminal import fits_terminal, print_json, print_table, print_words
from sam_seismic.runs.status import STATUS, RunStatus, status_of


def status(
    runs: Annotated[list[Path], typer.Argument(callback=as_meant, metavar="RUN...", help="Run folders.")],
    json: Json = False,
) -> None:
    """Show the status of runs: step, speed, time left, last checkpoint, restarts.

    Example: sam-seismic status runs/*
    """
    found = {run: status_of(run) for given in runs for run in _of_cross_validation(given) or [given]}
    now = time.time()
    if json:
        print_json([_facts(run, each, now) for run, each in found.items()])
        return
    columns = ("run", "state", "epoch", "step", "s/step", "left", "checkpoint", "restarts", "host", "job")
    rows = [_row(run, each, now) for run, each in found.items()]
    filled = [any(cells) for cells in zip(*rows, strict=True)]  # leave out columns that are empty for all runs
    names, cells = tuple(compress(columns, filled)), [tuple(compress(row, filled)) for row in rows]
    if fits_terminal(names, cells):
        print_table("Runs", names, cells)
    else:
        for name, *facts in cells:
            print(f"{name}: {facts[0]}")
            print_words([f"{column} {fact}" for column, fact in zip(names[2:], facts[1:], strict=True)])
    for run, each in found.items():
        if each.why:
            print(f"{run}: {each.why}")
        for note in each.notes:
            print(f"{run}: note: {note}")


def _of_cross_validation(folder: Path) -> list[Path]:
    """The run folders of the folds of a cross-validation, by their numbers; none for any other folder."""
    if (folder / STATUS).is_file():
        return []
    folds = {int(path.parent.name.partition("-")[2]): path.parent for path in folder.glob(f"fold-[0-9]*/{STATUS}")}
    return [folds[number] for number in sorted(folds)]


def _row(run: Path, status: RunStatus, now: float) -> tuple[str, ...]:
    silence = status.silent(now)
    return (
        str(run),
        status.state if silence is None else f"no news for {duration(silence)}",
        f"{status.epoch}/{status.epochs}",
        f"{status.step:,}/{status.steps:,}",
        "" if status.pace is None else f"{status.pace:.3g}",
        "" if status.left is None or status.state != "training" else duration(status.left),
        "none" if status.checkpoint is None else f"{status.checkpoint:,}",
        str(status.restarts),
        status.host,
        status.job or "",
    )


def _facts(run: Path, status: RunStatus, now: float) -> dict[str, object]:
    facts = {"run": str(run)} | asdict(status)
    return facts | {"seconds_left": status.left, "silent_for": status.silent(now)}


def duration(seconds: float) -> str:
    """`42 s`, `7 min`, `3 h 05 min`, `2 d 4 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"
