"""The folder of a cross-validation: a run folder a fold, and the files with the scores of all of them."""

import re
from dataclasses import dataclass
from pathlib import Path

from sam_seismic.config import Config, is_config_file
from sam_seismic.errors import UserError
from sam_seismic.report.metrics_file import METRICS
from sam_seismic.runs.resuming import MAY_CHANGE, changed_keys, load_run_config
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.scoring.fold_scores import FOLDS_FILE

TABLE = "folds.csv"
_OWN = re.compile(r"fold-\d+|folds\.(json|csv)|\..*")
"""What may lie in the folder."""


@dataclass(frozen=True)
class FoldsFolder:
    """The folder of a cross-validation.

    Args:
        path: the folder; it need not exist yet.
    """

    path: Path

    @property
    def scores(self) -> Path:
        """Scores of all folds, for programs."""
        return self.path / FOLDS_FILE

    @property
    def table(self) -> Path:
        """The same as a table, a row a fold."""
        return self.path / TABLE

    def fold(self, number: int) -> RunFolder:
        """The run folder of a fold, counted from 1."""
        return RunFolder(self.path / f"fold-{number}")

    def test(self, number: int) -> Path:
        """The folder of the scores of a fold on its held-out lines."""
        return self.fold(number).path / "test"

    def check(self) -> None:
        """Refuse a folder that holds something else.

        Raises:
            UserError: it is a file, or holds the run of one network, or files that are no folds.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UserError(problem=f"{self.path}: is a file", fix="give a folder as --output")
        if is_config_file(self.path / "config.yaml"):
            raise UserError(
                problem=f"{self.path}: holds the run of one network, not the folds of a cross-validation",
                fix="choose another --output",
            )
        names = [path.name for path in self.path.iterdir()] if self.path.exists() else []
        if others := [name for name in names if not _OWN.fullmatch(name)]:
            raise UserError(
                problem=f"{self.path}: holds files that are no folds: {', '.join(sorted(others)[:3])}",
                fix="choose another --output",
            )

    def is_scored(self, number: int, config: Config) -> bool:
        """Whether a fold of this configuration was scored after its best checkpoint was written.

        Args:
            number: of the fold.
            config: of the fold; keys that may change when a run is resumed are not compared.
        """
        run, metrics = self.fold(number), self.test(number) / METRICS
        if not (run.config.is_file() and run.best.is_file() and metrics.is_file()):
            return False
        changed = changed_keys(load_run_config(run.config, config), config)
        same = all(key.startswith(MAY_CHANGE) for key in changed)
        return same and metrics.stat().st_mtime_ns >= run.best.stat().st_mtime_ns

    def unscored(self, configs: dict[int, Config]) -> list[int]:
        """The folds that are not scored yet, of these configurations by number."""
        return [number for number, config in configs.items() if not self.is_scored(number, config)]

    def discard_scores(self) -> None:
        """Remove the scores of all folds, which are no longer those of its runs."""
        self.scores.unlink(missing_ok=True)
        self.table.unlink(missing_ok=True)
