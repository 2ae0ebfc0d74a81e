"""A facies table comes in; a legend of its classes and their colours goes out."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Patch

from sam_seismic.report.letters import class_labels
from sam_seismic.report.style import CORRECT, FAINT, HATCH, class_colors, house_style, new_figure, write_picture
from sam_seismic.survey.facies import FaciesTable


def class_patches(facies: FaciesTable) -> list[Patch]:
    """A coloured patch for each class, in the order of the classes."""
    colors = class_colors(len(facies))
    return [Patch(facecolor=color, label=name) for name, color in zip(class_labels(facies.names), colors, strict=True)]


def correct_patch() -> Patch:
    """The patch for correct voxels in a panel of errors."""
    return Patch(facecolor=CORRECT, label="correct")


def hatched_patch(label: str) -> Patch:
    """The patch for voxels without a value."""
    return Patch(facecolor="white", edgecolor=FAINT, hatch=HATCH, linewidth=0, label=label)


def add_legend(figure: Figure, patches: Sequence[Patch]) -> Legend:
    """Put a legend below the panels, in as few rows as fit the width of the figure."""
    for columns in range(len(patches), 0, -1):
        legend = figure.legend(handles=list(patches), loc="outside lower center", ncols=columns, columnspacing=1.6)
        if columns == 1 or legend.get_window_extent().width <= 0.98 * figure.bbox.width:
            break
        legend.remove()
    return legend


def legend_figure(facies: FaciesTable) -> Figure:
    """The figure of `facies_legend`."""
    with house_style(facies.names):
        figure = new_figure(1, 1)
        legend = figure.legend(handles=class_patches(facies), loc="center")
        box = legend.get_window_extent()
        figure.set_size_inches(box.width / figure.dpi, box.height / figure.dpi)
    return figure


def facies_legend(path: Path, facies: FaciesTable) -> None:
    """Write the classes and their colours, one below the other, as a small PNG."""
    write_picture(path, legend_figure(facies))
