"""A file is complete or does not exist, and a failed write leaves no files."""

import errno
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sam_seismic.files.atomic import remove_abandoned, whole_file, write_bytes, write_text


def content(folder: Path) -> dict[str, bytes]:
    """All files of a folder, hidden ones too, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_gets_its_name_when_it_is_complete(tmp_path: Path):
    """Until then a reader finds the old file."""
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    with whole_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
        (hidden,) = content(tmp_path).keys() - {"a.json"}
        assert hidden.startswith(".a.json.")
        assert hidden.endswith(".part")
    assert content(tmp_path) == {"a.json": b"new"}


@pytest.mark.parametrize(
    "write", [lambda path: write_text(path, "größer\n"), lambda path: write_bytes(path, "größer\n".encode())]
)
def test_text_is_utf_8_and_bytes_are_as_given(tmp_path: Path, write: Callable[[Path], None]):
    write(tmp_path / "a")
    assert content(tmp_path) == {"a": "größer\n".encode()}


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_does_not_change_the_old_file(tmp_path: Path, error: BaseException):
    """The caller gets the original exception."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(type(error)) as caught, whole_file(path) as file:  # noqa: PT012
        file.write(b"ne")
        raise error
    assert caught.value is error
    assert content(tmp_path) == {"a": b"old"}


def test_text_that_cannot_be_encoded_leaves_no_files(tmp_path: Path):
    """A lone surrogate, as in a file name that is not UTF-8, cannot be encoded."""
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.txt", "half \udc80")
    assert content(tmp_path) == {}


def test_a_failed_rename_leaves_no_files(tmp_path: Path):
    """A folder has the name, so the rename fails after the content was written."""
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError):  # noqa: PT011  # IsADirectoryError or another one, by the system
        write_text(tmp_path / "a", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_error_while_cleaning_up_does_not_hide_the_first_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EPERM, "not permitted")

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(ValueError, match="the first one"), whole_file(tmp_path / "a"):
        raise ValueError("the first one")


def test_a_disk_that_fails_again_on_closing_does_not_hide_the_first_error(tmp_path: Path):
    """Else Ctrl+C would become an error of the disk when the rest of the buffer cannot be written."""
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a") as file:  # noqa: PT012
        file.write(b"waits in the buffer")
        os.close(file.fileno())
        raise KeyboardInterrupt
    assert content(tmp_path) == {}


def test_what_lies_under_the_hidden_name_is_never_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In a folder that others can write to, a link planted there would redirect the write; it is not removed either."""
    monkeypatch.setattr("secrets.token_hex", lambda count: "0" * 2 * count)
    with whole_file(tmp_path / "a"):
        (hidden,) = content(tmp_path)
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    (tmp_path / hidden).symlink_to(precious)
    with pytest.raises(FileExistsError):
        write_text(tmp_path / "a", "text")
    assert precious.read_bytes() == b"precious"
    assert (tmp_path / hidden).is_symlink()


def test_two_writers_of_one_name_do_not_meet(tmp_path: Path):
    """The last one to finish wins; the contents are not mixed."""
    with whole_file(tmp_path / "a") as one, whole_file(tmp_path / "a") as two:
        one.write(b"one")
        two.write(b"two")
        assert len(content(tmp_path)) == 2
    assert content(tmp_path) == {"a": b"one"}


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_mode_follows_the_umask(tmp_path: Path, mask: int):
    before = os.umask(mask)
    try:
        write_text(tmp_path / "a", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("sync", [False, True])
def test_the_content_is_synced_only_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync: bool):
    """Python's buffer must be flushed before the sync, and the final name must not exist yet."""
    seen = []
    monkeypatch.setattr(os, "fsync", lambda handle: seen.append((os.fstat(handle).st_size, (tmp_path / "a").exists())))
    write_bytes(tmp_path / "a", b"four", sync=sync)
    assert seen == ([(4, False)] if sync else [])


def test_only_files_of_killed_processes_are_removed(tmp_path: Path):
    now = time.time()
    for name, age in ((".a.0123.part", 100), (".a.4567.part", 1), (".b.0123.part", 100), ("a", 100), ("a.npy", 100)):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (now - age, now - age))
    remove_abandoned(tmp_path, age_s=50)
    assert content(tmp_path).keys() == {".a.4567.part", "a", "a.npy"}
    remove_abandoned(tmp_path)
    assert content(tmp_path).keys() == {"a", "a.npy"}


def test_hidden_files_of_one_file_differ_from_those_of_others(tmp_path: Path):
    """The hidden files of `x` and `x.y` begin alike; brackets in a name are no pattern."""
    made = {}
    for name in ("x", "x.y", "x[0]"):
        with whole_file(tmp_path / name) as file:
            file.write(b"half")
            (hidden,) = content(tmp_path).keys() - made.keys() - {"x", "x.y", "x[0]"}
        made[hidden] = name
        (tmp_path / hidden).write_bytes(b"half")
        (tmp_path / name).unlink()
    remove_abandoned(tmp_path, of="x[0]")
    assert [made[hidden] for hidden in sorted(content(tmp_path))] == ["x", "x.y"]
    remove_abandoned(tmp_path, of="x")
    assert [made[hidden] for hidden in content(tmp_path)] == ["x.y"]
