"""An open HDF5 file goes in, what it holds comes out, in our layout or a foreign one; and how samples are chunked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.cube import ASSUMED_TIMES, NATURAL, Axes, check_shape, counted_geometry
from sam_seismic.survey.volume import Geometry

FORMAT = "sam-seismic volume"
VERSION = 1
CHUNK_VOXELS = 32 * 32 * 64
ROW_BYTES = 256 * 2**20
"""All chunks that one section crosses are kept in memory, so that its neighbours cost nothing; this bounds them."""


@dataclass(frozen=True)
class Layout:
    """What an HDF5 file holds, read once when it is opened.

    Args:
        dataset: name of the samples.
        axes: their axis order.
        stored: their type.
        chunks: their chunk shape; None when they are stored in one run.
        geometry: the grid.
        notes: what was assumed.
    """

    dataset: str
    axes: Axes
    stored: np.dtype[np.generic]
    chunks: tuple[int, ...] | None
    geometry: Geometry
    notes: tuple[str, ...]


def read_layout(path: Path, file: Any, options: ReadOptions) -> Layout:
    """What an open file holds.

    Raises:
        SurveyError: no 3D dataset, several and none named, or an option that cannot apply.
    """
    if file.attrs.get("format") == FORMAT:
        return _own_layout(path, file, options)
    dataset = _foreign_dataset(path, file, options.key)
    check_shape(path, dataset.shape)
    axes = Axes.named(options.axes)
    notes: tuple[str, ...] = (
        f"the dataset {dataset.name} of a foreign layout, without line numbers: inlines and crosslines count from 0",
        ASSUMED_TIMES,
    )
    if options.axes is None:
        notes += (f"axis order {NATURAL} assumed for shape {dataset.shape}; name it with axes",)
    geometry = counted_geometry(axes.grid_shape(dataset.shape))
    return Layout(dataset.name, axes, dataset.dtype, dataset.chunks, geometry, notes)


def _own_layout(path: Path, file: Any, options: ReadOptions) -> Layout:
    if options.axes is not None or options.key is not None:
        raise SurveyError(
            problem=f"{path}: axes and key cannot apply to a volume that this program wrote", fix="leave them out"
        )
    if file.attrs["format_version"] > VERSION:
        raise SurveyError(
            problem=f"{path}: has version {file.attrs['format_version']} of the layout, this program knows {VERSION}",
            fix="update sam-seismic",
        )
    samples = file["samples"]
    geometry = Geometry(
        inlines=file["inlines"][:],
        crosslines=file["crosslines"][:],
        samples=samples.shape[2],
        sample_interval_ms=float(file.attrs["sample_interval_ms"]),
        start_ms=float(file.attrs["start_ms"]),
        live=file["live"][:],
    )
    return Layout("samples", Axes.named(None), samples.dtype, samples.chunks, geometry, ())


def _foreign_dataset(path: Path, file: Any, key: str | None) -> Any:
    """The dataset by its name, or the only 3D one."""
    found: dict[str, Any] = {}
    file.visititems(lambda name, item: found.update({name: item} if isinstance(item, h5py.Dataset) else {}))
    if key is not None and key.strip("/") in found:
        return found[key.strip("/")]
    volumes = [item for item in found.values() if len(item.shape or ()) == 3]
    if key is None and len(volumes) == 1:
        return volumes[0]
    listed = ", ".join(f"{name} {item.shape}" for name, item in found.items()) or "nothing"
    asked = "which dataset is meant is unclear" if key is None else f"there is no dataset {key}"
    raise SurveyError(problem=f"{path}: {asked}; it holds {listed}", fix="name the dataset of the volume with key")


def chunk_shape(shape: tuple[int, int, int], itemsize: int) -> tuple[int, int, int]:
    """Chunks of about CHUNK_VOXELS, 32 lines thick, or thinner where those of one section would not fit in memory."""
    lines = 32
    while lines > 1 and lines * max(shape[:2]) * shape[2] * itemsize > ROW_BYTES:
        lines //= 2
    inlines, crosslines = min(lines, shape[0]), min(lines, shape[1])
    return inlines, crosslines, min(CHUNK_VOXELS // lines**2, shape[2])


def chunk_cache(layout: Layout) -> dict[str, int]:
    """Settings that keep in memory all chunks which one section crosses, where that is affordable."""
    if layout.chunks is None:
        return {}
    shape = layout.geometry.shape
    chunk = layout.axes.grid_shape(layout.chunks)
    blocks = [-(-size // step) for size, step in zip(shape, chunk, strict=True)]
    count = max(blocks[0], blocks[1]) * blocks[2]
    size = count * int(np.prod(chunk)) * layout.stored.itemsize
    # 100 slots a chunk keep two chunks from sharing one, as the HDF5 manual advises; odd, to spread them.
    return {"rdcc_nbytes": size, "rdcc_nslots": 100 * count + 1} if size <= 2 * ROW_BYTES else {}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Errors of HDF5 become errors that name the file."""
    try:
        yield
    except (OSError, KeyError, RuntimeError) as error:
        raise SurveyError(
            problem=f"{path}: cannot be read as HDF5: {error}",
            fix="check the path; a file that is cut off or damaged must be copied again",
        ) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Errors of HDF5 become errors that name the file."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise SurveyError(
            problem=f"{path}: cannot be written: {error}", fix="free some disk, or write elsewhere"
        ) from error
