"""The headers of a file go in; notes on what was assumed or looks odd come out."""

import numpy as np
from numpy.typing import NDArray

from sam_seismic.files.units import counted
from sam_seismic.survey.segy.headers import SegyLayout
from sam_seismic.survey.segy.lines import Lines
from sam_seismic.survey.segy.scan import SAMPLES, SCALAR_OF_PLACES


def live_traces(lines: Lines, traces: int) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """bool[inline, crossline], where a trace is in the file and not marked as dead, and what to note."""
    live = lines.index >= 0
    if len(lines.dead) == 0:
        return live, ()
    if len(lines.dead) == traces:
        return live, ("every trace is marked as dead (byte 29): the mark is ignored",)
    dead = np.zeros(traces, np.bool_)
    dead[lines.dead] = True
    live[live] = ~dead[lines.index[live]]
    return live, (f"{counted(len(lines.dead), 'trace', 'are')} marked as dead (byte 29 is 2 or 3)",)


def describe_counts(layout: SegyLayout, lines: Lines) -> tuple[str, ...]:
    """A note where the trace headers give another number of samples than the traces hold."""
    first = lines.checked[SAMPLES][0]
    if first in (0, layout.samples):
        return ()
    return (f"the first trace header gives {first} samples; the traces hold {layout.samples}",)


def describe_grid(lines: Lines) -> tuple[str, ...]:
    """Notes on repeated traces, places without a trace and uneven steps."""
    notes = []
    if len(lines.repeats):
        passed_over, read = (lines.repeats[0] + 1).tolist()
        notes.append(
            f"{counted(len(lines.repeats), 'trace', 'are')} passed over, as another one of their place is read: "
            f"trace {passed_over} for trace {read}" + (" and so on" if len(lines.repeats) > 1 else "")
        )
    return (*notes, *describe_places(lines.index, lines.inlines, lines.crosslines))


def describe_places(
    held: NDArray[np.integer], inlines: NDArray[np.int32], crosslines: NDArray[np.int32]
) -> tuple[str, ...]:
    """Notes on places without a trace and uneven steps of a grid.

    Args:
        held: int[inline, crossline], below 0 where there is no trace.
        inlines: int32[inline], their numbers.
        crosslines: int32[crossline], likewise.
    """
    notes, places = [], held.size
    if empty := int(np.count_nonzero(held < 0)):
        notes.append(f"{empty} of {places} places of the grid hold no trace")
    if held.shape[1] == 1 and held.shape[0] > 1:
        notes.append("there is one crossline: every inline is a single trace wide, and only the crossline is a section")
    for name, numbers in (("inline", inlines), ("crossline", crosslines)):
        steps = np.unique(np.diff(numbers.astype(np.int64)))
        if len(steps) > 1:
            notes.append(
                f"{name} numbers step unevenly, by {steps[0]} to {steps[-1]}: lines without traces are left out"
            )
    return tuple(notes)


def describe_variation(layout: SegyLayout, lines: Lines) -> tuple[str, ...]:
    """Notes on fields that should be constant and are not."""
    used = {
        SAMPLES: ("sample count", f"{layout.samples} is used"),
        SCALAR_OF_PLACES: ("coordinate scalar", "each trace's own is used"),
    }
    notes = []
    for byte, (name, what) in used.items():
        values = lines.checked[byte]
        if len(values) > 1:
            notes.append(f"{name} (byte {byte}) varies from {min(values)} to {max(values)}; {what}")
    return tuple(notes)
