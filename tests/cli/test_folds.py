"""Cross-validation over interpreted lines: a run a fold, scored on the lines that it holds out, and all together."""

import csv
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pytest
import torch
import yaml
from lightning.pytorch.callbacks import Callback

from sam_seismic.config import load_config
from sam_seismic.errors import ConfigError
from sam_seismic.inspection.request import InspectRequest
from sam_seismic.listener import Silent
from sam_seismic.report.blocks import Columns
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.tasks.checkpoint import read_checkpoint
from sam_seismic.workflows import train as training
from sam_seismic.workflows.inspect import inspect
from tests.cli.conftest import small_config
from tests.cli.running import Run, hashes, invoke

ROWS = [2, 6, 11, 15, 19, 23, 28, 32, 37]
"""Interpreted inlines, counted from 0; the first has number 100."""
GUESSES = {"majority class", "depth only", "nearest line", "interpolation"}


@pytest.fixture(autouse=True)
def no_pictures_of_scores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam_seismic.workflows.evaluate.draw_evaluation", lambda *_, **__: [])


def written(folder: Path, rows: list[int], **split: Any) -> Path:
    """A configuration of a survey whose labels stand on these inlines."""
    survey = model_survey((40, 32, 48), 1)
    labels = np.full(survey.labels.shape, -1, np.int8)
    labels[rows] = survey.labels[rows]
    write_segy(folder / "a.sgy", survey.amplitude, survey.geometry, format="ieee")
    write_segy(folder / "l.sgy", labels, survey.geometry, format="int8")
    tree: dict[str, Any] = small_config(folder / "a.sgy", folder / "l.sgy", survey.facies.names)
    tree["model"] = {"kind": "vit", "width": 32, "depth": 1, "heads": 2, "dropout": 0, "encoder": "full"}
    tree["data"] |= {"ignore_values": [-1], "every": 1, "split": {"guard": 2} | split}
    path = folder / "folds.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("survey"), ROWS, folds=3)


@pytest.fixture(scope="module")
def done(config: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a cross-validation that nothing interrupted, and what it printed."""
    folder = tmp_path_factory.mktemp("done") / "folds"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sam_seismic.workflows.train.draw_run", lambda *_, **__: None)
        patched.setattr("sam_seismic.workflows.evaluate.draw_evaluation", lambda *_, **__: [])
        result = invoke("train", "--config", config, "--output", folder)
    assert result.exit_code == 0, result.stderr
    return folder, result.stdout


def facts(folder: Path) -> Mapping[str, Any]:
    plain: Mapping[str, Any] = json.loads((folder / "folds.json").read_text())
    return plain


def test_each_interpreted_line_is_scored_once(done: tuple[Path, str]):
    """The pooled confusion is the sum of the folds' and covers all labelled voxels."""
    found = facts(done[0])
    held = [line for fold in found["folds"] for line in fold["held_out"]["inline"]]
    assert held == [100 + row for row in ROWS]
    confusion = np.sum([fold["confusion"] for fold in found["folds"]], axis=0)
    assert found["pooled"]["confusion"] == confusion.tolist()
    assert found["pooled"]["voxels"] == len(ROWS) * 32 * 48 == confusion.sum()
    assert set(found["guesses"]) == GUESSES
    assert all(each["pooled"]["voxels"] == confusion.sum() for each in found["guesses"].values())


def test_mean_and_spread_are_those_of_the_folds(done: tuple[Path, str]):
    """Of the networks, their classes and the guesses; the standard deviation is that of a sample."""
    found = facts(done[0])
    scores = [json.loads((done[0] / f"fold-{k}" / "test" / "metrics.json").read_text()) for k in (1, 2, 3)]
    values = [each["mean_iou"] for each in scores]
    assert found["over_folds"]["mean_iou"] == {
        "mean": pytest.approx(np.mean(values)), "std": pytest.approx(np.std(values, ddof=1)), "folds": 3
    }  # fmt: skip
    for name, spread in found["over_folds"]["iou"].items():
        assert spread["mean"] == pytest.approx(np.mean([each["iou"][name] for each in scores]))
    guess = [each["guesses"]["depth only"]["mean_iou"] for each in scores]
    assert found["guesses"]["depth only"]["over_folds"]["mean_iou"]["mean"] == pytest.approx(np.mean(guess))
    with (done[0] / "folds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["fold"] for row in rows] == ["1", "2", "3", "mean", "std", "pooled"]
    assert float(rows[3]["mean_iou"]) == pytest.approx(np.mean(values), abs=1e-6)
    assert float(rows[4]["guess/depth only/mean_iou"]) == pytest.approx(np.std(guess, ddof=1), abs=1e-6)
    assert rows[1]["held_out"] == "3 inlines 115-123 step 4"
    (row,) = [line.split() for line in done[1].splitlines() if line.strip().startswith("mean IoU")]
    expected = [*values, np.mean(values), np.std(values, ddof=1), found["pooled"]["mean_iou"]]
    assert row[2:] == [f"{value:.3f}" for value in expected]


def test_a_fold_is_a_run_like_any_other(done: tuple[Path, str], run: Run):
    """`eval`, `inspect` and `status` work on it alone: its configuration names the fold."""
    fold = done[0] / "fold-2"
    assert {"config.yaml", "checkpoints", "metrics.csv", "status.json", "test"} <= {
        path.name for path in fold.iterdir()
    }
    split = load_config(fold / "config.yaml").data.split
    assert (split.folds, split.fold) == (3, 2)
    scored = run("eval", "--checkpoint", fold / "checkpoints" / "best.ckpt", "--device", "cpu", "--json")
    assert json.loads(scored.stdout)["confusion"] == facts(done[0])["folds"][1]["confusion"]
    inspected = json.loads(run("inspect", fold / "config.yaml", "--json").stdout)
    assert "folds" not in inspected
    assert inspected["parts"]["test"].startswith("3 inlines 115-123 step 4")
    states = json.loads(run("status", done[0], "--json").stdout)
    assert [(Path(each["run"]).name, each["state"]) for each in states] == [
        (f"fold-{k}", "finished") for k in (1, 2, 3)
    ]


class Interrupts(Callback):
    """Ctrl-C at the start of the second epoch."""

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.follows("workflows/cross_validate.py", "to go on there, give the same command with --resume")
def test_a_stopped_cross_validation_goes_on_in_its_fold(
    config: Path, done: tuple[Path, str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It ends as one that nothing stopped: the first fold is not trained again, the second goes on after its epoch."""
    folder, make = tmp_path / "folds", training.training_trainer

    def interrupted(config: Any, run_folder: Any, *given: Any, **named: Any) -> lightning.Trainer:
        trainer = make(config, run_folder, *given, **named)
        trainer.callbacks += [Interrupts()] if run_folder.path.name == "fold-2" else []  # type: ignore[attr-defined]
        return trainer

    command = ("train", "--config", config, "--output", folder)
    with monkeypatch.context() as patched:
        patched.setattr(training, "training_trainer", interrupted)
        stopped = run(*command)
    assert stopped.exit_code == 2
    assert "fold 2 of 3: " in stopped.stderr
    assert "fold-2: interrupted in epoch 2" in stopped.stderr
    assert "give the same command with --resume" in stopped.stderr
    assert not (folder / "folds.json").exists()
    assert run(*command).exit_code == 2
    first = hashes(folder / "fold-1")
    resumed = run(*command, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert hashes(folder / "fold-1") == first
    assert "fold-1: finished already" in resumed.stderr
    assert "fold-1/test: scored already" in resumed.stderr
    assert json.loads((folder / "fold-2" / "status.json").read_text())["restarts"] == 1
    for mine, other in zip(facts(folder)["folds"], facts(done[0])["folds"], strict=True):
        assert mine["confusion"] == other["confusion"], mine["fold"]
    assert facts(folder)["pooled"] == facts(done[0])["pooled"]


def test_more_epochs_are_scored_again(config: Path, run: Run, tmp_path: Path):
    """Of an element of an array only its own fold; the scores of all are written by the last one that is scored."""
    folder = tmp_path / "folds"
    for element in (2, 0, 1):
        result = CliElement(run, element)("train", "--config", config, "--output", folder, "--set", "train.epochs=1")
        assert result.exit_code == 0, result.stderr
        told = {2: "left: 1, 2", 0: "left: 2", 1: ""}[element]
        assert told in result.stderr
        assert (folder / f"fold-{element + 1}" / "checkpoints" / "last.ckpt").is_file()
        assert (folder / "folds.json").exists() == (element == 1)
    before = facts(folder)["pooled"]["confusion"]
    again = run("train", "--config", config, "--output", folder, "--resume", "--json")
    assert again.exit_code == 0, again.stderr
    found = json.loads(again.stdout)
    assert found == facts(folder)
    assert found["pooled"]["confusion"] != before


class CliElement:
    """Runs commands as an element of a Slurm array."""

    def __init__(self, run: Run, element: int) -> None:
        self._run, self._element = run, str(element)

    def __call__(self, *words: str | Path) -> Any:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("SLURM_ARRAY_TASK_ID", self._element)
            return self._run(*words)


@pytest.mark.follows("workflows/cross_validate.py", "submit --array=0-{}")
def test_an_element_without_a_fold_is_told_how_many_there_are(config: Path, run: Run, tmp_path: Path):
    beyond = CliElement(run, 3)("train", "--config", config, "--output", tmp_path / "folds")
    assert beyond.exit_code == 2
    assert "element 3 of the array has no fold: there are 3" in beyond.stderr
    (last,) = re.findall(r"--array=0-(\d)", beyond.stderr)
    told = CliElement(run, int(last))("train", "--config", config, "--output", tmp_path / "folds", "--resume")
    assert "no fold with checkpoints/last.ckpt" in told.stderr


@pytest.mark.follows("report/metrics_file.py", "remove it, and give the same command again with --resume")
def test_damaged_scores_of_a_fold_are_made_again(config: Path, done: tuple[Path, str], run: Run, tmp_path: Path):
    folder = tmp_path / "folds"
    shutil.copytree(done[0], folder)
    metrics = folder / "fold-2" / "test" / "metrics.json"
    metrics.write_text(metrics.read_text()[:40])
    command = ("train", "--config", config, "--output", folder, "--resume")
    told = run(*command)
    assert told.exit_code == 2
    assert f"{metrics}: the scores cannot be read (JSONDecodeError" in told.stderr.replace("\n", "")
    metrics.unlink()
    again = run(*command)
    assert again.exit_code == 0, again.stderr
    assert again.stderr.count("scored already") == 2
    assert facts(folder)["pooled"] == facts(done[0])["pooled"]


@pytest.mark.follows("workflows/cross_validate.py", "submit it with --nodes 1 --gpus 1")
def test_several_tasks_of_a_job_are_refused(config: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each fold trains on one device; an array trains the folds at the same time."""
    job = {"JOB_ID": "7", "STEP_ID": "0", "PROCID": "0", "NTASKS": "2", "NNODES": "1"}
    with monkeypatch.context() as patched:
        for name, value in job.items():
            patched.setenv(f"SLURM_{name}", value)
        refused = run("train", "--config", config, "--output", tmp_path / "folds")
    assert refused.exit_code == 2
    assert "Slurm granted 2 tasks" in refused.stderr
    options = re.findall(r"--\w+ \d", refused.stderr)
    words = [word for option in options for word in option.split()]
    submitted = run("submit", *words, "--dry-run", "train", "--config", config, "--output", tmp_path / "folds",
                    "--set", "trainer.accelerator=auto")  # fmt: skip
    assert "#SBATCH --array=0,1,2" in submitted.stdout, submitted.stderr
    assert "#SBATCH --ntasks-per-node=1" in submitted.stdout


def test_submit_makes_an_array_of_the_folds_that_are_left(
    config: Path, done: tuple[Path, str], run: Run, tmp_path: Path
):
    fresh = run("submit", "--gpus", "0", "--dry-run", "train", "--config", config, "--output", tmp_path / "folds")
    assert "#SBATCH --array=0,1,2" in fresh.stdout, fresh.stderr
    assert not (tmp_path / "folds").exists()
    finished = run("submit", "--gpus", "0", "--dry-run", "train", "--config", config, "--output", done[0])
    assert "all of these runs are finished" in finished.stderr
    tasks = run("submit", "--gpus", "2", "--dry-run", "train", "--config", config, "--output", tmp_path / "folds")
    assert "a cross-validation runs as one task, but the job asks for 2" in tasks.stderr


def test_inspect_lists_the_lines_of_each_fold(config: Path):
    inspected = inspect(InspectRequest(config), Silent())
    found = inspected.facts
    assert [each["test"] for each in found["folds"]] == [
        "3 inlines 102, 106, 111", "3 inlines 115-123 step 4", "3 inlines 128, 132, 137"
    ]  # fmt: skip
    assert found["folds"][1]["train"] == "5 inlines 102, 106, 111, 128, 132"
    assert found["folds"][1]["val"] == "1 inline 137"
    assert any(each.startswith("fold 3: IL 102 is the only line of val") for each in found["warnings"])
    table = inspected.blocks[1]
    assert isinstance(table, Columns)
    assert table.rows[2] == ("3", found["folds"][2]["test"], "1 inline 102", found["folds"][2]["train"])
    assert table.note == "What follows is of fold 1; all 3 together take about 3 times as long."


def test_the_stores_of_all_folds_are_filled(config: Path, run: Run, tmp_path: Path):
    """Each fold has its own scale of amplitudes, fitted on its training lines, and so its own embeddings."""
    store = tmp_path / "store"
    kept = ["model={size: vit_t, weights: random, encoder: frozen}", f"train.store={store}", "input.flip=0"]
    words = [word for each in kept for word in ("--set", each)]
    filled = run("embed", "--config", config, "--device", "cpu", *words)
    assert filled.exit_code == 0, filled.stderr
    listed = json.loads(run("embed", "--list", "--store", store, "--json").stdout)
    assert [each["sections"] for each in listed] == [6, 6, 6]
    assert len({each["recipe"]["clip"] for each in listed}) == 3


@pytest.mark.follows("runs/folds_folder.py", "choose another --output")
@pytest.mark.follows("runs/folds_folder.py", "give a folder as --output")
@pytest.mark.follows("workflows/cross_validate.py", "leave --resume out")
@pytest.mark.follows("workflows/cross_validate.py", "--set trainer.devices=1 --set trainer.num_nodes=1")
def test_what_cannot_be_cross_validated_is_refused_before_it_begins(
    config: Path, done: tuple[Path, str], run: Run, tmp_path: Path
):
    def refused(*more: str | Path, output: Path = tmp_path / "folds") -> str:
        result = run("train", "--config", config, "--output", output, *more)
        assert result.exit_code == 2, result.stderr
        return result.stderr

    (tmp_path / "file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").touch()
    assert "is a file" in refused(output=tmp_path / "file")
    assert "holds files that are no folds: notes.txt" in refused(output=tmp_path / "other")
    assert "holds the run of one network" in refused(output=done[0] / "fold-1")
    assert "fold-1: holds files already" in refused(output=done[0])
    assert "exclude each other" in refused("--resume", "--overwrite")
    assert "no fold with checkpoints/last.ckpt to go on from" in refused("--resume")
    several = refused("--set", "trainer.devices=2")
    assert "ask for more" in several
    assert "trainer.devices=1" in several
    assert not (tmp_path / "folds").exists()


def test_eval_of_a_cross_validation_names_its_networks(done: tuple[Path, str], run: Run):
    refused = run("eval", "--checkpoint", done[0])
    assert refused.exit_code == 2
    (path,) = re.findall(r"give one of them: (\S+);", refused.stderr.replace("\n", ""))
    assert read_checkpoint(path)[0].data.split.fold == 1


@pytest.mark.follows("inspection/label_fixes.py", "hold out one line at a time, data.split.folds: lines")
def test_a_class_that_a_fold_never_sees_is_told_with_its_number(run: Run, tmp_path: Path):
    """Before anything is trained; with one line at a time the training lines of each fold hold it."""
    path = written(tmp_path, [2, 6, 22, 26], folds=2, val=0)
    survey = model_survey((40, 32, 48), 1)
    labels = np.full(survey.labels.shape, -1, np.int8)
    labels[[2, 6, 22, 26]] = survey.labels[[2, 6, 22, 26]]
    salt = survey.facies.names.index("salt")
    labels[[22, 26]] = np.where(labels[[22, 26]] == salt, 0, labels[[22, 26]])
    write_segy(tmp_path / "l.sgy", labels, survey.geometry, format="int8")
    refused = run("train", "--config", path, "--output", tmp_path / "folds")
    assert refused.exit_code == 2
    assert "fold 1: " in refused.stderr
    assert "hold no voxel of class salt" in refused.stderr
    assert not (tmp_path / "folds").exists()
    (word,) = re.findall(r"data\.split\.folds: (\w+)", refused.stderr)
    inspected = run("inspect", written_again(path, folds=word), "--json")
    assert inspected.exit_code == 0, inspected.stderr
    assert not [each for each in json.loads(inspected.stdout)["warnings"] if "hold no voxel" in each]


def written_again(path: Path, **split: Any) -> Path:
    tree = yaml.safe_load(path.read_text())
    tree["data"]["split"] |= split
    path.write_text(yaml.safe_dump(tree))
    return path


@pytest.mark.usefixtures("pictures")
def test_without_validation_the_last_weights_are_kept(run: Run, tmp_path: Path):
    """Also where validation would come every other epoch only; the run can be resumed."""
    path = written(tmp_path, [2, 11, 20], folds="lines", val=0)
    command = ("train", "--config", path, "--output", tmp_path / "run", "--set", "data.split.fold=2")
    result = run(*command, "--set", "trainer.val_every_epochs=2")
    assert result.exit_code == 0, result.stderr
    assert "data.split.val: 0: it trains for all of train.epochs" in result.stderr
    assert {path.name for path in (tmp_path / "run" / "report").iterdir()} == {
        "learning_curve.png",
        "facies.png",
        "report.html",
    }
    for more in ((), ("--resume", "--set", "train.epochs=3")):
        if more:
            assert run(*command, *more).exit_code == 0
        best, last = (
            read_checkpoint(tmp_path / "run" / "checkpoints" / f"{name}.ckpt")[1] for name in ("best", "last")
        )
        assert best["epoch"] == last["epoch"] == (2 if more else 1)
        assert all(torch.equal(best["state_dict"][name], weight) for name, weight in last["state_dict"].items())
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        assert not [name for name in next(csv.reader(file)) if name.startswith("val_")]


def test_patience_needs_validation(tmp_path: Path):
    path = written(tmp_path, [2, 11, 20], folds="lines", val=0)
    assert load_config(path).data.split.has_all_folds
    with pytest.raises(ConfigError, match=r"patience counts validations, and cannot apply to data\.split\.val: 0"):
        load_config(path, ["train.patience=3"])
