"""A SEG-Y file comes in; several files with some of its lines each go out, header for header."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.segy import write_segy
from tests.survey.segy_files import Parts, smooth

Chosen = Callable[[NDArray[np.integer], NDArray[np.integer]], NDArray[np.bool_]]
"""Inline and crossline numbers of all traces come in; which of them a file gets goes out."""
BY_INLINES: Mapping[str, Chosen] = {
    "part1.sgy": lambda il, _: il < 105,
    "part2.sgy": lambda il, _: (il >= 105) & (il < 108),
    "part10.sgy": lambda il, _: il >= 108,
}
BY_SWATHS: Mapping[str, Chosen] = {
    "swath1.sgy": lambda _, xl: xl < 303,
    "swath2.sgy": lambda _, xl: (xl >= 303) & (xl < 306),
    "swath3.sgy": lambda _, xl: xl >= 306,
}
OVERLAPPING: Mapping[str, Chosen] = {
    "a.sgy": lambda il, _: il < 106,
    "b.sgy": lambda il, _: (il >= 104) & (il < 109),
    "c.sgy": lambda il, xl: (il >= 108) | (xl == 303),
}
SHAPE = (12, 9, 40)


def survey_grid(shape: tuple[int, int, int] = SHAPE) -> Geometry:
    """Inlines from 100, crosslines from 300, every 4 ms, with a place without a trace."""
    grid = Geometry.complete(range(100, 100 + shape[0]), range(300, 300 + shape[1]), shape[2])
    grid.live[3, 4] = False
    return grid


def bins(grid: Geometry, angle: float = 30.0, origin: tuple[float, float] = (5e5, 6e6)) -> NDArray[np.float64]:
    """X and Y of bins of 25 by 12.5 metres, turned by degrees: float64[inline, crossline, 2]."""
    il, xl = np.meshgrid(grid.inlines - 100.0, grid.crosslines - 300.0, indexing="ij")
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.stack([origin[0] + 25 * il * c - 12.5 * xl * s, origin[1] + 25 * il * s + 12.5 * xl * c], axis=-1)


def write_whole(path: Path, **given: object) -> Path:
    """A survey as one file, with X and Y."""
    grid = survey_grid()
    write_segy(path, smooth(SHAPE), grid, coordinates=bins(grid), **given)  # type: ignore[arg-type]
    return path


def split(whole: Path, folder: Path, files: Mapping[str, Chosen]) -> list[Path]:
    """Files with some of the traces of a plain file each, in the order of their names here."""
    folder.mkdir(parents=True, exist_ok=True)
    trace_bytes = 240 + int.from_bytes(whole.read_bytes()[3220:3222], "big") * _size(whole)
    made = []
    for name, chosen in files.items():
        parts = Parts.of(whole, trace_bytes)
        parts.traces = parts.traces[chosen(parts.field(189), parts.field(193))]
        made.append(parts.save(folder / name))
    return made


def _size(whole: Path) -> int:
    return {1: 4, 3: 2, 5: 4, 8: 1}[int.from_bytes(whole.read_bytes()[3224:3226], "big")]
