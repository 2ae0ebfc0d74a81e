"""A network that is not finite is neither trained further nor used: commands say so, and what helps, and it does."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result
from torch import Tensor

from sam_seismic.sam import build_sam
from tests.cli.running import Made, Run, hashes, invoke
from tests.cli.test_train import two_processes
from tests.programs import completed


def train(made: Made, output: Path, *more: str) -> Result:
    return invoke("train", "--config", made.config, "--output", output, *more)


def test_a_training_that_diverges_is_told_and_its_fix_helps(made: Made, tmp_path: Path):
    found = train(made, tmp_path / "run", "--set", "train.learning_rate=1e3")
    assert found.exit_code == 2
    assert "(epoch 1)" in found.stderr
    assert "there is no checkpoint yet" in found.stderr
    assert not (tmp_path / "run").exists()
    fix = found.stderr.partition("fix: train anew with ")[2].split()[:2]
    assert fix == ["--set", "train.learning_rate=0.0001"]
    assert train(made, tmp_path / "run", *fix).exit_code == 0


def changed(path: Path, change: Callable[[Tensor], object]) -> Path:
    """Change a trained weight of a checkpoint."""
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint["state_dict"]["network.head.hypernetworks.0.layers.0.weight"])
    torch.save(checkpoint, path)
    return path


def test_the_checkpoints_of_before_stay(made: Made, tmp_path: Path):
    """A run that goes on from a state that is about to diverge: finite weights, but no finite loss any more."""
    shutil.copytree(made.run, tmp_path / "run")
    changed(tmp_path / "run" / "checkpoints" / "last.ckpt", lambda weight: weight.mul_(1e37))
    before = hashes(tmp_path / "run" / "checkpoints")
    found = train(made, tmp_path / "run", "--resume", "--set", "train.epochs=3")
    assert found.exit_code == 2, found.stderr
    assert "(epoch 3)" in found.stderr
    assert "kept from earlier steps: best.ckpt and last.ckpt" in found.stderr
    assert hashes(tmp_path / "run" / "checkpoints") == before
    assert '"failed"' in (tmp_path / "run" / "status.json").read_text()


def test_a_run_that_diverged_is_not_resumed(made: Made, tmp_path: Path):
    """Earlier versions trained on to the end, and saved it."""
    shutil.copytree(made.run, tmp_path / "run")
    path = changed(tmp_path / "run" / "checkpoints" / "last.ckpt", lambda weight: weight.fill_(torch.nan))
    found = train(made, tmp_path / "run", "--resume", "--set", "train.epochs=3")
    assert found.exit_code == 2
    assert f"{path}: 1 of its " in found.stderr
    assert "with --overwrite and a lower train.learning_rate" in found.stderr


def test_two_processes_end_together(made: Made, tmp_path: Path):
    """Each holds a share of the parameters, so that one may meet a number that the other does not."""
    found = completed(two_processes(made, tmp_path / "run", "fsdp", "--set", "train.learning_rate=1e3"))
    assert found.returncode == 2, found.stderr
    assert "(epoch 1)" in found.stderr
    assert "--set train.learning_rate=0.0001" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_checkpoint_that_diverged_is_refused_in_the_same_words(made: Made, run: Run, tmp_path: Path):
    path = changed(shutil.copy(made.best, tmp_path / "best.ckpt"), lambda weight: weight.view(-1)[5].fill_(torch.nan))
    predicting = ("predict", "--checkpoint", path, "--input", made.amplitude, "--output", tmp_path / "f.sgy")
    scoring = ("eval", "--checkpoint", path)
    submitting = [("submit", "--dry-run", *words) for words in (predicting, scoring)]
    told = set()
    for words in (predicting, scoring, *submitting):
        found = run(*words)
        assert found.exit_code == 2
        told.add(found.stderr[found.stderr.index("error:") :])
    assert len(told) == 1
    assert f"error: {path}: 1 of its " in told.pop()
    assert not (tmp_path / "f.sgy").exists()


@pytest.mark.parametrize("encoder", ["full", "frozen"])
def test_a_weights_file_that_is_not_finite_is_never_trained(made: Made, run: Run, tmp_path: Path, encoder: str):
    path = tmp_path / "w.pth"
    weights = build_sam("vit_t").state_dict()
    weights["image_encoder.neck.0.weight"].view(-1)[5] = torch.nan
    torch.save(weights, path)
    changes = ("--set", f"model.weights={path}", "--set", f"model.encoder={encoder}")
    found = train(made, tmp_path / "run", *changes)
    assert found.exit_code == 2
    assert str(path) in found.stderr
    assert "NaN or infinite" in found.stderr
    assert not (tmp_path / "run").exists()


def test_an_overflow_is_not_scored(made: Made, run: Run, tmp_path: Path):
    """All weights are finite, but what they compute is not: `predict` refuses it, too."""
    path = changed(shutil.copy(made.best, tmp_path / "best.ckpt"), lambda weight: weight.fill_(3e38))
    found = run("eval", "--checkpoint", path)
    assert found.exit_code == 2
    assert "IL 134: the network overflows" in found.stderr


@pytest.mark.parametrize("rate", [".inf", ".nan"])
def test_a_rate_that_is_not_finite_is_refused(made: Made, tmp_path: Path, rate: str):
    found = train(made, tmp_path / "run", "--set", f"train.learning_rate={rate}")
    assert found.exit_code == 2
    assert "train.learning_rate  must be a finite number" in found.stderr
