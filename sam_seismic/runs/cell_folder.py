"""A cell of an experiment comes in; what its folder tells goes out: done, running, failed, stopped or waiting.

It does not import torch, so that the status of an experiment is told at once.
"""

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sam_seismic.config import Config, load_config, parse_config
from sam_seismic.config.cells import Cell, Experiment
from sam_seismic.errors import UserError
from sam_seismic.files.atomic import write_text
from sam_seismic.files.locks import open_locked, try_lock
from sam_seismic.runs.status import ERROR, STATUS, RunStatus, read_status

CellState = Literal["done", "running", "failed", "stopped", "waiting"]
MARKER = "cell.json"
"""Written last into the folder of a cell: it is done, and these are its facts."""
NO_DIFFERENCE = ("output", "data.workers", "train.store", "train.cache", "train.checkpoint_every")
"""Keys that make no difference to what a run learns."""


@dataclass(frozen=True)
class CellFacts:
    """What a done cell tells beside its scores.

    Args:
        trainable_parameters: their number.
        train_seconds: that its training took, with the attempts that were interrupted.
        encode_seconds: that filling the embedding store took; near 0 where another cell had filled it.
        epochs: that were trained.
        device: that it was trained on.
        version: of sam-seismic.
        torch: version of PyTorch.
    """

    trainable_parameters: int
    train_seconds: float
    encode_seconds: float
    epochs: int
    device: str
    version: str
    torch: str


@dataclass(frozen=True)
class CellTimes:
    """Seconds that a cell has taken.

    Args:
        train: of attempts at its training that were interrupted.
        encode: of filling the embedding store.
        counted: when the last attempt that is counted, or left out, was begun.
    """

    train: float = 0.0
    encode: float = 0.0
    counted: float = 0.0


@dataclass(frozen=True)
class CellFolder:
    """The folder of a cell, which is that of its run, and what belongs to it.

    Args:
        experiment: that the cell belongs to.
        cell: one of its cells.
    """

    experiment: Experiment
    cell: Cell

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.experiment.output / "cells" / self.cell.name

    @property
    def marker(self) -> Path:
        """Facts of a done cell."""
        return self.path / MARKER

    @property
    def error(self) -> Path:
        """Why the cell failed."""
        return self.path / ERROR

    @property
    def _lock(self) -> Path:
        """Beside the run folder: a run begins in an empty one."""
        return self.experiment.output / ".cells" / f"{self.cell.name}.lock"

    @property
    def _times(self) -> Path:
        return self.experiment.output / ".cells" / f"{self.cell.name}.json"

    @property
    def status(self) -> RunStatus | None:
        """That of the run; None before it."""
        return read_status(self.path / STATUS)

    @property
    def evaluations(self) -> dict[str, Path]:
        """By what is scored on: the folder of metrics.json."""
        own = {self.experiment.plan.evaluate.split: self.path / "evaluation"}
        return own | {name: self.path / "cross" / name for name in self.experiment.cross}

    @property
    def wanted(self) -> dict[str, Any]:
        """How the cell is to be scored, as plain data by what is scored on."""
        plan = self.experiment.plan
        cross = {
            name: each.how.model_dump(mode="json") | {"data": each.of(self.cell).model_dump(mode="json")}
            for name, each in self.experiment.cross.items()
        }
        wanted: dict[str, Any] = json_plain({plan.evaluate.split: plan.evaluate.model_dump(mode="json")} | cross)
        return wanted

    def state(self) -> CellState:
        """What the cell is doing, or how it ended."""
        if self.is_done():
            return "done"
        if self._is_used():
            return "running"
        if self.error.is_file():
            return "failed"
        return "waiting" if self.status is None else "stopped"

    def is_done(self) -> bool:
        """Whether the cell was trained with its configuration, and scored on all that is wanted."""
        marked = self._marked()
        if marked is None or self.changes():
            return False
        return {name: marked["evaluations"].get(name) for name in self.wanted} == self.wanted

    def facts(self) -> CellFacts:
        """Those of a done cell."""
        marked = self._marked()
        assert marked is not None, "the cell is done"
        return CellFacts(**marked["facts"])

    def changes(self) -> list[str]:
        """`train.epochs: 3 in the cell, now 5`: keys in which the configuration differs from that of the run there."""
        before = self._config()
        if before is None:
            return []
        old, new = (_flat(json_plain(each.model_dump(mode="json"))) for each in (before, self.cell.config))
        keys = [key for key in sorted(old.keys() | new.keys()) if not _is_in(key, NO_DIFFERENCE)]
        return [
            f"{key}: {old.get(key)} in the cell, now {new.get(key)}" for key in keys if old.get(key) != new.get(key)
        ]

    def mark_done(self, facts: CellFacts) -> None:
        """Write the marker."""
        config = json_plain(self.cell.config.model_dump(mode="json"))
        marked = {"facts": asdict(facts), "evaluations": self.wanted, "config": config}
        write_text(self.marker, json.dumps(marked, indent=1))

    def fail(self, text: str) -> None:
        """Leave the reason of a failure."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self.error, text)

    def times(self) -> CellTimes:
        """What was recorded, and the last attempt at the training, as its status tells."""
        try:
            found = CellTimes(**json.loads(self._times.read_text(encoding="utf-8")))
        except FileNotFoundError:
            found = CellTimes()
        status = self.status
        if status is None or status.begun == found.counted:
            return found
        return replace(found, train=found.train + status.noted - status.begun, counted=status.begun)

    def write_times(self, times: CellTimes) -> None:
        """Record what the cell has taken."""
        write_text(self._times, json.dumps(asdict(times)))

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """Inside, no other process runs the cell; False if one does. The lock ends with the process."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = open_locked(self._lock)
        if descriptor is None:
            yield False
            return
        try:
            yield not self._is_alive_elsewhere()
        finally:
            self._lock.unlink(missing_ok=True)  # before the lock is released, so that nobody else holds it
            os.close(descriptor)

    def _is_used(self) -> bool:
        """Whether a process runs the cell now. Nothing is written."""
        try:
            descriptor = os.open(self._lock, os.O_RDWR)
        except OSError:
            return self._is_alive_elsewhere()
        try:
            return not try_lock(descriptor) or self._is_alive_elsewhere()
        finally:
            os.close(descriptor)

    def _is_alive_elsewhere(self) -> bool:
        """Whether a training on another machine is alive: some network file systems do not share locks."""
        status = self.status
        if status is None or status.host in ("", socket.gethostname()) or not status.active:
            return False
        return status.silent(time.time()) is None

    def _marked(self) -> dict[str, Any] | None:
        try:
            marked: dict[str, Any] = json.loads(self.marker.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise UserError(problem=f"{self.marker}: is damaged: {error}", fix="remove it") from error
        return marked

    def _config(self) -> Config | None:
        """The configuration that the cell was begun with; None before."""
        marked = self._marked()
        if marked is not None:
            return parse_config(marked["config"], str(self.marker))
        file = self.path / "config.yaml"
        return load_config(file) if file.is_file() else None


def folders_of(experiment: Experiment) -> list[CellFolder]:
    """The folder of each cell, in their order."""
    return [CellFolder(experiment, cell) for cell in experiment.cells]


def strangers(experiment: Experiment) -> list[str]:
    """Names of folders of cells that the experiment does not have (any more)."""
    known, cells = {cell.name for cell in experiment.cells}, experiment.output / "cells"
    return sorted(path.name for path in cells.iterdir() if path.name not in known) if cells.is_dir() else []


def json_plain(value: Any) -> Any:
    """Plain data as they come back from a JSON file: tuples are lists."""
    return json.loads(json.dumps(value))


def _flat(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return flat


def _is_in(key: str, keys: tuple[str, ...]) -> bool:
    return any(key == each or key.startswith(f"{each}.") for each in keys)
