"""A .npy or .npz file goes in, a Volume comes out; and a result goes out as .npy."""

import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.axes import assume_order
from sam_seismic.survey.cube import (
    ASSUMED_INTERVAL_MS,
    ASSUMED_TIMES,
    NATURAL,
    Axes,
    check_shape,
    convert,
    counted_geometry,
    read_type,
    type_notes,
)
from sam_seismic.survey.disk import reserve
from sam_seismic.survey.planes import Planes
from sam_seismic.survey.records import RecordFile, Records
from sam_seismic.survey.result import Result, Start, not_as_left
from sam_seismic.survey.volume import Geometry, Orientation, Section, Volume

ZIP_HEADER = 30
"""Bytes of a zip member's own header before its name."""


@dataclass(frozen=True)
class StoredArray:
    """Where an array lies in a file, known without reading it.

    Args:
        shape: of the array as stored.
        dtype: of the array as stored.
        fortran: whether the first axis runs fastest.
        offset: byte where the samples begin; None when they are compressed.
        member: name inside an .npz; None for an .npy.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    fortran: bool
    offset: int | None
    member: str | None = None


class ArrayVolume(Volume):
    """A volume in one NumPy array, which has no line numbers of its own. All traces are live.

    Of an .npy and an uncompressed .npz member only the section asked for is read; a compressed one is read whole, once
    a process, when the first section is asked for.

    Args:
        path: the .npy or .npz file.
        options: `axes`, its axis order, and `key`, the array of an .npz that holds several.
        first_inline, first_crossline: line numbers where the axes begin; by default 0, with a note.
        sample_interval_ms: time between samples; by default 4 ms, with a note.

    Raises:
        SurveyError: the file is missing or damaged, holds no 3D array of numbers, or not the one named.
    """

    def __init__(
        self,
        path: Path,
        options: ReadOptions | None = None,
        *,
        first_inline: int | None = None,
        first_crossline: int | None = None,
        sample_interval_ms: float | None = None,
    ) -> None:
        options = options or ReadOptions()
        self.path = path
        self._stored = _find_array(path, options.key)
        check_shape(path, self._stored.shape)
        _check_size(path, self._stored)
        self._dtype = read_type(path, self._stored.dtype)
        self.order, note = (options.axes, "") if options.axes is not None else self._assumed_order()
        """Its axis order, as named or assumed."""
        self._axes = Axes.named(self.order)
        self._geometry = counted_geometry(
            self._axes.grid_shape(self._stored.shape),
            first_inline=first_inline or 0,
            first_crossline=first_crossline or 0,
            sample_interval_ms=ASSUMED_INTERVAL_MS if sample_interval_ms is None else sample_interval_ms,
        )
        self._notes = type_notes(self._stored.dtype)
        self._notes += (note,) if note else ()
        if first_inline is None or first_crossline is None:
            self._notes += ("it holds no line numbers: inlines and crosslines count from 0",)
        if sample_interval_ms is None:
            self._notes += (ASSUMED_TIMES,)
        self._array: NDArray[np.generic] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_array": None}

    def _assumed_order(self) -> tuple[str, str]:
        """The axis order, and a note on it. To look into a compressed array would take minutes."""
        if self._stored.offset is None:
            return NATURAL, f"axis order {NATURAL} assumed for shape {self._stored.shape}; name it with axes"
        stored = self._stored
        file = RecordFile(self.path, Records(stored.dtype, (), start=stored.offset or 0), writable=False)

        def read(places: NDArray[np.int64]) -> NDArray[np.generic]:
            if stored.fortran:  # counted as they lie in the file
                places = np.ravel_multi_index(np.unravel_index(places, stored.shape), stored.shape, order="F")
            return file.read(places)

        try:
            return assume_order(stored.shape, read)
        finally:
            file.close()

    @property
    def geometry(self) -> Geometry:
        """The grid, counted from the first lines."""
        return self._geometry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Float32, or the integer type of the file."""
        return self._dtype

    @property
    def encoding(self) -> str:
        """`float64`, `uint8, compressed`."""
        return self._stored.dtype.name + (", compressed" if self._stored.offset is None else "")

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed."""
        return self._notes

    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace].

        Raises:
            SurveyError: there is no such line, or the file is damaged.
        """
        position = self._geometry.index(orientation, line)
        if self._stored.offset is None:
            cut = self._axes.cut(self._opened(), orientation, position)
        else:
            cut = self._cut(self._stored.offset, orientation, position)
        values = convert(cut, self._dtype)
        return Section(orientation, line, values, self._geometry.live_along(orientation, line))

    def _cut(self, start: int, orientation: Orientation, position: int) -> NDArray[np.generic]:
        """The section at a position along its axis, read from the file: [sample, trace]."""
        order, shape = self._axes.order, self._stored.shape
        if self._stored.fortran:  # the first axis runs fastest
            order, shape = order[::-1], shape[::-1]
        plane = Planes(self.path, start, shape, self._stored.dtype).cut(order.index(orientation), position)
        left = [axis for axis in order if axis != orientation]
        return plane if left[0] == "sample" else plane.T

    def _opened(self) -> NDArray[np.generic]:
        if self._array is None:
            self._array = _open_array(self.path, self._stored)
        return self._array


def _check_size(path: Path, stored: StoredArray) -> None:
    """Refuse a file that is shorter than its header says."""
    size = math.prod(stored.shape) * stored.dtype.itemsize
    there = path.stat().st_size
    if stored.offset is not None and stored.offset + size > there:
        raise SurveyError(
            problem=f"{path}: {stored.shape} of {stored.dtype} needs {stored.offset + size} bytes, not {there}",
            fix="the file is cut off or damaged: copy it again",
        )


def _find_array(path: Path, key: str | None) -> StoredArray:
    try:
        if path.suffix.lower() == ".npz":
            return _find_member(path, key)
        if key is not None:
            raise SurveyError(problem=f"{path}: the key {key} cannot apply to an .npy file", fix="leave the key out")
        with path.open("rb") as file:
            return _read_header(path, file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SurveyError(
            problem=f"{path}: cannot be read as a NumPy file: {error}", fix="check the path, or copy the file again"
        ) from error


def _read_header(path: Path, file: IO[bytes]) -> StoredArray:
    """Header of an .npy stream -> what it holds; the stream stands at the samples afterwards."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version[0]}.{version[1]} of the format holds no plain array")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject:
        raise SurveyError(problem=f"{path}: holds Python objects, no samples", fix="save a plain array of numbers")
    return StoredArray(shape, dtype, fortran, file.tell())


def _find_member(path: Path, key: str | None) -> StoredArray:
    """The array of an .npz by its key, or its only 3D one."""
    with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
        found = {}
        for info in archive.infolist():
            if not info.filename.endswith(".npy"):
                continue
            with archive.open(info) as member:
                header = _read_header(path, member)
            assert header.offset is not None, "a header that was read has an end"
            offset = header.offset + _member_offset(raw, info) if info.compress_type == zipfile.ZIP_STORED else None
            name = info.filename.removesuffix(".npy")
            found[name] = StoredArray(header.shape, header.dtype, header.fortran, offset, info.filename)
    if key is not None and key in found:
        return found[key]
    volumes = [name for name, stored in found.items() if len(stored.shape) == 3]
    if key is None and len(volumes) == 1:
        return found[volumes[0]]
    listed = ", ".join(f"{name} {stored.shape}" for name, stored in found.items()) or "nothing"
    asked = "which array is meant is unclear" if key is None else f"there is no array {key}"
    raise SurveyError(problem=f"{path}: {asked}; it holds {listed}", fix="name the array of the volume with key")


def _member_offset(raw: IO[bytes], info: zipfile.ZipInfo) -> int:
    """Byte where the data of an uncompressed member begin; its own header may differ from the directory's."""
    raw.seek(info.header_offset)
    header = raw.read(ZIP_HEADER)
    return (
        info.header_offset
        + ZIP_HEADER
        + int.from_bytes(header[26:28], "little")
        + int.from_bytes(header[28:30], "little")
    )


def _open_array(path: Path, stored: StoredArray) -> NDArray[np.generic]:
    """The array as stored, memory-mapped where it can be."""
    try:
        if stored.offset is not None:
            order: Any = "F" if stored.fortran else "C"
            return np.memmap(path, stored.dtype, mode="r", offset=stored.offset, shape=stored.shape, order=order)
        assert stored.member is not None, "only members of an archive are compressed"
        with zipfile.ZipFile(path) as archive, archive.open(stored.member) as member:
            array: NDArray[np.generic] = np.lib.format.read_array(member, allow_pickle=False)
            return array
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise SurveyError(
            problem=f"{path}: its samples cannot be read: {error}", fix="the file is cut off or damaged: copy it again"
        ) from error


class ArrayResult(Result):
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
        self._traces: RecordFile | None = None

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
        stored = _find_array(self.temporary, None)
        size = math.prod(self._geometry.shape) * self.dtype.itemsize
        whole = stored.offset is not None and self.temporary.stat().st_size == stored.offset + size
        if not whole or (stored.shape, stored.dtype) != (self._geometry.shape, self.dtype):
            raise not_as_left(self.temporary)
        records = Records(self.dtype, (self._geometry.samples,), start=stored.offset or 0)
        self._traces = RecordFile(self.temporary, records)

    def write(self, section: Section) -> None:
        """Write one whole section, [sample, trace]."""
        assert self._traces is not None, "written to inside the with block only"
        inlines, crosslines, _ = self._geometry.shape
        position = self._geometry.index(section.orientation, section.line)
        live = self._geometry.live_along(section.orientation, section.line)
        traces = np.where(live[:, None], section.values.T, self.null)  # [trace, sample]
        if section.orientation is Orientation.INLINE:
            self._traces.write(np.arange(crosslines) + position * crosslines, traces)
        else:
            self._traces.write(np.arange(inlines) * crosslines + position, traces)

    def sync(self) -> None:
        """Return when the sections written so far are on the disk."""
        assert self._traces is not None, "inside the with block only"
        self._traces.sync()

    def close(self) -> None:
        """Close the array."""
        if self._traces is not None:
            self._traces.close()
