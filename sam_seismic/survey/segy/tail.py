"""The end of a SEG-Y file goes in; where its whole traces end, and whether zeros stand behind them, comes out."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sam_seismic.survey.segy.headers import SegyLayout

_AT_A_TIME = 1 << 20
_COUNT_BYTE = 115
_LOOKED_AT = 4096
"""Traces from the end of the file on."""


def zeros_from(path: Path, begin: int) -> bool:
    """Whether all bytes of a file from a position on are zero; there must be one."""
    with path.open("rb") as file:
        file.seek(begin)
        block = file.read(_AT_A_TIME)
        if not block:
            return False
        while block:
            if np.frombuffer(block, np.uint8).any():
                return False
            block = file.read(_AT_A_TIME)
    return True


def agreeing_traces(path: Path, layout: SegyLayout) -> int:
    """How many whole traces there are, by the sample counts in their headers (byte 115); 0 where these do not agree.

    The first two must give the count of the layout, or its lower 16 bits, or both none; the last trace is looked for
    from the end of the file on.
    """
    with path.open("rb") as file:

        def count(trace: int) -> int:
            file.seek(layout.start + trace * layout.trace_bytes + _COUNT_BYTE - 1)
            return int.from_bytes(file.read(2), "big" if layout.order == ">" else "little")

        if layout.traces < 1 or count(0) not in (0, layout.samples & 0xFFFF):
            return 0
        expected = count(0)
        if layout.traces > 1 and count(1) != expected:
            return 0
        looked_at = range(layout.traces - 1, max(-1, layout.traces - _LOOKED_AT), -1)
        return next((trace + 1 for trace in looked_at if count(trace) == expected), 0)


def without_zero_traces(path: Path, layout: SegyLayout) -> tuple[SegyLayout, tuple[str, ...]]:
    """The layout without traces at the end of which all bytes are zero, headers too, and a note if there are any.

    Files are padded to whole blocks. A file whose first header is empty, too, is left as it is.
    """
    if layout.traces < 2:
        return layout, ()
    with path.open("rb") as file:
        file.seek(layout.start)
        if not any(file.read(layout.header)):
            return layout, ()
        traces = layout.traces
        while traces > 1:
            file.seek(layout.start + (traces - 1) * layout.trace_bytes)
            if any(file.read(layout.header)) or any(file.read(layout.trace_bytes - layout.header)):
                break
            traces -= 1
    padding = (layout.traces - traces) * layout.trace_bytes
    if not padding:
        return layout, ()
    words = f"{padding} bytes of zeros behind the last of {traces} traces are left out"
    return replace(layout, traces=traces, left_out=layout.left_out + padding), (words,)
