"""A run folder: what it holds, whether a training may use it, and how a new run replaces an older one in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sam_seismic.config import Config, dump_config, is_config_file
from sam_seismic.errors import UserError
from sam_seismic.files.atomic import write_text
from sam_seismic.files.folders import is_utf8
from sam_seismic.files.locks import LOCK
from sam_seismic.runs.resuming import check_same_experiment
from sam_seismic.runs.status import ERROR, STATUS

PARTS = ("config.yaml", STATUS, "metrics.csv", "checkpoints", "report", "tensorboard")
"""What a training writes into its folder. Other files there are never changed or removed."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run.

    Args:
        path: the folder; it need not exist yet.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The configuration with all defaults."""
        return self.path / "config.yaml"

    @property
    def status(self) -> Path:
        """Status of the run, which it updates every few seconds."""
        return self.path / STATUS

    @property
    def metrics(self) -> Path:
        """Losses and scores, a row an epoch."""
        return self.path / "metrics.csv"

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
        """Everything that a resumed run needs, saved at the end of an epoch or of a step."""
        return self.checkpoints / "last.ckpt"

    @property
    def report(self) -> Path:
        """Folder of pictures."""
        return self.path / "report"

    @property
    def older_run(self) -> Path:
        """Folder to which an older run is moved until the new one has a checkpoint."""
        return self.path / ".replaced"

    @property
    def lock(self) -> Path:
        """The file that a training holds a lock on as long as it runs."""
        return self.path / LOCK

    def check_new(self, *, overwrite: bool) -> None:
        """Refuse a folder that cannot hold a new run.

        Raises:
            UserError: it is a file, holds a run that may not be replaced, or holds files that are no run; or its name
                is not UTF-8, which TensorBoard's files need.
        """
        if not is_utf8(self.path):
            raise UserError(problem=f"{self.path}: the name is not UTF-8", fix="choose another --output")
        if self.path.exists() and not self.path.is_dir():
            raise UserError(problem=f"{self.path}: is a file", fix="give a folder as --output")
        if not self.path.is_dir() or all(path.name in (LOCK, ERROR) for path in self.path.iterdir()):
            return
        if not is_config_file(self.config) and not self.older_run.is_dir():
            raise UserError(problem=f"{self.path}: holds files, but no run", fix="choose another --output")
        if not overwrite:
            go_on = "--resume to go on with that run, " if self.last.is_file() else ""
            raise UserError(
                problem=f"{self.path}: holds files already",
                fix=f"add {go_on}--overwrite to replace it, or choose another --output",
            )

    def check_resume(self, config: Config) -> None:
        """Refuse to resume the run in this folder if this configuration differs from its own.

        Raises:
            UserError: there is no checkpoint to go on from.
            ConfigError: keys that must stay the same have other values in the run's own configuration.
            SurveyError: a path of the survey does not exist.
        """
        if not self.last.is_file():
            fix = "leave --resume out"
            if (self.older_run / "checkpoints" / "last.ckpt").is_file():
                fix += f"; {self.older_run} holds the run that was to be replaced: move its files back to resume it"
            raise UserError(problem=f"{self.path}: no checkpoints/last.ckpt to go on from", fix=fix)
        check_same_experiment(self.path, self.config, config)

    def write_config(self, config: Config) -> None:
        """Create the folder and write the configuration into it."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self.config, dump_config(config))

    @contextmanager
    def replacing_run(self) -> Iterator[None]:
        """Inside, a new run replaces an older one, if there is one.

        The older run is moved to `older_run` first. At the end it is deleted if the new run has a checkpoint, else the
        files of the new run are removed and the older run is moved back.
        """
        existed = self.path.is_dir()
        self._move_away()
        try:
            yield
        finally:
            if not self.last.is_file():
                self._move_back()
            if self.older_run.is_dir():
                shutil.rmtree(self.older_run)
            elif not existed and self.path.is_dir() and not any(self.path.iterdir()):
                self.path.rmdir()

    def _move_away(self) -> None:
        """Move the older run to `older_run`, unless a killed process has moved one there already."""
        if self.older_run.is_dir() and self.last.is_file():
            shutil.rmtree(self.older_run)  # a process was killed after its first checkpoint, before it removed this
        if self.older_run.is_dir():  # a process was killed before its first checkpoint: its files are useless
            for name in PARTS:
                _remove(self.path / name)
        for path in [self.path / name for name in PARTS if (self.path / name).exists()]:
            self.older_run.mkdir(exist_ok=True)
            path.replace(self.older_run / path.name)

    def _move_back(self) -> None:
        """Remove the files of the new run, and move the older one back."""
        for name in PARTS:
            _remove(self.path / name)
        for path in self.older_run.iterdir() if self.older_run.is_dir() else ():
            path.replace(self.path / path.name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
