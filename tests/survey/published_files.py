"""Published surveys, small: their exact file names, axis orders and types, on grids of a few lines."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.survey import catalog
from sam_seismic.survey.catalog import F3_VOLUMES, SEAM_AI_VOLUMES, F3Volume, SeamAIVolume
from sam_seismic.survey.formats import open_result
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.result import ResultRequest

SHAPES = {"train": (4, 5, 6), "test1": (2, 5, 6), "test2": (6, 3, 6)}
SMALL_F3 = {
    name: F3Volume(known.files, SHAPES[name], known.first_inline, known.first_crossline)
    for name, known in F3_VOLUMES.items()
}
SMALL_SEAM_AI = {name: SeamAIVolume(known.segy, known.npz, SHAPES[name]) for name, known in SEAM_AI_VOLUMES.items()}
F3_LARGEST, SEAM_AI_LARGEST = 1.0, 5000.0


def shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files, small: a cube of the true size takes gigabytes."""
    monkeypatch.setattr(catalog, "F3_VOLUMES", SMALL_F3)
    monkeypatch.setattr(catalog, "SEAM_AI_VOLUMES", SMALL_SEAM_AI)


def amplitudes(shape: tuple[int, ...], dtype: type, largest: float) -> np.ndarray:
    """All different, up to the largest."""
    size = int(np.prod(shape))
    return (np.arange(1, size + 1) * largest / size).reshape(shape).astype(dtype)


def classes(shape: tuple[int, ...], first: int, dtype: type = np.uint8) -> np.ndarray:
    """Six label values from `first` on, one a sample."""
    return (np.zeros(shape, dtype) + np.arange(6, dtype=dtype) + first).astype(dtype)


def write_f3(folder: Path, *names: str) -> None:
    """[inline, crossline, sample], float64 and uint8, as published."""
    for name in names:
        known = SMALL_F3[name]
        arrays = amplitudes(known.shape, np.float64, F3_LARGEST), classes(known.shape, 0)
        for file, values in zip(known.files, arrays, strict=True):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            np.save(folder / file, values)


def write_npz(folder: Path, *names: str) -> None:
    """[sample, crossline, inline], float32 and int8, as published."""
    for name in names:
        known = SMALL_SEAM_AI[name]
        arrays = amplitudes(known.shape, np.float32, SEAM_AI_LARGEST), classes(known.shape, 1, np.int8)
        for (file, key), values in zip(known.npz, arrays, strict=False):
            np.savez_compressed(folder / file, **{key: np.ascontiguousarray(values.transpose(2, 1, 0))})


def write_segy(folder: Path, *names: str) -> None:
    """The SEG-Y form, with line numbers that do not begin at 0."""
    for name in names:
        known = SMALL_SEAM_AI[name]
        grid = Geometry.complete(range(2, 2 + known.shape[0]), range(1, 1 + known.shape[1]), known.shape[2])
        arrays = amplitudes(known.shape, np.float32, SEAM_AI_LARGEST), classes(known.shape, 1, np.int8)
        for file, values in zip(known.segy, arrays, strict=False):
            source = MemoryVolume(values, grid)
            request = ResultRequest(path=folder / file, source=source, dtype=values.dtype, overwrite=False, note="TEST")
            with open_result(request) as result:
                for line in grid.inlines.tolist():
                    result.write(source.section(Orientation.INLINE, line))


def f3_archive(scratch: Path) -> bytes:
    """The small benchmark as its archive, with the litter that such archives have."""
    folder, packed = scratch / "unpacked", scratch / "packed.zip"
    write_f3(folder, *SMALL_F3)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/", b"")
        archive.writestr("__MACOSX/data/._train", b"litter")
        for path in sorted(folder.rglob("*.npy")):
            archive.write(path, f"data/{path.relative_to(folder)}")
    return packed.read_bytes()
