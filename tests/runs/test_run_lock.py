"""Two trainings never use one run folder at a time, and a run whose process has ended never blocks the next one."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sam_seismic.config import Config
from sam_seismic.errors import UserError
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.run_lock import run_lock, who_uses
from sam_seismic.runs.status import RunStatus, write_status

CONFIG = Config.model_validate({"data": {"source": "synthetic"}, "model": {"size": "vit_t", "weights": "random"}})
HOLDING = """
import sys, time
from pathlib import Path
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.run_lock import run_lock
with run_lock(RunFolder(Path(sys.argv[1]))):
    print("locked", flush=True)
    time.sleep(600)
"""


def status(folder: RunFolder, **values: object) -> None:
    """Write the status of a training that is alive, but for these values."""
    alive = {"state": "training", "host": "node7", "process": 4321, "noted": time.time() - 9}
    write_status(folder.status, RunStatus(**(alive | values)))  # type: ignore[arg-type]  # a dict of mixed values


def test_a_killed_training_releases_the_folder(tmp_path: Path):
    """While it lives it is named, from the status file; after `kill -9` the folder is free at once."""
    folder = RunFolder(tmp_path / "run")
    command = [sys.executable, "-c", HOLDING, str(folder.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "locked\n"
            with pytest.raises(UserError) as caught, run_lock(folder):
                pass
            assert caught.value.problem == f"{folder.path}: another training is using this folder"
            status(folder, host=socket.gethostname(), process=holder.pid)
            who = rf"\(process {holder.pid} on {socket.gethostname()}\)"
            with pytest.raises(UserError, match=who), run_lock(folder):
                pass
            assert (who_uses(folder) or "").startswith("another training is using this folder (process")
        finally:
            holder.send_signal(signal.SIGKILL)
    assert folder.lock.is_file()
    assert who_uses(folder) is None
    with run_lock(folder):
        pass
    assert not folder.lock.exists()


def test_a_training_on_another_machine_is_told_by_its_status(tmp_path: Path):
    """Some network file systems do not share locks between machines."""
    folder = RunFolder(tmp_path / "run")
    folder.write_config(CONFIG)
    status(folder)
    with (
        pytest.raises(UserError, match=r"process 4321 on node7\); it wrote its status 9 s ago") as caught,
        run_lock(folder),
    ):
        pass
    assert "when the status is 120 s old" in caught.value.fix
    assert who_uses(folder) == "another training is using this folder (process 4321 on node7)"
    for ended in ({"state": "finished"}, {"noted": time.time() - 121}, {"host": ""}):
        status(folder, **ended)
        assert who_uses(folder) is None
        with run_lock(folder):
            pass


def test_a_job_that_slurm_starts_again_may_use_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """On another node, seconds after the first one was lost."""
    folder = RunFolder(tmp_path / "run")
    folder.write_config(CONFIG)
    status(folder, job="slurm/77")
    for name, value in {"JOB_ID": "77", "STEP_ID": "0", "PROCID": "0", "RESTART_COUNT": "1"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    with run_lock(folder):
        pass
    monkeypatch.setenv("SLURM_JOB_ID", "78")
    with pytest.raises(UserError, match="node7, job slurm/77"), run_lock(folder):
        pass


def test_a_refused_training_leaves_no_folder(tmp_path: Path):
    with pytest.raises(ZeroDivisionError), run_lock(RunFolder(tmp_path / "new" / "run")):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_a_lock_left_by_a_killed_training_is_no_run(tmp_path: Path):
    """A training killed before it wrote anything leaves the file alone."""
    folder = RunFolder(tmp_path)
    folder.lock.touch()
    folder.check_new(overwrite=False)


def test_the_folder_of_another_program_is_never_replaced(tmp_path: Path):
    """Many programs have a config.yaml, a report and checkpoints."""
    folder = RunFolder(tmp_path)
    for text in ("my: app\n", "a list\n", "\t{", ""):
        folder.config.write_text(text)
        with pytest.raises(UserError, match="holds files, but no run"):
            folder.check_new(overwrite=True)
    folder.write_config(CONFIG)
    folder.check_new(overwrite=True)


def test_a_file_in_place_of_the_folder_is_left_alone(tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("text")
    with run_lock(RunFolder(path)), pytest.raises(UserError, match="is a file"):
        RunFolder(path).check_new(overwrite=True)
    assert path.read_text() == "text"
    assert list(tmp_path.iterdir()) == [path]
