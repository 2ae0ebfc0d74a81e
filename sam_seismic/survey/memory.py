"""Arrays that are already in memory go in, a Volume comes out."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.volume import Section, Volume

IN_MEMORY = Path("(in memory)")
"""The path, for messages, of a volume that has no file."""


class MemoryVolume(Volume):
    """A volume without a file: synthetic surveys, results that were not written yet, tests.

    Args:
        values: [inline, crossline, sample], float32 amplitudes or integer labels; not copied.
        geometry: their grid.
        path: a name for messages.

    Raises:
        SurveyError: the array does not have the shape of the grid.
    """

    def __init__(self, values: NDArray[np.generic], geometry: Geometry, *, path: Path = IN_MEMORY) -> None:
        if values.shape != geometry.shape:
            raise SurveyError(
                problem=f"{path}: the array has shape {values.shape}, its geometry {geometry.shape}",
                fix="give the array as [inline, crossline, sample]",
            )
        self.path = path
        self.values = values
        self._geometry = geometry

    @property
    def geometry(self) -> Geometry:
        """The grid."""
        return self._geometry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the array."""
        return self.values.dtype

    @property
    def files(self) -> tuple[Path, ...]:
        """None: its path is only a name for messages."""
        return ()

    @property
    def encoding(self) -> str:
        """`in memory`."""
        return "in memory"

    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace]; dead traces are zero."""
        position = self.geometry.index(orientation, line)
        traces = self.values[position] if orientation is Orientation.INLINE else self.values[:, position]
        live = self.geometry.live_along(orientation, line)
        values = traces.T.copy()  # [trace, sample] -> [sample, trace]
        values[:, ~live] = 0
        return Section(orientation, line, values, live)
