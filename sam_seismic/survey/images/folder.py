"""A folder of section images goes in, a Volume comes out; loose sections need not form a grid."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import NoGridError, SurveyError
from sam_seismic.survey.axis_order import ASSUMED_INTERVAL_MS, ASSUMED_TIMES, convert, read_type, type_notes
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.images.pictures import JPEG, PictureHeader, read_header, read_picture
from sam_seismic.survey.volume import Section, Volume

ENDINGS = (".png", ".tif", ".tiff", *JPEG)
NAME = re.compile(r"(il|xl|inline|crossline)_(-?\d+)", re.IGNORECASE)
PARTS = ("train", "val", "test")
HOW_NAMED = "name sections il_N or xl_N after their line, as .png, .tif, .tiff or .jpg"
Key = tuple[Orientation, int]


class FolderVolume(Volume):
    """Sections as pictures, one a file: `il_100.png`, `crossline_7.TIF`. Rows are samples, columns traces.

    Opening lists the folder and reads one header. Sizes of all pictures are read when `geometry` is first asked for.

    Args:
        path: the folder that holds the pictures.

    Raises:
        SurveyError: the folder is missing, holds no sections, or two pictures of one section.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files, strangers = _find_sections(path)
        self._headers: dict[Key, PictureHeader] = {}
        first = self.header(*next(iter(self._files)))
        self._dtype = read_type(path, first.dtype)
        self._encoding = first.encoding
        self._notes = type_notes(first.dtype) + _stranger_notes(strangers)
        self._geometry: Geometry | None = None

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Float32, or the integer type of the pictures."""
        return self._dtype

    @property
    def encoding(self) -> str:
        """`PNG 8 bit`, `TIFF float32`."""
        return self._encoding

    @property
    def lossy(self) -> bool:
        """Whether a picture is a JPEG, whose values are not those that were saved."""
        return any(file.suffix.lower() in JPEG for file in self._files.values())

    @property
    def files(self) -> tuple[Path, ...]:
        """The pictures of its sections."""
        return tuple(self._files.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed."""
        notes = (*self._notes, ASSUMED_TIMES)
        if self.lossy:
            notes += ("JPEG changes amplitudes: where there is a lossless copy, read that",)
        for orientation in Orientation:
            if not len(self.lines(orientation)):
                notes += (f"it holds no {orientation} sections: {orientation}s are counted from 0",)
        return notes

    @property
    def loose_sections(self) -> bool:
        """True: pictures may differ in size."""
        return True

    @property
    def fast_orientation(self) -> Orientation:
        """Inlines, where it holds any."""
        return Orientation.INLINE if len(self.lines(Orientation.INLINE)) else Orientation.CROSSLINE

    @property
    def geometry(self) -> Geometry:
        """The grid; line numbers that no file names are counted from 0.

        Raises:
            SurveyError: the pictures differ in size, or the sections of one orientation do not cover the other's.
        """
        if self._geometry is None:
            self._geometry = self._grid()
        return self._geometry

    def lines(self, orientation: Orientation) -> NDArray[np.int32]:
        """Line numbers of the sections present, ascending: int32[line]."""
        return np.asarray([line for o, line in self._files if o is orientation], np.int32)

    def header(self, orientation: Orientation, line: int) -> PictureHeader:
        """Size and type of a section, without decoding it.

        Raises:
            SurveyError: there is no such section, or it is damaged.
        """
        key = (orientation, line)
        if key not in self._headers:
            self._headers[key] = read_header(self.file_of(orientation, line))
        return self._headers[key]

    def section_shape(self, orientation: Orientation, line: int) -> tuple[int, int]:
        """(samples, traces) of a section, from the header of its picture.

        Raises:
            SurveyError: there is no such section, or it is damaged.
        """
        return self.header(orientation, line).shape

    def live_along(self, orientation: Orientation, line: int) -> NDArray[np.bool_]:
        """All true, as pictures do not mark dead traces: bool[trace].

        Raises:
            SurveyError: there is no such section, or it is damaged.
        """
        return np.ones(self.section_shape(orientation, line)[1], dtype=np.bool_)

    def file_of(self, orientation: Orientation, line: int) -> Path:
        """The picture of a section.

        Raises:
            SurveyError: there is no such section.
        """
        if (orientation, line) not in self._files:
            raise SurveyError(
                problem=f"{self.path}: holds no {orientation} {line}", fix="choose a section that the folder holds"
            )
        return self._files[orientation, line]

    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace].

        Raises:
            SurveyError: there is no such section, it is damaged, coloured, or of another type than the first one.
        """
        file = self.file_of(orientation, line)
        values = read_picture(file)
        if read_type(file, values.dtype) != self._dtype:
            raise SurveyError(
                problem=f"{file}: holds {values.dtype} values, other sections of the folder {self._dtype}",
                fix="save all sections of a folder in one type",
            )
        return Section(orientation, line, convert(values, self._dtype), np.ones(values.shape[1], dtype=np.bool_))

    def _grid(self) -> Geometry:
        shapes = {key: self.header(*key).shape for key in self._files}
        sizes = {
            orientation: {shape for (o, _), shape in shapes.items() if o is orientation} for orientation in Orientation
        }
        lines = {orientation: self.lines(orientation) for orientation in Orientation}
        for orientation in Orientation:
            if len(sizes[orientation]) > 1:
                listed = ", ".join(f"{height} x {width}" for height, width in sorted(sizes[orientation])[:4])
                raise self._no_grid(f"its {orientation} sections differ in size: {listed}")
            if not len(lines[orientation]):
                ((_, width),) = sizes[orientation.across]
                lines[orientation] = np.arange(width, dtype=np.int32)
        for orientation in Orientation:
            for samples, traces in sizes[orientation]:
                across = lines[orientation.across]
                if traces != len(across):
                    raise self._no_grid(
                        f"its {orientation} sections have {traces} traces for {len(across)} {orientation.across}s"
                    )
                if samples != next(iter(shapes.values()))[0]:
                    raise self._no_grid("its inline and crossline sections differ in their number of samples")
        samples = next(iter(shapes.values()))[0]
        inlines, crosslines = lines[Orientation.INLINE], lines[Orientation.CROSSLINE]
        return Geometry.complete(inlines, crosslines, samples, sample_interval_ms=ASSUMED_INTERVAL_MS)

    def _no_grid(self, why: str) -> NoGridError:
        return NoGridError(
            problem=f"{self.path}: {why}, so its sections do not form one grid",
            fix="where line numbers matter give the volume itself (SEG-Y, HDF5 or .npy), or sections of one "
            "orientation and one size a folder",
        )


def parts(path: Path) -> dict[str, Path]:
    """Subfolders train, val and test that hold sections, by name; empty when there are none."""
    return {name: path / name for name in PARTS if (path / name).is_dir() and holds_sections(path / name)}


def holds_sections(folder: Path) -> bool:
    """Whether a folder holds a picture that is named as a section is."""
    return any(match for _, match in _pictures(folder))


def _pictures(path: Path) -> Iterator[tuple[Path, re.Match[str] | None]]:
    """Pictures of a folder with the match of their name, sorted; hidden files are none."""
    for file in sorted(path.iterdir()):
        if file.suffix.lower() in ENDINGS and not file.name.startswith(".") and file.is_file():
            yield file, NAME.fullmatch(file.stem)


def _find_sections(path: Path) -> tuple[dict[Key, Path], list[str]]:
    """Files of the sections, inlines first, ascending; and names of pictures that are none."""
    if not path.is_dir():
        raise SurveyError(problem=f"{path}: there is no such folder", fix="check the path")
    files: dict[Key, Path] = {}
    strangers = []
    for file, match in _pictures(path):
        if match is None:
            strangers.append(file.name)
            continue
        key = (Orientation.INLINE if match[1].lower()[0] == "i" else Orientation.CROSSLINE, int(match[2]))
        if key in files:
            raise SurveyError(
                problem=f"{path}: {files[key].name} and {file.name} are the same section", fix="keep one of them"
            )
        files[key] = file
    if not files:
        raise _no_sections(path, strangers)
    inlines_first = sorted(files, key=lambda key: (key[0] is Orientation.CROSSLINE, key[1]))
    return {key: files[key] for key in inlines_first}, strangers


def _no_sections(path: Path, strangers: list[str]) -> SurveyError:
    if inner := parts(path):
        found, fix = f"only the parts {', '.join(inner)}", f"open one of them: {next(iter(inner.values()))}"
    elif (path / "images").is_dir():
        found, fix = "only subfolders", f"open {path / 'images'} or one of its parts"
    else:
        found, fix = f"only {_listed(strangers)}" if strangers else "no pictures", HOW_NAMED
    return SurveyError(problem=f"{path}: holds no sections, {found}", fix=fix)


def _stranger_notes(names: list[str]) -> tuple[str, ...]:
    return (f"left out, as their names are no il_N or xl_N: {_listed(names)}",) if names else ()


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
