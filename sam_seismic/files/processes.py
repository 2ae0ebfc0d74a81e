"""The number of a process comes in; what tells it from a later process of the same number goes out."""

import os
from contextlib import suppress
from pathlib import Path

_STATE, _START = 0, 19
"""Positions in /proc/PID/stat behind the name of the program: its state, and the tick of the clock when it started."""
_ENDED = "ZX"
"""States of a process that has ended, and whose parent has not taken notice yet."""


def birth_of(process: int) -> str | None:
    """The namespace of process numbers and the start of a living process: `pid:[4026531836] 8214`.

    None if it has ended; also where the system does not tell, as macOS.
    """
    with suppress(OSError, IndexError):
        facts = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        if facts[_STATE] not in _ENDED:
            return f"{_namespace()} {facts[_START]}"
    return None


def has_ended(process: int, birth: str | None) -> bool:
    """Whether a process of this machine has ended.

    Args:
        process: its number.
        birth: what `birth_of` said of it; without it, or in another container, nothing is known: False.
    """
    if not birth or birth_of(os.getpid()) is None or birth.partition(" ")[0] != _namespace():
        return False
    return birth_of(process) != birth


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink())
