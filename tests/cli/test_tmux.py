"""In a real tmux: training goes on detached, and its bar fits whatever width one looks at it with."""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.cluster.runs import write_config

PROGRESS = re.compile(r"^epoch (\d+)/500 .*?(\d+)/18 loss ")


class Tmux:
    """A server of its own.

    Args:
        folder: for its socket, and where its window is.
    """

    def __init__(self, folder: Path) -> None:
        mine = {name: value for name, value in os.environ.items() if name not in ("TMUX", "COLUMNS", "LINES")}
        self._env = mine | {"TERM": "xterm-256color"}
        self._folder = folder
        self._words = ["tmux", "-S", str(folder / "socket"), "-f", "/dev/null"]

    def say(self, *words: str) -> str:
        done = subprocess.run([*self._words, *words], env=self._env, capture_output=True, text=True, check=True)
        return done.stdout

    def start(self, command: str, *, columns: int) -> None:
        """Run a command in a window that nobody looks at."""
        self.say("new-session", "-d", "-x", str(columns), "-y", "30", "-c", str(self._folder), command)

    @contextmanager
    def attached(self, columns: int) -> Iterator[None]:
        """Somebody looks at it through a terminal of that width."""
        mine, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        client = subprocess.Popen(
            [*self._words, "attach"],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=self._env,
            start_new_session=True,
        )
        os.close(terminal)
        reader = threading.Thread(target=_drain, args=(mine,))
        reader.start()
        try:
            yield
            self.say("detach-client")
        finally:
            client.terminate()
            client.wait()
            reader.join()
            os.close(mine)

    def screen(self) -> list[str]:
        """Its lines, without the empty ones below."""
        return self.say("capture-pane", "-p").rstrip().splitlines()


def _drain(terminal: int) -> None:
    with suppress(OSError):  # its other end is closed
        while os.read(terminal, 1 << 16):
            pass


@pytest.fixture
def tmux() -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    folder = Path(tempfile.mkdtemp(prefix="tmux-"))  # a socket needs a short path
    made = Tmux(folder)
    try:
        yield made
    finally:
        with suppress(subprocess.CalledProcessError):  # it has never started
            made.say("kill-server")
        shutil.rmtree(folder, ignore_errors=True)


def until(true: Callable[[], bool], what: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end, what()
        time.sleep(0.1)


def test_training_goes_on_behind_windows_of_any_width(tmux: Tmux, tmp_path: Path):
    write_config(tmp_path / "small.yaml", batch_size=2, epochs=500)
    program = Path(sys.prefix) / "bin" / "sam-seismic"
    command = f"{program} train --config {tmp_path / 'small.yaml'} --output {tmp_path / 'run'}"
    tmux.start(command, columns=120)

    def last() -> str:
        return next(reversed(tmux.screen()), "")

    def done() -> tuple[int, int]:
        found = PROGRESS.match(last())
        return (int(found[1]), int(found[2])) if found else (0, 0)

    until(lambda: done() > (0, 0), tmux.screen)
    for columns, bar in ((100, True), (50, False), (80, True)):
        before = done()
        with tmux.attached(columns):
            until(lambda: done() > before and ("\u2501" in last()) is bar, tmux.screen)  # noqa: B023  # called at once
            line = last()
            assert len(line) <= columns
            assert re.search(r"loss \d+\.\d+ .*[-\d]:[-\d]{2}:[-\d]{2}$", line), "it ends with the time that is left"
    assert tmux.say("list-clients") == ""
    before = done()
    until(lambda: done() > before, tmux.screen)
