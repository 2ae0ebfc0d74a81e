"""A section, its prediction and its truth come in; a picture with a panel for each goes out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.report.legend import add_legend, class_patches, correct_patch, hatched_patch
from sam_seismic.report.panels import panel_aspect, show_amplitude, show_classes, show_errors
from sam_seismic.report.ruler import Ruler
from sam_seismic.report.style import MARGIN, WIDTH, house_style, new_figure, write_picture
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.volume import Section

TWO_ROWS_BELOW = 0.75
"""Panels whose aspect (height over width) is below this are arranged in two rows of two."""

OVERLAY, ERRORS = "Prediction on amplitude", "Errors (colour: true class)"
SCORED = ("Amplitude", "Truth", "Prediction", ERRORS)
UNSCORED = ("Amplitude", "Prediction", OVERLAY)


def section_picture(
    path: Path,
    amplitude: Section,
    *,
    prediction: NDArray[np.uint8],
    truth: NDArray[np.uint8] | None,
    facies: FaciesTable,
    ruler: Ruler,
    scale: AmplitudeScale,
) -> None:
    """Draw amplitude, truth, prediction and errors of a section; without a truth: amplitude, prediction and overlay.

    Args:
        path: the PNG file.
        amplitude: the section, values float32[sample, trace].
        prediction: class indices uint8[sample, trace].
        truth: class indices uint8[sample, trace], IGNORE where not interpreted; None without a truth.
        facies: the classes.
        ruler: line numbers and times of the section.
        scale: amplitudes that are drawn black and white.
    """
    figure = section_figure(amplitude, prediction=prediction, truth=truth, facies=facies, ruler=ruler, scale=scale)
    write_picture(path, figure)


def section_figure(
    amplitude: Section,
    *,
    prediction: NDArray[np.uint8],
    truth: NDArray[np.uint8] | None,
    facies: FaciesTable,
    ruler: Ruler,
    scale: AmplitudeScale,
) -> Figure:
    """The figure of `section_picture`, with the same arguments."""
    dead = np.broadcast_to(~amplitude.live, amplitude.shape)  # [sample, trace]
    recorded = np.ma.masked_array(amplitude.values, dead)
    predicted = np.ma.masked_array(prediction, dead)
    extent, count = ruler.extent(amplitude.shape), len(facies)
    with house_style(facies.names):
        figure, panels, free_axes = _grid(amplitude.shape, UNSCORED if truth is None else SCORED)
        show_amplitude(panels["Amplitude"], recorded, scale=scale, extent=extent)
        show_classes(panels["Prediction"], predicted, count=count, extent=extent)
        if truth is None:
            show_amplitude(panels[OVERLAY], recorded, scale=scale, extent=extent)
            show_classes(panels[OVERLAY], predicted, count=count, extent=extent, alpha=0.45)
        else:
            known = np.ma.masked_array(truth, dead)
            show_classes(panels["Truth"], known, count=count, extent=extent)
            show_errors(panels[ERRORS], known, predicted, count=count, extent=extent)
        for title, axes in panels.items():
            axes.set_title(title, loc="left")
            ruler.mark(axes, amplitude.orientation)
            axes.label_outer()
        figure.suptitle(_title(amplitude, prediction, truth), x=0.01, ha="left")
        _place_legend(
            figure,
            free_axes,
            legend_patches(facies, errors=truth is not None, hatched=needs_hatching(amplitude, truth)),
        )
    return figure


def _grid(shape: tuple[int, int], titles: Sequence[str]) -> tuple[Figure, dict[str, Axes], Axes | None]:
    """A figure with one panel for each title, in one or two rows, and the axes that are left over, if any."""
    aspect = panel_aspect(*shape)
    columns, rows = (2, 2) if aspect < TWO_ROWS_BELOW else (len(titles), 1)
    width = (WIDTH - MARGIN) / (2 if rows == 2 else 4)  # each of three panels in a row is as wide as each of four
    around = 1.1 + 0.3 * rows  # title, line numbers and legend; titles of panels
    figure = new_figure(MARGIN + columns * width, rows * width * aspect + around)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    free_axes = panels[len(titles)] if len(titles) < len(panels) else None
    return figure, dict(zip(titles, panels, strict=False)), free_axes


def needs_hatching(amplitude: Section, truth: NDArray[np.uint8] | None) -> bool:
    """Whether a section has dead traces or voxels that are not interpreted."""
    return not amplitude.live.all() or (truth is not None and bool((truth == IGNORE).any()))


def pixel_accuracy(amplitude: Section, prediction: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float | None:
    """Share of correct voxels among the recorded and interpreted ones; None if there are none.

    Args:
        amplitude: the section, whose dead traces are not scored.
        prediction: class indices uint8[sample, trace].
        truth: class indices uint8[sample, trace], IGNORE where not interpreted.
    """
    scored = (truth != IGNORE) & amplitude.live
    return float((truth == prediction)[scored].mean()) if scored.any() else None


def _title(amplitude: Section, prediction: NDArray[np.uint8], truth: NDArray[np.uint8] | None) -> str:
    """`IL 120, pixel accuracy 93.4 %`; only the name if no voxel can be scored."""
    accuracy = None if truth is None else pixel_accuracy(amplitude, prediction, truth)
    return amplitude.name if accuracy is None else f"{amplitude.name}, pixel accuracy {100 * accuracy:.1f} %"


def legend_patches(facies: FaciesTable, *, errors: bool, hatched: bool) -> list[Patch]:
    """The entries of the legend."""
    patches = class_patches(facies)
    if errors:
        patches.append(correct_patch())
    if hatched:
        patches.append(hatched_patch("not interpreted" if errors else "not recorded"))
    return patches


def _place_legend(figure: Figure, free_axes: Axes | None, patches: list[Patch]) -> None:
    """Put the legend into the free axes, or below the panels if there are none."""
    if free_axes is None:
        add_legend(figure, patches)
    else:
        free_axes.set_axis_off()
        free_axes.legend(handles=patches, loc="center")
