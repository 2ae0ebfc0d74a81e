"""States and stamps of files change with the files, and ignore excluded and hidden ones."""

import os
import time
from pathlib import Path

import pytest

from sam_seismic.files.identity import FileState, file_states, stamp


def test_a_stamp_changes_with_the_file(tmp_path: Path):
    file = tmp_path / "a"
    file.write_bytes(b"1")
    before, folder = stamp(file), stamp(tmp_path)
    assert before == stamp(file)
    file.write_bytes(b"22")
    assert before != stamp(file)
    assert folder != stamp(tmp_path)


def test_excluded_results_do_not_change_the_stamp(tmp_path: Path):
    (tmp_path / "il_1.png").write_bytes(b"1")
    before = stamp(tmp_path, exclude=[tmp_path / "out.npy", tmp_path / "facies"])
    (tmp_path / ".out.npy.journal").touch()
    (tmp_path / "out.npy").touch()
    (tmp_path / "facies").mkdir()
    (tmp_path / "facies" / "il_1.png").touch()
    assert stamp(tmp_path, exclude=[tmp_path / "out.npy", tmp_path / "facies"]) == before
    assert stamp(tmp_path) != before


def test_hidden_zarr_metadata_change_the_stamp(tmp_path: Path):
    """They determine how chunks are read; other hidden files, such as .DS_Store, do not."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ".zarray").write_text("{}")
    before = stamp(tmp_path)
    (tmp_path / "data" / ".DS_Store").touch()
    assert stamp(tmp_path) == before
    (tmp_path / "data" / ".zarray").write_text("{ }")
    assert stamp(tmp_path) != before


def test_a_change_with_a_reset_modification_time_is_detected(tmp_path: Path):
    file = tmp_path / "a"
    file.write_bytes(b"1")
    before = FileState.of(file)
    assert (before.path, before.size) == (file, 1)
    time.sleep(0.05)  # longer than the time resolution of a file system
    file.write_bytes(b"2")
    os.utime(file, ns=(before.modified_ns, before.modified_ns))
    after = FileState.of(file)
    assert after.modified_ns == before.modified_ns
    assert after.changed_ns > before.changed_ns


def test_states_of_a_folder_are_sorted_by_path(tmp_path: Path):
    for name in ("b/2", "a", "b/.hidden", "b/.zattrs"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [state.path.relative_to(tmp_path).as_posix() for state in file_states(tmp_path)] == ["a", "b/.zattrs", "b/2"]
    assert [state.size for state in file_states(tmp_path)] == [1, 9, 3]
    assert file_states(tmp_path / "a") == file_states(tmp_path)[:1]


def test_a_missing_file_has_no_state(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        file_states(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        stamp(tmp_path / "missing")
