"""A labelled survey comes in; the traces on which a label stands go out, by which sections and splits are chosen."""

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Orientation, describe_lines
from sam_seismic.survey.volume import Section, Volume

PROBED = 32
"""Lines that are read first. If all of their traces hold labels, the volume is taken as interpreted throughout."""


def interpreted_traces(amplitude: Volume, labels: Volume, facies: FaciesTable) -> NDArray[np.bool_]:
    """Traces of a survey on which at least one sample holds a label of a class: bool[inline, crossline].

    The labels of a sparsely interpreted volume are read once; those of a volume that is interpreted throughout only
    in PROBED lines.

    Args:
        amplitude: the survey, which lies on a grid.
        labels: on the same grid.
        facies: tells which label values are classes. Values that are neither classes nor ignored count as labels, so
            that they are refused where they are read.

    Raises:
        SurveyError: the label file is damaged.
    """
    orientation = labels.fast_orientation
    lines = labels.lines(orientation)
    recorded = amplitude.geometry.live & labels.geometry.live
    candidates = _lines_with_traces(recorded, orientation)
    probes = candidates[np.unique(np.rint(np.linspace(0, len(candidates) - 1, PROBED)).astype(np.int64))]
    live = recorded if orientation is Orientation.INLINE else recorded.T
    if all(_holds_everywhere(labels.section(orientation, int(lines[row])), live[row], facies) for row in probes):
        return recorded
    found = np.zeros_like(live)  # [line, trace]
    for row in candidates:
        found[row] = _traces_with_labels(labels.section(orientation, int(lines[row])), live[row], facies)
    return found if orientation is Orientation.INLINE else found.T


def interpreted_sections(
    amplitude: Volume, labels: Volume, facies: FaciesTable
) -> dict[Orientation, NDArray[np.bool_]]:
    """Where labels stand, by orientation: bool[line, trace], lines and traces as in the sections of the amplitudes.

    Of loose sections, those that have a partner among the labels count as interpreted.

    Args:
        amplitude: the survey.
        labels: on the same grid, or loose sections as the amplitudes.
        facies: tells which label values are classes.

    Raises:
        SurveyError: the label file is damaged.
    """
    if not amplitude.loose_sections:
        traces = interpreted_traces(amplitude, labels, facies)
        return {Orientation.INLINE: traces, Orientation.CROSSLINE: traces.T}
    found = {}
    for orientation in Orientation:
        held = np.isin(amplitude.lines(orientation), labels.lines(orientation))
        width = len(amplitude.geometry.lines(orientation.across)) if amplitude.has_grid else 1
        found[orientation] = np.broadcast_to(held[:, None], (len(held), width))
    return found


def describe_interpreted(traces: NDArray[np.bool_], amplitude: Volume, labels: Volume) -> str | None:
    """A note on how much of a survey is interpreted; None if all traces of the labels are.

    Args:
        traces: bool[inline, crossline], from `interpreted_traces`.
        amplitude: the survey.
        labels: on the same grid.
    """
    grid = amplitude.geometry
    if (traces | ~(grid.live & labels.geometry.live)).all():
        return None
    share = traces.sum() / max(grid.live.sum(), 1)
    told = []
    for axis, orientation in enumerate(Orientation):
        lines = grid.lines(orientation)
        held = lines[traces.any(axis=1 - axis)]
        told.append(f"{len(held)} of {len(lines)} {orientation}s ({describe_lines(held)})")
    return f"interpreted: {' and '.join(told)}, {100 * share:.3g} % of the traces"


def _lines_with_traces(recorded: NDArray[np.bool_], orientation: Orientation) -> NDArray[np.int64]:
    """Positions of the lines that have a trace in both files: int64[line]."""
    return np.flatnonzero(recorded.any(axis=1 if orientation is Orientation.INLINE else 0))


def _traces_with_labels(section: Section, live: NDArray[np.bool_], facies: FaciesTable) -> NDArray[np.bool_]:
    """bool[trace]: traces that were recorded and hold a value that is not ignored."""
    return facies.holds_labels(section.values).any(axis=0) & section.live & live


def _holds_everywhere(section: Section, live: NDArray[np.bool_], facies: FaciesTable) -> bool:
    return bool((_traces_with_labels(section, live, facies) == live).all())
