"""`train` leaves the run folder that it promises, goes on where it stopped, and overwrites nothing by chance."""

import csv
from pathlib import Path

import pytest
import torch

from sam_seismic.config import load_config
from sam_seismic.tasks.facies import FaciesSegmentation
from tests.cli.running import Made, Run


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
    assert [row["epoch"] for row in rows] == ["0", "1"]
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
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]


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


def test_a_resume_with_another_network_is_refused(made: Made, run: Run):
    result = run("train", "--config", made.config, "--output", made.run, "--resume", "--set", "input.side=128")
    assert result.exit_code == 2
    assert "another input section" in result.stderr


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
