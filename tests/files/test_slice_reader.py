"""A plane along any axis has the right values, and reading many planes needs no more memory than one."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_seismic.errors import SurveyError
from sam_seismic.files import slice_reader
from sam_seismic.files.slice_reader import SliceReader


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
    dtype=st.sampled_from(["u1", "<f4", ">f4", "<f8", "<i2"]),
    start=st.integers(0, 200),
    limits=st.sampled_from(
        [(slice_reader.PIECE, slice_reader.SHORT), (1, slice_reader.SHORT), (100, 10**9), (slice_reader.PIECE, 0)]
    ),
)
def test_any_plane(tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, ...], dtype: str, start: int, limits):
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    path = tmp_path_factory.mktemp("planes") / "a"
    path.write_bytes(bytes(start) + array.tobytes())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(slice_reader, "PIECE", limits[0])
        patched.setattr(slice_reader, "SHORT", limits[1])
        for axis, size in enumerate(shape):
            for position in (0, size - 1):
                found = SliceReader(path, start, shape, array.dtype).cut(axis, position)
                assert found.dtype == array.dtype
                np.testing.assert_array_equal(found, np.take(array, position, axis))


def resident() -> int:
    """Resident memory of this process in bytes, mapped files included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_reading_many_planes_needs_no_more_memory_than_one(tmp_path: Path, axis: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slice_reader, "PIECE", 2**20)
    np.ones((200, 200, 400), np.float32).tofile(tmp_path / "a")  # 64 MB
    array = SliceReader(tmp_path / "a", 0, (200, 200, 400), np.dtype(np.float32))
    array.cut(axis, 0)
    before = most = resident()
    for position in range(0, 200, 5):
        array.cut(axis, position)
        most = max(most, resident())
    assert most - before < 15e6


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_truncated_or_missing_file_is_refused(tmp_path: Path, axis: int):
    np.ones((5, 6, 7), np.float32).tofile(tmp_path / "a")
    array = SliceReader(tmp_path / "a", 0, (5, 6, 7), np.dtype(np.float32))
    os.truncate(tmp_path / "a", 5 * 6 * 7 * 4 - 4)
    with pytest.raises(SurveyError, match=f"ends at byte {5 * 6 * 7 * 4 - 4}: it was cut since it was opened"):
        array.cut(axis, array.shape[axis] - 1)
    (tmp_path / "a").unlink()
    with pytest.raises(SurveyError, match="No such file"):
        array.cut(axis, 0)
