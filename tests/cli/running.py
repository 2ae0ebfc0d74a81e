"""The command line, run in this process."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from sam_seismic.cli import app

Run = Callable[..., Result]


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


def program(*, noted_every: float) -> list[str]:
    """The command line in a process of its own, where jobs put down what is finished so often, in seconds."""
    code = f"from sam_seismic.survey import journal; journal.SECONDS = {noted_every}; import sam_seismic.__main__"
    return [sys.executable, "-c", code]
