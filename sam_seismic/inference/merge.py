"""Crossline probabilities of a volume wait in a scratch file until the inlines through the voxels are predicted."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.files.disk import reserve
from sam_seismic.files.fixed_records import Recorded, RecordLayout
from sam_seismic.files.unfinished import Start, Unfinished, remove
from sam_seismic.inference.products import Probabilities
from sam_seismic.survey.volume import Geometry, Orientation, Section


class CrosslineProbabilities(Recorded, Unfinished):
    """A scratch file float16[crossline, inline, class, sample], which vanishes when the job is done.

    Half precision: the mean of two probabilities is wrong by less than 0.0003. Nothing is added up in the file, so a
    section that is written a second time after a kill does no harm.

    Args:
        path: of the scratch file, beside the result.
        geometry: the grid.
        classes: how many.
        start: in one go, or resumable.

    Raises:
        SurveyError: (on entering) the disk has no room for it.
    """

    def __init__(self, path: Path, geometry: Geometry, classes: int, *, start: Start = Start.ONCE) -> None:
        super().__init__(path, start=start)
        inlines, crosslines, samples = geometry.shape
        self._geometry = geometry
        self._layout = RecordLayout(np.dtype(np.float16), (classes, samples))
        self._size = inlines * crosslines * self._layout.size

    def open(self) -> None:
        """Create the file at its full size."""
        with self.temporary.open("wb") as file:
            reserve(
                file,
                self._size,
                what=f"{self.temporary.parent}: merging both orientations",
                fix="free some disk, write the output elsewhere, or predict with one --orientation",
            )
        self.reopen()

    def reopen(self) -> None:
        """Go on with the file that an earlier run left.

        Raises:
            SurveyError: it is not there, or of another size.
        """
        self.open_whole(self.temporary, self._layout, size=self._size)

    def put(self, section: Section, kept: NDArray[np.float16]) -> None:
        """Keep what `waiting` makes of a crossline."""
        inlines = len(self._geometry.inlines)
        position = self._geometry.index(Orientation.CROSSLINE, section.line)
        self.records.write(position * inlines + np.arange(inlines), kept)

    def average(self, section: Section, probabilities: Probabilities) -> Probabilities:
        """The mean of float32[class, sample, trace] of an inline and the crosslines through it, in the same array."""
        inlines, crosslines, _ = self._geometry.shape
        position = self._geometry.index(Orientation.INLINE, section.line)
        kept = self.records.read(position + inlines * np.arange(crosslines))  # float16[crossline, class, sample]
        np.add(probabilities, kept.transpose(1, 2, 0), out=probabilities)  # [class, sample, crossline]
        probabilities /= 2
        return probabilities

    def publish(self) -> None:
        """Remove it."""
        remove(self.temporary)


def waiting(probabilities: Probabilities) -> NDArray[np.float16]:
    """float32[class, sample, trace] of a crossline -> float16[inline, class, sample], as it waits."""
    return probabilities.transpose(2, 0, 1).astype(np.float16)
