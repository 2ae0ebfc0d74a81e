"""Modules are run as programs, each in a forked process: a new one would take seconds to import PyTorch.

A server, one for each process of the tests, imports what the programs need and forks. A program has an environment, an
output and signals of its own, and ends as any process does.
"""

import atexit
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from select import select
from typing import Any

ROOT = Path(__file__).parents[1]
IMPORTED = (
    *("lightning.pytorch", "matplotlib.figure", "sam_seismic.cli", "sam_seismic.workflows.train"),
    *("sam_seismic.workflows.embed", "sam_seismic.workflows.predict", "tests.tuning.filling"),
)
_REQUEST_BYTES = 1 << 17
"""Of one request at most: words, code and environment of a program."""


class Program:
    """A program under way.

    Args:
        words: its arguments.
        module: that is run as the program.
        before: Python code that its process executes first.
        env: its environment; None for that of the tests.
    """

    def __init__(
        self,
        words: Sequence[str | Path],
        *,
        module: str = "sam_seismic",
        before: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        request = {
            "argv": [module, *map(str, words)],
            "before": before,
            "env": dict(os.environ if env is None else env),
            "cwd": str(Path.cwd()),
        }
        out, err, fate = (os.pipe() for _ in range(3))
        socket.send_fds(_server(), [json.dumps(request).encode()], [out[1], err[1], fate[1]])
        for _, write in (out, err, fate):
            os.close(write)
        self.stdout, self.stderr, self._fate = (os.fdopen(read) for read, _ in (out, err, fate))
        self.pid = int(self._fate.readline())
        self.returncode: int | None = None

    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self.returncode is None and not select([self._fate], [], [], 0)[0]

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.runs():
            with suppress(ProcessLookupError):  # it ended just now, and how is still to be told
                os.kill(self.pid, number)

    def communicate(self) -> tuple[str, str]:
        """What it printed, also as errors, once it has ended."""
        printed: list[str] = []
        reader = threading.Thread(target=lambda: printed.append(self.stderr.read()))
        reader.start()
        out = self.stdout.read()
        reader.join()
        self.returncode = int(self._fate.readline())
        for file in (self.stdout, self.stderr, self._fate):
            file.close()
        return out, printed[0]


def completed(words: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; the options are those of `Program`."""
    program = Program(words, **options)
    out, err = program.communicate()
    assert program.returncode is not None
    return subprocess.CompletedProcess(list(words), program.returncode, out, err)


@cache
def _server() -> socket.socket:
    """The socket of the server, which is started now."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-c", f"from tests.programs import serve; serve({theirs.fileno()})"],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": path},
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # Ctrl-C ends the tests, and with them the server
        )
    atexit.register(lambda: (mine.close(), server.wait()))
    return mine


def serve(descriptor: int) -> None:
    """Fork a process for each program that is asked for, until the tests end."""
    for name in IMPORTED:
        import_module(name)
    requests = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for the programs
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, _REQUEST_BYTES, 3)
        if not message:
            return
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            requests.close()
            _watch(json.loads(message), *descriptors)
            return
        for each in descriptors:
            os.close(each)


def _watch(request: Mapping[str, Any], out: int, err: int, fate: int) -> None:
    """Fork the program; tell its number, wait, and tell its exit code, or the signal that ended it as a number < 0."""
    child = os.fork()
    if child == 0:
        os.close(fate)
        _run(request, out, err)
        return
    os.close(out)
    os.close(err)
    os.write(fate, f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(fate, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run(request: Mapping[str, Any], out: int, err: int) -> None:
    """Be the program."""
    os.setsid()
    for descriptor, standard, name in ((out, 1, "stdout"), (err, 2, "stderr")):
        os.dup2(descriptor, standard)
        os.close(descriptor)
        # The stream of the server may believe that it can seek: pytest captures into a file, and this is a pipe.
        setattr(sys, name, os.fdopen(standard, "w", buffering=1, closefd=False))
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    # Lightning looks for its rank when it is imported.
    zero = import_module("lightning.fabric.utilities.rank_zero")
    zero.rank_zero_only.rank = zero._get_rank() or 0
    sys.argv = request["argv"]
    exec(request["before"], {})
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
