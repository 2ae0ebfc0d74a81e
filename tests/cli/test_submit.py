"""`submit` shows the script that it would queue, and refuses what would fail after hours in a queue."""

import os
import re
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from sam_seismic.runs.status import RunStatus, write_status
from tests.cli.running import Made, Run


def script_of(run: Run, *words: str | Path) -> str:
    told = run("submit", "--dry-run", *words)
    assert told.exit_code == 0, told.stderr
    assert subprocess.run(["bash", "-n"], input=told.stdout, text=True, check=False).returncode == 0
    return told.stdout


def options(script: str) -> dict[str, str]:
    lines = [line for line in script.splitlines() if line.startswith("#SBATCH")]
    found = dict(line.removeprefix("#SBATCH --").partition("=")[::2] for line in lines)
    assert len(found) == len(lines), "no option stands twice"
    return found


def test_the_script_says_what_was_asked_for(made: Made, run: Run, tmp_path: Path):
    asked = ("--nodes", "2", "--gpus", "4", "--cpus", "8", "--time", "4:00:00", "--partition", "gpu", "--account", "me")
    script = script_of(run, *asked, "train", "--config", made.config, "--output", tmp_path / "a run")
    found = options(script)
    assert (found["nodes"], found["ntasks-per-node"]) == ("2", "4")
    assert (found["gpus-per-task"], found["cpus-per-task"], found["time"]) == ("1", "8", "4:00:00")
    assert (found["partition"], found["account"]) == ("gpu", "me")
    assert {"requeue", "signal", "open-mode"} <= found.keys()
    assert f"set -- train --config {made.config} --output '{tmp_path}/a run'" in script


def test_without_gpus_none_are_asked_for(made: Made, run: Run, tmp_path: Path):
    found = options(script_of(run, "--gpus", "0", "train", "--config", made.config, "--output", tmp_path / "run"))
    assert found["ntasks-per-node"] == "1"
    assert not any("gpu" in name for name in found)
    assert "partition" not in found


def test_several_configurations_become_an_array_of_those_that_are_not_finished(made: Made, run: Run, tmp_path: Path):
    words: list[str | Path] = ["train"]
    for name in "abc":
        config = tmp_path / f"{name}.yaml"
        config.write_text(f"{made.config.read_text()}\noutput: {tmp_path / name}\n")
        words += ["--config", config]
    assert options(script_of(run, *words))["array"] == "0,1,2"
    (tmp_path / "b").mkdir()
    write_status(tmp_path / "b" / "status.json", RunStatus("finished"))
    assert options(script_of(run, *words))["array"] == "0,2"
    assert options(script_of(run, "--array", "0-1%1", *words))["array"] == "0-1%1"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["train", "--config", "CONFIG", "--output", "RUN"], "holds files already"),
        (["train", "--config", "CONFIG", "--set", "train.epoch=1"], "did you mean train.epochs?"),
        (["train", "--config", "CONFIG", "--output", "NEW", "--set", "data.amplitude=none.sgy"], "none.sgy"),
        (["train", "--no-such-option"], "No such option: --no-such-option"),
        (["predict", "--checkpoint", "BEST", "--input", "none.sgy", "--output", "f.sgy"], "none.sgy"),
        (["predict", "--checkpoint", "none.ckpt", "--input", "AMPLITUDE", "--output", "f.sgy"], "none.ckpt"),
        (["predict", "--checkpoint", "BEST", "--input", "AMPLITUDE", "--output", "CONFIG"], "exists already"),
        (["inspect", "AMPLITUDE"], "inspect: cannot be submitted"),
    ],
)
def test_what_would_fail_later_is_refused_now(made: Made, run: Run, tmp_path: Path, words: list[str], problem: str):
    places = {"CONFIG": made.config, "RUN": made.run, "NEW": tmp_path / "new", "BEST": made.best,
        "AMPLITUDE": made.amplitude}  # fmt: skip
    told = run("submit", "--dry-run", *(str(places.get(word, word)) for word in words))
    assert told.exit_code == 2
    assert problem in told.stderr
    assert not told.stdout


def test_a_prediction_that_can_run_is_not_refused(made: Made, run: Run, tmp_path: Path):
    words = ("predict", "--checkpoint", made.best, "--input", made.amplitude, "--output", tmp_path / "f.sgy")
    assert "set -- predict" in script_of(run, *words)
    assert not list(tmp_path.iterdir())


def test_what_slurm_says_is_told(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A stand-in for sbatch: the real one is tried in tests/cluster."""
    words = ("submit", "--gpus", "0", "train", "--config", made.config, "--output", tmp_path / "run")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "there is no sbatch here" in run(*words).stderr
    sbatch = tmp_path / "sbatch"
    for answer, status, told in (("17;hpc", 0, "submitted job 17"), ("", 1, "sbatch refuses the job: no such account")):
        sbatch.write_text(
            f"#!/bin/sh\n{shutil.which('cat', path=os.defpath)} > {tmp_path}/script\necho '{answer}'\n"
            f"[ {status} = 0 ] || echo 'sbatch: error: no such account' >&2\nexit {status}\n"
        )
        sbatch.chmod(sbatch.stat().st_mode | stat.S_IXUSR)
        said = run(*words)
        assert told in said.stdout + said.stderr
        assert "set -- train" in (tmp_path / "script").read_text()


def test_what_the_pages_say_can_be_typed(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each `submit` of the README and of the page on clusters, on a small survey."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    for name in ("configs/f3.yaml", "a.yaml", "b.yaml"):
        shutil.copy(made.config, name)
    shutil.copy(made.amplitude, "a.sgy")
    shutil.copytree(made.run / "checkpoints", "runs/trained/checkpoints")
    root = Path(__file__).parents[2]
    text = "\n".join((root / page).read_text() for page in ("README.md", "docs/cluster.md"))
    lines = re.findall(r"^sam-seismic submit (.*?)(?:  #.*)?$", text, flags=re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        words = shlex.split(line.replace("runs/f3/", "runs/trained/"))
        script_of(run, *(word for word in words if word != "--dry-run"))
