"""A figure comes in; a PNG goes out, in the typography and colours that all pictures share."""

import colorsys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap, to_hex
from matplotlib.figure import Figure

from sam_seismic.files.atomic import whole_file
from sam_seismic.report.letters import families

DOTS_PER_INCH = 140
WIDTH = 10.0
"""Width in inches of all pictures of sections, so that their text has the same size on a page."""
MARGIN = 0.7
"""Width in inches of the margin to the left of a panel, for the time axis."""

# The "muted" scheme of Paul Tol (2021, Colour Schemes, SRON/EPS/TN/09-002), ordered so that the first colours differ
# clearly with and without colour blindness. Brown replaces its pale grey, which would look like CORRECT.
TOL_MUTED = (
    *("#ddcc77", "#117733", "#88ccee", "#cc6677", "#332288"),
    *("#882255", "#999933", "#44aa99", "#aa4499", "#661100"),
)
CORRECT = "#e8e8e8"
"""Colour of correct voxels in panels of errors."""

INK = "#262626"
FAINT = "#b0b0b0"
CALM = "#2f5d8a"
ACCENT = "#c8553d"
"""Colour of marks: the best epoch, percentiles, and the lines where sections cross."""

LIVE = "#a9c0d6"
"""Colour of live traces on a map, and of histograms."""

HATCH = "//////"
"""Pattern of voxels that are not interpreted or not recorded."""


def house_style(texts: Iterable[str] = ()) -> AbstractContextManager[None]:
    """Context with the fonts and line widths of all pictures; the user's matplotlibrc has no effect in it.

    Args:
        texts: that may hold letters of any script, for which a font is looked for.
    """
    style: dict[Any, Any] = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
    style |= {
        "font.family": families(texts),
        "text.parse_math": False,  # a dollar in a name is a dollar
        "font.size": 9,
        "figure.titlesize": 11,
        "figure.titleweight": "bold",
        "axes.titlesize": 9.5,
        "axes.titlepad": 5,
        "axes.labelsize": 8.5,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "legend.fontsize": 8.5,
        "legend.frameon": False,
        "legend.handlelength": 1.4,
        "legend.handleheight": 1.1,
        "axes.linewidth": 0.7,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "hatch.linewidth": 0.5,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    return matplotlib.rc_context(style)


def class_colors(classes: int) -> tuple[str, ...]:
    """A colour `#rrggbb` for each class; the colour of an index does not depend on the number of classes."""
    # After the palette, hues at steps of the golden ratio: distinct, but not for readers with colour blindness.
    more = (
        colorsys.hls_to_rgb(index * 0.618034 % 1, (0.35, 0.6, 0.75)[index % 3], 0.7)
        for index in range(len(TOL_MUTED), classes)
    )
    return (*TOL_MUTED[:classes], *map(to_hex, more))


def class_colormap(classes: int, *extra: str) -> ListedColormap:
    """Class index -> colour; `extra` colours follow the classes."""
    return ListedColormap([*class_colors(classes), *extra])


def ink_on(color: tuple[float, float, float]) -> str:
    """The text colour, dark or white, with more contrast on a colour (red, green, blue), 0 to 1."""
    red, green, blue = color
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches, that needs no display and does not change the state of pyplot."""
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def write_picture(path: Path, figure: Figure) -> None:
    """Write a figure as PNG, atomically; its folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file, house_style():
        figure.savefig(file, format="png", metadata={"Software": None})
