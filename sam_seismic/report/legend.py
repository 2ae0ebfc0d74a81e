"""A facies table comes in, the names of its classes beside their colours go out."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Patch

from sam_seismic.report.style import CORRECT, FAINT, HATCH, class_colors, house_style, new_figure, write_picture
from sam_seismic.survey.facies import FaciesTable


def class_patches(facies: FaciesTable) -> list[Patch]:
    """A coloured patch a class, in the order of their indices."""
    colors = class_colors(len(facies))
    return [Patch(facecolor=color, label=name) for name, color in zip(facies.names, colors, strict=True)]


def correct_patch() -> Patch:
    """What a right voxel looks like among errors."""
    return Patch(facecolor=CORRECT, label="correct")


def hatched_patch(label: str) -> Patch:
    """What a voxel without a value looks like."""
    return Patch(facecolor="white", edgecolor=FAINT, hatch=HATCH, linewidth=0, label=label)


def add_legend(figure: Figure, patches: Sequence[Patch]) -> Legend:
    """A legend below the panels, in as few rows as the width of the figure allows."""
    for columns in range(len(patches), 0, -1):
        legend = figure.legend(handles=list(patches), loc="outside lower center", ncols=columns, columnspacing=1.6)
        if columns == 1 or legend.get_window_extent().width <= 0.98 * figure.bbox.width:
            break
        legend.remove()
    return legend


def legend_figure(facies: FaciesTable) -> Figure:
    """The classes, one below the other."""
    with house_style():
        figure = new_figure(1, 1)
        legend = figure.legend(handles=class_patches(facies), loc="center")
        box = legend.get_window_extent()
        figure.set_size_inches(box.width / figure.dpi, box.height / figure.dpi)
    return figure


def facies_legend(path: Path, facies: FaciesTable) -> None:
    """Write the classes and their colours as a small picture of its own."""
    write_picture(path, legend_figure(facies))
