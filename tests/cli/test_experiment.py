"""`experiment` runs each cell once, whatever happens in between, and its table has the numbers of the cells."""

import csv
import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from sam_seismic.config.cells import load_experiment
from sam_seismic.runs.cell_folder import CellFacts, CellFolder, folders_of
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.workflows import experiment
from tests.cli.running import Made, Run, invoke
from tests.cli.test_stopping import ACTING, SHARING, signalled
from tests.docs.pages import ROOT, commands, fences
from tests.programs import completed

SHIPPED = Path(__file__).parents[2] / "configs" / "experiments" / "synthetic.yaml"
NO_PICTURES = """
import sam_seismic.workflows.train, sam_seismic.workflows.evaluate, sam_seismic.runs.cell_results
sam_seismic.workflows.train.draw_run = lambda *_, **__: None
sam_seismic.workflows.evaluate.draw_evaluation = lambda *_, **__: []
sam_seismic.runs.cell_results.draw_experiment = lambda *_, **__: []
"""


@pytest.fixture(autouse=True)
def fewer_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr("sam_seismic.workflows.evaluate.draw_evaluation", lambda *_, **__: [])
        monkeypatch.setattr("sam_seismic.runs.cell_results.draw_experiment", lambda *_, **__: [])


def cut_down(folder: Path, **keys: Any) -> Path:
    """The shipped synthetic experiment: two methods on a smaller survey, with one seed and one epoch."""
    plan = yaml.safe_load(SHIPPED.read_text())
    plan["base"]["data"] |= {"synthetic": {"shape": [40, 32, 32], "seed": 1}, "every": 4}
    plan["base"] |= {"input": {"fit": "pad", "side": 64, "canvas": "tight"}, "trainer": {"accelerator": "cpu"}}
    plan["base"]["train"] |= {"epochs": 1, "batch_size": 2}
    plan["base"]["data"]["split"] = {"along": "inline", "val": 0.1, "test": 0.1, "guard": 2}
    methods = {name: plan["methods"][name] for name in ("frozen", "full")}
    plan |= {"methods": methods, "seeds": [0], "output": str(folder / "out")}
    del plan["share"], plan["equal_steps"]
    path = folder / "cut.yaml"
    path.write_text(yaml.safe_dump(plan | keys, sort_keys=False))
    return path


def cells(path: Path) -> dict[str, CellFolder]:
    return {folder.cell.name: folder for folder in folders_of(load_experiment(path))}


def states(path: Path) -> dict[str, str]:
    return {name: folder.state() for name, folder in cells(path).items()}


def rows(path: Path) -> list[dict[str, str]]:
    with (path / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Of each file: its inode and when it was changed."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def trained_at_once(folder: CellFolder, _: object) -> None:
    """What a cell leaves, in place of `_run_cell`, for tests of the order in which cells are taken."""
    RunFolder(folder.path).write_config(folder.cell.config)
    scores = FaciesScores(("sand", "salt"), np.array([[3, 1], [0, 4]]))
    for path in folder.evaluations.values():
        path.mkdir(parents=True, exist_ok=True)
        (path / "metrics.json").write_text(json.dumps(scores.as_dict()))
    folder.mark_done(CellFacts(10, 2.0, 0.0, 1, "cpu", "0", "0"))


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "_run_cell", trained_at_once)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment that was killed in its second cell, and gone on with: its YAML."""
    folder = tmp_path_factory.mktemp("experiment")
    config = cut_down(
        folder, common={"train.epochs": 2}, seeds=[0, 1], cross={"other": {"config": "other.yaml", "rescale": True}}
    )
    other = yaml.safe_load(config.read_text())["base"]
    other["data"]["synthetic"]["seed"] = 2
    (folder / "other.yaml").write_text(yaml.safe_dump(other))
    steps = 4  # of an epoch: 28 training lines, every fourth, two a step
    killing = ACTING.format(what="training_step", at=2 * steps + steps + 2, act="os.kill(os.getpid(), 9)")
    words = ["experiment", "--config", config]
    killed = completed(words, before=NO_PICTURES + SHARING.format(share="inf") + killing)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert list(states(config).values()) == ["done", "stopped", "waiting", "waiting"]
    first, second = list(cells(config).values())[:2]
    assert (second.path / "checkpoints" / "last.ckpt").is_file()
    before = stamps(first.path)
    ended = completed(words, before=NO_PICTURES)
    assert ended.returncode == 0, ended.stderr
    assert stamps(first.path) == before, "a finished cell never runs again"
    status = second.status
    assert status is not None
    assert status.restarts == 1, "it went on from its checkpoint"
    return config


def test_it_goes_on_after_a_kill_and_all_cells_are_done(finished: Path):
    assert set(states(finished).values()) == {"done"}
    for folder in cells(finished).values():
        names = {path.name for path in folder.path.iterdir()}
        assert {"config.yaml", "checkpoints", "metrics.csv", "status.json", "cell.json", "evaluation"} <= names
        assert not folder.error.exists()


def test_a_cell_that_was_killed_ends_as_one_that_was_not(finished: Path, tmp_path: Path, run: Run):
    """The second cell alone, undisturbed."""
    config = cut_down(tmp_path, common={"train.epochs": 2}, methods={"full": {"model.encoder": "full"}})
    assert run("experiment", "--config", config).exit_code == 0
    (alone,) = cells(config).values()
    table = (cells(finished)["full_seed-0"].path / "metrics.csv").read_text()
    assert (alone.path / "metrics.csv").read_text() == table


def test_given_again_it_runs_nothing(finished: Path, run: Run):
    before = {name: stamps(folder.path) for name, folder in cells(finished).items()}
    again = run("experiment", "--config", finished)
    assert again.exit_code == 0
    assert "0 of 4 cells were run now" in again.stderr
    assert {name: stamps(folder.path) for name, folder in cells(finished).items()} == before


def test_the_csv_has_the_numbers_of_the_cells(finished: Path):
    found = rows(finished.parent / "out")
    for name, folder in cells(finished).items():
        for where, path in folder.evaluations.items():
            metrics = json.loads((path / "metrics.json").read_text())
            mine = [row for row in found if (row["cell"], row["evaluated_on"], row["kind"]) == (name, where, "network")]
            by_metric = {(row["metric"], row["class"]): row["value"] for row in mine}
            assert len(by_metric) == len(mine), "one observation a row"
            for metric in ("mean_iou", "pixel_accuracy", "frequency_weighted_iou", "mean_class_accuracy"):
                assert float(by_metric[metric, ""]) == metrics[metric]
            for facies, value in metrics["iou"].items():
                assert by_metric["iou", facies] == ("" if value is None else str(value))
            assert {row["seed"] for row in mine} == {str(folder.cell.seed)}
            facts = folder.facts()
            assert {row["trainable_parameters"] for row in mine} == {str(facts.trainable_parameters)}
            assert facts.train_seconds > 0


def test_guesses_are_methods_and_stand_once(finished: Path):
    """They do not depend on seed or method."""
    guesses = [row for row in rows(finished.parent / "out") if row["kind"] == "guess"]
    assert {row["method"] for row in guesses} >= {"guess: majority class", "guess: depth only"}
    counts = Counter((row["method"], row["evaluated_on"], row["metric"], row["class"]) for row in guesses)
    assert set(counts.values()) == {1}
    assert {row["seed"] for row in guesses} == {""}


def test_frozen_cells_share_their_embeddings_and_train_fewer_parameters(finished: Path):
    facts = {name: folder.facts() for name, folder in cells(finished).items()}
    assert facts["frozen_seed-0"].trainable_parameters < facts["full_seed-0"].trainable_parameters
    assert facts["full_seed-0"].encode_seconds == 0


def test_table_and_status_tell_means_and_deviations(finished: Path, run: Run):
    page = (finished.parent / "out" / "table.md").read_text()
    assert "## Scored on test (inlines)" in page
    assert "## Scored on other (inlines)" in page
    assert "| frozen - full | 2 |" in page
    assert "n/a: fewer than 6 pairs that differ" in page
    told = run("experiment", "--config", finished, "--status")
    assert told.exit_code == 0, told.stderr
    assert "4 done, 0 running, 0 stopped, 0 failed, 0 waiting" in told.stdout
    assert " ± " in told.stdout
    listed = json.loads(run("experiment", "--config", finished, "--status", "--json").stdout)
    scores = {each["cell"]: each["mean_iou"] for each in listed}
    metrics = cells(finished)["full_seed-1"].path / "evaluation" / "metrics.json"
    assert scores["full_seed-1"] == json.loads(metrics.read_text())["mean_iou"]


@pytest.mark.usefixtures("instant")
@pytest.mark.follows("workflows/experiment.py", "change the YAML back, give another --output, or add --overwrite")
def test_a_changed_experiment_is_refused_before_anything_runs(run: Run, tmp_path: Path):
    config = cut_down(tmp_path)
    assert run("experiment", "--config", config).exit_code == 0
    cut_down(tmp_path, common={"train.learning_rate": 0.01})
    refused = run("experiment", "--config", config)
    assert refused.exit_code == 2
    assert "2 of 2 cells were made with another configuration" in refused.stderr
    assert "frozen_seed-0: train.learning_rate: 0.0004 in the cell, now 0.01" in refused.stderr
    assert "changed since: train.learning_rate" in run("experiment", "--config", config, "--dry-run").stdout
    (old, _) = cells(config).values()
    assert "learning_rate: 0.0004" in (old.path / "config.yaml").read_text(), "nothing was touched"
    assert run("experiment", "--config", config, "--output", tmp_path / "new", "--dry-run").exit_code == 0
    assert run("experiment", "--config", config, "--overwrite").exit_code == 0
    assert set(states(config).values()) == {"done"}
    assert "learning_rate: 0.01" in (old.path / "config.yaml").read_text()
    cut_down(tmp_path)
    assert run("experiment", "--config", config).exit_code == 2, "changed back, these cells are the changed ones"


@pytest.mark.follows("cli/experiment.py", "give the same command with --retry-failed")
def test_a_failed_cell_is_reported_and_the_rest_go_on(run: Run, tmp_path: Path):
    """Its initial weights do not exist; later they do."""
    weights = tmp_path / "init.ckpt"
    config = cut_down(tmp_path, methods={"broken": {"model.encoder": "full", "model.init_from": str(weights)},
                                         "full": {"model.encoder": "full"}})  # fmt: skip
    failed = run("experiment", "--config", config)
    assert failed.exit_code == 2
    assert "1 cells failed:\n  broken_seed-0: " in failed.stderr
    assert str(weights) in failed.stderr
    assert states(config) == {"broken_seed-0": "failed", "full_seed-0": "done"}
    broken, full = cells(config).values()
    assert str(weights) in broken.error.read_text()
    assert "fix: " in broken.error.read_text()
    assert "1 failed" in run("experiment", "--config", config, "--status").stdout

    before = stamps(full.path)
    assert run("experiment", "--config", config).exit_code == 2, "it is not tried again by itself"
    weights.write_bytes((full.path / "checkpoints" / "best.ckpt").read_bytes())
    assert run("experiment", "--config", config, "--retry-failed").exit_code == 0
    assert set(states(config).values()) == {"done"}
    assert stamps(full.path) == before


def test_a_fault_of_ours_leaves_its_traceback_and_the_rest_go_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def broken(folder: CellFolder, listener: object) -> None:
        if folder.cell.method == "frozen":
            raise ZeroDivisionError("ours")
        trained_at_once(folder, listener)

    monkeypatch.setattr(experiment, "_run_cell", broken)
    config = cut_down(tmp_path)
    failed = run("experiment", "--config", config)
    assert failed.exit_code == 2
    assert "frozen_seed-0: ZeroDivisionError: ours" in failed.stderr
    assert "Traceback" in cells(config)["frozen_seed-0"].error.read_text()
    assert states(config)["full_seed-0"] == "done"


@pytest.mark.usefixtures("instant")
def test_another_process_takes_other_cells(run: Run, tmp_path: Path):
    config = cut_down(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "experiment.yaml").touch()
    frozen, full = cells(config).values()
    with frozen.taken() as ours, frozen.taken() as again:
        assert ours
        assert not again
        assert frozen.state() == "running"
        told = run("experiment", "--config", config)
        assert told.exit_code == 0, told.stderr
        assert "1 of 2 cells were run now" in told.stderr
        assert "other processes run frozen_seed-0" in told.stdout
    assert (frozen.state(), full.state()) == ("waiting", "done")


@pytest.mark.usefixtures("instant")
def test_an_element_of_an_array_begins_with_its_own_cell(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    config = cut_down(tmp_path)
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    told = run("experiment", "--config", config)
    assert told.exit_code == 0, told.stderr
    assert told.stderr.index("cell 2 of 2: full_seed-0") < told.stderr.index("cell 1 of 2: frozen_seed-0")


def test_a_signal_stops_it_as_it_stops_a_training(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    config = cut_down(tmp_path)
    with signalled("training_step", signal.SIGTERM, at=2):
        stopped = run("experiment", "--config", config)
    assert stopped.exit_code == 2
    assert "cell frozen_seed-0: " in stopped.stderr
    assert "stopped by SIGTERM after step 2" in stopped.stderr
    assert states(config) == {"frozen_seed-0": "stopped", "full_seed-0": "waiting"}
    assert run("experiment", "--config", config).exit_code == 0
    assert set(states(config).values()) == {"done"}


def test_scores_that_are_added_later_do_not_train_again(run: Run, tmp_path: Path):
    config = cut_down(tmp_path, methods={"full": {"model.encoder": "full"}}, keep_last=False)
    assert run("experiment", "--config", config).exit_code == 0
    (cell,) = cells(config).values()
    assert not (cell.path / "checkpoints" / "last.ckpt").exists()
    best = stamps(cell.path / "checkpoints")
    cut_down(tmp_path, methods={"full": {"model.encoder": "full"}}, keep_last=False, evaluate={"split": "val"})
    assert states(config) == {"full_seed-0": "stopped"}
    assert run("experiment", "--config", config).exit_code == 0
    assert states(config) == {"full_seed-0": "done"}
    assert stamps(cell.path / "checkpoints") == best
    assert {row["evaluated_on"] for row in rows(tmp_path / "out")} == {"val"}


def test_one_facies_against_the_rest(run: Run, tmp_path: Path):
    config = cut_down(tmp_path, methods={"full": {"model.encoder": "full"}}, facies=["salt"])
    assert run("experiment", "--config", config).exit_code == 0
    found = rows(tmp_path / "out")
    assert {row["facies"] for row in found} == {"salt"}
    assert {row["class"] for row in found} == {"", "rest", "salt"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--status", "--dry-run"), "--status and --dry-run exclude each other"),
        (("--status", "--overwrite"), "--overwrite cannot apply where nothing is run"),
        (("--dry-run", "--retry-failed"), "--retry-failed cannot apply where nothing is run"),
        (("--json",), "--json cannot apply without --status or --dry-run"),
    ],
)
def test_options_that_cannot_apply_are_refused(run: Run, tmp_path: Path, words: tuple[str, ...], problem: str):
    refused = run("experiment", "--config", cut_down(tmp_path), *words)
    assert refused.exit_code == 2
    assert problem in refused.stderr


@pytest.mark.usefixtures("instant")
@pytest.mark.follows("workflows/experiment.py", "choose another --output")
@pytest.mark.follows("workflows/experiment.py", "give a folder as --output")
def test_a_folder_of_something_else_is_refused(run: Run, tmp_path: Path):
    config = cut_down(tmp_path)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "notes.txt").touch()
    refused = run("experiment", "--config", config, "--output", tmp_path / "theirs")
    assert "holds files, but no experiment" in refused.stderr
    refused = run("experiment", "--config", config, "--output", config)
    assert "is a file" in refused.stderr
    assert run("experiment", "--config", config, "--output", tmp_path / "ours").exit_code == 0
    assert (tmp_path / "ours" / "results.csv").is_file()


def test_surveys_are_opened_before_the_first_cell(run: Run, tmp_path: Path):
    config = cut_down(tmp_path, facies=["all", "slat"])
    refused = run("experiment", "--config", config)
    assert refused.exit_code == 2
    assert "data.against_rest: slat" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_another_survey_must_have_the_same_classes(made: Made, run: Run, tmp_path: Path):
    data = yaml.safe_load(made.config.read_text())
    data["data"] |= {"classes": ["a", "b"], "label_values": [0, 1], "ignore_values": [2, 3, 4, 5]}
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(data))
    config = cut_down(tmp_path, cross={"two": {"config": "two.yaml"}})
    refused = run("experiment", "--config", config)
    assert refused.exit_code == 2
    assert "the survey has 2 (a, b)" in refused.stderr


@pytest.mark.follows("config/cells.py", "train it: sam-seismic train --config {}")
def test_the_configuration_of_one_run_is_told(made: Made, run: Run, tmp_path: Path):
    refused = run("experiment", "--config", made.config)
    assert refused.exit_code == 2
    assert f"fix: train it: sam-seismic train --config {made.config}" in refused.stderr
    small = ("--set", "train.epochs=1", "--output", tmp_path / "run")
    assert run("train", "--config", made.config, *small).exit_code == 0


@pytest.mark.usefixtures("pictures")
def test_pictures_are_drawn(tmp_path: Path, run: Run):
    config = cut_down(tmp_path, methods={"full": {"model.encoder": "full"}})
    told = run("experiment", "--config", config)
    assert told.exit_code == 0, told.stderr
    plots = tmp_path / "out" / "plots"
    assert {path.name for path in plots.iterdir()} == {"share.png", "classes.png", "cost.png"}
    assert str(plots / "share.png") in told.stdout
    assert os.path.getsize(plots / "share.png") > 10_000  # noqa: PTH202


def test_it_is_submitted_as_an_array(run: Run, tmp_path: Path):
    config = cut_down(tmp_path)
    told = invoke("submit", "--dry-run", "--gpus", "0", "--array", "0-3", "experiment", "--config", config)
    assert told.exit_code == 0, told.stderr
    assert "#SBATCH --array=0-3" in told.stdout
    assert f"set -- experiment --config {config}" in told.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.follows("workflows/submit.py", "--retry-failed runs cells again that failed")
def test_nothing_is_submitted_where_nothing_is_left(run: Run, tmp_path: Path):
    weights = tmp_path / "init.ckpt"
    config = cut_down(tmp_path, methods={"broken": {"model.encoder": "full", "model.init_from": str(weights)}})
    words = ("submit", "--dry-run", "--gpus", "0", "experiment", "--config", config)
    refused = run(*words, "--status")
    assert "take seconds, and are not submitted" in refused.stderr
    run("experiment", "--config", config)
    refused = run(*words)
    assert refused.exit_code == 2
    assert "no cell is left to run" in refused.stderr
    assert str(weights) in run(*words, "--retry-failed").stderr, "it is checked again"


def test_what_the_page_says_can_be_typed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its commands, without running the cells, and its YAML, beside the shipped configurations."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    tried = commands("docs/experiments.md", "")
    assert len(tried) == 3
    for words in tried:
        only_looks = {"--status", "--dry-run"} & set(words)
        assert run(*words, *([] if only_looks else ["--dry-run"])).exit_code == 0
    (text,) = (text for kind, text in fences("docs/experiments.md") if kind == "yaml")
    plan = yaml.safe_load(text)
    plan["base"] = str(ROOT / "configs" / "f3.yaml")
    plan["cross"]["seam_ai"]["config"] = str(ROOT / "configs" / "seam_ai.yaml")
    (tmp_path / "page.yaml").write_text(yaml.safe_dump(plan))
    assert len(load_experiment("page.yaml").cells) == 2 * 3 * 3 * 2 * 2
