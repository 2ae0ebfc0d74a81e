"""`convert` is killed at any moment, and resumed: what comes out is, byte for byte, what an undisturbed run writes."""

import hashlib
import random
import signal
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.hdf5 import copying
from sam_seismic.survey.segy import write_segy
from tests.cli.running import Made, Run, noting
from tests.programs import Program, completed

THIN = "from sam_seismic.survey.hdf5 import copying; copying.BUDGET = 1 << 20\n"
"""About a block of lines at a time: many steps in a small file."""
WAITING = """
import signal
from sam_seismic.survey.hdf5 import copying
def wait(*args, **given):
    print("waiting", flush=True)
    signal.pause()
copying.{name} = wait
"""


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 MB with ragged edges."""
    shape = (160, 120, 256)
    grid = Geometry.complete(range(100, 260), range(300, 420), 256)
    grid.live[:20, :30] = False
    path = tmp_path_factory.mktemp("convert") / "a.sgy"
    write_segy(path, np.random.default_rng(0).normal(size=shape).astype(np.float32), grid, format="ibm")
    return path


@pytest.fixture(scope="module")
def undisturbed(survey: Path) -> str:
    ran = completed(["convert", survey, survey.with_suffix(".h5")], before=noting(0))
    assert ran.returncode == 0, ran.stderr
    return digest(survey.with_suffix(".h5"))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def is_killed(command: list[str], *, after: int, delay: float = 0) -> bool:
    """Run the program, which kills itself after it put down finished steps so often; whether it did."""
    killed = completed(command, before=THIN + noting(0, killed_after=after, delay=delay))
    return killed.returncode == -signal.SIGKILL


@pytest.mark.parametrize("seed", range(3))
def test_killed_and_resumed_gives_the_same_bytes(survey: Path, undisturbed: str, run: Run, tmp_path: Path, seed: int):
    """Killed twice: somewhere in its first steps, and again after it was resumed."""
    command, chance = ["convert", str(survey), str(tmp_path / "a.h5")], random.Random(seed)
    assert is_killed(command, after=chance.randrange(1, 8))
    assert all(name.startswith(".a.") for name in names(tmp_path)), "nothing under the final name"
    assert is_killed([*command, "--resume"], after=chance.randrange(1, 6), delay=chance.uniform(0.0005, 0.003))
    refused = run(*command)
    assert refused.exit_code == 2
    assert "an earlier run finished" in refused.stderr
    assert "--resume" in refused.stderr
    assert "--overwrite" in refused.stderr
    assert run(*command, "--resume").exit_code == 0
    assert names(tmp_path) == ["a.h5"]
    assert digest(tmp_path / "a.h5") == undisturbed


@pytest.mark.parametrize("name", ["_difference", "_copy", "Journal"])
def test_killed_while_comparing_or_before_anything_is_finished(
    survey: Path, undisturbed: str, run: Run, tmp_path: Path, name: str
):
    command = ["convert", str(survey), str(tmp_path / "a.h5")]
    process = Program(command, before=WAITING.format(name=name) + noting(0))
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "a.h5").exists()
    assert run(*command).exit_code == (2 if name == "_difference" else 0), "what is finished is not thrown away"
    if name == "_difference":
        assert run(*command, "--resume").exit_code == 0
    assert names(tmp_path) == ["a.h5"]
    assert digest(tmp_path / "a.h5") == undisturbed


def test_starting_anew_and_resuming_nothing(survey: Path, undisturbed: str, run: Run, tmp_path: Path):
    command = ["convert", str(survey), str(tmp_path / "a.h5")]
    assert is_killed(command, after=3)
    assert run(*command, "--overwrite").exit_code == 0
    assert (names(tmp_path), digest(tmp_path / "a.h5")) == (["a.h5"], undisturbed)
    again = run(*command, "--resume")
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    (tmp_path / "a.h5").unlink()
    assert run(*command, "--resume").exit_code == 0, "a batch script can always say --resume"


def test_another_source_cannot_go_on(survey: Path, run: Run, tmp_path: Path):
    other = tmp_path / "b.sgy"
    other.write_bytes(survey.read_bytes())
    assert is_killed(["convert", str(survey), str(tmp_path / "a.h5")], after=3)
    refused = run("convert", other, tmp_path / "a.h5", "--resume")
    assert refused.exit_code == 2
    assert "these have changed: input" in refused.stderr


def test_published_and_killed_before_the_journal_was_removed(
    survey: Path, undisturbed: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patched:
        patched.setattr(copying.Hdf5Result, "__exit__", exit_and_stop)
        assert run("convert", survey, tmp_path / "a.h5").exit_code == 2
    assert names(tmp_path) == [".a.h5.journal", "a.h5"]
    assert run("convert", survey, tmp_path / "a.h5", "--resume").exit_code == 0
    assert (names(tmp_path), digest(tmp_path / "a.h5")) == (["a.h5"], undisturbed)


leave = copying.Hdf5Result.__exit__


def exit_and_stop(self: copying.Hdf5Result, *how: object) -> None:
    leave(self, *how)
    raise KeyboardInterrupt


def test_there_and_back(made: Made, run: Run, tmp_path: Path):
    """Killed on the way back, too."""
    assert run("convert", made.amplitude, tmp_path / "a.h5").exit_code == 0
    assert run("convert", tmp_path / "a.h5", tmp_path / "b.sgy").exit_code == 0
    assert (tmp_path / "b.sgy").read_bytes() == made.amplitude.read_bytes()
    back = ["convert", str(tmp_path / "a.h5"), str(tmp_path / "c.sgy")]
    assert is_killed(back, after=5)
    assert run(*back, "--resume").exit_code == 0
    assert (tmp_path / "c.sgy").read_bytes() == made.amplitude.read_bytes()


def test_refusals(made: Made, run: Run, tmp_path: Path):
    assert "convert writes HDF5, and SEG-Y from HDF5" in run("convert", made.amplitude, tmp_path / "x.sgy").stderr
    assert run("convert", made.amplitude, tmp_path / "a.h5").exit_code == 0
    assert "exists already" in run("convert", made.amplitude, tmp_path / "a.h5").stderr
    assert "is the input itself" in run("convert", tmp_path / "a.h5", tmp_path / "a.h5", "--overwrite").stderr
