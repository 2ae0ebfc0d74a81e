"""What the system refuses is told in words, with the variable or the option that helps."""

import errno
import os
import shlex
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import pytest

from sam_seismic.cli.app import _explained
from sam_seismic.cli.library_logs import reword_library_logs
from sam_seismic.config import load_config, parse_config
from sam_seismic.config.places import cache_folder
from sam_seismic.listener import Silent
from sam_seismic.runs.quiet import quiet_lightning
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.trainer import training_trainer
from sam_seismic.tasks.loading import load_task
from tests.cli.running import Made, Run


@pytest.mark.follows("cli/app.py", "raise the limit: ulimit -n 4096")
def test_the_limit_of_open_files_can_be_raised():
    told = _explained(OSError(errno.EMFILE, "Too many open files", "a.sgy"))
    command = told.fix.removeprefix("raise the limit: ")
    done = subprocess.run(
        ["bash", "-c", f"ulimit -Sn 64; {command}; ulimit -n"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("4096\n", "")


def test_a_warning_of_a_library_is_told_without_its_file(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("warnings.formatwarning", warnings.formatwarning)
    reword_library_logs()
    told = warnings.formatwarning("overflow in multiply", RuntimeWarning, "/lib/numpy/_methods.py", 132)
    assert told == "note: overflow in multiply\n"


@pytest.mark.parametrize(
    ("error", "problem", "fix"),
    [
        (
            OSError(errno.EFBIG, "File too large", "a.ckpt"),
            "a.ckpt: the shell allows no file of that size",
            "ulimit -f",
        ),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"), "temporary", "TMPDIR="),
        (OSError("Matplotlib requires ...; a temporary directory could not be created"), "temporary", "TMPDIR="),
        (PermissionError(errno.EACCES, "Permission denied", "{cache}/headers"), "denied", "export SAM_SEISMIC_CACHE="),
        (OSError(errno.EROFS, "Read-only file system", "/elsewhere/x"), "Read-only", "choose a folder"),
        (OSError(errno.EMFILE, "Too many open files", "a.sgy"), "a.sgy: too many files are open", "ulimit -n 4096"),
        (OSError(errno.EIO, "Input/output error", "a.sgy"), "a.sgy: the disk or its network failed", "again"),
        (OSError(errno.ESTALE, "Stale file handle", "a.sgy"), "a.sgy: was replaced on its server", "again"),
        (OSError(errno.ELOOP, "Too many levels of symbolic links", "a"), "links lead round in a circle", "remove"),
    ],
    ids=["file size", "TMPDIR", "matplotlib", "cache", "elsewhere", "open files", "disk", "replaced", "circle"],
)
def test_the_fix_names_what_helps(error: OSError, problem: str, fix: str, no_real_cache: Path):
    if error.filename:
        error.filename = error.filename.format(cache=no_real_cache)
    told = _explained(error)
    assert problem in told.problem
    assert fix in told.fix


@pytest.mark.follows("cli/app.py", "export TMPDIR=FOLDER")
@pytest.mark.follows("cli/app.py", "another folder for the cache: export {}=FOLDER")
def test_the_variable_of_a_fix_helps(tmp_path: Path, no_real_cache: Path, monkeypatch: pytest.MonkeyPatch):
    def follow(fix: str) -> None:
        name, _, value = fix.rpartition("export ")[2].partition("=")
        monkeypatch.setenv(name, value.replace("FOLDER", str(tmp_path)))

    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [os.environ.get("TMPDIR", str(tmp_path / "no"))])
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    with pytest.raises(FileNotFoundError) as caught:
        tempfile.gettempdir()
    follow(_explained(caught.value).fix)
    assert tempfile.gettempdir() == str(tmp_path)
    denied = PermissionError(errno.EACCES, "Permission denied", str(cache_folder("headers")))
    follow(_explained(denied).fix)
    assert cache_folder("headers") == tmp_path / "headers"


@pytest.mark.follows("files/disk.py", "ulimit -f unlimited", elsewhere=True)
def test_the_limit_of_a_fix_helps(made: Made, tmp_path: Path):
    """In the shell that had the lower limit, for HDF5 and for SEG-Y."""
    program = f"{shlex.quote(sys.executable)} -m sam_seismic convert"
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    for source, target in ((made.amplitude, "a.h5"), ("a.h5", "b.sgy")):
        command = f"{program} {shlex.quote(str(source))} {target}"
        fix = "$(sed -n 's/^  fix: //p' told)"
        words = ["bash", "-c", f"ulimit -S -f 200; {command} 2> told; fix={fix}; echo $fix; $fix && {command}"]
        done = subprocess.run(words, check=False, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert (done.returncode, done.stdout.splitlines()[0]) == (0, "ulimit -f unlimited"), done.stderr
        assert (tmp_path / target).stat().st_size > 200 << 10


def test_another_error_of_the_system_keeps_its_traceback():
    with pytest.raises(OSError, match="never heard of"):
        _explained(OSError(errno.EPROTO, "never heard of"))


def test_a_run_folder_that_tensorboard_cannot_name(run: Run, made: Made, tmp_path: Path):
    result = run("train", "--config", made.config, "--output", tmp_path / os.fsdecode(b"r\xff"))
    assert result.exit_code == 2
    assert "the name is not UTF-8" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("precision", "told"), [("16-mixed", 1), ("bf16-mixed", 0), ("32-true", 0)])
def test_half_precision_on_a_cpu_is_told_in_our_words(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, precision: str, told: int
):
    """Lightning would warn with the path of its own file."""

    class Heard(Silent):
        lines: tuple[str, ...] = ()

        def say(self, text: str) -> None:
            self.lines += (text,)

    trainer = {"precision": precision, "accelerator": "cpu", "devices": 1}
    config, heard = parse_config({"data": {"source": "synthetic"}, "trainer": trainer}, "x"), Heard()
    with quiet_lightning():
        training_trainer(config, RunFolder(tmp_path), heard)
    note = "note: trainer.precision: 16-mixed: a CPU computes in bf16-mixed instead"
    assert heard.lines == (note,) * told
    assert not recwarn.list


def test_paths_may_be_texts(made: Made):
    assert load_task(str(made.best)).metadata == load_task(made.best).metadata
    assert load_config(str(made.config)) == load_config(made.config)


@pytest.mark.parametrize("name", ["SAM_SEISMIC_CONTAINER", "SAM_SEISMIC_PROGRAM"])
def test_a_job_does_not_run_something_else_than_was_named(tmp_path: Path, name: str):
    """A variable in quotes, or a typing error: the program beside it would run without a word."""
    program = tmp_path / ".venv" / "bin" / "sam-seismic"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\ntouch ran\n")
    program.chmod(0o755)
    script = Path(__file__).parents[2] / "run_sbatch.sh"
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SLURM_SUBMIT_DIR": str(tmp_path), "SLURM_JOB_ID": "3"}
    for given, meant in (("$NOWHERE/x", "$NOWHERE/x"), ("~/x", f"{tmp_path}/x")):
        words = ["bash", str(script), "train"]
        done = subprocess.run(words, check=False, cwd=tmp_path, env=env | {name: given}, capture_output=True, text=True)
        assert done.returncode == 2
        assert f"error: {meant}: there is no such file" in done.stderr
        assert name in done.stderr
    assert not (tmp_path / "ran").exists()
