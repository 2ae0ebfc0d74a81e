"""Blocks of a report as plain values: facts, tables, histograms and maps, to be drawn in a terminal or on a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Facts:
    """Rows of a name and its value."""

    kind: ClassVar[str] = "facts"
    title: str
    rows: Rows


@dataclass(frozen=True)
class Columns:
    """A table of numbers.

    Args:
        title: title above the table.
        header: names of the columns; the first column is text.
        rows: a cell for each column.
        shares: lengths of bars, one for each row, 0 to 1; empty for no bars.
        colors: colours of the bars, `#rrggbb`; empty for the default.
        note: a sentence below the table.
    """

    kind: ClassVar[str] = "columns"
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    shares: Sequence[float] = ()
    colors: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True, eq=False)
class Histogram:
    """A histogram of values.

    Args:
        title: title above the histogram.
        edges: float64[bin + 1], ascending.
        counts: int64[bin].
    """

    kind: ClassVar[str] = "histogram"
    title: str
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LiveMap:
    """A coarse map of where a survey has live traces.

    Args:
        title: title above the map.
        shares: float64[row, column], share of live traces in a cell, 0 to 1; inlines from top to bottom.
        inlines, crosslines: first and last line number.
    """

    kind: ClassVar[str] = "live_map"
    title: str
    shares: NDArray[np.float64]
    inlines: tuple[int, int]
    crosslines: tuple[int, int]


ReportBlock = Facts | Columns | Histogram | LiveMap
