"""A training is stopped at any moment, or killed, and resumed: what comes out is what an undisturbed one leaves."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from sam_seismic.tasks.facies import FaciesSegmentation
from tests.cli.running import Made, Run
from tests.programs import completed

STEPS = 6
"""Training sections of an epoch, one a step; as many are validated on."""


def words(made: Made, folder: Path, *more: str) -> list[str]:
    given = ["train", "--config", made.config, "--output", folder, "--set", "train.epochs=3", "--set",
        "train.batch_size=1", "--set", "train.checkpoint_every=4", *more]  # fmt: skip
    return [str(word) for word in given]


@pytest.fixture(scope="module")
def undisturbed(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.cli.running import invoke  # noqa: PLC0415  # the fixture `run` is made for each test

    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sam_seismic.workflows.train.draw_run", lambda *_, **__: None)
        assert invoke(*words(made, folder)).exit_code == 0
    return folder


def same_run(one: Path, other: Path) -> None:
    """Bit by bit, in the weights, the optimiser and the table."""
    for name in ("last.ckpt", "best.ckpt"):
        first, second = (torch.load(run / "checkpoints" / name, weights_only=True) for run in (one, other))
        assert first["global_step"] == second["global_step"]
        assert first["state_dict"].keys() == second["state_dict"].keys()
        for key, value in first["state_dict"].items():
            assert torch.equal(value, second["state_dict"][key]), key
        if name == "last.ckpt":
            assert first["lr_schedulers"] == second["lr_schedulers"]
            moments = (state["optimizer_states"][0]["state"] for state in (first, second))
            for mine, theirs in zip(*(each.values() for each in moments), strict=True):
                assert torch.equal(mine["exp_avg_sq"], theirs["exp_avg_sq"])
    assert (one / "metrics.csv").read_text() == (other / "metrics.csv").read_text()


@contextmanager
def signalled(what: str, number: int, *, at: int) -> Iterator[None]:
    """Inside, the process sends itself a signal in the given training or validation step, counted from 1."""
    step, count = getattr(FaciesSegmentation, what), 0

    def signalling(self: FaciesSegmentation, batch: object) -> object:
        nonlocal count
        count += 1
        if count == at:
            os.kill(os.getpid(), number)
        return step(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FaciesSegmentation, what, signalling)
        yield


@pytest.mark.parametrize(
    ("what", "at", "step"),
    [
        pytest.param("training_step", 2, 2, id="within the first epoch"),
        pytest.param("training_step", STEPS + 4, STEPS + 4, id="within another epoch"),
        pytest.param("training_step", 2 * STEPS, 2 * STEPS, id="in the last step of an epoch"),
        pytest.param("validation_step", STEPS + 3, 2 * STEPS, id="within a validation"),
        pytest.param("validation_step", 2 * STEPS, 2 * STEPS, id="in the last step of a validation"),
    ],
)
def test_stopped_and_resumed(made: Made, undisturbed: Path, run: Run, tmp_path: Path, what: str, at: int, step: int):
    folder = tmp_path / "run"
    with signalled(what, signal.SIGTERM, at=at):
        stopped = run(*words(made, folder))
    assert stopped.exit_code == 2
    epoch = (step + STEPS - 1) // STEPS
    assert f"stopped by SIGTERM after step {step}, in epoch {epoch}" in stopped.stderr
    assert torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == step
    assert not list((folder / "checkpoints").glob("*.part"))
    assert run(*words(made, folder, "--resume")).exit_code == 0
    same_run(undisturbed, folder)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, "as it was before"


def test_a_stop_in_the_last_epoch_ends_nothing_early(made: Made, undisturbed: Path, run: Run, tmp_path: Path):
    """In the very last validation step the run is as good as done, but the word of the signal is kept."""
    folder = tmp_path / "run"
    with signalled("validation_step", signal.SIGTERM, at=3 * STEPS):
        stopped = run(*words(made, folder))
    assert stopped.exit_code == 2
    assert run(*words(made, folder, "--resume")).exit_code == 0
    same_run(undisturbed, folder)


def test_ctrl_c_waits_for_the_step(made: Made, run: Run, tmp_path: Path):
    folder = tmp_path / "run"
    with signalled("training_step", signal.SIGINT, at=3):
        stopped = run(*words(made, folder))
    assert stopped.exit_code == 2
    assert "stopped by SIGINT after step 3" in stopped.stderr
    assert "--resume" in stopped.stderr


ACTING = """
import os
from sam_seismic.tasks.facies import FaciesSegmentation
step, count = FaciesSegmentation.{what}, []
def acting(self, batch):
    count.append(1)
    if len(count) == {at}:
        {act}
    return step(self, batch)
FaciesSegmentation.{what} = acting
"""
"""What a program begins with that does something to itself in the given training or validation step, counted from 1."""


def test_what_reads_ahead_lives_until_the_step_is_done(made: Made, undisturbed: Path, run: Run, tmp_path: Path):
    """Slurm sends its signal to the worker processes, too, and without them there would be no checkpoint."""
    folder, workers = tmp_path / "run", ("--set", "data.workers=2")
    acting = ACTING.format(what="training_step", at=2, act="os.killpg(0, 15)")
    stopped = completed(words(made, folder, *workers), before=acting)
    assert stopped.returncode == 2, stopped.stderr
    assert "stopped by SIGTERM after step 2" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert run(*words(made, folder, "--resume")).exit_code == 0
    same_run(undisturbed, folder)


SHARING = "import sam_seismic.runs.checkpoints as checkpoints; checkpoints.SHARE = float('{share}')\n"
"""What a program begins with whose checkpoints at the ends of epochs may take this share of the time."""


@pytest.mark.parametrize(("what", "at", "left"), [("training_step", 10, 6), ("validation_step", STEPS + 4, 10)])
def test_killed_it_loses_a_few_steps(
    made: Made, undisturbed: Path, run: Run, tmp_path: Path, what: str, at: int, left: int
):
    """`train.checkpoint_every` says how many at most."""
    folder = tmp_path / "run"
    killing = ACTING.format(what=what, at=at, act="os.kill(os.getpid(), 9)")
    killed = completed(words(made, folder), before=SHARING.format(share="inf") + killing)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == left
    assert run(*words(made, folder, "--resume")).exit_code == 0
    same_run(undisturbed, folder)


def test_a_batch_script_hears_how_it_ended(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    job = tmp_path / "job"
    job.mkdir()
    monkeypatch.setenv("SAM_SEISMIC_JOB", str(job))
    with signalled("training_step", signal.SIGUSR1, at=2):
        assert run(*words(made, tmp_path / "run")).exit_code == 2
    assert [path.name for path in job.iterdir()] == ["stopped"]
    (job / "stopped").unlink()
    assert run("train", "--config", tmp_path / "none.yaml").exit_code == 2
    assert [path.name for path in job.iterdir()] == ["failed"]
    (job / "failed").unlink()
    assert run("train", "--no-such-option").exit_code == 2
    assert [path.name for path in job.iterdir()] == ["failed"]
    (job / "failed").unlink()
    assert run("--version").exit_code == 0
    assert not list(job.iterdir())


def test_the_stop_file_of_a_batch_script_stops_a_run(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    job = tmp_path / "job"
    job.mkdir()
    (job / "stop").touch()
    monkeypatch.setenv("SAM_SEISMIC_JOB", str(job))
    monkeypatch.setattr("sam_seismic.cli.stopping.POLL_SECONDS", 0.01)
    stopped = run(*words(made, tmp_path / "run"))
    assert stopped.exit_code == 2
    assert "stopped by SIGUSR1" in stopped.stderr
    assert "stopped" in [path.name for path in job.iterdir()]
