"""Sections go in, an HDF5 file of plain blocks comes out; HDF5 itself writes all of it but the samples."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import ReadOptions
from sam_seismic.files.disk import check_room, reserve
from sam_seismic.files.unfinished import Start, resume_error
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.hdf5.blocks import BlockWriter, block_shape
from sam_seismic.survey.hdf5.layout import FORMAT, SAMPLES, VERSION, as_text, read_layout, writing
from sam_seismic.survey.hdf5.template import store_template
from sam_seismic.survey.result import Result, ResultRequest
from sam_seismic.survey.segy.template import SegyTemplate
from sam_seismic.survey.volume import Section

PAGE = 4096
"""Blocks begin on the border of a memory page."""
_FULL = "free some disk, or write elsewhere"


@dataclass(frozen=True)
class Origin:
    """What a result keeps of the volume that it was made from.

    Args:
        notes: what was assumed.
        why: how the line numbers of a SEG-Y source were found, in words.
        inline_byte: position of its inline numbers in the trace headers.
        crossline_byte: position of its crossline numbers.
        template: its headers, so that a SEG-Y like it can be written again.
    """

    notes: tuple[str, ...] = ()
    why: str | None = None
    inline_byte: int | None = None
    crossline_byte: int | None = None
    template: SegyTemplate | None = None

    @property
    def bytes(self) -> tuple[int | None, int | None]:
        """Both positions."""
        return self.inline_byte, self.crossline_byte


class Hdf5Result(Result):
    """A result in this program's own HDF5 layout.

    Opening writes everything but the samples, and reserves the space of the samples. These are then written without
    HDF5, so that neither a killed run nor a full disk can damage the file.

    Args:
        path: the final name.
        dtype: type of the samples.
        geometry: the grid to fill.
        overwrite: whether an existing file may be replaced.
        note: a line on where the samples come from.
        origin: what to keep of the volume that it was made from.
        start: in one go, or resumable.
        null: what places without a live trace get.

    Raises:
        SurveyError: the path exists and may not be replaced.
    """

    def __init__(  # each is one fact of the file
        self,
        path: Path,
        dtype: np.dtype[np.generic],
        *,
        geometry: Geometry,
        overwrite: bool,
        note: str = "",
        origin: Origin | None = None,
        start: Start = Start.ONCE,
        null: float = 0,
    ) -> None:
        super().__init__(path, dtype, overwrite=overwrite, start=start, null=null)
        self._geometry = geometry
        self._note = note
        self._origin = origin or Origin()
        self._blocks: BlockWriter | None = None

    @property
    def block(self) -> tuple[int, int, int]:
        """Shape of its blocks: boxes of whole ones are written fastest."""
        return block_shape(self._geometry.shape, self.dtype.itemsize)

    def open(self) -> None:
        """Create the file: all but the samples, which read as zero.

        Raises:
            SurveyError: the disk is too full for it.
        """
        size = math.prod(self._geometry.shape) * self.dtype.itemsize
        check_room(self.path.parent, size, what=str(self.path), fix=_FULL)
        with writing(self.path):
            with h5py.File(
                self.temporary,
                "w",
                locking=False,  # the journal beside it is locked; here HDF5 forgives no file system without locks
                libver=("v110", "v110"),  # the first that stores chunks one behind the other
                alignment_threshold=min(PAGE, max(1, size)),
                alignment_interval=PAGE,
            ) as file:
                self._describe(file)
                _create_samples(file, self._geometry.shape, self.dtype, self.block)
            blocks = read_layout(self.temporary, ReadOptions()).blocks
            assert blocks is not None, "as asked for"
            with self.temporary.open("r+b") as raw:
                raw.seek(blocks.start)
                reserve(raw, blocks.size, what=str(self.path), fix=_FULL)
            self._blocks = BlockWriter(self.temporary, blocks)

    def reopen(self) -> None:
        """Go on with the file that an earlier run left.

        Raises:
            SurveyError: it is not there, or another file.
        """
        if not self.temporary.is_file():
            raise resume_error(self.temporary)
        blocks = read_layout(self.temporary, ReadOptions()).blocks
        grid = self._geometry
        if blocks is None or (blocks.shape, blocks.block, blocks.dtype) != (grid.shape, self.block, self.dtype):
            raise resume_error(self.temporary)
        self._blocks = BlockWriter(self.temporary, blocks)

    def write(self, section: Section) -> None:
        """Write one whole section, [sample, trace]."""
        position = self._geometry.index(section.orientation, section.line)
        live = self._geometry.live_along(section.orientation, section.line) & section.live
        traces = np.where(live[:, None], section.values.T, self.null).astype(self.dtype)  # [trace, sample]
        self._writer().section(section.orientation, position, traces)

    def write_box(self, orientation: Orientation, first: int, traces: NDArray[np.generic]) -> None:
        """Write neighbouring sections at once.

        Args:
            orientation: of the sections.
            first: position of the first one, on the border of a block.
            traces: [line, trace, sample], up to the border of another block or the edge of the grid; dead ones get the
                null value here, too.
        """
        box = traces if orientation is Orientation.INLINE else traces.swapaxes(0, 1)  # [inline, crossline, sample]
        inline, crossline = (first, 0) if orientation is Orientation.INLINE else (0, first)
        live = self._geometry.live[inline : inline + box.shape[0], crossline : crossline + box.shape[1]]
        if not live.all():
            box[~live] = self.null
        self._writer().box(inline, crossline, box.astype(self.dtype, copy=False))

    def sync(self) -> None:
        """Return when what was written so far is on the disk."""
        self._writer().sync()

    def close(self) -> None:
        """Close the file."""
        if self._blocks is not None:
            self._blocks.close()

    def _writer(self) -> BlockWriter:
        assert self._blocks is not None, "written to inside the with block only"
        return self._blocks

    def _describe(self, file: Any) -> None:
        """Write all but the samples."""
        grid = self._geometry
        origin = self._origin
        texts = {"format": FORMAT, "note": self._note, "notes": "\n".join(origin.notes), "why": origin.why}
        numbers = {
            "format_version": VERSION,
            "sample_interval_ms": grid.sample_interval_ms,
            "start_ms": grid.start_ms,
            "null": self.null,
            "inline_byte": origin.inline_byte,
            "crossline_byte": origin.crossline_byte,
        }
        file.attrs.update({name: as_text(text) for name, text in texts.items() if text})
        file.attrs.update({name: number for name, number in numbers.items() if number is not None})
        file["inlines"], file["crosslines"] = grid.inlines, grid.crosslines
        file["live"] = grid.live
        if self._origin.template is not None:
            store_template(file, self._origin.template)


def hdf5_result(request: ResultRequest) -> Hdf5Result:
    """A result as it is asked for, on the grid of its source."""
    return Hdf5Result(
        request.path,
        request.dtype,
        geometry=request.source.geometry,
        overwrite=request.overwrite,
        note=request.note,
        start=request.start,
        null=request.null,
    )


def _create_samples(
    file: Any, shape: tuple[int, int, int], dtype: np.dtype[np.generic], block: tuple[int, int, int]
) -> None:
    """Create the dataset of the samples with its blocks one behind the other, as HDF5 lays them out if asked to now."""
    options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    options.set_chunk(block)
    options.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    options.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    options.set_obj_track_times(False)
    space = h5py.h5s.create_simple(shape)
    h5py.h5d.create(file.id, SAMPLES.encode(), h5py.h5t.py_create(dtype, logical=True), space, options)
