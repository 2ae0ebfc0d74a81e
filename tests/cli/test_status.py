"""`status` tells of a run from its folder alone, and tells a dead run from one that is under way."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sam_seismic.cli.status import duration
from sam_seismic.files.processes import birth_of
from sam_seismic.runs.status import RunStatus, read_status, write_status
from tests.cli.running import Made, Run

HALFWAY = RunStatus("training", host="node1", epoch=3, epochs=10, step=250, steps=1000, checkpoint=200, pace=2.0)


def test_a_finished_run(made: Made, run: Run, tmp_path: Path):
    shutil.copy(made.run / "status.json", tmp_path)
    found = json.loads(run("status", tmp_path, "--json").stdout)[0]
    assert found["state"] == "finished"
    assert (found["epoch"], found["epochs"], found["step"], found["steps"], found["checkpoint"]) == (2, 2, 6, 6, 6)
    assert found["seconds_left"] == 0
    assert found["silent_for"] is None
    assert 0 < found["pace"] < found["noted"] - found["begun"]


@pytest.mark.parametrize(("ago", "state"), [(10, "training"), (130, "no news for 2 min")])
def test_a_run_under_way(run: Run, tmp_path: Path, ago: float, state: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "140")
    write_status(tmp_path / "status.json", replace(HALFWAY, noted=time.time() - ago))
    told = run("status", tmp_path).stdout
    assert state in told
    for fact in ("3/10", "250/1,000", "25 min", "200", "node1"):
        assert fact in told


def test_a_stopped_run_fits_a_terminal(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Columns that no run has anything to tell in are left out, and no word is broken."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    write_status(Path("run") / "status.json", replace(HALFWAY, state="stopped"))
    head, row = (
        line.split() for line in run("status", "run").stdout.splitlines() if "run" in line or "stopped" in line
    )
    assert head == ["run", "state", "epoch", "step", "s/step", "checkpoint", "restarts", "host"]
    assert row == ["run", "stopped", "3/10", "250/1,000", "2", "200", "0", "node1"]


def test_a_failure_says_why(run: Run, tmp_path: Path):
    write_status(tmp_path / "status.json", replace(HALFWAY, state="failed", why="the disk is full"))
    assert f"{tmp_path}: the disk is full" in run("status", tmp_path).stdout


def test_what_is_no_run_is_refused(run: Run, tmp_path: Path):
    assert "there is no such folder" in run("status", tmp_path / "none").stderr
    told = run("status", tmp_path)
    assert told.exit_code == 2
    assert "holds no status.json" in told.stderr
    for text in ("{", "[1]", '{"state": 5}', '{"state": "training", "epoch": "x"}', '{"state": "training", "x": 1}'):
        (tmp_path / "status.json").write_text(text)
        damaged = run("status", tmp_path)
        assert damaged.exit_code == 2
        assert "not a status that this version wrote" in damaged.stderr


def test_a_resumed_run_counts_its_restarts(made: Made, run: Run, tmp_path: Path):
    folder = tmp_path / "run"
    shutil.copytree(made.run, folder)
    more = ("--resume", "--set", "train.epochs=3")
    assert run("train", "--config", made.config, "--output", folder, *more).exit_code == 0
    now = read_status(folder / "status.json")
    assert now is not None
    assert (now.state, now.restarts, now.step, now.steps) == ("finished", 1, 9, 9)


def test_steps_are_counted_on_where_epochs_get_more_of_them(made: Made, run: Run, tmp_path: Path):
    """As with another batch size; on two devices it would be half as many."""
    folder = tmp_path / "run"
    shutil.copytree(made.run, folder)
    more = ("--resume", "--set", "train.epochs=3", "--set", "train.batch_size=1")
    assert run("train", "--config", made.config, "--output", folder, *more).exit_code == 0
    now = read_status(folder / "status.json")
    assert now is not None
    assert (now.state, now.step, now.steps) == ("finished", 12, 12)


@pytest.mark.parametrize(
    ("seconds", "words"), [(42, "42 s"), (420, "7 min"), (11100, "3 h 05 min"), (187_200, "2 d 4 h")]
)
def test_durations_in_words(seconds: float, words: str):
    assert duration(seconds) == words


def test_a_run_that_was_killed_here_is_told_at_once(run: Run, tmp_path: Path):
    """On this machine the process is looked at; a run elsewhere may only be silent."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        here = replace(HALFWAY, host=socket.gethostname(), process=process.pid, birth=birth_of(process.pid))
        write_status(tmp_path / "status.json", replace(here, noted=time.time()))
        assert json.loads(run("status", tmp_path, "--json").stdout)[0]["state"] == "training"
        process.kill()
    told = run("status", tmp_path)
    assert "killed" in told.stdout
    assert f"{tmp_path}: process {process.pid} has ended without a word" in told.stdout
    assert json.loads(run("status", tmp_path, "--json").stdout)[0]["state"] == "killed"
    write_status(tmp_path / "status.json", replace(here, noted=time.time(), host="elsewhere"))
    assert json.loads(run("status", tmp_path, "--json").stdout)[0]["state"] == "training"


def test_a_training_tells_which_process_it_is(made: Made):
    written = read_status(made.run / "status.json")
    assert written is not None
    assert (written.host, written.process) == (socket.gethostname(), os.getpid())
    assert written.birth == birth_of(os.getpid())


def test_no_fact_is_broken_on_a_narrow_terminal(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    folder = tmp_path / "experiments-of-last-week" / "f3-lora-seed-1"
    folder.mkdir(parents=True)
    write_status(folder / "status.json", replace(HALFWAY, noted=time.time(), job="hpc/123", host="gpu-node-17.cluster"))
    name, *facts = run("status", folder).stdout.splitlines()
    assert name == f"{folder}: training"
    assert max(map(len, facts)) <= 80
    assert [each.strip() for each in " ".join(facts).split(", ")] == [
        "epoch 3/10", "step 250/1,000", "s/step 2", "left 25 min", "checkpoint 200", "restarts 0",
        "host gpu-node-17.cluster", "job hpc/123",
    ]  # fmt: skip
