"""An HDF5 file goes in; a checked Hdf5Layout comes out, of a file of this program or of another one."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.disk import or_limit
from sam_seismic.survey.axis_order import (
    ASSUMED_TIMES,
    NAME_IT,
    NATURAL,
    AxisOrder,
    check_shape,
    counted_geometry,
    name_key,
    read_type,
    single_axes,
    without_axes,
)
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.hdf5.blocks import Blocks

FORMAT = "sam-seismic volume"
VERSION = 2
"""1: compressed chunks. 2: plain blocks, one behind the other; the headers of a SEG-Y source; a null value."""
SAMPLES = "samples"
SEGY = "segy"
"""Group of the headers of a SEG-Y source."""
CACHED = 512 * 2**20
"""Most bytes of compressed chunks kept in memory: all that one section crosses, so that its neighbours cost nothing."""
ASKS_LOCKS = "HDF5_USE_FILE_LOCKING"
"""The variable of the environment that HDF5 itself obeys, whatever a program asks for."""
DENSEST = 4000
"""No compression makes seismic samples so many times smaller: dimensions that claim it are damaged."""


@dataclass(frozen=True)
class Hdf5Layout:
    """What an HDF5 file holds, read once when it is opened.

    Args:
        dataset: name of the samples.
        axes: their axis order.
        stored: their type.
        chunks: their chunk shape; None when they are stored in one run.
        geometry: the grid.
        notes: what was assumed.
        blocks: where they lie, if they can be read without HDF5.
        template: whether the file keeps the headers of a SEG-Y source.
        why: how the line numbers of a SEG-Y source were found.
        inline_byte: where they were, if the file was converted from SEG-Y.
        crossline_byte: likewise.
        single: axes of the dataset beyond the three of a volume, each of length 1.
    """

    dataset: str
    axes: AxisOrder
    stored: np.dtype[np.generic]
    chunks: tuple[int, ...] | None
    geometry: Geometry
    notes: tuple[str, ...]
    blocks: Blocks | None = None
    template: bool = False
    why: str | None = None
    inline_byte: int | None = None
    crossline_byte: int | None = None
    single: tuple[int, ...] = ()


def read_layout(path: Path, options: ReadOptions) -> Hdf5Layout:
    """What a file holds.

    Raises:
        SurveyError: it is no HDF5 or damaged, holds no 3D dataset of numbers, or several and none is named, or an
            option cannot apply.
    """
    with reading(path), h5py.File(path, "r", locking=False) as file:
        if text_in(file, "format") == FORMAT:
            return _own_layout(path, file, options)
        dataset = _foreign_dataset(path, file, options.key)
        single = single_axes(dataset.shape or ())
        shape = without_axes(dataset.shape or (), single)
        check_shape(path, shape)
        _check_stored(path, dataset)
        name, stored = dataset.name, dataset.dtype
        chunks = None if dataset.chunks is None else without_axes(dataset.chunks, single)
    axes = AxisOrder.named(options.axes)
    notes: tuple[str, ...] = (
        f"the dataset {name} of a foreign layout, without line numbers: inlines and crosslines count from 0",
        ASSUMED_TIMES,
    )
    if options.axes is None:
        notes += (f"axis order {NATURAL} assumed for shape {shape}; {NAME_IT}",)
    if single:
        notes += ("axes of length 1 beyond its three are left out",)
    return Hdf5Layout(name, axes, stored, chunks, counted_geometry(axes.grid_shape(shape)), notes, single=single)


def _own_layout(path: Path, file: Any, options: ReadOptions) -> Hdf5Layout:
    if options.axes is not None or options.key is not None:
        raise SurveyError(
            problem=f"{path}: axes and key cannot apply to a volume that this program wrote", fix="leave them out"
        )
    version = number_in(path, file, "format_version")
    if version > VERSION:
        raise SurveyError(
            problem=f"{path}: has version {version:g} of the layout, this program knows {VERSION}",
            fix="update sam-seismic",
        )
    samples = dataset_in(path, file, SAMPLES, axes=3)
    check_shape(path, samples.shape)
    _check_stored(path, samples)
    geometry = _geometry(path, file, samples.shape)
    blocks = find_blocks(path, samples)
    inline_byte, crossline_byte = (
        int(number_in(path, file, name)) if name in file.attrs else None for name in ("inline_byte", "crossline_byte")
    )
    return Hdf5Layout(
        SAMPLES,
        AxisOrder.named(None),
        samples.dtype,
        samples.chunks,
        geometry,
        tuple((text_in(file, "notes") or "").splitlines()),
        blocks,
        template=SEGY in file,
        why=text_in(file, "why"),
        inline_byte=inline_byte,
        crossline_byte=crossline_byte,
    )


def _geometry(path: Path, file: Any, shape: tuple[int, int, int]) -> Geometry:
    """The grid, which must be the one of the samples."""
    inlines, crosslines = (_lines(path, file, name, size) for name, size in zip(_LINES, shape[:2], strict=True))
    live = dataset_in(path, file, "live", axes=2)
    if live.dtype != np.bool_ or live.shape != shape[:2]:
        raise damaged(path, f"live is {live.dtype} {live.shape}, the samples {shape}")
    interval, start = number_in(path, file, "sample_interval_ms"), number_in(path, file, "start_ms")
    if interval <= 0:
        raise damaged(path, f"its sample interval is {interval:g} ms")
    # In a damaged file a byte may be neither 0 nor 1, which numpy takes for no boolean.
    return Geometry(inlines, crosslines, shape[2], interval, start, live[:].view(np.uint8) != 0)


_LINES = ("inlines", "crosslines")


def _lines(path: Path, file: Any, name: str, count: int) -> NDArray[np.int32]:
    """Line numbers: int32[line], ascending."""
    stored = dataset_in(path, file, name, axes=1)
    if stored.shape != (count,) or stored.dtype.kind not in "iu":
        raise damaged(path, f"{name} are {stored.dtype} {stored.shape}, the samples have {count}")
    found: NDArray[np.generic] = stored[:]
    numbers = found.astype(np.int32)
    if not np.array_equal(numbers, found) or (np.diff(numbers.astype(np.int64)) <= 0).any():
        raise damaged(path, f"its {name} do not ascend")
    return numbers


def number_in(path: Path, file: Any, name: str) -> float:
    """A finite number among the attributes."""
    found = file.attrs.get(name)
    if not isinstance(found, (int, float, np.integer, np.floating)) or not math.isfinite(found):
        raise damaged(path, f"its {name} is {found!r}")
    return float(found)


def as_text(text: str) -> Any:
    """A text as it is stored: at a fixed length.

    HDF5 stores texts of variable length elsewhere and without a checksum, and may hang where a damaged file refers to
    them.
    """
    raw = text.encode()
    return np.array(raw, h5py.string_dtype("utf-8", max(1, len(raw))))


def text_in(file: Any, name: str) -> str | None:
    """A text among the attributes; None where there is none."""
    if name not in file.attrs:
        return None
    found = file.attrs[name]
    return found.decode(errors="replace") if isinstance(found, bytes) else found if isinstance(found, str) else None


def dataset_in(path: Path, file: Any, name: str, *, axes: int) -> Any:
    """A dataset by its name; refused where it would be larger than the file."""
    found = file.get(name)
    if not isinstance(found, h5py.Dataset) or len(found.shape or ()) != axes:
        raise damaged(path, f"it holds no {name}")
    if axes < 3 and math.prod(found.shape) * found.dtype.itemsize > path.stat().st_size:
        raise damaged(path, f"its {name} {found.shape} would be larger than the file")
    return found


def damaged(path: Path, what: str) -> SurveyError:
    """The error of a file of ours that contradicts itself."""
    return SurveyError(
        problem=f"{path}: is damaged, or was changed by another program: {what}", fix="convert the volume again"
    )


def _check_stored(path: Path, dataset: Any) -> None:
    """Refuse samples that are no numbers, and dimensions that the bytes in the file cannot be samples of."""
    read_type(path, dataset.dtype)
    held, claimed = dataset.id.get_storage_size(), math.prod(dataset.shape) * dataset.dtype.itemsize
    if held > path.stat().st_size or claimed > DENSEST * held:
        raise SurveyError(
            problem=f"{path}: cut off or damaged: {dataset.name} {dataset.shape} is {claimed} bytes of samples, stored "
            f"in {held}, and the file has {path.stat().st_size}",
            fix="copy the file again",
        )


def find_blocks(path: Path, samples: Any) -> Blocks | None:
    """The blocks of a 3D dataset, if its chunks are uncompressed and one behind the other; else None.

    Another program may have repacked the file.
    """
    if samples.chunks is None or samples.id.get_create_plist().get_nfilters() or not samples.dtype.isnative:
        return None
    first = samples.id.get_chunk_info_by_coord((0, 0, 0)).byte_offset
    if first is None:
        return None
    blocks = Blocks(first, samples.shape, samples.chunks, samples.dtype)
    if path.stat().st_size < first + blocks.size:
        raise SurveyError(
            problem=f"{path}: is cut off: its samples end at byte {first + blocks.size}, the file at "
            f"{path.stat().st_size}",
            fix="copy the file again",
        )
    for place, begin in blocks.beginnings():
        found = samples.id.get_chunk_info_by_coord(place)
        if (found.byte_offset, found.size, found.filter_mask) != (begin, blocks.block_bytes, 0):
            return None
    return blocks


def _foreign_dataset(path: Path, file: Any, key: str | None) -> Any:
    """The dataset by its name, or the only 3D one."""
    found: dict[str, Any] = {}
    file.visititems(lambda name, item: found.update({name: item} if isinstance(item, h5py.Dataset) else {}))
    if key is not None and key.strip("/") in found:
        return found[key.strip("/")]
    shapes = {name: without_axes(item.shape or (), single_axes(item.shape or ())) for name, item in found.items()}
    volumes = [item for name, item in found.items() if len(shapes[name]) == 3]
    volumes = volumes or [item for name, item in found.items() if len(found) == 1 or len(shapes[name]) > 3]
    if key is None and len(volumes) == 1:
        return volumes[0]
    listed = ", ".join(f"{name} {item.shape}" for name, item in found.items()) or "nothing"
    asked = "which dataset is meant is unclear" if key is None else f"there is no dataset {key}"
    raise SurveyError(
        problem=f"{path}: {asked}; it holds {listed}",
        fix=name_key([item.name.strip("/") for item in volumes] or list(found)),
    )


def chunk_cache(layout: Hdf5Layout) -> dict[str, int]:
    """Settings that keep in memory all chunks which one section crosses, where that is affordable."""
    if layout.chunks is None:
        return {}
    shape = layout.geometry.shape
    chunk = layout.axes.grid_shape(layout.chunks)
    blocks = [-(-size // step) for size, step in zip(shape, chunk, strict=True)]
    count = max(blocks[0], blocks[1]) * blocks[2]
    size = count * math.prod(chunk) * layout.stored.itemsize
    # 100 slots a chunk keep two chunks from sharing one, as the HDF5 manual advises; odd, to spread them.
    return {"rdcc_nbytes": size, "rdcc_nslots": 100 * count + 1} if size <= CACHED else {}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors of HDF5 into errors that name the file."""
    try:
        yield
    # What h5py raises on a damaged file depends on where the damage is.
    except (OSError, LookupError, RuntimeError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
        _refuse_asked_lock(path, error)
        raise SurveyError(
            problem=f"{path}: cannot be read as HDF5: {error}",
            fix="check the path; a file that is cut off or damaged must be copied again",
        ) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn errors of the disk into errors that name the file."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        _refuse_asked_lock(path, error)
        raise SurveyError(
            problem=f"{path}: cannot be written: {error}", fix=or_limit(error, "free some disk, or write elsewhere")
        ) from error


def _refuse_asked_lock(path: Path, error: Exception) -> None:
    """Raise what helps where the environment asks HDF5 for locks, which this program does not, and there are none."""
    if "lock file" in str(error) and os.environ.get(ASKS_LOCKS):
        raise SurveyError(
            problem=f"{path}: {ASKS_LOCKS}={os.environ[ASKS_LOCKS]} asks HDF5 to lock its files, which this file "
            f"system or another program does not allow: {error}",
            fix=f"export {ASKS_LOCKS}=FALSE",
        ) from error
