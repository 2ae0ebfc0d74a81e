"""How a run stands, as it notes itself in a file of its folder; needs no torch, so that it is told at once."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from sam_seismic.errors import UserError
from sam_seismic.files.atomic import write_text

State = Literal["starting", "training", "stopped", "failed", "finished"]
STATUS = "status.json"
"""Its name in the folder of a run."""
SILENCE = 120.0
"""Seconds without a note after which a run that should be under way is taken for dead."""


@dataclass(frozen=True)
class RunStatus:
    """How a run stands, as it noted itself.

    Args:
        state: what it is at.
        why: it stopped or failed.
        job: of Slurm, as `SlurmJob.name`.
        host, process: that it runs in, or ran in.
        restarts: how often it went on.
        epoch, epochs: which one, counted from 1, of how many.
        step, steps: how many are done, of how many.
        checkpoint: step of the last checkpoint; None before the first one.
        pace: seconds for a step since the run went on, validation included; None before the first one.
        begun, noted: seconds since 1970: when it began, or went on; and when this was written.
    """

    state: State
    why: str = ""
    job: str | None = None
    host: str = ""
    process: int = 0
    restarts: int = 0
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    checkpoint: int | None = None
    pace: float | None = None
    begun: float = 0.0
    noted: float = 0.0

    @property
    def left(self) -> float | None:
        """Seconds until the end, if it goes on like this; None where that is not known."""
        return None if self.pace is None else self.pace * (self.steps - self.step)

    def silent(self, now: float) -> float | None:
        """Seconds since the last note, where a run that is under way should have written one."""
        silence = now - self.noted
        under_way = self.state in ("starting", "training")
        return silence if under_way and silence > max(SILENCE, 20 * (self.pace or 0.0)) else None


def read_status(path: Path) -> RunStatus | None:
    """The status in a file; None where there is none.

    Raises:
        UserError: it is damaged, or of another version.
    """
    try:
        return RunStatus(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise UserError(problem=f"{path}: not a status that this version wrote: {error}", fix="remove it") from error


def write_status(path: Path, status: RunStatus) -> None:
    """Put a status into a file; a reader finds the old one or the new one."""
    write_text(path, json.dumps(asdict(status), indent=1))


def status_of(run: Path) -> RunStatus:
    """How the run in a folder stands.

    Raises:
        UserError: there is no run, or it has not noted how it stands.
    """
    status = read_status(run / STATUS)
    if status is None:
        there = run.is_dir()
        raise UserError(
            problem=f"{run}: {'holds no ' + STATUS if there else 'there is no such folder'}",
            fix="give the folder of a run that train has begun",
        )
    return status
