"""Rows of the start: what stands between a command and the first thing that it does."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from sam_seismic.sam import SIZES, Sam, build_sam
from sam_seismic.sam.weights.load import load_weights

from .measure import Settings, timed
from .rows import Row

HELP = ("-m", "sam_seismic", "--help")
COMMANDS = {"help": HELP, "python": ("-c", "pass"), "torch": ("-c", "import torch")}


def measure(settings: Settings) -> Iterator[Row]:
    """The command line's help, and networks with the weights of a file."""
    yield from _help(settings)
    for size in settings.sizes:
        yield _network(size if size in SIZES else "vit_t", settings)


def _network(size: str, settings: Settings) -> Row:
    """Against what PyTorch's layers do on their own: random weights are drawn first."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        file = Path(folder) / "weights.pth"
        torch.save(build_sam(size).state_dict(), file)
        works = {
            "loaded": lambda: build_sam(size, file),
            "drawn first": lambda: load_weights(Sam(size), file),
        }
        for work in works.values():
            work()
        seconds = timed(works, settings)
    return Row(
        group="start",
        what=f"{size} with weights from a file",
        seconds=seconds["loaded"],
        against="random weights drawn first",
        their_seconds=seconds["drawn first"],
    )


def _help(settings: Settings) -> Iterator[Row]:
    """Against what any Python needs and what one with torch would."""
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
