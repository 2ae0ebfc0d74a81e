"""Encode once: a training reads from the store what it would have encoded, and `embed` fills, lists and tidies it."""

import csv
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import torch
import yaml

from sam_seismic.runs.pictures import draw_run
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey
from tests.cli.conftest import small_config
from tests.cli.running import Run, invoke
from tests.cli.test_train import stop_after_one_epoch

ENTRIES = 4 * 2 + 5
"""Inlines to train on, as they are and flipped, and those to validate on."""
FROZEN = ("--set", "model.encoder=frozen")
LAST_BLOCKS = ("--set", "model.encoder=last_blocks", "--set", "model.blocks=2")
HALF = ("--set", "trainer.precision=bf16-mixed")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frozen encoder on a tight canvas."""
    folder = tmp_path_factory.mktemp("embed")
    survey = model_survey((32, 32, 40), 1)
    write_segy(folder / "amplitude.sgy", survey.amplitude, survey.geometry, format="ieee")
    write_segy(folder / "labels.sgy", survey.labels, survey.geometry, format="int8")
    tree = small_config(folder / "amplitude.sgy", folder / "labels.sgy", survey.facies.names)
    tree["input"]["canvas"] = "tight"
    tree["model"]["encoder"] = "frozen"
    tree["data"]["split"] = {"val": 0.15, "test": 0.15, "guard": 2}
    tree["data"]["every"] = 5
    (folder / "frozen.yaml").write_text(yaml.safe_dump(tree))
    return folder / "frozen.yaml"


@pytest.fixture(scope="module")
def filled(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of that experiment, filled; tests leave it as it is."""
    store = tmp_path_factory.mktemp("filled") / "store"
    result = invoke("embed", "--config", config, "--set", f"train.store={store}")
    assert result.exit_code == 0, result.stderr
    assert f"{ENTRIES} to encode" in result.stderr
    return store


@dataclass(frozen=True)
class Trained:
    """A run of two epochs, the store that it filled, and what was said."""

    run: Path
    store: Path
    told: str

    @property
    def best(self) -> Path:
        return self.run / "checkpoints" / "best.ckpt"


Train = Callable[[tuple[str, ...]], Trained]


@pytest.fixture(scope="module")
def trained(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Trains once with some changes; tests leave the run and its store as they are."""

    @cache
    def made(changes: tuple[str, ...]) -> Trained:
        folder = tmp_path_factory.mktemp("trained")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sam_seismic.workflows.train.draw_run", draw_run)
            told = train(config, folder / "run", folder / "store", *changes)
        return Trained(folder / "run", folder / "store", told)

    return made


def train(config: Path, output: Path, store: Path, *changes: str) -> str:
    """Train; what was said."""
    where = ("--set", f"train.store={store}")
    result = invoke("train", "--config", config, "--output", output, *where, *changes)
    assert result.exit_code == 0, result.stderr
    return result.stderr


def curve(run: Path) -> list[float]:
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [float(row[name]) for row in rows for name in ("train_loss", "val_loss", "val_mean_iou")]


def listed(store: Path) -> list[dict[str, object]]:
    return json.loads(invoke("embed", "--list", "--store", store, "--json").stdout)


def entries(store: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in store.rglob("*.npy")}


@pytest.mark.parametrize("model", [FROZEN, LAST_BLOCKS], ids=["frozen", "last_blocks"])
def test_training_from_the_store_is_training_from_canvases(
    config: Path, trained: Train, tmp_path: Path, model: tuple[str, ...]
):
    """The same losses and scores, two epochs long: the same sections, flips, order and frozen numbers."""
    first = trained(model)
    assert f"{ENTRIES} to encode" in first.told
    before = entries(first.store)
    assert len(before) == ENTRIES
    again = train(config, tmp_path / "again", first.store, *model)
    assert ", 0 to encode" in again
    assert "encoded in" not in again
    assert entries(first.store) == before
    without = invoke("train", "--config", config, "--output", tmp_path / "w", "--set", "train.cache=false", *model)
    assert without.exit_code == 0, without.stderr
    assert "to encode" not in without.stderr
    kept = curve(first.run)
    assert len(kept) == 6
    assert curve(tmp_path / "again") == pytest.approx(kept, rel=1e-4)
    assert curve(tmp_path / "w") == pytest.approx(kept, rel=5e-3, abs=2e-3)  # half precision, of numbers about 1


def test_embed_makes_what_training_reads(config: Path, filled: Path, tmp_path: Path):
    """Also with another batch size, learning rate and number of epochs: none of it matters to what is kept."""
    before = entries(filled)
    changes = ("train.batch_size=3", "train.learning_rate=1e-3", "train.epochs=1", "train.encoder_rate=2")
    told = train(config, tmp_path / "run", filled, *(word for change in changes for word in ("--set", change)))
    assert f"embeddings: {ENTRIES}, " in told
    assert ", 0 to encode" in told
    assert entries(filled) == before
    again = invoke("embed", "--config", config, "--set", f"train.store={filled}", "--batch-size", 3)
    assert ", 0 to encode" in again.stderr
    assert str(filled) in again.stdout


def test_without_a_store_named_it_is_in_the_users_cache(
    config: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SAM_SEISMIC_CACHE", str(tmp_path))
    assert run("embed", "--list").stdout == "nothing is kept\n"
    assert run("embed", "--config", config).exit_code == 0
    assert len(entries(tmp_path / "embeddings")) == ENTRIES
    assert "1 group" in run("embed", "--list").stdout


@pytest.mark.parametrize(
    "change",
    ["input.clip_percentile=90", "input.fit=resize", "input.side=80", "input.canvas=square", "train.seed=1"],
)
def test_what_changes_the_canvas_or_the_weights_is_encoded_anew(config: Path, filled: Path, change: str):
    """Random weights come from the seed. What the first experiment kept stays."""
    before = entries(filled)
    told = invoke("embed", "--config", config, "--set", f"train.store={filled}", "--set", change).stderr
    assert f"{ENTRIES} to encode" in told
    assert before.items() < entries(filled).items()


def test_a_file_that_was_changed_is_encoded_anew(config: Path, filled: Path):
    """Reprocessed amplitudes under the name of the old ones."""
    amplitude = config.with_name("amplitude.sgy")
    before = amplitude.stat()
    os.utime(amplitude, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))
    try:
        told = invoke("embed", "--config", config, "--set", f"train.store={filled}").stderr
        assert f"{ENTRIES} to encode" in told
    finally:
        os.utime(amplitude, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert ", 0 to encode" in invoke("embed", "--config", config, "--set", f"train.store={filled}").stderr


def test_mixed_precision_holds_the_frozen_part_in_half_and_trains_from_the_store(config: Path, trained: Train):
    half = trained((*LAST_BLOCKS, *HALF))
    assert f"{ENTRIES} to encode" in half.told
    [group] = listed(half.store)
    assert (group["recipe"]["precision"], group["recipe"]["blocks"]) == ("bfloat16", 4)
    weights = torch.load(half.run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert weights["network.image_encoder.blocks.3.norm1.weight"].dtype == torch.bfloat16
    assert weights["network.image_encoder.blocks.4.norm1.weight"].dtype == torch.float32
    assert weights["network.head.class_tokens.weight"].dtype == torch.float32
    assert all(0 < value < 10 for value in curve(half.run))
    where = ("--set", f"train.store={half.store}")
    assert ", 0 to encode" in invoke("embed", "--config", config, *where, *LAST_BLOCKS, *HALF).stderr


def test_jittered_copies_are_all_kept(config: Path, tmp_path: Path):
    changes = ("--set", "input.jitter=0.1", "--set", "input.jittered_copies=2")
    assert f"{4 * 2 * 2 + 5} to encode" in train(config, tmp_path / "run", tmp_path / "store", *changes)
    assert all(0 < value < 10 for value in curve(tmp_path / "run"))


def test_a_resumed_run_reads_from_the_store(config: Path, trained: Train, run: Run, tmp_path: Path):
    """It ends where an undisturbed one does."""
    arguments = ("train", "--config", config, "--set", f"train.store={tmp_path / 'store'}", "--output")
    stop_after_one_epoch((*arguments, tmp_path / "run"), run)
    resumed = run(*arguments, tmp_path / "run", "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert ", 0 to encode" in resumed.stderr
    assert curve(tmp_path / "run") == pytest.approx(curve(trained(FROZEN).run), rel=1e-3)


def test_a_resumed_run_never_leaves_its_numbers_under_the_name_of_others(config: Path, run: Run, tmp_path: Path):
    """Its weights are those of its checkpoint, here rounded to bfloat16, not those that it was started from once."""
    store = tmp_path / "store"
    arguments = ("train", "--config", config, "--set", f"train.store={store}", "--output", tmp_path / "run")
    stop_after_one_epoch((*arguments, *HALF), run)
    resumed = run(*arguments, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert f"{ENTRIES} to encode" in resumed.stderr
    assert f"{ENTRIES} to encode" in train(config, tmp_path / "exact", store)
    assert len(listed(store)) == 3


@pytest.mark.parametrize("changes", [FROZEN, LAST_BLOCKS, (*LAST_BLOCKS, *HALF)], ids=["frozen", "last_blocks", "half"])
def test_eval_and_predict_take_what_was_trained_from_a_store(
    config: Path, trained: Train, run: Run, tmp_path: Path, changes: tuple[str, ...]
):
    """Two roads to one confusion matrix: sections of the split, and the volume that predict writes."""
    best, amplitude = trained(changes).best, config.with_name("amplitude.sgy")
    scored = run("eval", "--checkpoint", best, "--split", "val", "--json")
    assert scored.exit_code == 0, scored.stderr
    found = json.loads(scored.stdout)
    assert found["voxels"] == 5 * 32 * 40
    assert found["mean_iou"] == pytest.approx(max(curve(trained(changes).run)[2::3]), abs=0.02)
    output = tmp_path / "facies.npy"
    predicted = run("predict", "--checkpoint", best, "--input", amplitude, "--output", output)
    assert predicted.exit_code == 0, predicted.stderr
    assert output.stat().st_size >= 32 * 32 * 40


# --- listing and tidying ------------------------------------------------------------------------------------------


def test_a_list_tells_people_and_programs_the_same(filled: Path, run: Run):
    groups = listed(filled)
    assert len(entries(filled)) == sum(group["sections"] for group in groups)
    group = min(groups, key=lambda each: each["used"])
    assert Path(group["folder"]).parent == filled
    assert group["of"].startswith("inlines of ")
    assert group["of"].endswith("amplitude.sgy")
    assert group["bytes"] == sum(path.stat().st_size for path in Path(group["folder"]).glob("*.npy"))
    assert {"size", "blocks", "precision", "canvas", "fit", "side", "weights"} < set(group["recipe"])
    told = run("embed", "--list", "--store", filled).stdout
    assert {"vit_t,", "float32"} <= set(told.split())  # a long path leaves the column little room
    assert "today" in told
    assert f"{len(groups)} groups" in told


def test_what_was_not_used_for_long_is_removed(config: Path, run: Run, tmp_path: Path):
    store = tmp_path / "store"
    for change in ("input.side=64", "input.side=80"):
        assert run("embed", "--config", config, "--set", f"train.store={store}", "--set", change).exit_code == 0
    [old] = [group for group in listed(store) if group["recipe"]["side"] == 80]
    then = time.time() - 40 * 24 * 3600
    os.utime(Path(old["folder"]) / "recipe.json", (then, then))
    assert "40 days ago" in run("embed", "--list", "--store", store).stdout
    assert run("embed", "--prune", "41", "--store", store).stdout == "nothing was removed\n"
    assert [
        each["folder"] for each in json.loads(run("embed", "--prune", "30", "--store", store, "--json").stdout)
    ] == [old["folder"]]
    assert len(entries(store)) == ENTRIES
    assert "1 group" in run("embed", "--prune", "0", "--store", store).stdout
    assert entries(store) == {}
    assert run("embed", "--list", "--store", store).stdout == "nothing is kept\n"


@pytest.mark.parametrize(
    ("words", "problem", "fix"),
    [
        ((), "embed does one of three things", "one of --config FILE, --list and --prune DAYS"),
        (("--list", "--prune", "3"), "embed does one of three things", "one of --config"),
        (("--config", "CONFIG", "--list"), "embed does one of three things", "one of --config"),
        (("--config", "CONFIG", "--store", "x"), "--store cannot apply to --config", "--set train.store=FOLDER"),
        (("--config", "CONFIG", "--json"), "--json cannot apply to --config", "leave it out"),
        (("--list", "--set", "train.epochs=3"), "--set cannot apply to --list", "leave it out"),
        (("--list", "--batch-size", "3"), "--batch-size cannot apply to --list", "leave it out"),
        (("--prune", "3", "--device", "cpu"), "--device cannot apply to --prune", "leave it out"),
        (
            ("--config", "CONFIG", "--set", "model.encoder=full"),
            "keeps no embeddings: model.encoder: full",
            "model.encoder: frozen or last_blocks",
        ),
        (
            ("--config", "CONFIG", "--set", "train.cache=false"),
            "keeps no embeddings: train.cache: false",
            "leave train.cache out",
        ),
    ],
)
def test_what_cannot_be_done_is_told_with_its_fix(
    config: Path, run: Run, words: tuple[str, ...], problem: str, fix: str
):
    result = run("embed", *(config if word == "CONFIG" else word for word in words))
    assert result.exit_code == 2
    assert problem in result.stderr
    assert fix in result.stderr.partition("fix:")[2]
    assert result.stdout == ""
