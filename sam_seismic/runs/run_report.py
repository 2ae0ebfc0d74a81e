"""A finished training comes in; report.html goes out: how it learned, its validation sections, its notes."""

import math
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import sam_seismic
from sam_seismic.report.blocks import Columns, Facts
from sam_seismic.report.drawings import curves_drawing
from sam_seismic.report.page import REPORT, write_page
from sam_seismic.report.page_blocks import Drawing, Notes, PageBlock, Picture, Text
from sam_seismic.report.style import class_colors
from sam_seismic.report.training import QUALITY, read_curves
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.scoring.score_table import number

FILM = "film.gif"


def write_run_report(
    folder: RunFolder, names: Sequence[str], pictures: Sequence[Path], parts: Sequence[str], notes: Sequence[str]
) -> Path:
    """Write report/report.html of a run.

    Args:
        folder: of the run, with metrics.csv and config.yaml.
        names: of the classes.
        pictures: PNG files of validation sections.
        parts: a line of text for each part of the survey.
        notes: what the scores do not say by themselves.

    Raises:
        UserError: metrics.csv is missing or damaged.
    """
    report = folder.path / "report"
    film = report / FILM
    blocks: list[PageBlock] = [
        *([Notes("Read this first", notes)] if notes else []),
        *_learning(folder.metrics, names),
        *[Picture(_title(path), path.read_bytes()) for path in pictures],
        *([Picture("The training as a film", film.read_bytes())] if film.is_file() else []),
        Facts("How it was made", [("lines", "; ".join(parts)), ("versions", versions())]),
        Text("Configuration", folder.config.read_text(encoding="utf-8")),
    ]
    return write_page(report / REPORT, f"Training {folder.path.name}", "; ".join(parts), blocks)


def versions() -> str:
    """The versions of the program and of what computes."""
    libraries = (f"{name} {version(name)}" for name in ("torch", "lightning", "numpy"))
    return ", ".join([f"sam-seismic {sam_seismic.__version__}", *libraries, f"Python {platform.python_version()}"])


def _learning(metrics: Path, names: Sequence[str]) -> list[PageBlock]:
    """Curves of loss and mean IoU, and the IoU of each class in the best epoch."""
    columns = ("train_loss", "val_loss", QUALITY, *(f"val_iou/{name}" for name in names))
    curves = read_curves(metrics, columns)
    losses = {
        name: (curves[column].epochs, curves[column].values)
        for name, column in (("training", "train_loss"), ("validation", "val_loss"))
        if curves[column].epochs
    }
    blocks: list[PageBlock] = [Drawing("Loss", curves_drawing(losses, x="epoch", y="loss", highlight="validation"))]
    quality = curves[QUALITY]
    if not quality.epochs:
        return blocks
    epoch, best = quality.best
    drawing = curves_drawing({"validation": (quality.epochs, quality.values)}, x="epoch", y="mean IoU")
    note = f"Best: {best:.3f} after epoch {epoch}, whose weights are in best.ckpt."
    values = [
        dict(zip(found.epochs, found.values, strict=True)).get(epoch, math.nan)
        for found in (curves[f"val_iou/{name}"] for name in names)
    ]
    table = Columns(
        f"Validation lines after epoch {epoch}",
        ("class", "IoU"),
        [(name, number(value)) for name, value in zip(names, values, strict=True)],
        shares=[0.0 if math.isnan(value) else value for value in values],
        colors=class_colors(len(names)),
    )
    return [*blocks, Drawing("Mean IoU of the validation lines", drawing, note), table]


def _title(picture: Path) -> str:
    """`val_il_120.png` -> `Section IL 120 of val`."""
    part, orientation, line = picture.stem.rsplit("_", 2)
    return f"Section {orientation.upper()} {line} of {part}"
