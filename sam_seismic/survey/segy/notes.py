"""The headers of a file go in; notes on what was assumed or looks odd come out."""

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.segy.headers import FileHeader, SegyLayout
from sam_seismic.survey.segy.lines import Lines
from sam_seismic.survey.segy.scan import DELAY, INTERVAL, SAMPLES, SCALAR_OF_PLACES, SCALAR_OF_TIMES
from sam_seismic.survey.segy.template import scalar_factor

_DEFAULT_INTERVAL_US = 4000.0
ASSUMED_INTERVAL = f"no sample interval in the headers: {_DEFAULT_INTERVAL_US:g} us assumed"


def interval_us(header: FileHeader, lines: Lines) -> tuple[float, tuple[str, ...]]:
    """Sample interval in microseconds, from the binary header if it is there, and what to note."""
    binary, stored = header.interval_us, lines.checked[INTERVAL]
    first = stored[0]
    if binary > 0:
        other = next((value for value in stored if value not in (0, binary)), None)
        if other is None:
            return binary, ()
        where = "the first trace" if other == first else "some traces"
        words = f"sample interval {binary:g} us in the binary header, {other} us in {where}: the former is used"
        return binary, (words,)
    known = next((value for value in stored if value > 0), 0)
    if known > 0:
        where = "the first trace" if known == first else "the traces: the first one"
        return float(known), (f"sample interval {known} us is taken from {where}: the binary header has none",)
    return _DEFAULT_INTERVAL_US, (ASSUMED_INTERVAL,)


def start_ms(lines: Lines) -> float:
    """Time of the first sample, ms."""
    delay, scalar = lines.checked[DELAY][0], lines.checked[SCALAR_OF_TIMES][0]
    # Bytes 215-216 are unassigned before revision 1: only the standard's values are believed.
    believed = scalar if abs(scalar) in (1, 10, 100, 1000, 10000) else 0
    return float(delay * scalar_factor(np.array([float(believed)]))[0])


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
    return live, (f"{len(lines.dead)} traces are marked as dead (byte 29 is 2 or 3)",)


def describe_counts(layout: SegyLayout, lines: Lines) -> tuple[str, ...]:
    """A note where the trace headers give another number of samples than the traces hold."""
    first = lines.checked[SAMPLES][0]
    if first in (0, layout.samples):
        return ()
    return (f"the first trace header gives {first} samples; the traces hold {layout.samples}",)


def describe_grid(lines: Lines) -> tuple[str, ...]:
    """Notes on places without a trace, repeated traces and uneven steps."""
    notes, places = [], lines.index.size
    if empty := int(np.count_nonzero(lines.index < 0)):
        notes.append(f"{empty} of {places} places of the grid hold no trace")
    if len(lines.repeats):
        passed_over, read = (lines.repeats[0] + 1).tolist()
        notes.append(
            f"{len(lines.repeats)} traces are passed over, as another one of their place is read: trace {passed_over} "
            f"for trace {read}" + (" and so on" if len(lines.repeats) > 1 else "")
        )
    for name, numbers in (("inline", lines.inlines), ("crossline", lines.crosslines)):
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
        DELAY: ("delay of the first sample", f"{lines.checked[DELAY][0]} is used"),
        SCALAR_OF_PLACES: ("coordinate scalar", "each trace's own is used"),
    }
    notes = []
    for byte, (name, what) in used.items():
        values = lines.checked[byte]
        if len(values) > 1:
            notes.append(f"{name} (byte {byte}) varies from {min(values)} to {max(values)}; {what}")
    return tuple(notes)
