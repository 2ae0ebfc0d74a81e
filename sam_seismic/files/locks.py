"""A path comes in; its file is opened and locked against other processes, or it turns out that one of them holds it.

Where a file system has no locks (NFS, Lustre and some mounts of containers, which say so with ENOLCK, EOPNOTSUPP,
ENOSYS, EROFS, EIO, 524 and others), work goes on without one.
"""

import errno
import fcntl
import os
from pathlib import Path

LOCK = ".lock"
"""Name of the file in a folder of results that the command which writes them holds a lock on."""


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed, also by the end of the process. Never waits.

    Returns:
        Whether no other process holds the lock. A file system without locks is no reason not to work: True.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Any other error says that this file system does not lock; a broken disk shows when it is read or written.
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def open_locked(path: Path) -> int | None:
    """Create a file if it does not exist, open it to read and write, and lock it.

    A process that releases such a lock may remove the file while it still holds the lock.

    Returns:
        The descriptor; closing it releases the lock. None if another process holds the lock.

    Raises:
        OSError: of the file system.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            locked = try_lock(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        if locked and is_named(path, descriptor):
            return descriptor
        os.close(descriptor)
        if not locked:
            return None


def is_named(path: Path, descriptor: int) -> bool:
    """Whether an open file still has this name: another process may have removed or renamed it before it was locked."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
