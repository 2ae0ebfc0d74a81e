"""A run folder comes in; the status that the run wrote there goes out. It does not import torch, which is slow."""

import json
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from sam_seismic.errors import UserError
from sam_seismic.files.atomic import write_text
from sam_seismic.files.processes import has_ended

State = Literal["starting", "training", "stopped", "failed", "finished", "killed"]
STATUS = "status.json"
"""Name of the status file in a run folder."""
ERROR = "error.txt"
"""Name of the file in the run folder of an experiment's cell that says why the cell failed."""
SILENCE = 120.0
"""Seconds without an update after which a run with state `training` is considered dead."""


@dataclass(frozen=True)
class RunStatus:
    """The status of a run, as the run wrote it.

    Args:
        state: what the run is doing, or how it ended; `killed` is never written, but found by `status_of`.
        why: why it stopped or failed.
        job: name of the Slurm job, as `SlurmJob.name`; None outside of Slurm.
        host: name of the machine.
        process: number of the process.
        birth: what tells the process from a later one of that number, see `files.processes`; None where unknown.
        restarts: how often the run was resumed.
        epoch: the current epoch, counted from 1.
        epochs: number of epochs.
        step: number of steps that are done.
        steps: number of all steps.
        checkpoint: step of the last checkpoint; None before the first one.
        pace: seconds a step since the start or the last restart, validation included; None before the first step.
        begun: when the run was started or resumed, in seconds since 1970.
        noted: when this status was written, in seconds since 1970.
        notes: what the scores of a finished run do not say by themselves.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    state: State
    why: str = ""
    job: str | None = None
    host: str = ""
    process: int = 0
    birth: str | None = None
    restarts: int = 0
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    checkpoint: int | None = None
    pace: float | None = None
    begun: float = 0.0
    noted: float = 0.0
    notes: Sequence[str] = ()

    @property
    def left(self) -> float | None:
        """Seconds until the end at the current pace; None if the pace is not known."""
        return None if self.pace is None else self.pace * (self.steps - self.step)

    @property
    def active(self) -> bool:
        """Whether the run had not ended when it wrote this."""
        return self.state in ("starting", "training")

    @property
    def longest_silence(self) -> float:
        """Seconds without an update after which the run is taken for dead."""
        return max(SILENCE, 20 * (self.pace or 0.0))

    def silent(self, now: float) -> float | None:
        """Seconds since the last update, if an active run should have written one since; else None."""
        silence = now - self.noted
        return silence if self.active and silence > self.longest_silence else None


def read_status(path: Path) -> RunStatus | None:
    """The status in a file; None if there is no such file.

    Raises:
        UserError: the file is damaged, or was written by another version.
    """
    try:
        return TypeAdapter(RunStatus).validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            problem=f"{path}: not a status that this version wrote: {where + ': ' if where else ''}{first['msg']}",
            fix="remove it",
        ) from error


def write_status(path: Path, status: RunStatus) -> None:
    """Write a status into a file; a reader finds the old status or the new one."""
    write_text(path, json.dumps(asdict(status), indent=1))


def status_of(run: Path) -> RunStatus:
    """The status of the run in a folder; `killed` if its process was on this machine and ended without a word.

    Raises:
        UserError: the folder does not exist, or holds no status file.
    """
    status = read_status(run / STATUS)
    if status is None:
        raise UserError(
            problem=f"{run}: {'holds no ' + STATUS if run.is_dir() else 'there is no such folder'}",
            fix="give the folder of a run that train has begun",
        )
    if status.active and status.host == socket.gethostname() and has_ended(status.process, status.birth):
        why = f"process {status.process} has ended without a word, as after kill -9 or where memory is short"
        return replace(status, state="killed", why=why)
    return status
