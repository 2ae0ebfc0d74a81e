"""`submit` shows the script that it would queue, and refuses what would fail after hours in a queue."""

import os
import re
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.cli.submit import SUBMITTABLE
from sam_seismic.files import disk
from sam_seismic.runs import slurm_script
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.run_lock import run_lock
from sam_seismic.runs.status import RunStatus, write_status
from sam_seismic.workflows import submit
from tests.cli.running import Made, Run, configured

FROZEN = ("--set", "model.encoder=frozen", "--set", "train.store=STORE")
"""An experiment that keeps embeddings."""


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
        (["predict", "--checkpoint", "BEST", "--input", "AMPLITUDE", "--output", "f.xyz"], "cannot be written as .xyz"),
        (["predict", "--checkpoint", "BEST", "--input", "AMPLITUDE", "--output", "f.sgy", "--entropy", "f.sgy"],
         "two outputs cannot be written to one place"),
        (["predict", "--checkpoint", "BEST", "--input", "AMPLITUDE", "--output", "f.npy", "--device", "meta"],
         "--device meta: only cpu, cuda, mps can be used"),
        (["predict", "--checkpoint", "BEST", "--input", "AMPLITUDE", "--output", "f.sgy", "--axes",
          "sample,inline,crossline"], "axes cannot apply to SEG-Y"),
        (["inspect", "AMPLITUDE"], "inspect: cannot be submitted"),
        (["train", "--config", "CONFIG", "--output", "NEW", "--resume", "--overwrite"], "exclude each other"),
        (["train", "--config", "CONFIG", "--output", "NEW", "--resume"], "no checkpoints/last.ckpt to go on from"),
        (["train", "--config", "CONFIG", "--output", "NEW", "--set", "trainer.devices=2"],
         "trainer.devices: 2, but the job asks for 1 tasks on each node"),
        (["train", "--config", "CONFIG", "--output", "NEW", "--set", "trainer.num_nodes=2"],
         "trainer.num_nodes: 2, but the job asks for 1 nodes"),
        (["--gpus", "0", "train", "--config", "CONFIG", "--output", "NEW", "--set", "trainer.accelerator=gpu"],
         "trainer.accelerator: gpu needs a GPU, but --gpus 0 asks for none"),
        (["train", "--config", "CONFIG", "--config", "CONFIG", "--output", "NEW"],
         "--output cannot apply to several --config"),
        (["--container", "none.sif", "demo"], "none.sif: there is no such container image"),
        (["embed"], "embed does one of three things"),
        (["embed", "--list"], "embed --list and embed --prune take seconds"),
        (["embed", "--config", "CONFIG"], "this configuration keeps no embeddings: model.encoder: full"),
        (["embed", "--config", "CONFIG", *FROZEN, "--set", "data.labels=none.sgy"], "none.sgy"),
        (["--gpus", "0", "embed", "--config", "CONFIG", *FROZEN, "--device", "cuda:1"], "--device cuda:1 needs a GPU"),
        (["eval", "--checkpoint", "none.ckpt"], "none.ckpt: there is no such checkpoint"),
        (["eval", "--checkpoint", "CONFIG"], "small.yaml"),
        (["eval", "--checkpoint", "BEST", "--split", "test7"], "no split called test7"),
        (["eval", "--checkpoint", "BEST", "--config", "none.yaml"], "none.yaml"),
        (["eval", "--checkpoint", "BEST", "--config", "FEWER"], "classes"),
        (["eval", "--checkpoint", "BEST", "--output", "RUN"], "holds files already"),
        (["--gpus", "0", "eval", "--checkpoint", "BEST", "--device", "cuda"], "--device cuda needs a GPU"),
        (["--gpus", "2", "eval", "--checkpoint", "BEST"], "eval runs as one task, but the job asks for 2"),
        (["predict", "--checkpoint", "BEST", "--input", "AMPLITUDE", "--output", "NEW.npy", "--horizons", "tops.dat",
          "--horizon-format", "iesx"], "the survey has no coordinates"),
        (["predict", "--checkpoint", "BEST", "--input", "AMPLITUDE", "--output", "NEW.npy", "--horizons", "tops.dat"],
         "horizons are written as CSV unless another format is named"),
        (["score", "--truth", "none.sgy", "--prediction", "LABELS"], "none.sgy"),
        (["score", "--truth", "LABELS", "--prediction", "none.sgy"], "none.sgy"),
        (["score", "--truth", "LABELS", "--prediction", "OTHER"], "are not on one grid"),
        (["score", "--truth", "LABELS", "--prediction", "LABELS", "--output", "RUN"], "holds files already"),
        (["--nodes", "2", "score", "--truth", "LABELS", "--prediction", "LABELS"], "score runs as one task"),
        (["convert", "none.sgy", "NEW.h5"], "none.sgy"),
        (["convert", "AMPLITUDE", "NEW.npy"], "convert writes HDF5, and SEG-Y from HDF5"),
        (["convert", "AMPLITUDE", "CONFIG"], "convert writes HDF5"),
        (["convert", "AMPLITUDE", "EXISTING"], "exists already"),
        (["--nodes", "2", "convert", "AMPLITUDE", "NEW.h5"], "convert runs as one task"),
        (["demo", "--output", "RUN"], "holds files already"),
        (["demo", "--output", "CONFIG"], "is a file"),
        (["--gpus", "4", "demo"], "demo runs as one task"),
    ],
)  # fmt: skip
def test_what_would_fail_later_is_refused_now(made: Made, run: Run, tmp_path: Path, words: list[str], problem: str):
    names = {"NEW": "new", "NEW.h5": "new.h5", "NEW.npy": "new.npy", "EXISTING": "existing.h5", "STORE": "store"}
    places = {name: tmp_path / file for name, file in names.items()}
    places |= {"CONFIG": made.config, "RUN": made.run, "BEST": made.best, "AMPLITUDE": made.amplitude}
    places |= {"LABELS": made.labels, "OTHER": tmp_path / "other.npy", "FEWER": tmp_path / "fewer.yaml"}
    places["EXISTING"].touch()
    np.save(places["OTHER"], np.zeros((5, 6, 7), np.int8))
    configured(made, places["FEWER"], classes=["sand", "shale"])
    told = run(
        "submit", "--dry-run", *(str(places.get(word, word)).replace("=STORE", f"={places['STORE']}") for word in words)
    )
    assert told.exit_code == 2
    assert problem in told.stderr
    assert not told.stdout
    assert "fix: " in told.stderr or "No such option" in told.stderr


def test_a_run_that_is_alive_is_told(made: Made, run: Run, tmp_path: Path):
    """The job may well start when that one has ended, as a job that goes on with it does."""
    folder = RunFolder(tmp_path / "run")
    words = ("submit", "--dry-run", "train", "--config", made.config, "--output", folder.path)
    with run_lock(folder):
        told = run(*words)
    assert told.exit_code == 0
    assert "another training is using this folder: the job will be refused if it starts before" in told.stderr
    assert "another training" not in run(*words).stderr


def test_each_command_that_can_be_submitted_has_its_check():
    assert tuple(submit.CHECKS) == SUBMITTABLE


def experiment_of(made: Made) -> Path:
    """Beside the configuration of the run."""
    path = made.config.parent / "experiment.yaml"
    path.write_text(f"base: {made.config}\n")
    return path


def good(command: str, made: Made, folder: Path) -> list[str]:
    """Arguments with which a command can run, writing into a folder that does not exist."""
    words: dict[str, list[str | Path]] = {
        "train": ["--config", made.config, "--output", folder],
        "embed": ["--config", made.config, "--set", "model.encoder=frozen", "--set", f"train.store={folder}"],
        "experiment": ["--config", experiment_of(made), "--output", folder],
        "eval": ["--checkpoint", made.best, "--output", folder],
        "predict": ["--checkpoint", made.best, "--input", made.amplitude, "--output", folder / "f.sgy"],
        "score": ["--truth", made.labels, "--prediction", made.labels, "--output", folder],
        "convert": [made.amplitude, folder / "a.h5"],
        "demo": ["--output", folder],
    }
    return [command, *map(str, words[command])]


@pytest.mark.parametrize("command", SUBMITTABLE)
def test_what_can_run_is_not_refused(made: Made, run: Run, tmp_path: Path, command: str):
    """And nothing is written, made or removed by looking."""
    words = good(command, made, tmp_path / "folder")
    assert f"set -- {shlex.join(words)}" in script_of(run, *words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", SUBMITTABLE)
def test_a_folder_that_cannot_be_written_to(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
):
    """Tests may run as root, whom no permission stops."""
    asked, access = [], os.access
    locked = tmp_path / "locked"
    locked.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: asked.append(path) or (path != locked and access(path, mode)))
    told = run("submit", "--dry-run", *good(command, made, locked / "below" / "folder"))
    assert told.exit_code == 2
    assert f"cannot be written there: no permission in {locked}" in told.stderr
    assert Path.cwd() in asked, "the log is written there"


@pytest.mark.parametrize("command", ["embed", "predict", "convert"])
def test_a_disk_that_is_too_full(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage._replace(free=10_000))
    told = run("submit", "--dry-run", *good(command, made, tmp_path / "folder"))
    assert told.exit_code == 2
    assert "the disk has 10.0 kB left" in told.stderr


def test_rooms_on_one_disk_add_up(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Classes take 40 x 32 traces of 48 bytes and a header of 240, the confidence four times the samples."""
    words = [*good("predict", made, tmp_path), "--confidence", str(tmp_path / "confidence.sgy")]
    needed = 40 * 32 * ((240 + 48) + (240 + 4 * 48))
    usage = shutil.disk_usage(tmp_path)
    for free, status in ((needed - 1, 2), (needed, 0)):
        monkeypatch.setattr(disk.shutil, "disk_usage", lambda _, free=free: usage._replace(free=free))
        assert run("submit", "--dry-run", *words).exit_code == status


def test_listing_and_pruning_are_not_done_here(made: Made, run: Run, tmp_path: Path):
    group = tmp_path / "store" / "group"
    group.mkdir(parents=True)
    told = run("submit", "--dry-run", "embed", "--prune", "0", "--store", tmp_path / "store")
    assert told.exit_code == 2
    assert "are not submitted" in told.stderr
    assert group.is_dir()


def test_a_program_that_is_not_installed(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A container in the folder, or one that is named, takes its place."""
    monkeypatch.setattr(slurm_script.sys, "prefix", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)
    told = run("submit", "--dry-run", "demo")
    assert told.exit_code == 2
    assert f"{tmp_path}/nowhere/bin/sam-seismic: there is no such program" in told.stderr
    image = tmp_path / "own.sif"
    image.touch()
    assert f"SAM_SEISMIC_CONTAINER={image}" in script_of(run, "--container", image, "demo")
    image.rename("Singularity.sif")
    assert "set -- demo" in script_of(run, "demo")


def test_a_run_of_an_array_that_is_finished_is_named(made: Made, run: Run, tmp_path: Path):
    words = ["train"]
    for name in "ab":
        config = tmp_path / f"{name}.yaml"
        config.write_text(f"{made.config.read_text()}\noutput: {tmp_path / name}\n")
        (tmp_path / name).mkdir()
        words += ["--config", str(config)]
    write_status(tmp_path / "a" / "status.json", RunStatus("finished"))
    told = run("submit", "--dry-run", *words)
    assert f"{tmp_path / 'a'}: finished already, left out" in told.stderr
    write_status(tmp_path / "b" / "status.json", RunStatus("finished"))
    told = run("submit", "--dry-run", *words)
    assert told.exit_code == 2
    assert "all of these runs are finished" in told.stderr


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


def test_variables_that_only_the_job_has_are_kept(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """In the YAML and in options; the job replaces them. Those of an array are for arrays."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLURM_JOB_ID", "SLURM_ARRAY_TASK_ID"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "job.yaml"
    config.write_text(made.config.read_text() + "output: runs/$SLURM_JOB_ID\n")
    assert f"set -- train --config {config}\n" in script_of(run, "train", "--config", config)
    script = script_of(run, "train", "--config", made.config, "--output", "runs/${SLURM_JOB_ID}")
    assert "--output 'runs/${SLURM_JOB_ID}'\n" in script
    element = ("train", "--config", made.config, "--output", "runs/$SLURM_ARRAY_TASK_ID")
    assert "'runs/$SLURM_ARRAY_TASK_ID'" in script_of(run, "--array", "0-3", *element)
    refused = run("submit", "--dry-run", *element)
    assert refused.exit_code == 2
    assert "the variable SLURM_ARRAY_TASK_ID in runs/$SLURM_ARRAY_TASK_ID is not set" in refused.stderr
    assert not (tmp_path / "runs").exists()
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    monkeypatch.delenv("SLURM_STEP_ID", raising=False)
    assert run("train", "--config", config, "--set", "train.epochs=1").exit_code == 0
    assert (tmp_path / "runs" / "77" / "status.json").is_file()
