"""Class probabilities of crosslines and inlines come in; their mean in each voxel goes out, inline by inline.

Crosslines are predicted first. Their probabilities are stored in a scratch file until the inlines are predicted.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.files.disk import reserve
from sam_seismic.files.fixed_records import Recorded, RecordLayout
from sam_seismic.files.unfinished import Start, Unfinished, remove
from sam_seismic.inference.products import Probabilities
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.volume import Section


class WaitingCrosslines(Recorded, Unfinished):
    """The scratch file float16[crossline, inline, class, sample]; it is removed when the prediction is finished.

    Half precision changes the mean of two probabilities by less than 0.0003. The file holds no running sums, so a
    crossline can be written again after the job was killed.

    Args:
        path: of the scratch file, beside the output.
        geometry: the grid.
        classes: number of classes.
        start: whether the file is created or resumed.
        fix: what helps where the disk has no space for it.

    Raises:
        SurveyError: (on entering) the disk has no space for it.
    """

    def __init__(
        self,
        path: Path,
        geometry: Geometry,
        classes: int,
        *,
        start: Start = Start.ONCE,
        fix: str = "free some disk",
    ) -> None:
        super().__init__(path, start=start)
        self._fix = fix
        inlines, crosslines, samples = geometry.shape
        self.geometry = geometry
        self._layout = RecordLayout(np.dtype(np.float16), (classes, samples))
        self._size = inlines * crosslines * self._layout.size

    def open(self) -> None:
        """Create the file at its full size."""
        with self.temporary.open("wb") as file:
            reserve(
                file,
                self._size,
                what=f"{self.temporary.parent}: merging both orientations",
                fix=self._fix,
            )
        self.reopen()

    def reopen(self) -> None:
        """Open the file that an earlier run, or another rank, created.

        Raises:
            SurveyError: the file is missing, or has another size.
        """
        self.open_whole(self.temporary, self._layout, size=self._size)

    def put(self, section: Section, stored: NDArray[np.float16]) -> None:
        """Write the probabilities of a crossline.

        Args:
            section: the crossline.
            stored: float16[inline, class, sample], from `as_stored`.
        """
        inlines = len(self.geometry.inlines)
        position = self.geometry.index(Orientation.CROSSLINE, section.line)
        self.records.write(position * inlines + np.arange(inlines), stored)

    def average(self, section: Section, probabilities: Probabilities) -> Probabilities:
        """The mean of the probabilities of an inline and of the crosslines through it.

        Args:
            section: the inline.
            probabilities: float32[class, sample, trace] of the inline; the mean is computed in this array.

        Returns:
            float32[class, sample, trace].
        """
        inlines, crosslines, _ = self.geometry.shape
        position = self.geometry.index(Orientation.INLINE, section.line)
        stored = self.records.read(position + inlines * np.arange(crosslines))  # float16[crossline, class, sample]
        np.add(probabilities, stored.transpose(1, 2, 0), out=probabilities)  # [class, sample, crossline]
        probabilities /= 2
        return probabilities

    def publish(self) -> None:
        """Remove the file: the prediction is finished."""
        remove(self.temporary)


def as_stored(probabilities: Probabilities) -> NDArray[np.float16]:
    """Probabilities of a crossline, float32[class, sample, trace] -> float16[inline, class, sample] of the file."""
    return probabilities.transpose(2, 0, 1).astype(np.float16)
