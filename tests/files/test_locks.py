"""One process at a time holds a lock; a lock on a file that was removed meanwhile is worth nothing."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from sam_seismic.files.locks import open_locked

NO_LOCKS = ("ENOLCK", "EOPNOTSUPP", "ENOSYS", "EROFS", "EIO", "EINVAL", "EBADF")
"""What file systems say that have no locks, or none for files opened to read; 524 has no name."""


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path):
    path = tmp_path / "lock"
    first = open_locked(path)
    assert first is not None
    assert open_locked(path) is None
    os.close(first)
    second = open_locked(path)
    assert second is not None
    os.close(second)


def test_a_file_removed_before_it_was_locked_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Another process ends between the opening and the locking, and removes its lock."""
    path, flock, removed = tmp_path / "lock", fcntl.flock, []

    def removing(descriptor: int, operation: int) -> None:
        if not removed:
            removed.append(os.fstat(descriptor).st_ino)
            path.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", removing)
    descriptor = open_locked(path)
    assert descriptor is not None
    assert os.path.samestat(os.fstat(descriptor), path.stat())
    os.close(descriptor)


@pytest.mark.parametrize("number", [*(getattr(errno, name) for name in NO_LOCKS), 524])
def test_a_file_system_without_locks_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int):
    def refusing(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refusing)
    descriptor = open_locked(tmp_path / "lock")
    assert descriptor is not None
    os.close(descriptor)


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EACCES])
def test_a_lock_that_another_process_holds_is_not_taken_for_a_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    def held(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", held)
    assert open_locked(tmp_path / "lock") is None
