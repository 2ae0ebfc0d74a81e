"""Sections go in, one .npy array [inline, crossline, sample] comes out."""

import math
from pathlib import Path

import numpy as np

from sam_seismic.files.disk import reserve
from sam_seismic.files.fixed_records import Recorded, RecordFile, RecordLayout
from sam_seismic.files.unfinished import Start, resume_error
from sam_seismic.survey.arrays.stored import find_array
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.result import Result, ResultRequest
from sam_seismic.survey.volume import Section


class ArrayResult(Recorded, Result):
    """A result as one .npy array [inline, crossline, sample].

    Args:
        path: the final name.
        dtype: type of the samples.
        geometry: the grid to fill.
        overwrite: whether an existing file may be replaced.
        start: in one go, or resumable.
        null: what places without a live trace get.

    Raises:
        SurveyError: the path exists and may not be replaced.
    """

    def __init__(
        self,
        path: Path,
        dtype: np.dtype[np.generic],
        *,
        geometry: Geometry,
        overwrite: bool,
        start: Start = Start.ONCE,
        null: float = 0,
    ) -> None:
        super().__init__(path, dtype, overwrite=overwrite, start=start, null=null)
        self._geometry = geometry

    def open(self) -> None:
        """Create the array, all zero.

        Raises:
            SurveyError: the disk is too full for it.
        """
        shape = self._geometry.shape
        header = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False, "shape": shape}
        with self.temporary.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            size = math.prod(shape) * self.dtype.itemsize
            reserve(file, size, what=str(self.path), fix="free some disk, or write elsewhere")
        self.reopen()

    def reopen(self) -> None:
        """Go on with the array that an earlier run left.

        Raises:
            SurveyError: it is not there, or another array.
        """
        stored = find_array(self.temporary, None)
        size = math.prod(self._geometry.shape) * self.dtype.itemsize
        whole = stored.offset is not None and self.temporary.stat().st_size == stored.offset + size
        if not whole or (stored.shape, stored.dtype) != (self._geometry.shape, self.dtype):
            raise resume_error(self.temporary)
        records = RecordLayout(self.dtype, (self._geometry.samples,), start=stored.offset or 0)
        self._records = RecordFile(self.temporary, records)

    def write(self, section: Section) -> None:
        """Write one whole section, [sample, trace]."""
        inlines, crosslines, _ = self._geometry.shape
        position = self._geometry.index(section.orientation, section.line)
        live = self._geometry.live_along(section.orientation, section.line) & section.live
        traces = np.where(live[:, None], section.values.T, self.null)  # [trace, sample]
        if section.orientation is Orientation.INLINE:
            self.records.write(np.arange(crosslines) + position * crosslines, traces)
        else:
            self.records.write(np.arange(inlines) * crosslines + position, traces)


def array_result(request: ResultRequest) -> ArrayResult:
    """A result as it is asked for, on the grid of its source; an array has no place for a note."""
    return ArrayResult(
        request.path,
        request.dtype,
        geometry=request.source.geometry,
        overwrite=request.overwrite,
        start=request.start,
        null=request.null,
    )
