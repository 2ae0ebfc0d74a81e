"""The mask of live traces comes in; a map of at most 60 x 16 cells with the share of live traces goes out."""

import numpy as np
from numpy.typing import NDArray

ROWS, COLUMNS = 16, 60


def coarse(live: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of live traces in each cell of the map.

    Args:
        live: bool[inline, crossline].

    Returns:
        float64[row, column], 0 to 1; small surveys have one cell for each trace.
    """
    rows, columns = (min(most, size) for most, size in zip((ROWS, COLUMNS), live.shape, strict=True))
    down, right = _starts(live.shape[0], rows), _starts(live.shape[1], columns)
    sums = np.add.reduceat(live.astype(np.int64), down, axis=0)  # [row, crossline]
    sums = np.add.reduceat(sums, right, axis=1)  # [row, column]
    sizes = np.outer(np.diff([*down, live.shape[0]]), np.diff([*right, live.shape[1]]))
    return np.asarray(sums / sizes, np.float64)


def _starts(size: int, cells: int) -> NDArray[np.intp]:
    """Start index of each cell; cells are of nearly equal size."""
    return (np.arange(cells) * size // cells).astype(np.intp)
