"""A section, its prediction and its truth come in; a picture of panels side by side goes out."""

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
from sam_seismic.report.style import TIMES, WIDTH, house_style, new_figure, write_picture
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.volume import Section

WIDE = 0.75
"""Panels with less height over width than this stand in two rows of two."""

OVERLAY, ERRORS = "Prediction on amplitude", "Errors (colour: true class)"
SCORED = ("Amplitude", "Truth", "Prediction", ERRORS)
BLIND = ("Amplitude", "Prediction", OVERLAY)


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
    """Write amplitude, truth, prediction and errors of a section; without a truth: amplitude, prediction and overlay.

    Args:
        path: of the PNG.
        amplitude: the section, values float32[sample, trace].
        prediction: class indices uint8[sample, trace].
        truth: class indices uint8[sample, trace], IGNORE where not interpreted; None where there is none.
        facies: the classes.
        ruler: line numbers and times of the section.
        scale: the amplitudes that are black and white.
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
    with house_style():
        figure, panels, spare = _grid(amplitude.shape, BLIND if truth is None else SCORED)
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
        _explain(figure, spare, _patches(facies, errors=truth is not None, hatched=_hatched(dead, truth)))
    return figure


def _grid(shape: tuple[int, int], titles: Sequence[str]) -> tuple[Figure, dict[str, Axes], Axes | None]:
    """A figure with one panel for each title, in one row or two, and the empty place if there is one."""
    aspect = panel_aspect(*shape)
    columns, rows = (2, 2) if aspect < WIDE else (len(titles), 1)
    width = (WIDTH - TIMES) / (2 if aspect < WIDE else 4)  # three tall panels are as wide as four, and end earlier
    around = 1.1 + 0.3 * rows  # title, line numbers and legend; a panel's own title
    figure = new_figure(TIMES + columns * width, rows * width * aspect + around)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    spare = panels[len(titles)] if len(titles) < len(panels) else None
    return figure, dict(zip(titles, panels, strict=False)), spare


def _hatched(dead: NDArray[np.bool_], truth: NDArray[np.uint8] | None) -> bool:
    return bool(dead.any()) or (truth is not None and bool((truth == IGNORE).any()))


def _title(amplitude: Section, prediction: NDArray[np.uint8], truth: NDArray[np.uint8] | None) -> str:
    """`IL 120, pixel accuracy 93.4 %`; the name alone where nothing can be scored."""
    if truth is None:
        return amplitude.name
    scored = (truth != IGNORE) & amplitude.live
    if not scored.any():
        return amplitude.name
    accuracy = float((truth == prediction)[scored].mean())
    return f"{amplitude.name}, pixel accuracy {100 * accuracy:.1f} %"


def _patches(facies: FaciesTable, *, errors: bool, hatched: bool) -> list[Patch]:
    """The entries of the legend."""
    patches = class_patches(facies)
    if errors:
        patches.append(correct_patch())
    if hatched:
        patches.append(hatched_patch("not interpreted" if errors else "not recorded"))
    return patches


def _explain(figure: Figure, spare: Axes | None, patches: list[Patch]) -> None:
    """Put the legend into the empty place, else below the panels."""
    if spare is None:
        add_legend(figure, patches)
    else:
        spare.set_axis_off()
        spare.legend(handles=patches, loc="center")
