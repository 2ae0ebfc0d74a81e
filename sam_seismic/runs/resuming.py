"""The configuration of a run and one to resume it with come in; whether it can go on, and what changes, goes out."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam_seismic.config import Config, load_config
from sam_seismic.errors import ConfigError
from sam_seismic.files.units import counted
from sam_seismic.runs.epoch_position import BATCHES
from sam_seismic.runs.moved_data import check_data_is_there
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.initial_weights import find_initial_weights
from sam_seismic.tasks.optimiser import rate_at

MAY_CHANGE = (
    "train.epochs",
    "train.patience",
    "train.batch_size",
    "train.checkpoint_every",
    "train.pictures",
    "train.cache",
    "train.store",
    "data.workers",
    "output",
    "trainer.",
)
"""Keys, or beginnings of keys, whose values may differ when a run is resumed."""
SAME_CONTENT = ("data.amplitude", "data.labels", "data.root", "data.read", "model.weights", "model.init_from")
"""Beginnings of keys that may differ where they name the same content; it is compared once the files are open."""
CHANGES_STEPS = {
    "train.batch_size",
    "trainer.accumulate_grad_batches",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.num_nodes",
}
"""Keys that the number of steps in an epoch depends on."""
_STEPS = 10_000
"""Steps into which a schedule is divided to tell its rates."""


def check_same_experiment(run: Path, config_file: Path, config: Config) -> None:
    """Refuse to resume a run with a configuration that changes what was done already.

    Args:
        run: its folder.
        config_file: the run's own configuration.
        config: to resume it with.

    Raises:
        ConfigError: keys that must stay the same have other values in the run's own configuration.
        SurveyError: a path of the survey does not exist.
    """
    before = load_run_config(config_file, config)
    changes = changed_keys(before, config)
    refused = [
        f"  {key}: {old} in the run, now {new}"
        for key, (old, new) in changes.items()
        if not key.startswith((*MAY_CHANGE, *SAME_CONTENT))
    ]
    if refused:
        may = ", ".join(f"{key}*" if key.endswith(".") else key for key in MAY_CHANGE)
        same = ", ".join(f"{key}*" if key == "data.read" else key for key in SAME_CONTENT)
        folder = shlex.quote(str(run))
        raise ConfigError(
            problem="\n".join([f"{run}: the run there has another configuration:", *refused]),
            fix=f"resume with --config {shlex.quote(str(config_file))} --output {folder}; or choose another --output, "
            f"and start from the weights of this run: --set model.init_from={folder}, without --resume\n"
            f"  on --resume these may change: {may}; and where the content is the same: {same}",
        )
    check_data_is_there(config.data, before.data)


def load_run_config(file: Path, config: Config) -> Config:
    """The configuration of a run, as it is to be compared with another one."""
    # A run of an older version may have jitter, which its defaults of `cache` and `store` would refuse on loading.
    train = config.train.model_dump(mode="json")
    return load_config(file, [f"train.{key}={json.dumps(train[key])}" for key in ("cache", "store")])


def changed_keys(before: Config, now: Config) -> dict[str, tuple[Any, Any]]:
    """The dotted keys that differ between two configurations, with both values."""
    old, new = (_flat(each.model_dump(mode="json")) for each in (before, now))
    return {
        key: (old.get(key), new.get(key)) for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)
    }


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys -> dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def check_same_start(before: Config, now: Config, metadata: CheckpointMetadata) -> None:
    """Refuse initial weights that are not those that a run started from, and a way of reading that cannot be compared.

    Initial weights are read on resuming only where checkpoints do not hold them; where they are named as before, they
    need not be there.

    Args:
        before: the configuration of the run.
        now: to resume it with.
        metadata: of its last checkpoint.

    Raises:
        ConfigError: keys must stay as they were.
    """
    changes = changed_keys(before, now)
    refused = [] if metadata.contents else [key for key in changes if key.startswith("data.read")]
    weights = [key for key in changes if key in ("model.weights", "model.init_from")]
    if weights and find_initial_weights(now.model).hash != metadata.weights_hash:
        refused += weights
    if refused:
        rows = [f"  {key}: {changes[key][0]} in the run, now {changes[key][1]}" for key in refused]
        raise ConfigError(
            problem="\n".join(["the run started from something else:", *rows]),
            fix="leave these keys as they are: a resumed run goes on with the weights of its last checkpoint; for "
            "another run, choose another --output, without --resume",
        )


@dataclass(frozen=True)
class Position:
    """How far a run has come.

    Args:
        epochs: that are done.
        step: that is done.
        within: share of the epoch under way that is done.
        waited: validations without a higher score, as patience counts them; None without patience.
    """

    epochs: int
    step: int
    within: float
    waited: int | None

    @classmethod
    def of(cls, checkpoint: Mapping[str, Any]) -> "Position":
        """The position of a checkpoint, which Lightning has written."""
        loop = checkpoint["loops"]["fit_loop"]
        epochs, given = (
            loop["epoch_progress"]["current"]["processed"],
            loop["epoch_loop.batch_progress"]["current"]["ready"],
        )
        under_way = epochs == checkpoint["epoch"] and BATCHES in checkpoint
        within = given / checkpoint[BATCHES] if under_way else 0.0
        states = [state for name, state in checkpoint["callbacks"].items() if name.startswith("Patience")]
        return cls(epochs, checkpoint["global_step"], within, states[0]["wait_count"] if states else None)

    def why_finished(self, config: Config) -> str | None:
        """Why nothing is left to do, and how to go on nevertheless; None if something is left."""
        epochs, patience = config.train.epochs, config.train.patience
        if self.epochs >= epochs:
            done = f"{counted(self.epochs, 'epoch')} {'is' if self.epochs == 1 else 'are'} done"
            return (
                f"finished already: {done}, train.epochs: {epochs} asks for no more; "
                f"--set train.epochs={2 * self.epochs} goes on"
            )
        if patience is not None and self.waited is not None and self.waited >= patience:
            return (
                f"finished already: train.patience: {patience} ended it after epoch {self.epochs}; "
                f"--set train.patience={2 * self.waited} goes on"
            )
        return None


def change_notes(before: Config, now: Config, position: Position) -> list[str]:
    """What a resumed run does otherwise than before, a line each."""
    changes = {key: each for key, each in changed_keys(before, now).items() if key.startswith(MAY_CHANGE)}
    notes = [f"{key}: {new}, which was {old}" for key, (old, new) in changes.items() if key != "output"]
    if "train.epochs" in changes:
        old, new = (_rate(each, position) for each in (before, now))
        notes.append(
            f"the learning rate now falls over {counted(now.train.epochs, 'epoch')}: it "
            f"goes on at {new:.2g}, which was {old:.2g}"
        )
    if changes.keys() & CHANGES_STEPS:
        notes.append(
            f"an epoch can have another number of steps than before: steps are counted on from {position.step:,}, and "
            "the learning rate goes on at the same part of the run"
        )
    return notes


def _rate(config: Config, position: Position) -> float:
    """The peak learning rate as it is at a position of a run."""
    train = config.train
    step = round((position.epochs + position.within) * _STEPS)
    return train.learning_rate * rate_at(step, train.epochs * _STEPS, warmup=train.warmup)
