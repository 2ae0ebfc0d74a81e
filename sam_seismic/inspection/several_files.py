"""A volume of several files comes in; a row for each of them goes out, as plain data and as a table."""

from typing import Any

import numpy as np

from sam_seismic.inspection.grid import grid_facts
from sam_seismic.report.blocks import Columns
from sam_seismic.survey.geometry import Orientation, describe_lines
from sam_seismic.survey.volume import Volume

_MOST = 40
"""Files that have a row in the table."""
_FACTS = (
    *("shape", "inlines", "crosslines", "sample_interval_ms", "start_ms", "live_traces"),
    *("format", "byte_order", "inline_byte", "crossline_byte"),
)


def several_facts(volume: Volume) -> dict[str, Any]:
    """Lines, times and format of each file, under `files`; empty for a volume of one file."""
    if not volume.by_file:
        return {}
    return {"files": [{"path": str(each.path), **_facts(each)} for each in volume.by_file]}


def _facts(volume: Volume) -> dict[str, Any]:
    known = grid_facts(volume) | {
        "format": volume.encoding,
        "byte_order": volume.source_facts.byte_order,
        "inline_byte": volume.source_facts.inline_byte,
        "crossline_byte": volume.source_facts.crossline_byte,
    }
    return {name: known[name] for name in _FACTS}


def files_table(volume: Volume) -> Columns:
    """A row for each file: its lines, its traces, and how it is stored."""
    files = volume.by_file
    rows = []
    for each in files[:_MOST]:
        grid, facts = each.geometry, each.source_facts
        lines = [describe_lines(grid.lines(orientation)) for orientation in Orientation]
        at = f"{facts.inline_byte}/{facts.crossline_byte}"
        rows.append((each.path.name, *lines, f"{int(np.count_nonzero(grid.live)):,}", _times(each), at, _stored(each)))
    left = f"{len(files) - _MOST} more files; --json has all" if len(files) > _MOST else ""
    header = ("file", "inlines", "crosslines", "traces", "ms", "bytes", "format")
    return Columns(f"{len(files)} files", header, rows, note=left)


def _times(volume: Volume) -> str:
    return f"{volume.geometry.start_ms:g}-{volume.geometry.end_ms:g}"


def _stored(volume: Volume) -> str:
    order = volume.source_facts.byte_order
    return f"{volume.encoding}, {order}" if order else volume.encoding
