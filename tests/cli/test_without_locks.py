"""HDF5 and the program's own locks on file systems that have none: every command works as elsewhere."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sam_seismic.survey.formats import open_volume
from tests.cli.running import Made, configured, invoke

SHIM = """
#include <errno.h>
#include <stdlib.h>
int flock(int descriptor, int operation) { errno = atoi(getenv("FLOCK_ERRNO")); return -1; }
"""
NUMBERS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EROFS, errno.EIO, 524)
PROGRAM = """
import json, os, sys
from tests.cli.running import invoke
for number, words in json.loads(sys.argv[1]):
    os.environ["FLOCK_ERRNO"] = str(number)
    result = invoke(*words)
    print(json.dumps([words[0], number, result.exit_code, result.stderr]), flush=True)
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library whose flock fails with the number in FLOCK_ERRNO, for LD_PRELOAD."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("there is no C compiler for the library whose locks fail")
    folder = tmp_path_factory.mktemp("shim")
    (folder / "lock.c").write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "lock.so", folder / "lock.c"], check=True)
    return folder / "lock.so"


def invoke_without_locks(
    shim: Path, commands: list[tuple[int, list[str]]], **env: str
) -> list[tuple[str, int, int, str]]:
    """Command, errno, exit code and messages of commands that run where every lock fails with an errno."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        env=os.environ | {"LD_PRELOAD": str(shim), "PYTHONPATH": str(Path(__file__).parents[2])} | env,
        capture_output=True,
        text=True,
        check=True,
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("[")]


def test_commands_work_on_file_systems_without_locks(shim: Path, made: Made, tmp_path: Path):
    amplitude = tmp_path / "amplitude.h5"
    assert invoke("convert", made.amplitude, amplitude).exit_code == 0
    config = configured(made, tmp_path / "config.yaml", amplitude=str(amplitude), every=30)
    commands: list[tuple[int, list[str]]] = []
    for number in NUMBERS:
        commands += [
            (number, ["inspect", str(amplitude)]),
            (number, ["convert", str(made.amplitude), str(tmp_path / f"{number}.h5")]),
            (number, ["convert", str(amplitude), str(tmp_path / f"{number}.sgy")]),
            (number, ["predict", "--checkpoint", str(made.best), "--input", str(amplitude), "--output",
                      str(tmp_path / f"facies{number}.h5"), "--device", "cpu", "--batch-size", "20"]),
        ]  # fmt: skip
    train = ["train", "--config", str(config), "--set", "train.epochs=1", "--output"]
    commands += [(number, [*train, str(tmp_path / f"run{number}")]) for number in (errno.EIO, 524)]
    found = invoke_without_locks(shim, commands)
    assert [(command, number, code) for command, number, code, _ in found] == [
        (words[0], number, 0) for number, words in commands
    ], found
    for number in NUMBERS:
        assert (tmp_path / f"{number}.sgy").read_bytes() == made.amplitude.read_bytes()
        assert open_volume(tmp_path / f"{number}.h5").geometry.same_grid(open_volume(made.amplitude).geometry)
        assert (tmp_path / f"facies{number}.h5").read_bytes() == (tmp_path / f"facies{NUMBERS[0]}.h5").read_bytes()


@pytest.mark.follows("survey/hdf5/layout.py", "export {}=FALSE", elsewhere=True)
def test_locks_that_the_environment_asks_for_are_told_with_what_helps(shim: Path, made: Made, tmp_path: Path):
    """HDF5 obeys its own variable, whatever a program asks for; without it the command works."""
    amplitude = tmp_path / "amplitude.h5"
    assert invoke("convert", made.amplitude, amplitude).exit_code == 0
    commands = [
        (errno.EIO, ["inspect", str(amplitude)]),
        (errno.EIO, ["convert", str(made.amplitude), str(tmp_path / "x.h5")]),
    ]
    for _, _, code, messages in invoke_without_locks(shim, commands, HDF5_USE_FILE_LOCKING="TRUE"):
        assert code == 2
        assert "export HDF5_USE_FILE_LOCKING=FALSE" in " ".join(messages.split())
        assert "copied again" not in messages
        assert "free some disk" not in messages
    assert [code for *_, code, _ in invoke_without_locks(shim, commands, HDF5_USE_FILE_LOCKING="FALSE")] == [0, 0]
