"""metrics.csv of a run comes in; a picture of its learning curves goes out."""

import csv
import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sam_seismic.errors import UserError
from sam_seismic.report.ruler import ROUND
from sam_seismic.report.style import ACCENT, CALM, FAINT, house_style, new_figure, write_picture

QUALITY = "val_mean_iou"
NOTE_COLUMNS = 140
"""Characters in a line of notes, at the width of the picture."""


@dataclass(frozen=True)
class Curve:
    """The values of one column of metrics.csv, and their epochs, ascending."""

    epochs: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def best(self) -> tuple[int, float]:
        """The first epoch with the largest value, which is that of the best checkpoint, and the value."""
        position = max(range(len(self.values)), key=lambda at: (self.values[at], -at))
        return self.epochs[position], self.values[position]


def learning_curve(path: Path, metrics_csv: Path, notes: Sequence[str] = ()) -> None:
    """Draw loss and mean IoU by epoch, with the best epoch marked, and notes below.

    Args:
        path: the PNG file.
        metrics_csv: a row for each epoch: epoch, train_loss, val_loss, val_mean_iou; cells may be empty.
        notes: a sentence each.

    Raises:
        UserError: the table is missing, has no column `epoch`, or a cell is not a number.
    """
    write_picture(path, learning_figure(metrics_csv, notes))


def learning_figure(metrics_csv: Path, notes: Sequence[str] = ()) -> Figure:
    """The figure of `learning_curve`."""
    curves = read_curves(metrics_csv, ("train_loss", "val_loss", QUALITY))
    text = "\n".join(line for note in notes for line in textwrap.wrap(f"note: {note}", NOTE_COLUMNS))
    with house_style():
        figure = new_figure(9.0, 3.2 + 0.15 * len(text.splitlines()))
        loss, quality = figure.subplots(1, 2)
        _draw(loss, curves["train_loss"], color=FAINT, label="training")
        _draw(loss, curves["val_loss"], color=CALM, label="validation")
        _draw(quality, curves[QUALITY], color=CALM, label="validation")
        for axes, title in ((loss, "Loss"), (quality, "Mean IoU")):
            axes.set_title(title, loc="left")
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator("auto", steps=ROUND, integer=True, min_n_ticks=1))
            axes.grid(axis="y", color="#ececec", linewidth=0.8)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_xlim(*_span(curves.values()))
        if curves[QUALITY].epochs:
            _mark_best((loss, quality), curves[QUALITY])
        for axes in (loss, quality):
            if axes.get_legend_handles_labels()[0]:
                axes.legend(loc="best")
        if text:
            figure.supxlabel(text, x=0.01, ha="left", fontsize=8)
    return figure


def read_curves(metrics_csv: Path, columns: Sequence[str]) -> dict[str, Curve]:
    """Columns of metrics.csv by name; a column that is missing, or has no finite value, is an empty curve.

    Raises:
        UserError: the table is missing, has no column `epoch`, or a cell is not a number.
    """
    if not metrics_csv.is_file():
        raise UserError(problem=f"{metrics_csv}: there is no such table", fix="train one epoch first")
    values: dict[str, dict[int, float]] = {column: {} for column in columns}
    with metrics_csv.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            epoch = int(_number(row.get("epoch"), metrics_csv, "epoch"))
            for column in columns:
                cell = row.get(column)
                value = _number(cell, metrics_csv, column) if cell else math.nan
                if math.isfinite(value):
                    values[column][epoch] = value  # a resumed run may write an epoch twice: the later row counts
    return {
        column: Curve(tuple(sorted(found)), tuple(found[epoch] for epoch in sorted(found)))
        for column, found in values.items()
    }


def _number(cell: str | None, metrics_csv: Path, column: str) -> float:
    try:
        return float(cell or "")
    except ValueError as error:
        raise UserError(
            problem=f"{metrics_csv}: {cell!r} in the column {column} is not a number",
            fix="give the metrics.csv of a training run, unchanged",
        ) from error


def _draw(axes: Axes, curve: Curve, *, color: str, label: str) -> None:
    """Draw a line, with a dot at each epoch if they are few, since a single epoch has no line."""
    if curve.epochs:
        dot = "o" if len(curve.epochs) <= 30 else ""
        axes.plot(curve.epochs, curve.values, color=color, marker=dot, markersize=3.5, linewidth=1.5, label=label)


def _span(curves: Iterable[Curve]) -> tuple[float, float]:
    """Limits of the epoch axis, at least half an epoch beyond the first and the last epoch."""
    epochs = [epoch for curve in curves for epoch in curve.epochs] or [0]
    margin = max(0.03 * (max(epochs) - min(epochs)), 0.5)
    return min(epochs) - margin, max(epochs) + margin


def _mark_best(panels: Sequence[Axes], curve: Curve) -> None:
    """Mark the best epoch in all panels, and its value in the last one."""
    epoch, value = curve.best
    for axes in panels:
        axes.axvline(epoch, color=ACCENT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0.5)
    panels[-1].plot(
        [epoch],
        [value],
        color=ACCENT,
        marker="o",
        markersize=6,
        linestyle="",
        label=f"best: {value:.3f}, epoch {epoch}",
    )
