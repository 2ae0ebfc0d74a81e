"""An .npy or .npz file goes in; where its array lies, checked against the file's size, comes out."""

import math
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.axis_order import name_key, single_axes, without_axes

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
        single: whether axes of length 1 were left out of the shape.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    fortran: bool
    offset: int | None
    member: str | None = None
    single: bool = False


def check_size(path: Path, stored: StoredArray) -> None:
    """Refuse a file that is shorter than its header says."""
    size = math.prod(stored.shape) * stored.dtype.itemsize
    there = path.stat().st_size
    if stored.offset is not None and stored.offset + size > there:
        raise SurveyError(
            problem=f"{path}: {stored.shape} of {stored.dtype} needs {stored.offset + size} bytes, not {there}",
            fix="the file is cut off or damaged: copy it again",
        )


def find_array(path: Path, key: str | None) -> StoredArray:
    """Where the array of a file lies: the one of an .npy, that of a key in an .npz, or its only 3D one.

    Raises:
        SurveyError: the file is missing or damaged, or holds no array, or not the one named.
    """
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
    single = single_axes(shape)  # leaving them out changes neither kind of layout
    return StoredArray(without_axes(shape, single), dtype, fortran, file.tell(), single=bool(single))


def _find_member(path: Path, key: str | None) -> StoredArray:
    """The array of an .npz by its key, or its only 3D one."""
    with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
        found = {}
        for info in archive.infolist():
            if not info.filename.endswith(".npy"):
                continue
            with archive.open(info) as member:
                header = _read_header(path, member)
            assert header.offset is not None, "the header was read, so its end is known"
            offset = header.offset + _member_offset(raw, info) if info.compress_type == zipfile.ZIP_STORED else None
            name = info.filename.removesuffix(".npy")
            found[name] = replace(header, offset=offset, member=info.filename)
    if key is not None and key in found:
        return found[key]
    volumes = [name for name, stored in found.items() if len(stored.shape) == 3]
    volumes = volumes or [name for name, stored in found.items() if len(found) == 1 or len(stored.shape) > 3]
    if key is None and len(volumes) == 1:
        return found[volumes[0]]
    listed = ", ".join(f"{name} {stored.shape}" for name, stored in found.items()) or "nothing"
    asked = "which array is meant is unclear" if key is None else f"there is no array {key}"
    raise SurveyError(problem=f"{path}: {asked}; it holds {listed}", fix=name_key(volumes or list(found)))


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


def open_array(path: Path, stored: StoredArray) -> NDArray[np.generic]:
    """The array as stored, memory-mapped where it can be."""
    try:
        if stored.offset is not None:
            order: Any = "F" if stored.fortran else "C"
            return np.memmap(path, stored.dtype, mode="r", offset=stored.offset, shape=stored.shape, order=order)
        assert stored.member is not None, "only members of an archive are compressed"
        with zipfile.ZipFile(path) as archive, archive.open(stored.member) as member:
            array: NDArray[np.generic] = np.lib.format.read_array(member, allow_pickle=False)
            return array.reshape(stored.shape, order="F" if stored.fortran else "C")
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise SurveyError(
            problem=f"{path}: its samples cannot be read: {error}", fix="the file is cut off or damaged: copy it again"
        ) from error
