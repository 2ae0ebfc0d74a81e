"""`weights verify`, `inspect` and `train` say the same of a weights file, on the command line."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor

from sam_seismic.config import load_config
from sam_seismic.sam import build_sam
from sam_seismic.tasks.building import describe, prepare
from tests.cli.running import Made, Run


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return build_sam("vit_t").state_dict()


@pytest.fixture
def encoder(state: dict[str, Tensor], tmp_path: Path) -> Path:
    """A finetuned encoder, as micro-sam saves it."""
    path = tmp_path / "best.pt"
    encoder = {f"sam.{name}": tensor for name, tensor in state.items() if name.startswith("image_encoder.")}
    torch.save({"model_state": encoder, "optimizer_state": {"moments": torch.ones(2)}}, path)
    return path


def with_weights(made: Made, weights: Path) -> Path:
    config = weights.with_name("config.yaml")
    model = {"size": "vit_t", "weights": str(weights), "encoder": "full"}
    config.write_text(yaml.safe_dump(yaml.safe_load(made.config.read_text()) | {"model": model}))
    return config


def test_verify_shows_what_train_takes(made: Made, run: Run, encoder: Path):
    shown = " ".join(run("weights", "verify", encoder).stdout.split())
    told = json.loads(run("weights", "verify", encoder, "--json").stdout)
    config = with_weights(made, encoder)
    inspected = json.loads(run("inspect", config, "--json").stdout)["warnings"]
    prepared = prepare(load_config(config))
    described = [line for line in describe(prepared) if str(encoder) in line]

    missing = "prompt encoder and mask decoder: random weights, not SAM's"
    left_out = "optimizer_state: not recognised as a part of SAM"
    assert "place model_state.sam" in shown
    assert f"missing {missing}" in shown
    assert f"left out {left_out}" in shown
    assert (told["size"], told["left_out"]) == ("vit_t", ["optimizer_state"])
    assert told["missing"] == {"prompt_encoder": "random", "mask_decoder": "random"}
    notes = [f"{encoder}: left out: {left_out}", f"{encoder}: missing: {missing}"]
    assert described == [f"note: {note}" for note in notes]
    assert [warning for warning in inspected if str(encoder) in warning] == notes


def test_a_weight_that_is_not_finite_starts_no_training(made: Made, run: Run, state: dict[str, Tensor], tmp_path: Path):
    name = "image_encoder.neck.0.weight"
    path = tmp_path / "nan.pth"
    torch.save(state | {name: state[name].where(state[name] != state[name].max(), float("nan"))}, path)
    verified = run("weights", "verify", path)
    trained = run("train", "--config", with_weights(made, path), "--output", tmp_path / "run")
    assert (verified.exit_code, trained.exit_code) == (2, 2)
    assert f"{path}: 1 of 49,152 values of {name} are NaN or infinite" in verified.stderr
    assert trained.stderr == verified.stderr
    assert not (tmp_path / "run").exists()


def test_a_file_of_another_network_is_told_before_a_training(made: Made, run: Run, tmp_path: Path):
    path = tmp_path / "mobile_sam.pt"
    torch.save({"image_encoder.patch_embed.seq.0.c.weight": torch.ones(2)}, path)
    verified = run("weights", "verify", path, "--json")
    warnings = json.loads(run("inspect", with_weights(made, path), "--json").stdout)["warnings"]
    assert verified.exit_code == 2
    assert "holds no SAM with its ViT encoder, but MobileSAM: a TinyViT encoder" in verified.stderr
    assert any("MobileSAM: a TinyViT encoder" in warning for warning in warnings)
