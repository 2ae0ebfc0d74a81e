"""A run folder: what it holds, whether a training may use it, and how an older run in it makes way."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam_seismic.config import Config, dump_config, load_config
from sam_seismic.errors import ConfigError, UserError
from sam_seismic.files.atomic import write_text
from sam_seismic.runs.status import STATUS

PARTS = ("config.yaml", STATUS, "metrics.csv", "checkpoints", "report", "tensorboard")
"""What a training writes into its folder; nothing else in there is ever touched."""
MAY_CHANGE = (
    "train.epochs",
    "train.patience",
    "train.checkpoint_every",
    "train.cache",
    "train.store",
    "data.workers",
    "output",
    "trainer.",
)
"""Keys, or beginnings of keys, that a resumed run may have other values for."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run.

    Args:
        path: the folder; it need not exist yet.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The whole configuration, defaults included."""
        return self.path / "config.yaml"

    @property
    def status(self) -> Path:
        """How the run stands, as it notes itself every few seconds."""
        return self.path / STATUS

    @property
    def checkpoints(self) -> Path:
        """Folder of best.ckpt and last.ckpt."""
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        """Weights of the epoch with the highest validation mean IoU."""
        return self.checkpoints / "best.ckpt"

    @property
    def last(self) -> Path:
        """Everything that a resumed run needs, from the end of an epoch or a step within one."""
        return self.checkpoints / "last.ckpt"

    @property
    def aside(self) -> Path:
        """Where an older run waits until its replacement has a checkpoint."""
        return self.path / ".replaced"

    def check_new(self, *, overwrite: bool) -> None:
        """Whether a new run may begin here.

        Raises:
            UserError: it is a file, holds a run that may not be replaced, or holds files that are no run.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UserError(problem=f"{self.path}: is a file", fix="give a folder as --output")
        if not self.path.is_dir() or not any(self.path.iterdir()):
            return
        if not self.config.is_file() and not self.aside.is_dir():
            raise UserError(problem=f"{self.path}: holds files, but no run", fix="choose another --output")
        if not overwrite:
            go_on = "--resume to go on with that run, " if self.last.is_file() else ""
            raise UserError(
                problem=f"{self.path}: holds files already",
                fix=f"add {go_on}--overwrite to replace it, or choose another --output",
            )

    def check_resume(self, config: Config) -> None:
        """Whether the run in this folder can go on with a configuration.

        Raises:
            UserError: there is no checkpoint to go on from.
            ConfigError: the run was made with other values of keys that a run cannot change on its way.
        """
        if not self.last.is_file():
            fix = "leave --resume out"
            if (self.aside / "checkpoints" / "last.ckpt").is_file():
                fix += f"; {self.aside} holds an older run, whose replacement was killed: move its content back"
            raise UserError(problem=f"{self.path}: no checkpoints/last.ckpt to go on from", fix=fix)
        # What may change must not stand in the way: a run of an older version knows no cache, but may have jitter.
        train = config.train.model_dump(mode="json")
        run = load_config(self.config, [f"train.{key}={json.dumps(train[key])}" for key in ("cache", "store")])
        before, now = (_flat(each.model_dump(mode="json")) for each in (run, config))
        changed = [
            f"  {key}: {before.get(key)} in the run, now {now.get(key)}"
            for key in sorted(before.keys() | now.keys())
            if before.get(key) != now.get(key) and not key.startswith(MAY_CHANGE)
        ]
        if changed:
            raise ConfigError(
                problem="\n".join([f"{self.path}: its run has another configuration:", *changed]),
                fix=f"resume with --config {self.config} --output {self.path}, or choose another --output",
            )

    def write_config(self, config: Config) -> None:
        """Make the folder and put the configuration into it."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self.config, dump_config(config))

    @contextmanager
    def making_way(self) -> Iterator[None]:
        """Set an older run aside while a new one begins, and delete it when the new one has a checkpoint.

        If the new one ends without any, what it wrote goes, and the older one comes back as it was.
        """
        existed = self.path.is_dir()
        self._set_aside()
        try:
            yield
        finally:
            if not self.last.is_file():
                self._put_back()
            if self.aside.is_dir():
                shutil.rmtree(self.aside)
            elif not existed and self.path.is_dir() and not any(self.path.iterdir()):
                self.path.rmdir()

    def _set_aside(self) -> None:
        """Move the older run; one that a process set aside which was killed before its first checkpoint stays there."""
        if self.aside.is_dir() and self.last.is_file():
            shutil.rmtree(self.aside)  # the process that was to do it was killed
        if self.aside.is_dir():
            for name in PARTS:
                _remove(self.path / name)
        for path in [self.path / name for name in PARTS if (self.path / name).exists()]:
            self.aside.mkdir(exist_ok=True)
            path.replace(self.aside / path.name)

    def _put_back(self) -> None:
        """Remove what the new run wrote, and move the older one back."""
        for name in PARTS:
            _remove(self.path / name)
        for path in self.aside.iterdir() if self.aside.is_dir() else ():
            path.replace(self.path / path.name)


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys -> dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
