"""A result stands under its name whole or not at all, and the error that is told is the first one."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.errors import SurveyError
from sam_seismic.files.unfinished import check_output, check_outputs_disjoint
from sam_seismic.survey.arrays import ArrayResult
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.images import FolderResult
from sam_seismic.survey.result import Result
from sam_seismic.survey.volume import Section

GRID = Geometry.complete(range(2), range(3), 4)
INT8 = np.dtype(np.int8)


class Fragile(Result):
    """A result whose steps fail when they are told to."""

    def __init__(self, path: Path, *fails: str) -> None:
        super().__init__(path, INT8, overwrite=False)
        self.fails = fails
        self.closed = False

    def open(self) -> None:
        self.temporary.write_bytes(b"half")
        if "open" in self.fails:
            raise OSError("open failed")

    def reopen(self) -> None:
        raise AssertionError("not resumed here")

    def write(self, section: Section) -> None:
        raise AssertionError("not written to here")

    def sync(self) -> None:
        raise AssertionError("not synced here")

    def close(self) -> None:
        self.closed = True
        if "close" in self.fails:
            raise OSError("close failed")


def test_an_error_in_close_does_not_hide_the_first(tmp_path: Path):
    """A full disk fails twice: in the write, and when what is still in memory is flushed."""
    with pytest.raises(KeyboardInterrupt), Fragile(tmp_path / "out", "close"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["open", "close"])
def test_a_step_that_fails_leaves_nothing(tmp_path: Path, step: str):
    result = Fragile(tmp_path / "out", step)
    with pytest.raises(OSError, match=f"{step} failed"), result:
        pass
    assert result.closed
    assert list(tmp_path.iterdir()) == []


def section(line: int) -> Section:
    return Section(Orientation.INLINE, line, np.full((4, 3), line, np.uint8), np.ones(3, bool))


def write_folder(path: Path, line: int) -> None:
    with FolderResult(path, np.dtype(np.uint8), overwrite=True) as result:
        result.write(section(line))


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path):
    write_folder(tmp_path / "facies", 1)
    write_folder(tmp_path / "facies", 2)
    assert [path.name for path in (tmp_path / "facies").iterdir()] == ["il_2.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["facies"]


def test_a_folder_that_cannot_be_replaced_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The old folder is given up only when the new one stands."""
    write_folder(tmp_path / "facies", 1)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError("rename failed")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="rename failed"):
        write_folder(tmp_path / "facies", 2)
    assert [path.name for path in (tmp_path / "facies").iterdir()] == ["il_1.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["facies"]


def test_a_folder_that_appears_meanwhile_is_not_removed(tmp_path: Path):
    """It was never looked at: what it holds may be anything."""
    result = FolderResult(tmp_path / "facies", np.dtype(np.uint8), overwrite=False).__enter__()
    result.write(section(1))
    (tmp_path / "facies").mkdir()
    (tmp_path / "facies" / "thesis.txt").touch()
    with pytest.raises(OSError, match="not empty"):
        result.__exit__(None, None, None)
    assert [path.name for path in (tmp_path / "facies").iterdir()] == ["thesis.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["facies"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("file/x.sgy", "file is a file"),
        ("file/deeper/x.sgy", "file is a file"),
        ("file", "exists already"),
        ("folder.sgy", "is a folder"),
        (".", "names no file"),
        ("..", "names no file"),
    ],
)
def test_outputs_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, told: str):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("folder.sgy").mkdir()
    with pytest.raises(SurveyError, match=told):
        check_output(Path(path), overwrite=False)
    if told != "exists already":
        with pytest.raises(SurveyError, match=told):
            check_output(Path(path), overwrite=True)
    check_output(Path("new/folder/x.sgy"), overwrite=False)


def test_outputs_of_one_run_are_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder that is written last would replace what was written into it."""
    monkeypatch.chdir(tmp_path)
    check_outputs_disjoint([Path("f.npy"), Path("f_sand.npy"), Path("folder/f.npy")])
    for paths in (["f.npy", tmp_path / "f.npy"], ["facies", "facies/p_sand.npy"], ["p/f.npy", "x", "p"]):
        with pytest.raises(SurveyError, match="two outputs"):
            check_outputs_disjoint([Path(path) for path in paths])


@pytest.mark.parametrize(
    ("code", "told"), [(errno.ENOSPC, r"the disk has .* [GM]B left"), (errno.EDQUOT, "quota exceeded")]
)
def test_an_array_claims_its_place_before_it_is_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, told: str
):
    """A sparse file on a disk that fills up later would kill the process through the memory map."""

    def full(descriptor: int, offset: int, size: int) -> None:
        assert size == 2 * 3 * 4
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with (
        pytest.raises(SurveyError, match=f"(?i){told}"),
        ArrayResult(tmp_path / "out.npy", INT8, geometry=GRID, overwrite=False),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", [True, False])
def test_an_array_where_space_cannot_be_reserved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: bool):
    """Not on macOS, and not on every file system."""

    def refused(descriptor: int, offset: int, size: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    if missing:
        monkeypatch.delattr(os, "posix_fallocate")
    else:
        monkeypatch.setattr(os, "posix_fallocate", refused)
    with ArrayResult(tmp_path / "out.npy", INT8, geometry=GRID, overwrite=False) as result:
        result.write(section(1))
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), np.repeat([0, 1], 12).reshape(2, 3, 4))
