"""A training in tmux goes on while nobody looks, and draws itself anew for whoever comes back in another window."""

import fcntl
import os
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.cli.running import Made

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
BAR = re.compile(r"epoch \d+/200 ")


class Tmux:
    """A tmux server of its own."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def __call__(self, *words: str) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def screen(self) -> list[str]:
        return self("capture-pane", "-p", "-t", "seismic").splitlines()

    @contextmanager
    def attached(self, columns: int, rows: int) -> Iterator[None]:
        """Inside, somebody looks at it in a window of that size."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        command = ["tmux", "-S", str(self._socket), "attach", "-t", "seismic"]
        env = os.environ | {"TERM": "xterm-256color"}
        client = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True)
        os.close(theirs)
        os.set_blocking(ours, False)
        try:
            until(lambda: self("list-clients", "-F", "#{client_width}").strip() == str(columns), ours)
            yield
            os.write(ours, b"\x02d")  # Ctrl-b d: detach
            until(lambda: client.poll() is not None, ours)
        finally:
            client.kill()
            client.wait()
            os.close(ours)


def until(true: Callable[[], bool], terminal: int | None = None) -> None:
    """Wait; what tmux draws on a terminal is taken away, or it would wait for room."""
    for _ in range(3000):
        if terminal is not None:
            with suppress(OSError):  # there is nothing to read, or it is closed
                os.read(terminal, 1 << 16)
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    server = Tmux(tmp_path / "socket")
    yield server
    subprocess.run(["tmux", "-S", str(tmp_path / "socket"), "kill-server"], capture_output=True, check=False)


def test_detached_and_attached_at_other_widths(made: Made, tmp_path: Path, tmux: Tmux):
    words = ["train", "--config", made.config, "--output", tmp_path / "run", "--set", "train.epochs=200"]
    # What is left on the screen in the end stays to be read.
    command = shlex.join([sys.executable, "-m", "sam_seismic", *map(str, words)]) + "; exec cat"
    tmux("new-session", "-d", "-s", "seismic", "-x", "120", "-y", "30", command)
    until(lambda: any(BAR.search(line) for line in tmux.screen()))
    for columns, rows in ((120, 30), (60, 20), (44, 12), (100, 30)):
        with tmux.attached(columns, rows):
            before = bars(tmux.screen())
            until(lambda before=before: len(bars(tmux.screen())) == 1 and bars(tmux.screen()) != before)
            screen = tmux.screen()
            assert max(map(len, screen)) <= columns
            assert len(bars(screen)) == 1, screen
    tmux("send-keys", "-t", "seismic", "C-c")
    until(lambda: any("stopped by SIGINT after step" in line for line in tmux.screen()))
    assert not bars(tmux.screen()), "the bar is taken down in the end"
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").is_file()


def bars(screen: list[str]) -> list[str]:
    return [line for line in screen if BAR.search(line)]


def test_a_log_file_holds_no_colours(made: Made, tmp_path: Path):
    """What a terminal would be told to draw with is noise in a file."""
    words = ["train", "--config", made.config, "--output", tmp_path / "run", "--set", "train.epochs=1"]
    log = tmp_path / "log"
    with log.open("wb") as file:
        command = [sys.executable, "-m", "sam_seismic", *map(str, words)]
        subprocess.run(command, stdout=file, stderr=file, check=True, env=os.environ | {"TERM": "xterm-256color"})
    assert b"split train" in log.read_bytes()
    assert not {b"\x1b", b"\r"} & {bytes([each]) for each in log.read_bytes()}
