"""Draw docs/pictures/how-it-works.svg: the way of a section; its shapes are read from docs/how-it-works.md.

.venv/bin/python scripts/draw_how_it_works.py
.venv/bin/python scripts/draw_how_it_works.py picture.png       to look at it
"""

import re
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from sam_seismic.report.style import CALM, FAINT, INK, TOL_MUTED
from sam_seismic.survey.synthetic import model_survey

DOCS = Path(__file__).parents[1] / "docs"
PICTURE = DOCS / "pictures" / "how-it-works.svg"
FROZEN, TRAINED, TIGHT = "#dce6f0", "#f6e3dd", "#c8553d"
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "how it works", "font.family": "sans-serif", "font.size": 9}


def main() -> None:
    """Draw, and write the SVG, or a PNG under another name."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11.6, 6.3), facecolor="white")
        if path.suffix == ".svg":
            FigureCanvasSVG(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, 116), ylim=(0, 63))
        axes.axis("off")
        draw(axes, shapes((DOCS / "how-it-works.md").read_text()))
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=120)
    if path.suffix == ".svg":  # no blanks at the ends of lines in the repository
        path.write_text("".join(f"{line.rstrip()}\n" for line in path.read_text().splitlines()))


def shapes(page: str) -> dict[str, tuple[str, str]]:
    """(square, tight) of each step in the tables of the page."""
    found = re.findall(r"^\| `([^`]+)` \| (\[[^\]]+\])[^|]*\| (\[[^\]]+\])", page, flags=re.MULTILINE)
    return {name: (square, tight) for name, square, tight in found}


def draw(axes: Axes, shape: dict[str, tuple[str, str]]) -> None:
    """Two rows: the encoder above, the decoder below, the store between them."""
    survey = model_survey((32, 176, 64), 0)  # a quarter of 701 x 255: finer reflections would not be seen here
    amplitude, labels = survey.amplitude[20].T, survey.labels[20].T  # [sample, crossline]
    colours = ListedColormap(TOL_MUTED[: len(survey.facies.names)])
    _encoder_row(axes, amplitude, shape)
    _store(axes)
    _decoder_row(axes, labels, colours, shape)
    _legend(axes)


def _encoder_row(axes: Axes, amplitude: np.ndarray, shape: dict[str, tuple[str, str]]) -> None:
    _image(axes, amplitude, (2, 47, 17.5, 6.4), cmap="gray")
    _words(axes, 10.75, 57.2, "Section", shape["section"], "samples down, traces across")
    _arrow(axes, (20, 50), (24.5, 50))
    axes.add_patch(Rectangle((25, 37.5), 17.5, 17.5, facecolor="#f4f4f4", edgecolor=INK, linewidth=0.8))
    _image(axes, amplitude, (25, 50.6, 12, 4.4), cmap="gray")
    for patch in range(1, 16):
        for ends in (([25 + patch * 17.5 / 16] * 2, [37.5, 55]), ([25, 42.5], [37.5 + patch * 17.5 / 16] * 2)):
            axes.plot(*ends, color=FAINT, linewidth=0.3)
    axes.add_patch(Rectangle((25, 50.6), 12, 4.4, facecolor="none", edgecolor=TIGHT, linewidth=1.4))
    axes.text(33.75, 44, "padding", ha="center", va="center", color="#707070")
    _words(axes, 33.75, 57.2, "Canvas", shape["Frame.place"], "scaled, 3 channels; in patches of 16 pixels")
    _arrow(axes, (43, 47), (47.5, 47))
    _blocks(axes)
    _words(axes, 66.5, 57.2, "Image encoder", shape["blocks.0"], "12 blocks on tokens")
    _arrow(axes, (86, 47), (91.5, 47))
    _maps(axes, (93, 41), 9, 5, CALM)
    _words(axes, 101.5, 57.2, "Embedding", shape["neck"], "256 numbers for each patch")


def _blocks(axes: Axes) -> None:
    axes.add_patch(
        FancyBboxPatch((48.5, 38), 37, 17, boxstyle="round,pad=0,rounding_size=1", fc=FROZEN, ec=INK, lw=0.8)
    )
    kinds = ["patches", *("global" if block in (2, 5, 8, 11) else "window" for block in range(12)), "neck"]
    for place, kind in enumerate(kinds):
        left = 49.6 + place * 2.55
        wide = kind == "global"
        axes.add_patch(Rectangle((left, 42), 1.9, 10, fc=CALM if wide else "white", ec=CALM, lw=0.9))
        axes.text(
            left + 0.97, 47, kind, rotation=90, ha="center", va="center", fontsize=7.5, color="white" if wide else INK
        )
    axes.text(67, 39.8, "attention in windows of 14 x 14 patches, or global", ha="center", va="center", fontsize=8)


def _store(axes: Axes) -> None:
    _arrow(axes, (101.5, 39.5), (101.5, 34.7))
    axes.add_patch(
        FancyBboxPatch((88, 26.5), 27, 8, boxstyle="round,pad=0,rounding_size=1", fc="#f4f4f4", ec=INK, lw=0.8)
    )
    axes.text(101.5, 32.2, "Embedding store, on disk", ha="center", va="center", weight="bold")
    axes.text(101.5, 29.9, "float16, each section and flip once;", ha="center", va="center", fontsize=8)
    axes.text(101.5, 28, "all later epochs start here", ha="center", va="center", fontsize=8)
    _arrow(axes, (101.5, 26.3), (101.5, 20.5))


def _decoder_row(axes: Axes, labels: np.ndarray, colours: ListedColormap, shape: dict[str, tuple[str, str]]) -> None:
    axes.add_patch(
        FancyBboxPatch((62, 5), 52, 15.3, boxstyle="round,pad=0,rounding_size=1", fc=TRAINED, ec=INK, lw=0.8)
    )
    axes.text(88, 18.4, "Mask decoder with one token a class", ha="center", va="center", weight="bold")
    _box(axes, (92, 7), 20, 9, ["Two-way transformer", "image and tokens", "attend to each other"])
    _box(axes, (64, 11.7), 22, 4.6, ["Upscaling: 32 feature maps"])
    _box(axes, (64, 6), 22, 4.6, ["Hypernetworks: 32 weights a class"])
    _arrow(axes, (91.8, 13.8), (86.3, 13.8))
    _arrow(axes, (91.8, 8.4), (86.3, 8.4))
    axes.text(62, 3.4, f"6 class tokens and SAM's IoU token: {shape['head.transformer tokens'][0]}", fontsize=8)
    axes.text(62, 1.6, "no prompt: no points, no box, SAM's “no mask” vector", fontsize=8)
    _arrow(axes, (61.5, 12), (56.5, 12))
    for plane in reversed(range(6)):
        left, bottom = 33.5 + 1.3 * plane, 6 + 1.3 * plane
        picture = np.where(labels == plane, 1.0, 0.0)
        _image(axes, picture, (left, bottom, 15.5, 5.6), cmap=ListedColormap(["white", colours.colors[plane]]))
    _words(axes, 44.5, 22, "Logits", shape["head"], "one plane a class, one value for 4 x 4 pixels")
    _arrow(axes, (32.5, 12), (23.5, 12))
    axes.text(28, 13.6, "cut,\nresized", ha="center", va="bottom", fontsize=8)
    _image(axes, labels, (2, 8.8, 20, 7.3), cmap=colours)
    _words(axes, 12, 22, "Facies", shape["argmax"], "the class with the largest logit")


def _legend(axes: Axes) -> None:
    for x, colour, words in ((2, FROZEN, "frozen by default"), (17, TRAINED, "trained")):
        axes.add_patch(Rectangle((x, 33), 2.2, 1.6, fc=colour, ec=INK, lw=0.6))
        axes.text(x + 3, 33.8, words, va="center", fontsize=8)
    axes.text(28, 33.8, "shapes: square canvas,", va="center", fontsize=8, color=INK)
    axes.text(42.5, 33.8, "tight canvas", va="center", fontsize=8, color=TIGHT)


def _words(axes: Axes, x: float, y: float, title: str, pair: tuple[str, str], note: str) -> None:
    """A title above a picture, with its shapes on both canvases."""
    square, tight = pair
    axes.text(x, y + 3.9, title, ha="center", va="center", fontsize=10.5, weight="bold", color=INK)
    if square == tight:
        axes.text(x, y + 1.9, square, ha="center", va="center", color=INK)
    else:
        axes.text(x - 0.4, y + 1.9, square, ha="right", va="center", color=INK)
        axes.text(x + 0.4, y + 1.9, tight, ha="left", va="center", color=TIGHT)
    axes.text(x, y, note, ha="center", va="center", fontsize=8, color="#505050")


def _box(axes: Axes, corner: tuple[float, float], width: float, height: float, lines: list[str]) -> None:
    axes.add_patch(Rectangle(corner, width, height, fc="white", ec=INK, lw=0.7))
    for number, line in enumerate(lines):
        y = corner[1] + height / 2 + 2.1 * ((len(lines) - 1) / 2 - number)
        axes.text(corner[0] + width / 2, y, line, ha="center", va="center", fontsize=8)


def _maps(axes: Axes, corner: tuple[float, float], side: float, count: int, colour: str) -> None:
    """A stack of planes, as channels are drawn."""
    for number in reversed(range(count)):
        where = (corner[0] + 1.4 * number, corner[1] + 0.9 * number)
        axes.add_patch(Rectangle(where, side, side, fc="white", ec=colour, lw=0.9))


def _image(axes: Axes, picture: np.ndarray, box: tuple[float, float, float, float], cmap: object) -> None:
    left, bottom, width, height = box
    extent = (left, left + width, bottom, bottom + height)
    order = 1.5 + len(axes.images) / 100  # later ones lie on earlier ones, with their frames
    axes.imshow(picture, extent=extent, aspect="auto", cmap=cmap, interpolation="nearest", zorder=order)
    axes.add_patch(Rectangle((left, bottom), width, height, fc="none", ec=INK, lw=0.6, zorder=order + 0.005))
    axes.set(xlim=(0, 116), ylim=(0, 63))


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color=INK, lw=1.1, shrinkA=0, shrinkB=0)
    )


if __name__ == "__main__":
    main()
