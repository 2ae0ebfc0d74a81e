"""The command line, run in this process."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from click.testing import Result
from typer.testing import CliRunner

from sam_seismic.cli import app
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.images import FolderResult
from sam_seismic.survey.volume import Volume

Run = Callable[..., Result]
Undisturbed = Callable[[str, str], dict[str, str]]
"""Ending and orientation come in; what `hashes` says of the outputs of one process that nothing interrupts goes out."""


@dataclass(frozen=True)
class Made:
    """What was made for the tests: a SEG-Y pair, a configuration for it, and a run."""

    amplitude: Path
    labels: Path
    config: Path
    run: Path

    @property
    def best(self) -> Path:
        return self.run / "checkpoints" / "best.ckpt"


def invoke(*words: str | Path) -> Result:
    """Run the command line; an error of ours is raised, not swallowed."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def predicting(made: Made, folder: Path, ending: str, orientation: str) -> list[str]:
    """The command that predicts the volume into all kinds of outputs."""
    given = ("predict", "--checkpoint", made.best, "--input", made.amplitude, "--output", folder / f"f{ending}",
        "--probabilities", folder / f"p{ending}", "--confidence", folder / f"c{ending}", "--device", "cpu",
        "--entropy", folder / f"e{ending}", "--horizons", folder / "h.csv", "--orientation", orientation)  # fmt: skip
    return [str(word) for word in given]


def hashes(folder: Path) -> dict[str, str]:
    """Of each file in a folder and those in it, by its path there; an empty folder is told as one."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "empty"
        for path in sorted(folder.rglob("*"))
        if path.is_file() or not any(path.iterdir())
    }


def folder_of(volume: Volume, path: Path, lines: Mapping[Orientation, Sequence[int]]) -> Path:
    """A folder of some sections of a volume."""
    with FolderResult(path, np.dtype(np.float32), overwrite=False) as result:
        for orientation, numbers in lines.items():
            for line in numbers:
                result.write(volume.section(orientation, line))
    return path


KILLING = """
import os, signal, threading
record, count = resume_journal.Journal._record, []
def killing(self, finished, files):
    record(self, finished, files)
    count.append(finished)
    if len(count) == {after}:
        threading.Timer({delay}, os.kill, (os.getpid(), signal.SIGKILL)).start() if {delay} else os.kill(os.getpid(), 9)
resume_journal.Journal._record = killing
"""


def noting(every: float, *, killed_after: int | None = None, delay: float = 0) -> str:
    """The first lines of a program whose jobs record finished steps every so many seconds.

    It kills itself with SIGKILL, `delay` seconds after so many records. A process on a busy machine could end before
    another process kills it.
    """
    code = f"from sam_seismic.files import resume_journal; resume_journal.SECONDS = {every}"
    return code + ("\n" if killed_after is None else KILLING.format(after=killed_after, delay=delay))


def configured(made: Made, path: Path, **data: Any) -> Path:
    """The configuration of the run with other data."""
    config = yaml.safe_load(made.config.read_text())
    config["data"] |= data
    path.write_text(yaml.safe_dump(config))
    return path
