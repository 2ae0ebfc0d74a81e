"""Sections go in, a chunked HDF5 file comes out; and a whole volume of any format is copied into one."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.cube import Axes
from sam_seismic.survey.hdf5.layout import FORMAT, VERSION, Layout, chunk_cache, chunk_shape, writing
from sam_seismic.survey.hdf5.reader import Hdf5Volume
from sam_seismic.survey.result import Result, check_room
from sam_seismic.survey.volume import Geometry, Orientation, Section, Volume

Done = Callable[[int, int], None]
"""Called with (sections finished, sections in all)."""


class Hdf5Result(Result):
    """A result in this program's own HDF5 layout.

    Args:
        path: the final name.
        dtype: type of the samples.
        geometry: the grid to fill.
        overwrite: whether an existing file may be replaced.
        note: a line on where the samples come from.

    Raises:
        SurveyError: the path exists and may not be replaced.
    """

    def __init__(
        self, path: Path, dtype: np.dtype[np.generic], *, geometry: Geometry, overwrite: bool, note: str = ""
    ) -> None:
        super().__init__(path, dtype, overwrite=overwrite)
        self._geometry = geometry
        self._note = note
        self._file: Any = None
        # Closing a dataset empties its chunk cache: it is opened once, or each section would compress its chunks anew.
        self._samples: Any = None

    def open(self) -> None:
        """Create the file: grid, attributes, and samples that are all zero."""
        grid = self._geometry
        chunks = chunk_shape(grid.shape, self.dtype.itemsize)
        layout = Layout("samples", Axes.named(None), self.dtype, chunks, grid, ())
        # As if nothing could be compressed: HDF5 does not survive a disk that fills up while a file is open.
        size = math.prod(grid.shape) * self.dtype.itemsize
        check_room(self.path.parent, size, what=str(self.path), fix="free some disk, or write elsewhere")
        with writing(self.path):
            self._file = h5py.File(self.temporary, "w", **chunk_cache(layout))
            self._file.attrs.update(
                format=FORMAT,
                format_version=VERSION,
                sample_interval_ms=grid.sample_interval_ms,
                start_ms=grid.start_ms,
                note=self._note,
            )
            self._file["inlines"], self._file["crosslines"] = grid.inlines, grid.crosslines
            self._file["live"] = grid.live
            self._samples = self._file.create_dataset(
                "samples", grid.shape, self.dtype, chunks=chunks, compression="lzf", shuffle=True
            )

    def reopen(self) -> None:
        """Refused: a file that HDF5 had open when it was killed may be damaged."""
        raise SurveyError(
            problem=f"{self.path}: an HDF5 result cannot be gone on with", fix="start anew: --overwrite, not --resume"
        )

    def sync(self) -> None:
        """Hand what was written to the system."""
        self._file.flush()

    def write(self, section: Section) -> None:
        """Write one whole section, [sample, trace].

        Raises:
            SurveyError: the disk is full.
        """
        position = self._geometry.index(section.orientation, section.line)
        live = self._geometry.live_along(section.orientation, section.line)
        traces = np.where(live[:, None], section.values.T, 0).astype(self.dtype)  # [trace, sample]
        with writing(self.path):
            if section.orientation is Orientation.INLINE:
                self._samples[position] = traces
            else:
                self._samples[:, position] = traces

    def close(self) -> None:
        """Write what is still in memory and close the file."""
        if self._file is not None:
            file, self._file, self._samples = self._file, None, None
            with writing(self.path):
                file.flush()  # tells of an error, which close would swallow
                file.close()


def write_hdf5(source: Volume, path: Path, *, overwrite: bool = False, progress: Done | None = None) -> None:
    """Copy a volume into a chunked HDF5 file, section by section, and compare every sample with the source.

    Args:
        source: any volume whose sections form a grid.
        path: the HDF5 file.
        overwrite: whether an existing file may be replaced.
        progress: told of sections copied and compared; both count.

    Raises:
        SurveyError: the path exists or is the source, the source has no grid, the disk is full, or the copy differs.
    """
    if path.exists() and source.path.exists() and path.samefile(source.path):
        raise SurveyError(problem=f"{path}: is the input itself", fix="choose another name for the output")
    grid = source.geometry
    # A folder may hold the sections of one orientation only.
    whole = [o for o in Orientation if np.array_equal(source.lines(o), grid.lines(o))]
    lines = [(whole[0], line) for line in grid.lines(whole[0]).tolist()]
    note = f"copied from {source.path.name}"
    with Hdf5Result(path, source.dtype, geometry=grid, overwrite=overwrite, note=note) as result:
        for done, (orientation, line) in enumerate(lines, start=1):
            result.write(source.section(orientation, line))
            if progress is not None:
                progress(done, 2 * len(lines))
        result.close()
        copy = Hdf5Volume(result.temporary)
        for done, (orientation, line) in enumerate(lines, start=len(lines) + 1):
            _compare(source.section(orientation, line), copy.section(orientation, line), path)
            if progress is not None:
                progress(done, 2 * len(lines))


def _compare(original: Section, copied: Section, path: Path) -> None:
    same: NDArray[np.bool_] = (original.values == copied.values) | (original.values != original.values)  # NaN is NaN
    if not same.all() or not np.array_equal(original.live, copied.live):
        raise SurveyError(
            problem=f"{path}: {original.name} differs from its source in {np.count_nonzero(~same)} samples",
            fix="the disk or the source changed while it was copied: convert again",
        )
