"""A process is told from a later one that has its number, and from one that has ended."""

import os
import signal
import subprocess
import sys

import pytest

from sam_seismic.files.processes import birth_of, has_ended

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/ns/pid"), reason="this system has no /proc")  # noqa: PTH110


def test_a_living_process_and_its_end():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        birth = birth_of(process.pid)
        assert birth is not None
        assert birth == birth_of(process.pid) != birth_of(os.getpid())
        assert not has_ended(process.pid, birth)
        assert has_ended(process.pid, birth + "0"), "a later process of that number"
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(process.pid, birth), "also before its parent has taken notice"
    assert has_ended(process.pid, birth)


def test_what_is_not_known_has_not_ended():
    """An older version wrote no birth; in another container numbers mean other processes."""
    assert not has_ended(os.getpid(), None)
    assert not has_ended(2**22 + 1, "pid:[1] 7")
