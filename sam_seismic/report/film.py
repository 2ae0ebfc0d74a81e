"""Sections and their predictions after an epoch come in; a small picture of them goes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from PIL import Image

from sam_seismic.files.atomic import whole_file
from sam_seismic.report.legend import add_legend
from sam_seismic.report.panels import error_classes, panel_aspect, show_classes, show_errors
from sam_seismic.report.ruler import Ruler
from sam_seismic.report.section import ERRORS, legend_patches, needs_hatching, pixel_accuracy
from sam_seismic.report.style import MARGIN, WIDTH, house_style, new_figure
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.volume import Section

DOTS_PER_INCH = 100
"""Fewer than in other pictures: a film has many of them."""
MOST_ASPECT = 1.0
"""Height over width of a panel at most, so that two rows of them fit a screen."""

Pixels = NDArray[np.uint8]
"""uint8[row, column, 3], red, green and blue."""


@dataclass(frozen=True, eq=False)
class FilmSection:
    """A section that is pictured after each epoch.

    Args:
        section: amplitudes, whose dead traces are hatched.
        truth: class indices uint8[sample, trace], IGNORE where not interpreted.
        ruler: line numbers and times of the section.
    """

    section: Section
    truth: NDArray[np.uint8]
    ruler: Ruler


class FilmFigure:
    """A figure of truth, prediction and errors, a row a section.

    What stays the same is drawn once. After an epoch only the title, predictions and errors are drawn on a copy of it,
    which takes a tenth of the time.

    Args:
        sections: at least one.
        facies: the classes.
    """

    def __init__(self, sections: Sequence[FilmSection], facies: FaciesTable) -> None:
        self._sections, self._facies = sections, facies
        aspects = [min(MOST_ASPECT, panel_aspect(*each.truth.shape)) for each in sections]
        width = (WIDTH - MARGIN) / 3
        with house_style(facies.names):
            self.figure = new_figure(WIDTH, width * sum(aspects) + 0.55 * len(sections) + 0.9)
            self.figure.set_dpi(DOTS_PER_INCH)
            self._canvas = FigureCanvasAgg(self.figure)
            panels = self.figure.subplots(len(sections), 3, squeeze=False, gridspec_kw={"height_ratios": aspects})
            self._rows = [
                _Row(each, list(row), len(facies), first=not index)
                for index, (each, row) in enumerate(zip(sections, panels, strict=True))
            ]
            title = self.figure.suptitle("Epoch", x=0.01, ha="left")
            hatched = any(needs_hatching(each.section, each.truth) for each in sections)
            add_legend(self.figure, legend_patches(facies, errors=True, hatched=hatched))
            self.figure.draw_without_rendering()  # arranges the panels
            self.figure.set_layout_engine("none")
            for artist in (title, *(artist for row in self._rows for artist in row.changing)):
                artist.set_animated(True)  # left out of the drawing of all the rest
            self._canvas.draw()  # type: ignore[no-untyped-call]
        self._title = title
        self._rest = self._canvas.copy_from_bbox(self.figure.bbox)  # type: ignore[no-untyped-call]

    def pixels(self, predictions: Sequence[NDArray[np.uint8]], title: str) -> Pixels:
        """Draw the predictions after an epoch.

        Args:
            predictions: class indices uint8[sample, trace] of each section.
            title: above the sections.
        """
        with house_style(self._facies.names):
            self._canvas.restore_region(self._rest)  # type: ignore[no-untyped-call]
            self._title.set_text(title)
            self.figure.draw_artist(self._title)
            for row, prediction in zip(self._rows, predictions, strict=True):
                row.draw(prediction)
            drawn = np.asarray(self._canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        return drawn[..., :3].copy()  # [row, column, 3]


class _Row:
    """The panels of one section.

    Args:
        shown: the section.
        panels: for truth, prediction and errors.
        count: number of classes.
        first: whether it is the first row, which names the last column.
    """

    def __init__(self, shown: FilmSection, panels: Sequence[Axes], count: int, *, first: bool) -> None:
        self._shown, self._count = shown, count
        self._dead = np.broadcast_to(~shown.section.live, shown.truth.shape)  # [sample, trace]
        known, extent = self._recorded(shown.truth), shown.ruler.extent(shown.truth.shape)
        show_classes(panels[0], known, count=count, extent=extent)
        self._prediction: AxesImage = show_classes(panels[1], known, count=count, extent=extent)
        self._errors: AxesImage = show_errors(panels[2], known, known, count=count, extent=extent)
        for axes in panels:
            shown.ruler.mark(axes, shown.section.orientation)
        for axes in panels[1:]:
            axes.tick_params(labelleft=False)
            axes.set_ylabel("")
        panels[0].set_title(f"{shown.section.name}, truth", loc="left")
        self._caption = panels[1].set_title("Prediction", loc="left")
        panels[2].set_title(ERRORS if first else "Errors", loc="left")

    @property
    def changing(self) -> tuple[Artist, ...]:
        """What each epoch draws anew."""
        return (self._prediction, self._errors, self._caption)

    def draw(self, prediction: NDArray[np.uint8]) -> None:
        """Draw a prediction uint8[sample, trace], its errors and its accuracy."""
        truth, predicted = self._recorded(self._shown.truth), self._recorded(prediction)
        self._prediction.set_data(predicted)
        self._errors.set_data(error_classes(truth, predicted, count=self._count))
        accuracy = pixel_accuracy(self._shown.section, prediction, self._shown.truth)
        self._caption.set_text("Prediction" if accuracy is None else f"Prediction, {100 * accuracy:.1f} % correct")

        for artist in self.changing:
            panel = artist.axes
            assert panel is not None, "all are in a panel"
            for each in (artist, *(panel.spines.values() if artist is not self._caption else ())):
                panel.draw_artist(each)  # the frame of a panel lies above its image

    def _recorded(self, classes: NDArray[np.uint8]) -> np.ma.MaskedArray[tuple[int, ...], np.dtype[np.uint8]]:
        return np.ma.masked_array(classes, self._dead)


def write_frame(path: Path, pixels: Pixels) -> None:
    """Write a picture of a film as PNG, atomically; its folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        Image.fromarray(pixels).save(file, format="PNG")
