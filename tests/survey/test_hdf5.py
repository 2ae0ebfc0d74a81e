"""HDF5: our own layout, foreign files, and conversion that loses no sample."""

import multiprocessing
import pickle
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.hdf5 import Hdf5Result, Hdf5Volume, layout, write_hdf5
from sam_seismic.survey.hdf5.blocks import BLOCK_BYTES, block_shape
from sam_seismic.survey.images import FolderResult, FolderVolume
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.volume import Section

INLINE, CROSSLINE = Orientation.INLINE, Orientation.CROSSLINE
CUBE = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5)  # [inline, crossline, sample]
INHERITED: list[Hdf5Volume] = []
"""What a forked process finds already open."""


def survey(values: np.ndarray, live: np.ndarray | None = None) -> MemoryVolume:
    """A volume with line numbers that no array could have by itself."""
    inlines = np.arange(values.shape[0], dtype=np.int32) * 2 - 3
    crosslines = np.arange(values.shape[1], dtype=np.int32) * 4 + 1000
    live = np.ones(values.shape[:2], bool) if live is None else live
    return MemoryVolume(values, Geometry(inlines, crosslines, values.shape[2], 2.5, 120.0, live))


def foreign(path: Path, **datasets: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name.replace("__", "/")] = values
    return path


@settings(max_examples=30)
@given(
    values=hnp.arrays(
        st.sampled_from([np.float32, np.uint8, np.int8, np.int16, np.int32]),
        st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 70)),
        fill=st.just(1),
    ),
    seed=st.integers(0, 9),
)
def test_conversion_keeps_every_sample_line_and_time(tmp_path_factory, values: np.ndarray, seed: int):
    """Integers keep their type, dead traces stay dead, across chunk borders too."""
    live = np.random.default_rng(seed).random(values.shape[:2]) > 0.2
    source = survey(values, live)
    path = tmp_path_factory.mktemp("convert") / "cube.h5"
    write_hdf5(source, path)
    volume = Hdf5Volume(path)
    assert volume.dtype == values.dtype
    assert volume.geometry.same_grid(source.geometry)
    np.testing.assert_array_equal(volume.geometry.live, live)
    assert (volume.geometry.sample_interval_ms, volume.geometry.start_ms) == (2.5, 120.0)
    for orientation in Orientation:
        for line in volume.lines(orientation).tolist():
            np.testing.assert_array_equal(
                volume.section(orientation, line).values, source.section(orientation, line).values
            )


@pytest.mark.parametrize("orientation", Orientation)
def test_result_takes_sections_of_either_orientation(tmp_path: Path, orientation: Orientation):
    source = survey(CUBE)
    with Hdf5Result(
        tmp_path / "out.h5", np.dtype(np.int8), geometry=source.geometry, overwrite=False, note="by a test"
    ) as result:
        for line in source.lines(orientation).tolist():
            result.write(source.section(orientation, line))
    with h5py.File(tmp_path / "out.h5") as file:
        np.testing.assert_array_equal(file["samples"][:], CUBE.astype(np.int8))
        assert file["samples"].compression is None
        assert (file.attrs["note"], file.attrs["format_version"]) == (b"by a test", 2)


def test_progress_counts_copying_and_comparing(tmp_path: Path):
    steps = []
    write_hdf5(survey(CUBE), tmp_path / "cube.h5", progress=lambda done, total: steps.append((done, total)))
    assert steps == [(done, 6) for done in range(3, 7)], "three lines at once, each compared by itself"


class Fickle(MemoryVolume):
    """A source that changes while it is copied."""

    reads = 0

    def section(self, orientation: Orientation, line: int) -> Section:
        self.reads += 1
        section = super().section(orientation, line)
        section.values[0, 0] += self.reads
        return section


def test_a_copy_that_differs_is_not_kept(tmp_path: Path):
    """The samples on disk are held against the source before the file gets its name."""
    volume = survey(CUBE)
    with pytest.raises(SurveyError, match="IL -3 differs from its source in 1 samples"):
        write_hdf5(Fickle(volume.values, volume.geometry), tmp_path / "cube.h5")
    assert list(tmp_path.iterdir()) == []


def test_nan_is_equal_to_nan_in_the_comparison(tmp_path: Path):
    """Conversion copies; it is training that refuses what is not finite."""
    values = CUBE.copy()
    values[1, 1, 1] = np.nan
    write_hdf5(survey(values), tmp_path / "cube.h5")
    assert np.isnan(Hdf5Volume(tmp_path / "cube.h5").section(INLINE, -1).values[1, 1])


def test_a_folder_of_crosslines_can_be_converted(tmp_path: Path):
    """Only one orientation can be read from it."""
    with FolderResult(tmp_path / "sections", np.dtype(np.float32), overwrite=False) as result:
        for line in range(4):
            result.write(Section(CROSSLINE, line + 7, CUBE[:, line].T, np.ones(3, bool)))
    write_hdf5(FolderVolume(tmp_path / "sections"), tmp_path / "cube.h5")
    volume = Hdf5Volume(tmp_path / "cube.h5")
    assert volume.lines(CROSSLINE).tolist() == [7, 8, 9, 10]
    np.testing.assert_array_equal(volume.section(INLINE, 2).values, CUBE[2].T)


@pytest.mark.parametrize("itemsize", [1, 4])
@pytest.mark.parametrize(
    "shape",
    [(401, 701, 255), (590, 782, 1006), (3000, 5000, 2000), (2, 3, 4), (1, 9000, 9000), (23, 18, 75), (9, 9, 9)],
)
def test_blocks_are_small_and_nearly_full(shape: tuple[int, int, int], itemsize: int):
    """What is stored beyond the edges of the survey stays small, and no block is larger than the survey."""
    block = block_shape(shape, itemsize)
    assert all(1 <= step <= size for step, size in zip(block, shape, strict=True))
    assert block[0] * block[1] * block[2] * itemsize <= BLOCK_BYTES
    stored = 1
    for step, size in zip(block, shape, strict=True):
        stored *= -(-size // step) * step
    assert stored <= shape[0] * shape[1] * shape[2] * 1.45


def test_blocks_of_known_surveys():
    assert block_shape((401, 701, 255), 4) == (8, 4, 255)
    assert block_shape((601, 1, 1501), 4) == (8, 1, 752)


def test_foreign_file_with_one_volume(tmp_path: Path):
    path = foreign(tmp_path / "cube.hdf5", seismic__data=CUBE.T.astype(np.float64), geo=np.zeros((2, 2)))
    volume = Hdf5Volume(path, ReadOptions(axes="sample,crossline,inline"))
    assert volume.geometry.shape == (3, 4, 5)
    assert volume.encoding == "float64"
    assert volume.notes == (
        "the dataset /seismic/data of a foreign layout, without line numbers: inlines and crosslines count from 0",
        "it holds no times: 4 ms a sample from 0 ms on assumed",
        "stored as float64, read as float32",
    )
    np.testing.assert_array_equal(volume.section(CROSSLINE, 3).values, CUBE[:, 3].T)
    assert volume.section(INLINE, 0).values.dtype == np.float32
    assert "axis order inline,crossline,sample assumed" in Hdf5Volume(path).notes[2]


def refuse(path: Path, options: ReadOptions | None = None) -> str:
    with pytest.raises(SurveyError) as refused:
        Hdf5Volume(path, options)
    assert str(path) in refused.value.problem
    return str(refused.value)


def test_refusals_name_the_dataset_and_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    two = foreign(tmp_path / "two.h5", a=CUBE, b=CUBE)
    assert "a (3, 4, 5), b (3, 4, 5)" in refuse(two)
    assert "there is no dataset c" in refuse(two, ReadOptions(key="c"))
    assert Hdf5Volume(two, ReadOptions(key="/b")).geometry.shape == (3, 4, 5)
    assert "the array has shape (3, 4)" in refuse(foreign(tmp_path / "flat.h5", flat=CUBE[..., 0]))
    assert "shape (3, 4)" in refuse(tmp_path / "flat.h5", ReadOptions(key="flat"))
    (tmp_path / "text.h5").write_text("no HDF5")
    assert "cannot be read as HDF5" in refuse(tmp_path / "text.h5")
    write_hdf5(survey(CUBE), tmp_path / "own.h5")
    assert "cannot apply to a volume that this program wrote" in refuse(tmp_path / "own.h5", ReadOptions(key="samples"))
    with pytest.raises(SurveyError, match="exists already"):
        write_hdf5(survey(CUBE), tmp_path / "own.h5")
    monkeypatch.setattr(layout, "VERSION", 0)
    assert "update sam-seismic" in refuse(tmp_path / "own.h5")


def test_damaged_chunks_are_told_with_the_file(tmp_path: Path):
    path = tmp_path / "cube.h5"
    write_hdf5(survey(np.random.default_rng(0).normal(size=(32, 32, 64)).astype(np.float32)), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SurveyError, match="cannot be read as HDF5"):
        Hdf5Volume(path).section(INLINE, -3)


def read_all(volume: Hdf5Volume) -> float:
    return float(sum(volume.section(INLINE, line).values.sum() for line in volume.lines(INLINE).tolist()))


def read_inherited(_: int) -> float:
    return read_all(INHERITED[0])


def test_volume_is_read_in_forked_and_pickled_processes(tmp_path: Path):
    """DataLoader workers inherit an open file; each must open its own."""
    values = np.random.default_rng(0).integers(0, 100, (40, 40, 40)).astype(np.float32)
    write_hdf5(survey(values), tmp_path / "cube.h5")
    volume = Hdf5Volume(tmp_path / "cube.h5")
    expected = read_all(volume)
    assert expected == values.sum()
    assert read_all(pickle.loads(pickle.dumps(volume))) == expected
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(read_all, [volume] * 4) == [expected] * 4
    INHERITED.append(volume)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(read_inherited, range(4)) == [expected] * 4
    INHERITED.clear()


def test_a_disk_without_room_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """HDF5 does not survive a disk that fills up while a file is open: the process would crash at its end."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    geometry = Geometry.complete(range(10), range(10), 11)
    with pytest.raises(SurveyError, match=r"x\.h5 needs 1\.1 kB, the disk has 1\.0 kB left"):
        Hdf5Result(tmp_path / "x.h5", np.dtype(np.int8), geometry=geometry, overwrite=False).__enter__()
    assert list(tmp_path.iterdir()) == []
