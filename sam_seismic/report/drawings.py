"""Curves, maps and pictures of sections come in; SVG elements and PNG bytes for a page go out."""

import io
import re
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.report.ruler import ROUND
from sam_seismic.report.style import ACCENT, CALM, FAINT, class_colors, house_style, new_figure

PAGE_WIDTH = 5.4
"""Inches of a drawing: its text can be read on a phone, too."""
GREYS = 32
"""Grey levels of amplitudes, which look like 256 and halve the size of the page."""


def svg_of(figure: Figure) -> str:
    """A figure as an SVG element without a size of its own: the page gives it one. Its text stays text."""
    text = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "page"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()[text.getvalue().index("<svg") :]
    head, rest = svg.split(">", 1)
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, count=1, flags=re.DOTALL)
    return f"{head}>{rest}"


def curves_drawing(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    x: str,
    y: str,
    log: bool = False,
    highlight: str = "",
    diagonal: bool = False,
) -> str:
    """Draw curves.

    Args:
        curves: by name, values along x and y.
        x, y: what the axes are.
        log: x grows by factors.
        highlight: name of the curve that the others are compared with.
        diagonal: draw the line y = x.
    """
    with house_style(curves):
        figure = new_figure(PAGE_WIDTH, 3.2)
        axes = figure.subplots()
        if diagonal:
            axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
            axes.set(xlim=(0, 1), ylim=(0, 1))
        colors = iter(class_colors(len(curves) + 4)[1:])
        for name, (along, values) in curves.items():
            first = name == highlight
            axes.plot(
                along,
                values,
                label=name,
                color=CALM if first else next(colors),
                linewidth=2.2 if first else 1.2,
                marker="o",
                markersize=4 if first else 3,
            )
        if log:
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.grid(axis="y", color="#ececec", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        if not log:
            axes.xaxis.set_major_locator(MaxNLocator("auto", steps=ROUND, integer=not diagonal))
        if len(curves) > 1:
            figure.legend(loc="outside lower center", ncols=3)
        return svg_of(figure)


def map_drawing(
    shares: NDArray[np.float64], *, inlines: tuple[int, int], crosslines: tuple[int, int], label: str
) -> str:
    """Draw a map of a survey.

    Args:
        shares: float64[inline, crossline], 0 to 1; nan where there is nothing.
        inlines, crosslines: first and last line number.
        label: what the colours mean.
    """
    with house_style():
        rows, columns = shares.shape
        figure = new_figure(PAGE_WIDTH, min(5.0, max(1.8, 1.0 + 4.4 * rows / columns)))
        axes = figure.subplots()
        extent = (crosslines[0] - 0.5, crosslines[1] + 0.5, inlines[1] + 0.5, inlines[0] - 0.5)
        top = max(0.05, float(np.nanmax(shares))) if np.isfinite(shares).any() else 1.0
        image = axes.imshow(
            shares, cmap="magma_r", vmin=0, vmax=top, extent=extent, aspect="auto", interpolation="none"
        )
        axes.set_xlabel("crossline")
        axes.set_ylabel("inline")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator("auto", steps=ROUND, integer=True))
        figure.colorbar(image, ax=axes, label=label, shrink=0.9)
        return svg_of(figure)


def interval_drawing(rows: Mapping[str, tuple[float, float | None, float | None]], *, x: str, highlight: str) -> str:
    """Draw a dot for each score, with its interval.

    Args:
        rows: by name, the score and the ends of its interval, None where it is not known.
        x: what the scores are.
        highlight: name of the row that the others are compared with.
    """
    with house_style(rows):
        figure = new_figure(PAGE_WIDTH, 0.7 + 0.3 * len(rows))
        axes = figure.subplots()
        for at, (name, (value, low, high)) in enumerate(rows.items()):
            color = ACCENT if name == highlight else CALM
            if low is not None and high is not None:
                axes.plot([low, high], [at, at], color=color, linewidth=2, alpha=0.5)
            axes.plot([value], [at], color=color, marker="o", markersize=6)
        axes.set_yticks(range(len(rows)), labels=list(rows))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(x)
        axes.grid(axis="x", color="#ececec", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        return svg_of(figure)


def amplitude_png(values: NDArray[np.generic], scale: AmplitudeScale) -> bytes:
    """Amplitudes [sample, trace] as a grey PNG: negative ones dark, positive ones bright."""
    shares = np.clip((values.astype(np.float64) - scale.center) / (2 * scale.clip) + 0.5, 0, 1)
    levels = np.round(shares * (GREYS - 1)).astype(np.uint8) * (255 // (GREYS - 1))
    return _png(Image.fromarray(levels))


def labels_png(labels: NDArray[np.uint8], classes: int) -> bytes:
    """Class indices uint8[sample, trace] as a PNG in the colours of the classes; other values are transparent."""
    colors = np.zeros((256, 3), np.uint8)
    for index, color in enumerate(class_colors(classes)):
        colors[index] = [int(color[at : at + 2], 16) for at in (1, 3, 5)]
    image = Image.fromarray(np.where(labels < classes, labels, 255).astype(np.uint8)).convert("P")
    image.putpalette(colors.ravel().tolist())
    return _png(image, transparency=255)


def _png(image: Image.Image, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True, **options)
    return file.getvalue()
