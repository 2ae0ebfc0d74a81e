"""A read that never ends, as from a dead file server, does not keep a command from ending when it is asked to stop."""

import signal
from pathlib import Path

import pytest
import torch

from sam_seismic.runs.status import read_status
from tests.cli.running import Made, Run
from tests.cli.test_stopping import STEPS, same_run, undisturbed, words
from tests.programs import completed

__all__ = ["undisturbed"]

TERM, INT = int(signal.SIGTERM), int(signal.SIGINT)


def stall(what: str, **options: object) -> str:
    """The first line of a program whose reads stall, see tests.cli.stalling."""
    given = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return f"from tests.cli.stalling import {what}; {what}({given})"


@pytest.mark.parametrize(
    ("at", "step", "epoch"),
    [
        pytest.param(4, 3, 1, id="within the first epoch"),
        pytest.param(STEPS + 3, STEPS, 1, id="within a validation"),
        pytest.param(2 * STEPS + 1, STEPS, 2, id="in the first section of an epoch"),
        pytest.param(2 * STEPS + 4, STEPS + 3, 2, id="within another epoch"),
    ],
)
def test_a_signal_ends_a_training_that_waits(
    made: Made, undisturbed: Path, run: Run, tmp_path: Path, at: int, step: int, epoch: int
):
    folder = tmp_path / "run"
    stopped = completed(words(made, folder), before=stall("stall_training", at=at, wait=at, signals=[TERM]))
    assert stopped.returncode == 2, stopped.stderr
    told = f"{folder}: stopped by SIGTERM after step {step}, in epoch {epoch}, while it waited for IL "
    assert told in stopped.stderr
    assert f"of {made.amplitude}\n" in stopped.stderr
    assert "give the same command with --resume; if it waits there again, look at the disk" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    status = read_status(folder / "status.json")
    assert status is not None
    assert (status.state, status.checkpoint) == ("stopped", step)
    assert torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == step
    assert run(*words(made, folder, "--resume")).exit_code == 0
    same_run(undisturbed, folder)


def test_a_signal_ends_a_training_whose_workers_hang(made: Made, undisturbed: Path, run: Run, tmp_path: Path):
    """Each of two workers reads every other section; both hang in their second one."""
    folder, workers = tmp_path / "run", ("--set", "data.workers=2")
    stalling = stall("stall_training", at=2, wait=3, signals=[INT])
    stopped = completed(words(made, folder, *workers), before=stalling)
    assert stopped.returncode == 2, stopped.stderr
    assert "stopped by SIGINT after step 2, in epoch 1, while it waited for IL " in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert run(*words(made, folder, "--resume")).exit_code == 0
    same_run(undisturbed, folder)


def test_a_training_that_waits_for_its_first_section_leaves_nothing(made: Made, tmp_path: Path):
    stopped = completed(words(made, tmp_path / "run"), before=stall("stall_training", at=1, wait=1, signals=[TERM]))
    assert stopped.returncode == 2, stopped.stderr
    assert "stopped by SIGTERM after step 0, in epoch 1, while it waited for IL " in stopped.stderr
    assert "\n  fix: there is no checkpoint yet: run the same command" in stopped.stderr
    assert not (tmp_path / "run").exists()


def commands(made: Made, folder: Path) -> dict[str, list[str]]:
    """A command of each kind, by name."""
    model = ["--checkpoint", made.best, "--device", "cpu"]
    frozen = ["--set", "model.encoder=frozen", "--set", f"train.store={folder / 'store'}"]
    given = {
        "predict": ["predict", *model, "--input", made.amplitude, "--output", folder / "f.sgy"],
        "eval": ["eval", *model, "--output", folder / "e"],
        "score": ["score", "--truth", made.labels, "--prediction", made.labels, "--output", folder / "s"],
        "convert": ["convert", made.amplitude, folder / "a.h5"],
        "embed": ["embed", "--config", made.config, *frozen],
        "train": ["train", "--config", made.config, *frozen, "--output", folder / "run"],
    }
    return {name: list(map(str, each)) for name, each in given.items()}


@pytest.mark.parametrize("name", ["predict", "eval", "score", "convert", "embed", "train"])
def test_a_signal_ends_any_command_that_waits(made: Made, tmp_path: Path, name: str):
    """Also a training that fills its store."""
    stalling = stall("stall_reads", at=6, signals=[TERM])
    stopped = completed(commands(made, tmp_path)[name], before=stalling)
    assert stopped.returncode == 2, stopped.stderr
    assert "stopped by SIGTERM" in stopped.stderr or "interrupted" in stopped.stderr
    assert "ended at once" not in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("number", [TERM, INT])
def test_a_second_signal_ends_a_command_that_no_signal_interrupts(made: Made, tmp_path: Path, number: int):
    deaf = stall("stall_reads", at=6, signals=[number, number], deaf=True)
    stopped = completed(commands(made, tmp_path)["convert"], before=deaf)
    assert stopped.returncode == 2, stopped.stderr
    assert f"error: ended at once by a second signal, {signal.Signals(number).name}\n" in stopped.stderr
