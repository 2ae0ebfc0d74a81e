"""A volume comes in; a picture of its middle inline, crossline and time slice, and of its live traces, goes out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sam_seismic.data.amplitude import AmplitudeScale, fit_scale
from sam_seismic.errors import SurveyError
from sam_seismic.report.distribution import AmplitudeCounts, LabelCounts
from sam_seismic.report.legend import add_legend, class_patches, hatched_patch
from sam_seismic.report.letters import drawable
from sam_seismic.report.panels import Extent, hatch_background, panel_aspect, show_amplitude, show_classes
from sam_seismic.report.ruler import Ruler, mark_lines
from sam_seismic.report.style import ACCENT, LIVE, MARGIN, TOL_MUTED, WIDTH, house_style, new_figure, write_picture
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.null_values import is_float_null
from sam_seismic.survey.volume import Section, Volume

MOST_LINES = 64
"""Largest number of sections read for a time slice; in a survey with more lines, the slice is coarser."""
ASPECT_LIMIT = 0.8
"""Largest aspect (height over width) of a panel, so that two rows of panels fit on a screen."""
PERCENTILE = 99.0
"""Percentile of |amplitude| in the drawn sections that is black and white."""

BOTTOM_HEIGHT = 1.3
"""Height in inches of the panel at the bottom, which shows the distribution of values."""
LINE_WIDTH = 0.9
"""Width in points of the lines that show where panels intersect."""

Values = NDArray[np.generic]
Paint = Callable[[Axes, Values, Extent], object]
"""Draws amplitudes or labels [row, column] on an extent."""


@dataclass(frozen=True, eq=False)
class TimeSlice:
    """A map of the values at one two-way time.

    Args:
        time_ms: two-way time in ms.
        values: [inline, crossline], subsampled along one of them; masked where no trace was recorded.
    """

    time_ms: float
    values: np.ma.MaskedArray[tuple[int, ...], np.dtype[np.generic]]


def volume_picture(
    path: Path,
    volume: Volume,
    *,
    facies: FaciesTable | None,
    labels: bool,
    distribution: AmplitudeCounts | LabelCounts | None = None,
) -> None:
    """Draw the middle inline, crossline and time slice of a volume, its live traces, and the distribution of values.

    At most 66 sections are read. Of a folder of sections without a grid, only the middle sections are drawn.

    Args:
        path: the PNG file.
        volume: amplitudes or labels.
        facies: classes of the labels; None to make a class of each value that is read.
        labels: whether the volume holds labels.
        distribution: distribution of its amplitudes or labels; None for none.

    Raises:
        SurveyError: a label is not one of the classes, there are too many label values, or the volume is damaged.
    """
    write_picture(path, volume_figure(volume, facies=facies, labels=labels, distribution=distribution))


def volume_figure(
    volume: Volume,
    *,
    facies: FaciesTable | None,
    labels: bool,
    distribution: AmplitudeCounts | LabelCounts | None = None,
) -> Figure:
    """The figure of `volume_picture`, with the same arguments."""
    geometry = volume.geometry if volume.has_grid else None  # some folders of sections have no grid
    sections = _middle_sections(volume)
    along = _mapped_along(volume, geometry)
    time_slice = None if along is None else read_time_slice(volume, along)
    if labels:
        counted = distribution.voxels if isinstance(distribution, LabelCounts) else {}
        facies = facies or _classes_seen(sections, time_slice, volume.path, counted)
        paint, patches = _paint_labels(facies, volume.path), class_patches(facies)
    else:
        paint, patches = _paint_amplitude(sections, volume.path), []
    name = drawable(volume.path.name)
    with house_style([name, *(() if facies is None else facies.names)]):
        figure, panels, below = _panels(sections, geometry if time_slice else None, below=distribution is not None)
        for section, axes in zip(sections, panels, strict=False):
            _draw_section(axes, section, geometry, paint)
        if geometry is not None and time_slice is not None:
            _draw_time_slice(panels[-2], time_slice, geometry, paint)
            _draw_live(panels[-1], geometry)
            _mark_crossings(panels, sections, time_slice, geometry)
        if below is not None and isinstance(distribution, AmplitudeCounts):
            distribution.draw(below)
        elif below is not None and isinstance(distribution, LabelCounts) and facies is not None:
            patches = [] if distribution.draw(below, facies) else patches
        if geometry is not None and not geometry.live.all():
            patches.append(hatched_patch("not recorded"))
        if patches:
            add_legend(figure, patches)
        figure.suptitle(name if geometry is None else f"{name}\n{geometry}", x=0.01, ha="left")
    return figure


def read_time_slice(volume: Volume, along: Orientation) -> TimeSlice:
    """The middle time slice of a volume, read from at most `MOST_LINES` sections of one orientation."""
    geometry = volume.geometry
    lines = geometry.lines(along)
    rows = min(MOST_LINES, len(lines))
    read = lines[((np.arange(rows) + 0.5) * len(lines) / rows).astype(int)]  # the middle of `rows` equal intervals
    sample = geometry.samples // 2
    sections = [volume.section(along, int(line)) for line in read]
    values = np.stack([section.values[sample] for section in sections])  # [section, trace]
    dead = np.stack([~section.live for section in sections])
    time_slice = np.ma.masked_array(values, dead)
    return TimeSlice(
        geometry.start_ms + sample * geometry.sample_interval_ms,
        time_slice if along is Orientation.INLINE else time_slice.T,  # [inline, crossline]
    )


def _mapped_along(volume: Volume, geometry: Geometry | None) -> Orientation | None:
    """An orientation in which all sections can be read, for the maps; None if no map can be drawn, as of a 2D line."""
    if geometry is None or min(geometry.shape[:2]) == 1:
        return None
    complete = (each for each in Orientation if len(volume.lines(each)) == len(geometry.lines(each)))
    return next(complete, None)


def _middle_sections(volume: Volume) -> list[Section]:
    """The middle one of the inlines and of the crosslines that can be read; of a 2D line, only the line."""
    sections = []
    for orientation in Orientation:
        lines = volume.lines(orientation)
        if len(lines):
            sections.append(volume.section(orientation, int(lines[len(lines) // 2])))
    assert sections, "a volume without lines is refused when it is opened"
    return [section for section in sections if section.shape[1] > 1] or sections[:1]


def _classes_seen(
    sections: Sequence[Section], time_slice: TimeSlice | None, path: Path, counted: Mapping[int, int]
) -> FaciesTable:
    """A class for each label value that is drawn or was counted; its name is the value."""
    seen = [section.values[:, section.live].ravel() for section in sections]
    if time_slice is not None:
        seen.append(time_slice.values.compressed())
    values = np.unique(np.concatenate(seen))
    found = {int(value) for value in values[~is_float_null(values)]} | set(counted)
    known = sorted(found - {IGNORE}) or [0]
    if len(known) >= IGNORE:
        raise SurveyError(
            problem=f"{path}: {len(known)} different values are too many to be classes",
            fix="look at it as amplitudes",
        )
    if known[0] >= 0 and known[-1] < len(TOL_MUTED):
        known = list(range(known[-1] + 1))  # the colour of a class does not depend on which others occur
    return FaciesTable(tuple(map(str, known)), tuple(known))


def _paint_labels(facies: FaciesTable, path: Path) -> Paint:
    def paint(axes: Axes, values: Values, extent: Extent) -> object:
        known = np.ma.filled(values, facies.values[0])  # values of dead traces need not be a class
        classes = np.ma.masked_array(facies.encode(known, str(path)), np.ma.getmaskarray(values))
        return show_classes(axes, classes, count=len(facies), extent=extent)

    return paint


def _paint_amplitude(sections: list[Section], path: Path) -> Paint:
    finite = [replace(section, values=np.where(np.isfinite(section.values), section.values, 0)) for section in sections]
    try:
        scale = fit_scale(finite, PERCENTILE, str(path))
    except SurveyError:  # all amplitudes are equal; draw them all the same
        scale = AmplitudeScale(center=0.0, clip=1.0)

    def paint(axes: Axes, values: Values, extent: Extent) -> object:
        return show_amplitude(axes, np.ma.masked_invalid(values), scale=scale, extent=extent)

    return paint


def _panels(
    sections: Sequence[Section], geometry: Geometry | None, *, below: bool
) -> tuple[Figure, list[Axes], Axes | None]:
    """A figure with a row of sections, a row of two maps if there is a grid, and one panel `below` them."""
    samples, traces = np.max([section.shape for section in sections], axis=0)
    shapes = [(samples, traces)] if geometry is None else [(samples, traces), geometry.shape[:2]]
    width = (WIDTH - MARGIN) / 2
    heights = [width * min(panel_aspect(*shape), ASPECT_LIMIT) for shape in shapes] + [BOTTOM_HEIGHT] * below
    figure = new_figure(WIDTH, sum(heights) + 0.75 * len(heights) + 0.9)
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
    places = [grid[0, 0], grid[0, 1]] if len(sections) == 2 else [grid[0, :]]
    places += [] if geometry is None else [grid[1, 0], grid[1, 1]]
    panels = [figure.add_subplot(place) for place in places]
    return figure, panels, figure.add_subplot(grid[-1, :]) if below else None


def _draw_section(axes: Axes, section: Section, geometry: Geometry | None, paint: Paint) -> None:
    ruler = Ruler() if geometry is None else Ruler.of(geometry, section.orientation)
    dead = np.broadcast_to(~section.live, section.shape)  # [sample, trace]
    paint(axes, np.ma.masked_array(section.values, dead), ruler.extent(section.shape))
    ruler.mark(axes, section.orientation)
    axes.set_title(section.name, loc="left")


def _draw_time_slice(axes: Axes, time_slice: TimeSlice, geometry: Geometry, paint: Paint) -> None:
    paint(axes, time_slice.values, _map_extent(geometry))
    _mark_map(axes, geometry)
    axes.set_title(f"Time slice, {time_slice.time_ms:g} ms", loc="left")


def _draw_live(axes: Axes, geometry: Geometry) -> None:
    hatch_background(axes)
    live = np.ma.masked_equal(geometry.live.astype(np.uint8), 0)  # [inline, crossline]
    axes.imshow(live, cmap=ListedColormap([LIVE]), extent=_map_extent(geometry), aspect="auto", interpolation="nearest")
    _mark_map(axes, geometry)
    axes.set_title(f"Live traces, {geometry.live.sum()} of {geometry.live.size}", loc="left")


def _map_extent(geometry: Geometry) -> Extent:
    inlines, crosslines, _ = geometry.shape
    return -0.5, crosslines - 0.5, inlines - 0.5, -0.5


def _mark_map(axes: Axes, geometry: Geometry) -> None:
    """Put line numbers on a map with inlines from top to bottom and crosslines from left to right."""
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("crossline")
    axes.set_ylabel("inline")
    mark_lines(axes.xaxis, geometry.crosslines)
    mark_lines(axes.yaxis, geometry.inlines)


def _mark_crossings(
    panels: Sequence[Axes], sections: Sequence[Section], time_slice: TimeSlice, geometry: Geometry
) -> None:
    """Draw lines in each panel where the other sections and the time slice intersect it."""
    for axes, section in zip(panels, sections, strict=False):
        axes.axhline(time_slice.time_ms, color=ACCENT, linewidth=LINE_WIDTH)
        position = geometry.index(section.orientation, section.line)
        for other, shown in zip(panels, sections, strict=False):
            if shown.orientation is section.orientation.across:
                other.axvline(position, color=ACCENT, linewidth=LINE_WIDTH)
        for axes_map in panels[-2:]:
            draw = axes_map.axhline if section.orientation is Orientation.INLINE else axes_map.axvline
            draw(position, color=ACCENT, linewidth=LINE_WIDTH)
