"""Several tasks of a job predict one volume, or fill one store: what comes out is, byte for byte, what one task makes.

Here they are processes that are told of a job; `tests/cluster` has the real one.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from sam_seismic.config import ReadOptions
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from tests.cli.running import Made, Run, Undisturbed, folder_of, hashes, noting, predicting
from tests.programs import Program


def tasks(words: Sequence[str | Path], *, count: int, restart: int = 0, first: str | None = None) -> list[str]:
    """Run a command as the tasks of a job; what each said on stderr. The job ends when a task fails, as srun ends it.

    Args:
        words: of the command.
        count: of tasks.
        restart: how often the job was started before.
        first: Python code that the first task executes before, which may then fail; None: no task may fail.
    """
    job = {
        "SLURM_JOB_ID": "7",
        "SLURM_STEP_ID": "0",
        "SLURM_NTASKS": str(count),
        "SLURM_NNODES": "1",
        "SLURM_NTASKS_PER_NODE": str(count),
        "SLURM_RESTART_COUNT": str(restart),
        "SLURM_CPUS_PER_TASK": "1",
    }
    running = [
        Program(
            words,
            before=(first or "") if rank == 0 else "",
            env=os.environ | job | {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)},
        )
        for rank in range(count)
    ]
    logs = [[] for _ in running]
    readers = [
        threading.Thread(target=lambda process=process, log=log: log.extend(process.communicate()), daemon=True)
        for process, log in zip(running, logs, strict=True)
    ]
    for reader in readers:
        reader.start()
    while any(reader.is_alive() for reader in readers):
        if any(process.returncode not in (None, 0) for process in running):
            for process in running:
                process.send_signal(signal.SIGKILL)
        time.sleep(0.02)
    said = [log[1] for log in logs]
    ends = [process.returncode for process in running]
    assert ends == [0] * count or first is not None, said
    return said


@pytest.mark.parametrize(
    ("ending", "orientation", "count"), [(".sgy", "both", 2), (".sgy", "inline", 3), (".h5", "both", 3)]
)
def test_a_volume_is_predicted_together(
    made: Made, undisturbed: Undisturbed, tmp_path: Path, ending: str, orientation: str, count: int
):
    said = tasks(predicting(made, tmp_path / "shared", ending, orientation), count=count)
    assert hashes(tmp_path / "shared") == undisturbed(ending, orientation)
    assert "predicting" in said[0]
    assert not any(said[1:]), "one task prints"


def test_a_folder_of_sections_is_predicted_together(made: Made, run: Run, tmp_path: Path):
    """It keeps the sections of both orientations, of sizes of their own."""
    volume = open_volume(made.amplitude, ReadOptions())
    lines = {Orientation.INLINE: range(100, 107), Orientation.CROSSLINE: range(305, 310)}
    folder = folder_of(volume, tmp_path / "in", lines)
    for name in ("alone", "shared"):
        given = ("predict", "--checkpoint", made.best, "--input", folder, "--output", tmp_path / name / "f",
            "--device", "cpu", "--orientation", "both")  # fmt: skip
        if name == "alone":
            told = run(*given)
            assert told.exit_code == 0, told.stderr
        else:
            tasks(given, count=2)
    found = hashes(tmp_path / "shared")
    assert found == hashes(tmp_path / "alone")
    assert len(found) == 12


@pytest.mark.parametrize("after", [2, 18, 30])
def test_killed_and_started_again(made: Made, undisturbed: Undisturbed, tmp_path: Path, after: int):
    """Among the crosslines, and among the inlines; the job that Slurm starts again is not told to resume."""
    words = predicting(made, tmp_path / "shared", ".sgy", "both")
    tasks(words, count=2, first=noting(0, killed_after=after))
    assert "f.sgy" not in hashes(tmp_path / "shared")
    said = tasks(words, count=2, restart=1)
    assert "going on after" in said[0]
    assert hashes(tmp_path / "shared") == undisturbed(".sgy", "both")


def test_nothing_is_left_of_a_job_that_fails(made: Made, run: Run, tmp_path: Path):
    """Nor, once another one is at it, of a job that was killed and will not go on."""
    words = predicting(made, tmp_path, ".sgy", "inline")
    tasks(words, count=2, first=noting(0, killed_after=4))
    assert list(tmp_path.glob(".f.sgy.*.exchange"))
    amplitude = tmp_path / "a.npy"
    values = np.random.default_rng(0).normal(size=(12, 16, 24)).astype(np.float32)
    values[0, :, 12] = np.nan  # which the first task meets
    np.save(amplitude, values)
    broken = ["predict", "--checkpoint", made.best, "--input", amplitude, "--output", tmp_path / "f.sgy"]
    said = tasks([*map(str, broken), "--overwrite"], count=2, first="")
    assert "not finite" in said[0]
    assert not list(tmp_path.glob(".f.sgy.*"))


def test_a_store_is_filled_together(made: Made, run: Run, tmp_path: Path):
    """Each section by one task."""
    config = yaml.safe_load(made.config.read_text())
    config["model"]["encoder"] = "frozen"
    for name in ("alone", "shared"):
        config["train"]["store"] = str(tmp_path / name)
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(config))
        words = ("embed", "--config", path, "--device", "cpu", "--batch-size", "1")
        if name == "alone":
            assert run(*words).exit_code == 0
        else:
            tasks(words, count=2)
    alone, shared = (
        {name: found for name, found in hashes(tmp_path / each).items() if name.endswith(".npy")}
        for each in ("alone", "shared")
    )
    assert shared == alone
    assert len(shared) == 18, "six sections to train on, also flipped, and six to validate on"


def test_tasks_without_srun_are_refused(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_NTASKS", "2")
    told = run(*predicting(made, tmp_path, ".sgy", "inline"))
    assert told.exit_code == 2
    assert "outside of srun" in told.stderr
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
