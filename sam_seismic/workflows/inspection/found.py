"""What `inspect` is asked, and what it found: plain facts for programs, blocks to draw in turn for people."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import ReadOptions

Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class InspectRequest:
    """What to look at.

    Args:
        path: a volume, a configuration (.yaml) or a checkpoint (.ckpt).
        read: how to open a volume.
        labels: the volume holds label values, however many.
        config: a configuration that names the classes of a label volume; None where nobody does.
        picture: PNG to draw a volume into; None for none.
        overwrite: replace an existing picture.
    """

    path: Path
    read: ReadOptions = field(default_factory=ReadOptions)
    labels: bool = False
    config: Path | None = None
    picture: Path | None = None
    overwrite: bool = False


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


Block = Facts | Columns | Histogram | LiveMap


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Args:
        facts: plain data for programs.
        blocks: for people, from top to bottom.
        warnings: what was assumed or looks odd.
        files: what was written.
    """

    facts: dict[str, Any]
    blocks: Sequence[Block]
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
