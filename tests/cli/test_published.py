"""The splits of the F3 benchmark under their own names: trained on one volume, scored on the others."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.survey import catalog
from sam_seismic.survey.catalog import F3Volume
from sam_seismic.survey.synthetic import model_survey
from tests.cli.running import Run

SHAPES = {"train": (40, 32, 24), "test1": (16, 32, 24), "test2": (40, 16, 24)}
SMALL = (
    *("--set", "input={fit: resize, side: 64}", "--set", "model={size: vit_t, weights: random, encoder: full}"),
    *("--set", "train.epochs=1", "--set", "data.every=9", "--set", "data.orientation=both"),
    *("--set", "trainer={accelerator: cpu}", "--set", "data.workers=0"),
)


@pytest.fixture
def trained(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The three volumes, small, in their own files, and a checkpoint."""
    known = {
        name: F3Volume(known.files, SHAPES[name], known.first_inline, known.first_crossline)
        for name, known in catalog.F3_VOLUMES.items()
    }
    monkeypatch.setattr(catalog, "F3_VOLUMES", known)
    for seed, volume in enumerate(known.values()):
        survey = model_survey(tuple(max(size, 32) for size in volume.shape), seed)
        cut = tuple(slice(size) for size in volume.shape)
        arrays = survey.amplitude[cut].astype(np.float64), survey.labels[cut]
        for file, values in zip(volume.files, arrays, strict=True):
            (tmp_path / "f3" / file).parent.mkdir(parents=True, exist_ok=True)
            np.save(tmp_path / "f3" / file, values)
    config = Path(__file__).parents[2] / "configs" / "f3.yaml"
    place = ("--set", f"data.root={tmp_path / 'f3'}", "--output", tmp_path / "run")
    result = run("train", "--config", config, *SMALL, *place)
    assert result.exit_code == 0, result.stderr
    return tmp_path / "run" / "checkpoints" / "best.ckpt"


def test_each_split_is_scored_by_its_name(trained: Path, run: Run, tmp_path: Path):
    """`test` is both test volumes in one matrix, each voxel once: both orientations are merged."""
    voxels = {}
    for split in ("train", "val", "test1", "test2", "test"):
        result = run("eval", "--checkpoint", trained, "--split", split, "--output", tmp_path / split)
        assert result.exit_code == 0, result.stderr
        voxels[split] = json.loads((tmp_path / split / "metrics.json").read_text())["voxels"]
    assert voxels["test1"] == math.prod(SHAPES["test1"])
    assert voxels["test2"] == math.prod(SHAPES["test2"])
    assert voxels["test"] == voxels["test1"] + voxels["test2"]
    assert voxels["val"] > 0
    result = run("eval", "--checkpoint", trained, "--split", "test3")
    assert result.exit_code == 2
    assert "choose one of train, val, test1, test2" in result.stderr
