"""Epochs shorter than their checkpoints write them now and then; what a run leaves in the end is the same."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sam_seismic.runs import checkpoints
from sam_seismic.tasks.facies import FaciesSegmentation
from tests.cli.running import Made, Run, invoke
from tests.cli.test_stopping import ACTING, SHARING, STEPS, same_run
from tests.programs import completed

EPOCHS, BEST = 5, 3
SCORED = f"""
from sam_seismic.tasks.facies import FaciesSegmentation
log_dict = FaciesSegmentation.log_dict
def scored(self, values, **options):
    log_dict(self, values | {{"val_mean_iou": 1 / (1 + abs(self.current_epoch + 1 - {BEST}))}}, **options)
FaciesSegmentation.log_dict = scored
"""
"""What a program begins with whose score rises until one epoch, and then falls."""


def words(made: Made, folder: Path, *more: str) -> list[str]:
    given = ["train", "--config", made.config, "--output", folder, "--set", f"train.epochs={EPOCHS}", "--set",
        "train.batch_size=1", "--set", "model.encoder=frozen", "--set", "train.cache=false", *more]  # fmt: skip
    return [str(word) for word in given]


@pytest.fixture(scope="module", autouse=True)
def peak() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FaciesSegmentation, "log_dict", FaciesSegmentation.log_dict)
        exec(SCORED, {})
        yield


Written = list[tuple[str, int]]
"""Name and step of each checkpoint that was written."""


def noted(patch: pytest.MonkeyPatch) -> Written:
    """What will be written from now on."""
    found, write = [], checkpoints.WholeCheckpointIO._write

    def noting(self: checkpoints.WholeCheckpointIO, checkpoint: dict[str, int], final: Path) -> None:
        found.append((final.name, checkpoint["global_step"]))
        write(self, checkpoint, final)

    patch.setattr(checkpoints.WholeCheckpointIO, "_write", noting)
    return found


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    return noted(monkeypatch)


@pytest.fixture(scope="module")
def generous(made: Made, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Written]:
    """A run with a checkpoint after each epoch, and what it wrote."""
    folder = tmp_path_factory.mktemp("generous") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "SHARE", float("inf"))
        patch.setattr("sam_seismic.workflows.train.draw_run", lambda *_, **__: None)
        written = noted(patch)
        assert invoke(*words(made, folder)).exit_code == 0
    return folder, written


def step_of(path: Path) -> int:
    return int(torch.load(path, weights_only=True)["global_step"])


def test_after_each_epoch(generous: tuple[Path, Written]):
    _, written = generous
    assert [step for name, step in written if name == "last.ckpt"] == [STEPS * epoch for epoch in range(1, EPOCHS + 1)]
    assert written[:2] == [("best.ckpt", STEPS), ("last.ckpt", STEPS)]


def test_at_the_start_and_at_the_end(
    made: Made,
    generous: tuple[Path, Written],
    run: Run,
    tmp_path: Path,
    written: Written,
    monkeypatch: pytest.MonkeyPatch,
):
    """The weights of the best epoch wait while training changes them."""
    monkeypatch.setattr(checkpoints, "SHARE", 1e-9)
    assert run(*words(made, tmp_path / "run")).exit_code == 0
    ends = [("best.ckpt", STEPS * BEST), ("last.ckpt", STEPS * EPOCHS)]
    assert written == [("best.ckpt", STEPS), ("last.ckpt", STEPS), *ends]
    same_run(generous[0], tmp_path / "run")


def test_killed_between_them(made: Made, generous: tuple[Path, Written], run: Run, tmp_path: Path):
    folder = tmp_path / "run"
    killing = ACTING.format(what="training_step", at=EPOCHS * STEPS, act="os.kill(os.getpid(), 9)")
    killed = completed(words(made, folder), before=SCORED + SHARING.format(share=1e-9) + killing)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [step_of(folder / "checkpoints" / name) for name in ("best.ckpt", "last.ckpt")] == [STEPS, STEPS]
    assert run(*words(made, folder, "--resume")).exit_code == 0
    same_run(generous[0], folder)


def test_the_steps_that_may_be_lost_are_counted_from_the_last_one(
    made: Made, run: Run, tmp_path: Path, written: Written, monkeypatch: pytest.MonkeyPatch
):
    """`train.checkpoint_every` holds, whatever the time."""
    monkeypatch.setattr(checkpoints, "SHARE", 1e-9)
    assert run(*words(made, tmp_path / "run", "--set", f"train.checkpoint_every={STEPS + 3}")).exit_code == 0
    pairs = [(STEPS, STEPS), (2 * STEPS, 2 * STEPS + 3), (3 * STEPS, 3 * STEPS + 6)]
    expected = [(name, step) for pair in pairs for name, step in zip(("best.ckpt", "last.ckpt"), pair, strict=True)]
    assert written == [*expected, ("last.ckpt", EPOCHS * STEPS)]


def test_a_failure_leaves_the_best_one(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder, step, count = tmp_path / "run", FaciesSegmentation.training_step, []

    def failing(self: FaciesSegmentation, batch: object) -> object:
        count.append(1)
        if len(count) == EPOCHS * STEPS:
            raise RuntimeError("as a driver does")
        return step(self, batch)

    monkeypatch.setattr(FaciesSegmentation, "training_step", failing)
    monkeypatch.setattr(checkpoints, "SHARE", 1e-9)
    with pytest.raises(RuntimeError, match="as a driver does"):
        run(*words(made, folder))
    assert step_of(folder / "checkpoints" / "best.ckpt") == STEPS * BEST
    assert step_of(folder / "checkpoints" / "last.ckpt") == STEPS
