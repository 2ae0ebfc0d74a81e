"""A part of a test runs as a user who may not read everything; root, as whom tests may run, may."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

NOBODY = 54321


@contextmanager
def unprivileged() -> Iterator[None]:
    """Inside, permissions count: root is another user there, who owns nothing; any other user stays who it is."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
