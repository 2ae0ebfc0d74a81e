"""`--precision` of `predict` and `eval`: nearly the same classes, and no number that is none passes for a class."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.cli.running import Made, Run


@pytest.mark.parametrize("precision", ["bf16", "16"])
def test_predict_and_eval_in_half_precision(made: Made, run: Run, tmp_path: Path, precision: str):
    given = ("--checkpoint", made.best, "--device", "cpu")
    for each in ("32", precision):
        more = ("--input", made.amplitude, "--output", tmp_path / f"{each}.npy", "--precision", each)
        result = run("predict", *given, *more)
        assert result.exit_code == 0, result.stderr
    whole, half = (np.load(tmp_path / f"{each}.npy") for each in ("32", precision))
    assert np.mean(whole == half) > 0.97
    assert not np.array_equal(whole, half), "it would have been ignored"
    result = run("eval", *given, "--precision", precision, "--output", tmp_path / "test")
    assert result.exit_code == 0, result.stderr


def test_a_precision_that_is_none(made: Made, run: Run, tmp_path: Path):
    result = run("predict", "--checkpoint", made.best, "--input", made.amplitude, "--output", tmp_path / "f.sgy",
        "--precision", "8")  # fmt: skip
    assert result.exit_code == 2
    assert "bf16" in result.stderr


def test_an_overflow_is_no_class(made: Made, run: Run, tmp_path: Path):
    """All of its probabilities would be NaN, and all of its voxels the first class."""
    damaged = tmp_path / "best.ckpt"
    checkpoint = torch.load(made.best, weights_only=True)
    checkpoint["state_dict"]["network.image_encoder.pos_embed"] *= 1e30
    torch.save(checkpoint, damaged)
    result = run("predict", "--checkpoint", damaged, "--input", made.amplitude, "--output", tmp_path / "f.sgy",
        "--precision", "16")  # fmt: skip
    assert result.exit_code == 2
    assert "IL 100: the network overflows" in result.stderr
    assert "--precision bf16 or 32" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["best.ckpt"]
