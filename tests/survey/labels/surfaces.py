"""Surveys with coordinates and surfaces on them, to test with."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import HorizonFormatName
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labels.horizon_files import HORIZON_FORMATS, Top
from sam_seismic.survey.memory import MemoryVolume


class PlacedVolume(MemoryVolume):
    """A volume in memory with coordinates: float64[inline, crossline, 2]."""

    def __init__(self, geometry: Geometry, places: NDArray[np.float64] | None, path: Path = Path("survey.sgy")) -> None:
        super().__init__(np.zeros(geometry.shape, np.float32), geometry, path=path)
        self.places = places

    def coordinates(self, orientation: Orientation, line: int) -> NDArray[np.float64] | None:
        if self.places is None:
            return None
        at = self.geometry.index(orientation, line)
        return self.places[at] if orientation is Orientation.INLINE else self.places[:, at]


def grid(inlines: range = range(100, 108, 2), crosslines: range = range(300, 306), samples: int = 50) -> Geometry:
    return Geometry.complete(inlines, crosslines, samples, sample_interval_ms=4.0, start_ms=0.0)


def places_on(
    geometry: Geometry, angle: float = 30.0, *, mirrored: bool = False, bins: tuple[float, float] = (25.0, 12.5)
) -> NDArray[np.float64]:
    """Coordinates of a rotated survey: float64[inline, crossline, 2]."""
    turn = np.deg2rad(angle)
    along = np.array([np.cos(turn), np.sin(turn)]) * bins[1]
    across = np.array([-np.sin(turn), np.cos(turn)]) * bins[0] * (-1 if mirrored else 1)
    inline, crossline = np.meshgrid(geometry.inlines - 100, geometry.crosslines - 300, indexing="ij")
    return np.array([605000.0, 6073000.0]) + inline[..., None] * across + crossline[..., None] * along


def written(top: Top, format: HorizonFormatName, path: Path) -> Path:
    write = HORIZON_FORMATS[format].write
    assert write is not None
    with path.open("w", encoding="utf-8", newline="") as file:
        write(top, file, path)
    return path
