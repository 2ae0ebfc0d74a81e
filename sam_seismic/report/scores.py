"""Scores come in; a picture of the confusion matrix and the IoU of each class goes out."""

import math
from collections.abc import Collection
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sam_seismic.report.letters import class_labels
from sam_seismic.report.panels import hatch_background
from sam_seismic.report.style import FAINT, class_colors, house_style, ink_on, new_figure, write_picture
from sam_seismic.scoring.scores import FaciesScores

CELL = 0.62
"""Side of a cell in inches; a cell contains a percentage and a count."""
MOST_NUMBERED_CLASSES = 16
"""With more classes, cells are smaller and contain no numbers."""


def confusion_picture(path: Path, scores: FaciesScores, untrained: Collection[str] = ()) -> None:
    """Draw the confusion matrix, in percent of the voxels of each true class, and the IoU of each class beside it.

    Args:
        path: the PNG file.
        scores: of the sections.
        untrained: classes that were never trained on, which are marked.
    """
    write_picture(path, confusion_figure(scores, untrained))


def confusion_figure(scores: FaciesScores, untrained: Collection[str] = ()) -> Figure:
    """The figure of `confusion_picture`."""
    classes = len(scores.names)
    cell = CELL if classes <= MOST_NUMBERED_CLASSES else CELL * MOST_NUMBERED_CLASSES / classes
    side = max(cell * classes, 2.0)
    longest = 0.07 * max(len(name) for name in class_labels(scores.names))  # inches
    with house_style(scores.names):
        figure = new_figure(max(side + 2.7 + longest, 6.2), side + 0.8 + 0.75 * longest)
        matrix, bars = figure.subplots(1, 2, sharey=True, width_ratios=(side, 2.0))
        _show_shares(matrix, scores)
        if classes <= MOST_NUMBERED_CLASSES:
            _write_cells(matrix, scores)
        _show_iou(bars, scores, untrained)
        figure.suptitle(_title(scores), x=0.01, ha="left")
    return figure


def row_shares(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64[truth, prediction]: percent of the voxels of each true class; nan in the row of an absent class."""
    rows = confusion.sum(axis=1, keepdims=True)
    shares = np.full(confusion.shape, np.nan)
    np.divide(100.0 * confusion, rows, out=shares, where=rows > 0)
    return shares


def short_count(voxels: int) -> str:
    """A count with three digits: `950`, `12.3 k`, `4.56 M`."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if voxels >= 0.9995 * size:  # 999 600 is 1 M, not 1000 k
            return f"{voxels / size:.3g} {unit}"
    return str(voxels)


def _show_shares(axes: Axes, scores: FaciesScores) -> None:
    hatch_background(axes)  # visible in the rows of absent classes
    axes.imshow(row_shares(scores.confusion), cmap="Blues", vmin=0, vmax=100, aspect="auto")
    ticks, names = range(len(scores.names)), class_labels(scores.names)
    axes.set_yticks(ticks, labels=names)
    axes.set_xticks(ticks, labels=names, rotation=50, ha="left", rotation_mode="anchor")
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    axes.set_xlabel("predicted class (% of the true class, voxels)")
    axes.set_ylabel("true class")
    axes.set_xticks(np.arange(0.5, len(scores.names) - 1), minor=True)
    axes.set_yticks(np.arange(0.5, len(scores.names) - 1), minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)


def _write_cells(axes: Axes, scores: FaciesScores) -> None:
    shares = row_shares(scores.confusion)
    for (row, column), share in np.ndenumerate(shares):
        if np.isnan(share):
            continue
        voxels = int(scores.confusion[row, column])
        if voxels == 0:
            axes.text(column, row, "0", ha="center", va="center", color=FAINT, fontsize=8)
            continue
        percent = f"{share:.1f}" if share >= 0.05 else "<0.1"
        ink = ink_on(axes.images[0].to_rgba(np.array([share]))[0][:3])
        axes.text(column, row - 0.12, percent, ha="center", va="center", color=ink, fontsize=9)
        axes.text(column, row + 0.24, short_count(voxels), ha="center", va="center", color=ink, fontsize=6.5)


def _show_iou(axes: Axes, scores: FaciesScores, untrained: Collection[str]) -> None:
    rows = np.arange(len(scores.names))
    values = scores.iou
    axes.barh(rows, np.nan_to_num(values), height=0.55, color=class_colors(len(rows)))
    for row, value in enumerate(values.tolist()):
        absent = math.isnan(value)
        text = "absent" if absent else f"{value:.3f}"
        text += ", never trained on" if scores.names[row] in untrained else ""
        axes.text(0.03 if absent else value + 0.03, row, text, va="center", fontsize=8)
    axes.set_title("IoU", loc="left")
    axes.set_xlim(0, 1.3)
    axes.set_xticks([0, 0.5, 1])
    axes.tick_params(axis="y", which="both", length=0, labelleft=False)
    axes.spines[["top", "right"]].set_visible(False)


def _title(scores: FaciesScores) -> str:
    named = {
        "pixel accuracy": scores.pixel_accuracy,
        "mean class accuracy": scores.mean_class_accuracy,
        "mean IoU": scores.mean_iou,
    }
    return ",  ".join(f"{name} {value:.3f}" for name, value in named.items())
