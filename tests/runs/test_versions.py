"""Runs of earlier versions work: their checkpoints predict the same values, and their trainings are resumed.

`versions/v0.1.0` holds three runs of version 0.1.0 (commit 5451aa1), made with a survey of 32 x 32 x 32, `vit_t` from
random weights and one epoch. Their last checkpoints are stored without the values of the weights and of the moments of
the optimiser. These are drawn here with their names as seeds, as they were for `expected.json`, the predictions of that
version.
"""

import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sam_seismic.config import load_config
from sam_seismic.inference import predict_sections
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.volume import Section
from sam_seismic.tasks.loading import load_task
from tests.cli.running import invoke

VERSION = Path(__file__).parent / "versions" / "v0.1.0"
RUNS = ("full", "last_blocks", "frozen")


def drawn(name: str, shape: list[int]) -> torch.Tensor:
    values = 0.1 * np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if "norm" in name and name.endswith("weight"):
        values = 1 + values
    return torch.from_numpy(values.astype(np.float32))


def rebuilt(tree: dict[str, Any], where: str = "") -> Any:
    """A checkpoint from its stored structure."""
    ((kind, value),) = [(key, value) for key, value in tree.items() if key != "dtype"]
    if kind == "tensor":
        tensor = drawn(where, value)
        return tensor.abs() if ".exp_avg_sq" in where else tensor
    if kind == "number":
        return torch.tensor(value, dtype=getattr(torch, tree["dtype"].removeprefix("torch.")))
    if kind == "dict":
        return {key: rebuilt(below, f"{where}.{key}") for key, below in value}
    if kind in ("list", "tuple"):
        items = [rebuilt(below, f"{where}.{position}") for position, below in enumerate(value)]
        return items if kind == "list" else tuple(items)
    return value


def run_of(name: str, tmp_path: Path) -> Path:
    """The folder of a run, with complete checkpoints."""
    folder = tmp_path / name
    shutil.copytree(VERSION / name, folder)
    outline = json.loads((folder / "checkpoints" / "last.json").read_text())
    for file in ("last.ckpt", "best.ckpt"):
        torch.save(rebuilt(outline), folder / "checkpoints" / file)
    return folder


@pytest.mark.parametrize("name", RUNS)
def test_a_checkpoint_predicts_the_same_values(name: str, tmp_path: Path):
    run = run_of(name, tmp_path)
    task = load_task(run / "checkpoints" / "last.ckpt")
    values = np.random.default_rng(0).standard_normal((30, 21)).astype(np.float32)
    (probabilities,) = predict_sections(task, [Section(Orientation.INLINE, 1, values, np.ones(21, np.bool_))])
    expected = json.loads((run / "expected.json").read_text())
    np.testing.assert_allclose(probabilities[:, ::10, ::10], expected["probability"], atol=2e-5)
    np.testing.assert_array_equal(probabilities.argmax(axis=0)[::7, ::5], expected["class"])


@pytest.mark.parametrize("name", ["full", "last_blocks"])
def test_a_training_is_resumed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With its own configuration, as that version wrote it, and its optimiser; one run fills a store first."""
    run = run_of(name, tmp_path)
    monkeypatch.setenv("SAM_SEISMIC_CACHE", str(tmp_path / "cache"))
    before = int((run / "metrics.csv").read_text().splitlines()[1].split(",")[1])
    result = invoke("train", "--config", run / "config.yaml", "--output", run, "--resume", "--set", "train.epochs=2")
    assert result.exit_code == 0, result.stderr
    rows = (run / "metrics.csv").read_text().splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [["1", str(before)], ["2", str(2 * before)]]
    now = load_config(run / "config.yaml")
    assert now.model.encoder.kind == run.name
    assert torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 2 * before
