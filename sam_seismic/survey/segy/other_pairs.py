"""A file without line numbers at the usual positions comes in; other fields that may hold them go out."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.segy.headers import SegyLayout
from sam_seismic.survey.segy.samples import TraceFile
from sam_seismic.survey.segy.scan import OFFSET
from sam_seismic.survey.segy.template import field_of

_FIELDS = tuple(byte for byte in range(1, 238, 4) if byte not in (OFFSET, 73, 77, 81, 85, 181, 185))
"""All 4-byte fields but the offset and the coordinates."""
_SAMPLED = 512
_MOST = 10
"""Fields whose columns are held in memory at a time, and are tried in pairs."""


def numbering_fields(path: Path, layout: SegyLayout) -> tuple[int, ...]:
    """Byte positions of fields that vary, and do not run with the number of the trace."""
    spread = np.linspace(0, layout.traces - 1, _SAMPLED).astype(np.int64)
    traces = np.unique(np.concatenate([np.arange(min(_SAMPLED, layout.traces)), spread]))
    headers = TraceFile(path, layout).headers(traces)
    columns = {byte: field_of(headers, byte, "i4", layout.order).astype(np.int64) for byte in _FIELDS}
    return tuple(byte for byte, column in columns.items() if _may_number(column))[:_MOST]


def _may_number(column: NDArray[np.int64]) -> bool:
    if np.ptp(column) == 0 or len(np.unique(column)) == len(column):
        return False
    # Lines of a survey are numbered evenly, most of all; what is measured is not.
    steps, counts = np.unique(np.diff(np.unique(column)), return_counts=True)
    return bool(len(steps) == 0 or counts.max() > 0.3 * counts.sum())
