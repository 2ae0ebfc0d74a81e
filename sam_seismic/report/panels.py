"""A section comes in; one panel goes out: amplitudes in grey, classes in colour, or errors in colour among grey."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.report.style import CORRECT, FAINT, HATCH, class_colormap
from sam_seismic.survey.facies import IGNORE

Extent = tuple[float, float, float, float]

ASPECT_EXPONENT = 0.6
"""The aspect (height over width) of a panel is samples / traces to this power, so that long sections are not thin."""
LEAST_ASPECT, MOST_ASPECT = 0.42, 1.7
GREYS = LinearSegmentedColormap.from_list("greys", ["black", "white"], N=32)
"""32 grey levels look like 256 in a section, and halve the size of the file."""


def panel_aspect(samples: int, traces: int) -> float:
    """Height over width of the panel for a section."""
    return min(MOST_ASPECT, max(LEAST_ASPECT, math.pow(samples / traces, ASPECT_EXPONENT)))


def show_amplitude(axes: Axes, values: NDArray[np.generic], *, scale: AmplitudeScale, extent: Extent) -> AxesImage:
    """Draw amplitudes in grey: negative ones dark, positive ones bright.

    Args:
        axes: to draw on.
        values: [sample, trace]; masked where nothing was recorded.
        scale: amplitudes that are drawn black and white.
        extent: left, right, bottom, top.
    """
    hatch_background(axes)
    low, high = scale.center - scale.clip, scale.center + scale.clip
    # A smooth filter prevents aliasing of thin beds when a tall section is shrunk, and blocks in small sections.
    return axes.imshow(
        values,
        cmap=GREYS,
        vmin=low,
        vmax=high,
        extent=extent,
        aspect="auto",
        interpolation="hanning",
        interpolation_stage="data",
    )


def show_classes(
    axes: Axes, classes: NDArray[np.uint8], *, count: int, extent: Extent, alpha: float = 1.0
) -> AxesImage:
    """Draw classes in colour.

    Args:
        axes: to draw on.
        classes: class indices uint8[sample, trace]; hatched where masked or IGNORE.
        count: number of classes.
        extent: left, right, bottom, top.
        alpha: opacity, 0 to 1.
    """
    hatch_background(axes)
    shown = np.ma.masked_equal(classes, IGNORE)
    colors = class_colormap(count)
    return axes.imshow(
        shown,
        cmap=colors,
        vmin=-0.5,
        vmax=count - 0.5,
        extent=extent,
        aspect="auto",
        interpolation="nearest",
        alpha=alpha,
    )


def show_errors(
    axes: Axes, truth: NDArray[np.uint8], prediction: NDArray[np.uint8], *, count: int, extent: Extent
) -> AxesImage:
    """Draw wrong voxels in the colour of their true class, and correct ones in grey.

    Args:
        axes: to draw on.
        truth: class indices uint8[sample, trace]; hatched where masked or IGNORE.
        prediction: class indices uint8[sample, trace].
        count: number of classes.
        extent: left, right, bottom, top.
    """
    hatch_background(axes)
    shown = error_classes(truth, prediction, count=count)
    colors = class_colormap(count, CORRECT)
    return axes.imshow(
        shown, cmap=colors, vmin=-0.5, vmax=count + 0.5, extent=extent, aspect="auto", interpolation="nearest"
    )


def error_classes(
    truth: NDArray[np.uint8], prediction: NDArray[np.uint8], *, count: int
) -> np.ma.MaskedArray[tuple[int, ...], np.dtype[np.uint8]]:
    """The true class of wrong voxels, and `count` for correct ones; masked where the truth is masked or IGNORE.

    Args:
        truth, prediction, count: as of `show_errors`.
    """
    classes, right = np.ma.getdata(truth), np.ma.getdata(truth) == np.ma.getdata(prediction)
    hidden = np.ma.getmaskarray(truth) | (classes == IGNORE)
    return np.ma.masked_array(np.where(right, count, classes), hidden)


def hatch_background(axes: Axes) -> None:
    """Hatch the background, which is visible where voxels have no value."""
    axes.patch.set(facecolor="white", edgecolor=FAINT, hatch=HATCH, linewidth=0)
