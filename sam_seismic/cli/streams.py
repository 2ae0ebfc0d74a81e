"""Standard streams as the shell opened them come in; streams that take every text go out."""

import errno
import fcntl
import io
import os
import signal
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""Name and mode of the standard streams, by their descriptors 0, 1 and 2."""
READER_GONE = 128 + signal.SIGPIPE
"""Exit status where the reader of a pipe has gone."""
_NOBODY_READS = (errno.ENOSPC, errno.EDQUOT, errno.EPIPE, errno.EIO)
"""Errors of writing where the log is on a full disk, its reader has ended, or its terminal was closed."""


class _Lossy(io.FileIO):
    """A file that drops what cannot be written: hours of training must not end because nobody can read a message."""

    def write(self, content: "ReadableBuffer", /) -> int:
        """Write what can be written, and tell that all of it was."""
        try:
            return super().write(content)
        except OSError as error:
            if error.errno not in _NOBODY_READS:
                raise
            return len(memoryview(content))


class _Piped(io.FileIO):
    """A pipe; when its reader has gone (`| head`), the program ends as programs do that SIGPIPE ends, without a word.

    Whoever prints would make a status of 1 of it: Rich, Typer and Python itself.
    """

    def write(self, content: "ReadableBuffer", /) -> int:
        """Write what the reader takes.

        Raises:
            SystemExit: the reader has gone.
        """
        try:
            return super().write(content)
        except BrokenPipeError:
            null = os.open(os.devnull, os.O_WRONLY)  # takes what is still in buffers
            os.dup2(null, self.fileno())
            os.close(null)
            raise SystemExit(READER_GONE) from None


def prepare_streams() -> None:
    """Let the standard streams of this process take every text, whatever the encoding of the terminal, and be open.

    A letter that the encoding lacks is printed as an escape, `\\u7802`. A stream that the shell closed (`>&-`) swallows
    what is printed; its descriptor is taken, or else the next file that is opened would get it, and what a library
    prints would go into that file. News that cannot be written to stderr are dropped; results on stdout are not.
    """
    for descriptor, (name, mode) in enumerate(_STREAMS):
        _open_if_closed(descriptor, mode)
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  # open to the end
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
            if not isinstance(stream.buffer, io.BufferedWriter | io.FileIO):
                continue
            if name == "stderr":
                sys.stderr = _through(_Lossy, stream)
            elif stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode):
                sys.stdout = _through(_Piped, stream)


def _through(kind: type[io.FileIO], stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """A stream to the same descriptor, in the same encoding, through a file of another kind."""
    stream.flush()
    raw, by_line = kind(stream.fileno(), "wb", closefd=False), kind is _Lossy or stream.line_buffering
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors, line_buffering=by_line
    )


def is_unicode(encoding: str | None) -> bool:
    """Whether an encoding has all letters."""
    return (encoding or "").lower().replace("-", "").startswith("utf")


def printable(text: str, encoding: str) -> str:
    """The text as a stream of an encoding will print it, so that its length is known when a table is laid out."""
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _open_if_closed(descriptor: int, mode: str) -> None:
    """Open the null device under a descriptor that is closed, or that cannot be written to."""
    try:
        # A shell whose error stream is closed reads a script through that descriptor, and hands it on.
        usable = mode == "r" or fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
        os.fstat(descriptor)
    except OSError:
        usable = False
    if not usable:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != descriptor:
            os.dup2(opened, descriptor)
            os.close(opened)
