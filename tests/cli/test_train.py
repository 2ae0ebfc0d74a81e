"""`train` leaves the run folder that it promises, goes on where it stopped, and overwrites nothing by chance."""

import csv
import errno
import io
import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import BinaryIO

import pytest
import torch

from sam_seismic.config import load_config
from sam_seismic.errors import SurveyError
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.run_lock import run_lock
from sam_seismic.runs.trainer import WholeCheckpointIO
from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.tasks.facies import FaciesSegmentation
from tests.cli.running import Made, Run
from tests.cluster.runs import last, rows, same_weights
from tests.programs import Program, completed

SAVE = torch.save


def test_a_run_folder_holds_what_it_promises(made: Made):
    run = made.run
    assert load_config(run / "config.yaml") == load_config(made.config)
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    pictures = {path.name for path in (run / "report").iterdir()}
    assert {"learning_curve.png", "facies.png"} < pictures
    assert any(name.startswith("val_il_") for name in pictures)
    assert list((run / "tensorboard").glob("events.*"))
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(float(row[name]) >= 0 for row in rows for name in ("train_loss", "val_loss", "val_mean_iou"))


def test_the_start_of_a_run_tells_what_will_happen(made: Made, run: Run, tmp_path: Path):
    told = run("train", "--config", made.config, "--output", tmp_path / "r", "--set", "train.epochs=1").stderr
    assert "split train: 6 inlines 100-120 step 4" in told
    assert "split val: 6 inlines 126-131 of" in told
    assert "split test: 6 inlines 134-139 of" in told
    assert "random weights: not SAM's" in told
    assert "trainable" in told
    assert "frozen" in told


def test_best_and_last_load_with_weights_only(made: Made):
    for name in ("best", "last"):
        checkpoint = torch.load(made.run / "checkpoints" / f"{name}.ckpt", weights_only=True)
        assert checkpoint["sam_seismic"]["facies"]["names"][0] == "overburden"


def test_a_resumed_run_ends_where_an_undisturbed_one_does(made: Made, run: Run, tmp_path: Path):
    """Weights after 1 + 1 epochs equal those after 2: same order, same augmentation, same learning rates."""
    folder = tmp_path / "run"
    arguments = ("train", "--config", made.config, "--output", folder)
    whole = torch.load(made.run / "checkpoints" / "last.ckpt", weights_only=True)
    stop_after_one_epoch(arguments, run)
    assert torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == 0
    assert run(*arguments, "--resume").exit_code == 0
    resumed = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert resumed["global_step"] == whole["global_step"]
    for name, value in whole["state_dict"].items():
        torch.testing.assert_close(resumed["state_dict"][name], value, atol=1e-5, rtol=1e-4)
    with (folder / "metrics.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]


def stop_after_one_epoch(arguments: tuple[object, ...], run: Run) -> None:
    """Ctrl-C in the first step of the second epoch."""
    step = FaciesSegmentation.training_step

    def interrupted(self: FaciesSegmentation, batch: object) -> object:
        if self.current_epoch == 1:
            raise KeyboardInterrupt
        return step(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FaciesSegmentation, "training_step", interrupted)
        result = run(*arguments)
    assert result.exit_code == 2
    assert "interrupted in epoch 2" in result.stderr
    assert "--resume" in result.stderr


def test_an_existing_run_is_not_touched(made: Made, run: Run):
    before = (made.run / "checkpoints" / "best.ckpt").read_bytes()
    result = run("train", "--config", made.config, "--output", made.run)
    assert result.exit_code == 2
    assert "holds files already" in result.stderr
    assert "--resume" in result.stderr
    assert (made.run / "checkpoints" / "best.ckpt").read_bytes() == before


@pytest.mark.parametrize("word", ["--resume", "--overwrite"])
def test_a_run_under_way_is_not_touched(made: Made, run: Run, word: str):
    """A second training would replace the files below the first one, or train the same steps twice."""
    before = (made.run / "metrics.csv").stat()
    with run_lock(RunFolder(made.run)):
        result = run("train", "--config", made.config, "--output", made.run, word)
    assert result.exit_code == 2
    assert f"error: {made.run}: another training is using this folder" in result.stderr
    assert "fix: wait until it has ended, stop it, or choose another --output" in result.stderr
    assert (made.run / "metrics.csv").stat() == before


def test_a_resume_with_another_network_is_refused(made: Made, run: Run):
    result = run("train", "--config", made.config, "--output", made.run, "--resume", "--set", "input.side=128")
    assert result.exit_code == 2
    assert "input.side: 64 in the run, now 128" in result.stderr
    assert f"--output {made.run}" in result.stderr


def test_nothing_to_resume_is_told(made: Made, run: Run, tmp_path: Path):
    result = run("train", "--config", made.config, "--output", tmp_path / "new", "--resume")
    assert result.exit_code == 2
    assert "no checkpoints/last.ckpt to go on from" in result.stderr


def test_missing_weights_name_the_command_that_gets_them(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SAM_SEISMIC_WEIGHTS", str(tmp_path))
    changes = ("--set", "model={size: vit_b}", "--output", tmp_path / "run")
    result = run("train", "--config", made.config, *changes)
    assert result.exit_code == 2
    assert "sam_vit_b_01ec64.pth: the weights of vit_b are not there" in result.stderr
    assert "sam-seismic weights fetch vit_b" in result.stderr
    assert not (tmp_path / "run").exists()


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def copied(made: Made, folder: Path) -> Path:
    shutil.copytree(made.run, folder)
    return folder


def test_a_resumed_run_keeps_its_learning_rate_or_says_so(made: Made, run: Run, tmp_path: Path):
    """The optimizer would go on with the old one while config.yaml claims the new one."""
    folder = copied(made, tmp_path / "run")
    before = snapshot(folder)
    changes = ("--set", "train.learning_rate=1e-9", "--set", "train.epochs=3")
    result = run("train", "--config", made.config, "--output", folder, "--resume", *changes)
    assert result.exit_code == 2
    assert "train.learning_rate: 0.0001 in the run, now 1e-09" in result.stderr
    assert "train.epochs: " not in result.stderr, "more epochs may be asked for"
    assert snapshot(folder) == before


@pytest.mark.usefixtures("pictures")
def test_more_epochs_go_on_in_a_folder_that_was_moved(made: Made, run: Run, tmp_path: Path):
    """The best score goes along: best.ckpt is replaced only by a better epoch."""
    folder = copied(made, tmp_path / "moved")
    best = torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)["epoch"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FaciesScores, "mean_iou", property(lambda _: 0.0))  # from here on every epoch is worse
        result = run("train", "--config", made.config, "--output", folder, "--resume", "--set", "train.epochs=3")
    assert result.exit_code == 0, result.stderr
    assert torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)["epoch"] == best
    assert torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == 2
    assert {path.name for path in (folder / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}


@pytest.mark.parametrize("change", ["trainer.accelerator=tpu9", "trainer.strategy=foo", "train.batch_size=1"])
def test_an_overwrite_that_fails_brings_the_old_run_back(made: Made, run: Run, tmp_path: Path, change: str):
    folder = copied(made, tmp_path / "run")
    before = snapshot(folder)
    with pytest.MonkeyPatch.context() as patch:
        if change == "train.batch_size=1":  # it trains, and fails in the first step
            patch.setattr(FaciesSegmentation, "training_step", failing_step)
        result = run("train", "--config", made.config, "--output", folder, "--overwrite", "--set", change)
    assert result.exit_code == 2
    assert snapshot(folder) == before
    assert "Traceback" not in result.stderr


def failing_step(_: FaciesSegmentation, __: object) -> None:
    raise SurveyError(problem="the disk has a bad sector", fix="buy another one")


@pytest.mark.usefixtures("pictures")
def test_overwrite_replaces_a_run_and_nothing_else(made: Made, run: Run, tmp_path: Path):
    folder = copied(made, tmp_path / "run")
    (folder / "notes.txt").write_text("mine")
    (folder / "report" / "old.png").write_text("of the old run")
    changes = ("--overwrite", "--set", "train.epochs=1")
    assert run("train", "--config", made.config, "--output", folder, *changes).exit_code == 0
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder / "report" / "old.png").exists()
    assert not (folder / ".replaced").exists()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "report").write_text("years of work")
    refused = run("train", "--config", made.config, "--output", tmp_path / "thesis", "--overwrite")
    assert refused.exit_code == 2
    assert "holds files, but no run" in refused.stderr
    assert (tmp_path / "thesis" / "report").read_text() == "years of work"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--resume", "--overwrite"), "exclude each other"),
        (("--set", "trainer.accelerator=cuda"), "this training cannot run here"),
        (("--set", "trainer.devices=[0, 0]"), "this training cannot run here"),
    ],
)
def test_what_cannot_run_is_told(made: Made, run: Run, tmp_path: Path, words: tuple[str, ...], told: str):
    if "cuda" in str(words) and torch.cuda.is_available():
        pytest.skip("this machine has a GPU, so the request is a good one")
    result = run("train", "--config", made.config, "--output", tmp_path / "run", *words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_file_is_no_run_folder(made: Made, run: Run, tmp_path: Path):
    (tmp_path / "run").write_text("")
    result = run("train", "--config", made.config, "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert "is a file" in result.stderr


@pytest.mark.usefixtures("pictures")
def test_epochs_without_validation_are_saved_too(made: Made, run: Run, tmp_path: Path):
    changes = ("--set", "train.epochs=3", "--set", "trainer.val_every_epochs=2")
    assert run("train", "--config", made.config, "--output", tmp_path / "run", *changes).exit_code == 0
    saved = {path.stem: torch.load(path, weights_only=True)["epoch"] for path in (tmp_path / "run").rglob("*.ckpt")}
    assert saved == {"best": 1, "last": 2}
    with (tmp_path / "run" / "metrics.csv").open() as file:
        assert [bool(row["val_mean_iou"]) for row in csv.DictReader(file)] == [False, True, False]


def test_lines_without_labels_are_refused(made: Made, run: Run, tmp_path: Path):
    """Before anything is written: there would be nothing to learn."""
    changes = ("--set", "data.ignore_values=[0, 1, 2, 3, 4, 5]", "--set", "data.label_values=[6, 7, 8, 9, 10, 11]")
    result = run("train", "--config", made.config, "--output", tmp_path / "run", *changes)
    assert result.exit_code == 2
    assert "the training lines hold no labelled voxel" in result.stderr
    assert not (tmp_path / "run").exists()


def two_processes(made: Made, folder: Path, strategy: str, *more: str) -> list[str]:
    trainer = f"trainer={{accelerator: cpu, devices: 2, strategy: {strategy}}}"
    settings = ("--set", trainer, "--set", "train.batch_size=1", "--set", "train.epochs=2", *more)
    return [str(word) for word in ("train", "--config", made.config, "--output", folder, *settings)]


def test_two_processes_train_one_run(made: Made, run: Run, tmp_path: Path):
    """The second process must not stumble over the folder that the first one made, nor draw it again.

    It makes no difference whether each holds all parameters, or a share of them, but for the order of additions.
    """
    for strategy in ("ddp", "fsdp"):
        result = completed(two_processes(made, tmp_path / strategy, strategy))
        assert result.returncode == 0, result.stderr
        assert result.stdout.count("written:") == 1
        assert result.stderr.count("split train:") == 1
        assert "Warning" not in result.stderr
    for mine, theirs in zip(rows(tmp_path / "fsdp"), rows(tmp_path / "ddp"), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-3)
    shared, whole = (last(tmp_path / strategy)["state_dict"] for strategy in ("fsdp", "ddp"))
    assert list(shared) == list(whole)
    for name, value in shared.items():
        assert torch.allclose(value, whole[name], atol=1e-4), name
    best = tmp_path / "fsdp" / "checkpoints" / "best.ckpt"
    assert run("eval", "--checkpoint", best, "--device", "cpu").exit_code == 0
    check_that_a_stop_changes_nothing(two_processes(made, tmp_path / "stopped", "fsdp"), tmp_path / "fsdp")


def check_that_a_stop_changes_nothing(command: list[str], whole: Path):
    """Stopped in the middle of an epoch and resumed, a run ends with the weights of one that was not, bit by bit."""
    folder = whole.with_name("stopped")
    status = folder / "status.json"
    process = Program(command)
    while not status.is_file() or json.loads(status.read_text())["step"] < 1:
        assert process.runs()
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate()
    assert process.returncode == 2, told
    assert "stopped by SIGTERM after step" in told
    assert completed([*command, "--resume"]).returncode == 0
    same_weights(whole, folder)


def test_a_full_disk_leaves_no_half_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The old checkpoint stays whole; PyTorch writes in pieces, and the third finds the disk full."""
    path, pieces = tmp_path / "last.ckpt", iter(range(100))
    WholeCheckpointIO().save_checkpoint({"weight": torch.zeros(3)}, path)
    before = path.read_bytes()

    def save(checkpoint: object, file: BinaryIO) -> None:
        class Full(io.RawIOBase):
            def writable(self) -> bool:
                return True

            def write(self, data: bytes) -> int:
                if next(pieces) == 2:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return file.write(data)

        SAVE(checkpoint, Full())

    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(OSError, match=r"No space left on device: '.*last\.ckpt'"):
        WholeCheckpointIO().save_checkpoint({"weight": torch.ones(3)}, path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["last.ckpt"]


def test_what_a_killed_run_left_of_a_checkpoint_goes_with_the_next_one(tmp_path: Path):
    """A job that is killed again and again while it writes gigabytes would fill the disk with their parts."""
    for name in ("last", "best"):
        (tmp_path / f".{name}.ckpt.0123abcd.part").write_bytes(b"half")
    WholeCheckpointIO().save_checkpoint({"weight": torch.zeros(3)}, tmp_path / "last.ckpt")
    assert {each.name for each in tmp_path.iterdir()} == {"last.ckpt", ".best.ckpt.0123abcd.part"}


@pytest.mark.usefixtures("pictures")
@pytest.mark.filterwarnings("ignore:.*fp16 is not supported on CPU")  # Lightning takes bf16 there, and says so
@pytest.mark.parametrize("precision", ["16-mixed", "bf16-mixed"])
def test_mixed_precision_trains(made: Made, run: Run, tmp_path: Path, precision: str):
    """Also with a resized canvas, whose way back has no kernel in half precision."""
    changes = ("--set", f"trainer.precision={precision}", "--set", "train.epochs=1", "--set", "input.fit=resize")
    result = run("train", "--config", made.config, "--output", tmp_path / "run", *changes)
    assert result.exit_code == 0, result.stderr
    with (tmp_path / "run" / "metrics.csv").open() as file:
        assert float(next(csv.DictReader(file))["val_loss"]) > 0


def test_a_run_that_is_stopped_in_its_first_epoch_leaves_nothing_in_the_way(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The same command works again, without --overwrite."""
    arguments = ("train", "--config", made.config, "--output", tmp_path / "run", "--set", "train.epochs=1")

    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FaciesSegmentation, "training_step", interrupted)
        told = run(*arguments)
    assert told.exit_code == 2
    assert "run the same command again" in told.stderr
    assert not (tmp_path / "run").exists()
    assert run(*arguments).exit_code == 0
