"""Sections go in, a folder of pictures comes out: il_N.png with labels, or il_N.tif with float values."""

import os
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from sam_seismic.errors import SurveyError
from sam_seismic.files.disk import or_limit
from sam_seismic.files.unfinished import Start, resume_error
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.images.folder import NAME
from sam_seismic.survey.result import Result, ResultRequest
from sam_seismic.survey.volume import Section

ENDINGS = (".png", ".tif", ".tiff")
"""Of the pictures that are written, and so may be replaced."""


class FolderResult(Result):
    """A result as one picture a section: PNG for 8 and 16 bit labels, TIFF for all else.

    Dead traces are 255 in a PNG, the label value that means "not interpreted", and 0 in a TIFF.

    Args:
        path: the folder.
        dtype: type of the samples.
        overwrite: whether an existing folder of sections may be replaced, as a whole.
        start: in one go, or resumable.

    Raises:
        SurveyError: the path exists and may not be replaced, or holds more than sections.
    """

    def __init__(self, path: Path, dtype: np.dtype[np.generic], *, overwrite: bool, start: Start = Start.ONCE) -> None:
        labels = dtype.kind in "iu" and dtype.itemsize <= 2
        super().__init__(path, dtype, overwrite=overwrite, start=start, null=IGNORE if labels else 0)
        self._unsynced: list[Path] = []
        _check_replaceable(path)

    @property
    def keeps_each_section(self) -> bool:
        """True: each section is a picture of its own."""
        return True

    def open(self) -> None:
        """Create the folder."""
        self.temporary.mkdir()

    def reopen(self) -> None:
        """Go on with the folder that an earlier run left.

        Raises:
            SurveyError: it is not there.
        """
        if not self.temporary.is_dir():
            raise resume_error(self.temporary)

    def write(self, section: Section) -> None:
        """Write one whole section, [sample, trace].

        Raises:
            SurveyError: a label value does not fit into a PNG, or the disk is full.
        """
        stem = f"{section.orientation.short.lower()}_{section.line}"
        try:
            if self.dtype.kind in "iu" and self.dtype.itemsize <= 2:
                picture = self.temporary / f"{stem}.png"
                Image.fromarray(self._pixels(section)).save(picture)
            else:
                picture = self.temporary / f"{stem}.tif"
                values = np.where(section.live, section.values, self.null).astype(self.dtype)  # [sample, trace]
                tifffile.imwrite(picture, values, photometric="minisblack")
        except OSError as error:
            raise SurveyError(
                problem=f"{self.path}: {section.name} cannot be written: {error}",
                fix=or_limit(error, "free some disk, or write elsewhere"),
            ) from error
        self._unsynced.append(picture)

    def sync(self) -> None:
        """Return when the pictures written so far are on the disk."""
        while self._unsynced:
            with self._unsynced.pop().open("rb") as file:
                os.fsync(file.fileno())

    def close(self) -> None:
        """Nothing is left open: each picture is closed when it is written."""

    def _pixels(self, section: Section) -> NDArray[np.generic]:
        """Labels as uint8 or uint16 [sample, trace]."""
        labels = np.where(section.live, section.values.astype(np.int32), int(self.null))
        if labels.min() < 0:
            raise SurveyError(
                problem=f"{self.path}: {section.name} has the label value {labels.min()}; PNG has no negative ones",
                fix="write SEG-Y, HDF5 or .npy instead",
            )
        return labels.astype(np.uint8 if self.dtype.itemsize == 1 else np.uint16)


def folder_result(request: ResultRequest) -> FolderResult:
    """A result as it is asked for; it has null values of its own, and no place for a note."""
    return FolderResult(request.path, request.dtype, overwrite=request.overwrite, start=request.start)


def _check_replaceable(path: Path) -> None:
    """Refuse to replace anything but a folder of sections: overwriting removes all that it holds."""
    if not path.exists():
        return
    if not path.is_dir():
        raise SurveyError(problem=f"{path}: is a file, the output is a folder of sections", fix="choose another name")
    strange = [f.name for f in path.iterdir() if f.suffix.lower() not in ENDINGS or not NAME.fullmatch(f.stem)]
    if strange:
        raise SurveyError(
            problem=f"{path}: holds more than sections ({strange[0]}), so it is not replaced", fix="choose another name"
        )
