"""What a report is made of: facts, tables, histograms and maps, drawn by the terminal and by pages alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Facts:
    """Names and what they are."""

    title: str
    rows: Rows


@dataclass(frozen=True)
class Columns:
    """A table of figures.

    Args:
        title: above it.
        header: a name a column; the first column is text.
        rows: a cell a column.
        shares: a bar a row, 0 to 1; empty for none.
        colors: of the bars, `#rrggbb`; empty for none.
        note: one sentence below.
    """

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

    title: str
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LiveMap:
    """Where a survey has traces, coarsely.

    Args:
        title: above it.
        shares: float64[row, column], 0 to 1 of the traces of a cell; inlines run down, crosslines to the right.
        inlines, crosslines: the first and the last line number.
    """

    title: str
    shares: NDArray[np.float64]
    inlines: tuple[int, int]
    crosslines: tuple[int, int]


ReportBlock = Facts | Columns | Histogram | LiveMap
