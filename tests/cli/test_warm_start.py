"""A training starts from the checkpoint of another one, with another survey and classes, and says what it took."""

import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sam_seismic.config import load_config
from sam_seismic.sam import build_sam
from sam_seismic.sam.weights import file_hash
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.tasks.building import prepare
from sam_seismic.tasks.checkpoint import read_checkpoint
from sam_seismic.tasks.loading import load_task
from sam_seismic.tuning.embedding_store import weights_hash
from sam_seismic.tuning.methods import METHODS
from sam_seismic.tuning.methods.last_blocks import LastBlocks
from tests.cli.running import Made, Run

CLASSES = ["chalk", "new", "shale"]


@pytest.fixture
def other(made: Made, tmp_path: Path) -> Path:
    """Another survey in another format and scale, two classes of the first run and a new one, tuned otherwise."""
    survey = model_survey((32, 32, 32), 7)
    np.save(tmp_path / "amplitude.npy", 50 * survey.amplitude)
    np.save(tmp_path / "labels.npy", survey.labels % 3)
    tree = {
        "data": {
            "amplitude": str(tmp_path / "amplitude.npy"),
            "labels": str(tmp_path / "labels.npy"),
            "classes": CLASSES,
            "split": {"val": 0.15, "test": 0.15, "guard": 2},
            "every": 5,
        },
        "input": {"fit": "resize", "side": 96, "canvas": "tight"},
        "model": {"size": "vit_t", "encoder": "frozen", "init_from": str(made.run)},
        "train": {"epochs": 1, "batch_size": 3, "learning_rate": 0.01, "store": str(tmp_path / "store")},
        "trainer": {"accelerator": "cpu"},
    }
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(tree))
    return tmp_path / "other.yaml"


def test_another_survey_with_other_classes(made: Made, run: Run, other: Path, tmp_path: Path):
    """The frozen encoder is that of the first run, also for the embedding store; the scale is fitted anew."""
    trained = run("train", "--config", other, "--output", tmp_path / "run")
    assert trained.exit_code == 0, trained.stderr
    assert f"init_from: {made.best}: 199 of 199 common weights are taken, and those of the classes chalk, shale" in (
        trained.stderr
    )
    left = (
        "new classes start from random weights: new; classes that are not used: overburden, deltaic, channel and 1 more"
    )
    assert f"init_from: {left}" in trained.stderr
    assert "99.5th percentile of the training lines; fitted anew, whatever the scale of init_from was" in trained.stderr
    first, second = (load_task(folder / "checkpoints" / "best.ckpt") for folder in (made.run, tmp_path / "run"))
    assert second.metadata.weights_hash == file_hash(made.best)
    assert second.metadata.scale.clip > 20 * first.metadata.scale.clip
    mine, theirs = second.network.state_dict(), first.network.state_dict()
    encoder = [name for name in theirs if name.startswith("image_encoder.")]
    assert all(torch.equal(mine[name], theirs[name]) for name in encoder)
    assert second.network.cut is not None
    (recipe,) = (tmp_path / "store").glob("*/recipe.json")
    assert yaml.safe_load(recipe.read_text())["weights"] == weights_hash(second.network.cut)


def test_weights_of_a_class_go_by_its_name(made: Made, other: Path):
    task, theirs = prepare(load_config(other)).task, load_task(made.best)
    names = theirs.metadata.facies.names
    assert task.metadata.facies.names == tuple(CLASSES)
    mine, before = (each.network.state_dict()["head.class_tokens.weight"] for each in (task, theirs))
    assert torch.equal(mine[[0, 2]], before[[names.index("chalk"), names.index("shale")]])
    assert not any(torch.equal(mine[1], row) for row in before)


def test_what_the_checkpoint_lacks_starts_from_weights(made: Made, other: Path, tmp_path: Path):
    """Where both are given, a new class starts from SAM's tokens."""
    torch.manual_seed(3)
    sam = build_sam("vit_t")
    torch.save(sam.state_dict(), tmp_path / "sam.pth")
    prepared = prepare(load_config(other, [f"model.weights={tmp_path / 'sam.pth'}"]))
    tokens = prepared.task.network.state_dict()["head.class_tokens.weight"]
    assert torch.equal(tokens[1], sam.mask_decoder.mask_tokens.weight[1])
    assert f"new classes start from {tmp_path / 'sam.pth'}: new" in prepared.start[1]


@pytest.mark.follows("tasks/initial_weights.py", "--set model.{}={}")
def test_a_network_of_another_size_is_refused_with_what_helps(made: Made, run: Run, other: Path, tmp_path: Path):
    """What the fix names is carried out, and prepares the training."""
    for change, held, asked in (
        ("model.size=vit_b", "sam (size: vit_t)", "sam (size: vit_b)"),
        (f"model={{kind: vit, init_from: {made.best}}}", "sam (size: vit_t)", "vit (width: 192, depth: 6, heads: 3)"),
    ):
        refused = run("train", "--config", other, "--output", tmp_path / "run", "--set", change)
        assert refused.exit_code == 2
        assert f"{made.best}: holds {held}, but {asked} is to be trained" in refused.stderr
        (fix,) = [line for line in refused.stderr.splitlines() if "fix: train the network that it holds: " in line]
        _, _, words = fix.partition("--set ")
        mended = shlex.split(words.partition("; or")[0])
        assert prepare(load_config(other, [change, *mended])).start


@pytest.mark.follows("tasks/initial_weights.py", "--set model.init_from={} --set model.weights=null starts from it")
def test_a_checkpoint_given_as_weights_is_told_where_it_belongs(made: Made, run: Run, tmp_path: Path):
    given = ("train", "--config", made.config, "--output", tmp_path / "run", "--set", f"model.weights={made.best}")
    for command in (given, ("submit", "--dry-run", *given)):
        refused = run(*command)
        assert refused.exit_code == 2
        assert f"model.weights: {made.best}: is a checkpoint of sam-seismic train" in refused.stderr
    fix = refused.stderr.partition("fix: ")[2].partition(" starts from it")[0]
    words = [word for word in shlex.split(fix) if word != "--set"]
    assert words == [f"model.init_from={made.best}", "model.weights=null"]
    assert "common weights are taken" in prepare(load_config(made.config, words)).start[0]


def test_other_commands_know_it(made: Made, run: Run, other: Path, tmp_path: Path):
    assert f"init_from: {made.run}" in run("config", "show", other).stdout
    assert (
        f"weights: {made.best}, {file_hash(made.best)[:8]}"
        in run("submit", "--dry-run", "train", "--config", other).stderr
    )
    refused = run("train", "--config", other, "--set", "model.init_from=gone", "--output", tmp_path / "run")
    assert refused.exit_code == 2
    assert "gone: there is no such checkpoint" in refused.stderr


class Omitting(LastBlocks):
    """Saves no frozen block."""

    def saves(self, name: str) -> bool:
        return not name.startswith("blocks.0.")


@pytest.mark.follows("tasks/building.py", "give model.weights or model.init_from")
def test_weights_that_a_method_does_not_save_come_from_their_file(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`eval` and `--resume` need the file that training started from, and no other one."""
    monkeypatch.setitem(METHODS, "last_blocks", Omitting)
    torch.manual_seed(4)
    weights = tmp_path / "sam.pth"
    torch.save(build_sam("vit_t").state_dict(), weights)
    model = f"model={{size: vit_t, weights: {weights}, encoder: {{kind: last_blocks, blocks: 2}}}}"
    command = ("train", "--config", made.config, "--output", tmp_path / "run", "--set", model)
    random = run(*command[:-1], model.replace(str(weights), "random"))
    assert random.exit_code == 2
    assert "fix: give model.weights or model.init_from" in random.stderr

    assert run(*command, "--set", "train.epochs=1").exit_code == 0
    best = tmp_path / "run" / "checkpoints" / "best.ckpt"
    saved = read_checkpoint(best)[1]["state_dict"]
    assert "network.image_encoder.blocks.1.attn.qkv.weight" in saved
    name = "image_encoder.blocks.0.attn.qkv.weight"
    assert f"network.{name}" not in saved
    original = torch.load(weights, weights_only=True)[name]
    assert torch.equal(load_task(best).network.state_dict()[name], original)
    resumed = run(*command, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    further = f"model={{size: vit_t, init_from: {best}, encoder: full}}"
    started = prepare(load_config(made.config, [further]))
    assert torch.equal(started.task.network.state_dict()[name], original)

    torch.manual_seed(5)
    before = file_hash(weights)
    torch.save(build_sam("vit_t").state_dict(), weights)
    for told in (f"{weights} has {file_hash(weights)}", f"{weights} is not there"):
        refused = run("eval", "--checkpoint", best)
        assert refused.exit_code == 2
        assert f"the file that training started from is needed, which had SHA-256 {before}" in refused.stderr
        assert told in refused.stderr
        weights.unlink(missing_ok=True)
