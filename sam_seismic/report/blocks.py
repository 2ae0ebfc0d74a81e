"""The blocks of a report as plain values: facts, tables, histograms, maps; the terminal and pages both draw them."""

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
    """A table of figures.

    Args:
        title: above it.
        header: the names of the columns; the first column is text.
        rows: each with a cell for every column.
        shares: lengths of bars, one for each row, 0 to 1; empty: no bars.
        colors: of the bars, `#rrggbb`; empty: none are set.
        note: one sentence below.
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
    """How often values occur.

    Args:
        title: above it.
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
        title: above it.
        shares: float64[row, column], the share of live traces in a cell, 0 to 1; inlines run down, crosslines right.
        inlines, crosslines: the first and the last line number.
    """

    kind: ClassVar[str] = "live_map"
    title: str
    shares: NDArray[np.float64]
    inlines: tuple[int, int]
    crosslines: tuple[int, int]


ReportBlock = Facts | Columns | Histogram | LiveMap
