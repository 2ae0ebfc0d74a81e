"""Rows of the command line's start: what stands between a command and the first thing that it does."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from .measure import Settings, timed
from .rows import Row

HELP = ("-m", "sam_seismic", "--help")
COMMANDS = {"help": HELP, "python": ("-c", "pass"), "torch": ("-c", "import torch")}


def measure(settings: Settings) -> Iterator[Row]:
    """The command line's help, against what any Python needs and what one with torch would."""
    works = {name: partial(_run, *words) for name, words in COMMANDS.items()}
    for work in works.values():
        work()
    seconds = timed(works, settings)
    what = f"`sam-seismic --help`, torch {'' if _imports_torch() else 'not '}imported"
    for name, against in (("torch", "`python -c 'import torch'`"), ("python", "`python -c pass`")):
        yield Row(group="start", what=what, seconds=seconds["help"], against=against, their_seconds=seconds[name])


def _imports_torch() -> bool:
    """Python tells of each module on a line that ends with `| name`, indented by who imported it."""
    told = _run("-X", "importtime", *HELP).stderr
    return any(line.rpartition("|")[2].strip() == "torch" for line in told.splitlines())


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
