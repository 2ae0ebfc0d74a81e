"""Blocks lie where any other program finds them; sections and boxes of any orientation meet in the same file."""

import os
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.unfinished import Start
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.hdf5 import Hdf5Result, Hdf5Volume, blocks, copying, write_hdf5
from sam_seismic.survey.hdf5.layout import read_layout
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.volume import Section

TYPES = (np.float32, np.uint8, np.int8, np.int16, np.int32, np.uint16)


def grid_of(shape: tuple[int, int, int], live: np.ndarray | None = None) -> Geometry:
    grid = Geometry.complete(range(10, 10 + 2 * shape[0], 2), range(-5, shape[1] - 5), shape[2], start_ms=8.0)
    if live is not None:
        grid.live[...] = live
    return grid


@settings(max_examples=60)
@given(
    values=hnp.arrays(
        st.sampled_from(TYPES), st.tuples(st.integers(1, 21), st.integers(1, 21), st.integers(1, 300)), fill=st.just(3)
    ),
    seed=st.integers(0, 99),
    thin=st.booleans(),
)
def test_any_volume_is_read_by_us_and_by_plain_h5py(tmp_path_factory, values: np.ndarray, seed: int, thin: bool):
    """Whatever its shape, type and gaps; copied many lines at a time, or one."""
    live = np.random.default_rng(seed).random(values.shape[:2]) > 0.3
    source = MemoryVolume(values, grid_of(values.shape, live))
    expected = np.where(live[:, :, None], values, 0)
    path = tmp_path_factory.mktemp("any") / "a.h5"
    with pytest.MonkeyPatch.context() as patched:
        if thin:
            patched.setattr(copying, "BUDGET", 1)
        write_hdf5(source, path)
    volume = Hdf5Volume(path)
    for orientation, axis in ((Orientation.INLINE, 0), (Orientation.CROSSLINE, 1)):
        for position, line in enumerate(volume.lines(orientation).tolist()):
            section = volume.section(orientation, line)
            np.testing.assert_array_equal(section.values, np.take(expected, position, axis).T)
            assert section.values.dtype == values.dtype
            np.testing.assert_array_equal(section.live, np.take(live, position, axis))
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["samples"][:], expected)
        np.testing.assert_array_equal(file["samples"][:, :, 0], expected[:, :, 0])


@settings(max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20), st.integers(1, 300)),
    dtype=st.sampled_from([np.int8, np.float32]),
    seed=st.integers(0, 99),
)
def test_sections_and_boxes_write_the_same_bytes(tmp_path_factory, shape: tuple[int, int, int], dtype, seed: int):
    """Dead places hold the null value, and it is declared."""
    chance = np.random.default_rng(seed)
    values = chance.integers(-100, 100, shape).astype(dtype)
    grid = grid_of(shape, chance.random(shape[:2]) > 0.3)
    folder, written = tmp_path_factory.mktemp("bytes"), []
    for orientation, axis in ((Orientation.INLINE, 0), (Orientation.CROSSLINE, 1)):
        for boxes in (False, True):
            path = folder / f"{orientation}{boxes}.h5"
            with Hdf5Result(path, np.dtype(dtype), geometry=grid, overwrite=False, null=-1) as result:
                lines = np.moveaxis(values, axis, 0)  # [line, trace, sample]
                step = result.block[axis] if boxes else 1
                for begin in range(0, len(lines), step):
                    if boxes:
                        result.write_box(orientation, begin, lines[begin : begin + step].copy())
                    else:
                        line = int(grid.lines(orientation)[begin])
                        live = grid.live_along(orientation, line)
                        result.write(Section(orientation, line, lines[begin].T, live))
            written.append(path.read_bytes())
    assert written[1:] == written[:1] * 3
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["samples"][:], np.where(grid.live[:, :, None], values, -1))
        assert file.attrs["null"] == -1
    assert not Hdf5Volume(path).section(Orientation.INLINE, 10).values[:, ~grid.live[0]].any()


def test_samples_are_one_run_of_bytes(tmp_path: Path):
    """The promise on which everything rests, in a file with more than one block along each axis."""
    values = np.arange(20 * 17 * 300, dtype=np.float32).reshape(20, 17, 300)
    write_hdf5(MemoryVolume(values, grid_of(values.shape)), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        samples = file["samples"]
        assert samples.chunks == (7, 4, 160)
        begin = samples.id.get_chunk_info_by_coord((0, 0, 0)).byte_offset
    assert begin % 4096 == 0
    raw = np.fromfile(tmp_path / "a.h5", np.float32, offset=begin)
    stored = raw.reshape(3, 5, 2, 7, 4, 160).transpose(0, 3, 1, 4, 2, 5).reshape(21, 20, 320)
    np.testing.assert_array_equal(stored[:20, :17, :300], values)
    assert not stored[:, :, 300:].any()


def test_equal_volumes_make_equal_files(tmp_path: Path):
    """No time of writing is in them."""
    values = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    for name in ("a.h5", "b.h5"):
        write_hdf5(MemoryVolume(values, grid_of(values.shape)), tmp_path / name)
        time.sleep(1.1)  # HDF5 counts seconds
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def repacked(source: Path, path: Path, **how: object) -> Path:
    with h5py.File(source) as old, h5py.File(path, "w") as new:
        new.attrs.update(old.attrs)
        for name in old:
            if name != "samples":
                old.copy(name, new)
        new.create_dataset("samples", data=old["samples"][:], **how)
    return path


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"chunks": (5, 4, 100)},
        {"chunks": (8, 8, 64), "compression": "gzip"},
        {"chunks": True, "maxshape": (None,) * 3},
    ],
)
def test_files_that_another_program_packed_anew_are_read(tmp_path: Path, how: dict[str, object]):
    values = np.random.default_rng(0).normal(size=(20, 17, 300)).astype(np.float32)
    write_hdf5(MemoryVolume(values, grid_of(values.shape)), tmp_path / "a.h5")
    path = repacked(tmp_path / "a.h5", tmp_path / "b.h5", **how)
    assert read_layout(tmp_path / "a.h5", ReadOptions()).blocks is not None
    volume = Hdf5Volume(path)
    for position, line in enumerate(volume.lines(Orientation.CROSSLINE).tolist()):
        np.testing.assert_array_equal(volume.section(Orientation.CROSSLINE, line).values, values[:, position].T)


def test_files_of_the_first_version_are_read(tmp_path: Path):
    values = np.random.default_rng(0).normal(size=(20, 17, 300)).astype(np.float32)
    write_hdf5(MemoryVolume(values, grid_of(values.shape)), tmp_path / "a.h5")
    path = repacked(tmp_path / "a.h5", tmp_path / "b.h5", chunks=(20, 17, 64), compression="lzf", shuffle=True)
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 1
        del file.attrs["null"]
    np.testing.assert_array_equal(Hdf5Volume(path).section(Orientation.INLINE, 12).values, values[1].T)


def test_a_file_that_is_cut_while_open_is_told(tmp_path: Path):
    values = np.ones((20, 17, 300), np.float32)
    write_hdf5(MemoryVolume(values, grid_of(values.shape)), tmp_path / "a.h5")
    volume = Hdf5Volume(tmp_path / "a.h5")
    volume.section(Orientation.INLINE, 10)
    os.truncate(tmp_path / "a.h5", 50_000)
    with pytest.raises(SurveyError, match="was cut since it was opened"):
        volume.section(Orientation.INLINE, 48)
    with pytest.raises(SurveyError, match="is cut off"):
        Hdf5Volume(tmp_path / "a.h5")


def resident() -> int:
    """Bytes of memory of this process, mapped files included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("held", [0, 2**20, blocks.HELD])
def test_sweeping_a_file_takes_no_more_memory_than_a_few_sections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
):
    """The blocks of neighbouring lines are kept, within a bound; the samples are right whatever is kept."""
    monkeypatch.setattr(blocks, "HELD", held)
    values = np.random.default_rng(0).normal(size=(200, 150, 500)).astype(np.float32)  # 60 MB
    write_hdf5(MemoryVolume(values, grid_of(values.shape)), tmp_path / "a.h5")
    volume = Hdf5Volume(tmp_path / "a.h5")
    before = most = resident()
    for orientation, axis in ((Orientation.INLINE, 0), (Orientation.CROSSLINE, 1)):
        for position, line in enumerate(volume.lines(orientation).tolist()):
            found = volume.section(orientation, line).values
            most = max(most, resident())
            np.testing.assert_array_equal(found, np.take(values, position, axis).T)
    assert most - before < 15e6


def test_going_on_with_another_file_is_refused(tmp_path: Path):
    grid, resumed = grid_of((9, 9, 40)), Start("token", resumed=True)
    with pytest.raises(SurveyError, match="missing, or not as an earlier run left it"):
        Hdf5Result(tmp_path / "a.h5", np.dtype(np.int8), geometry=grid, overwrite=False, start=resumed).__enter__()
    with Hdf5Result(tmp_path / ".a.token.part.h5", np.dtype(np.int16), geometry=grid, overwrite=False):
        pass
    with pytest.raises(SurveyError, match="missing, or not as an earlier run left it"):
        Hdf5Result(tmp_path / "a.h5", np.dtype(np.int8), geometry=grid, overwrite=False, start=resumed).__enter__()
