"""Installing shell completion tells which files it changes, and why it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sam_seismic.cli.completion import announce_completion
from sam_seismic.errors import UserError

ROOT = Path(__file__).parents[2]
ORPHAN = """
import os, sys, time
parent = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == parent:
    time.sleep(0.01)
os.setsid()
sys.argv = ["sam-seismic", *{words!r}]
from sam_seismic.__main__ import main
try:
    main()
except SystemExit as end:
    print("ended with", end.code, file=sys.stderr)
"""
"""A program that runs in no shell: its parents have ended."""


def environment(home: Path) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"HOME": str(home), "PYTHONPATH": path}


def bash(home: Path, line: str) -> subprocess.CompletedProcess[str]:
    program = f'sam() {{ "{sys.executable}" -m sam_seismic "$@"; }}; '
    words = ["bash", "-c", program + line]
    return subprocess.run(words, check=False, env=environment(home), capture_output=True, text=True)


def test_the_files_are_told_and_those_are_changed(tmp_path: Path):
    (tmp_path / ".bashrc").write_text("# mine\n")
    done = bash(tmp_path, "sam --install-completion; exit $?")
    files = [tmp_path / ".bashrc", tmp_path / ".bash_completions" / "sam-seismic.sh"]
    assert done.returncode == 0
    assert done.stderr == f"this changes {files[0]} and {files[1]}\n"
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(files)
    assert (tmp_path / ".bashrc").read_text().startswith("# mine\n")
    assert "_sam_seismic_completion" in files[1].read_text()


@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
def test_outside_of_a_shell_it_is_refused(tmp_path: Path, option: str):
    words = [sys.executable, "-c", ORPHAN.format(words=[option])]
    done = subprocess.run(words, check=False, env=environment(tmp_path), capture_output=True, text=True)
    assert f"error: {option}: runs in no shell" in done.stderr
    assert "ended with 2" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.follows("cli/completion.py", "_SAM_SEISMIC_COMPLETE=source_bash sam-seismic >> ~/.bashrc", elsewhere=True)
def test_the_fix_leads_on(tmp_path: Path):
    """The command that `test_outside_of_a_shell_it_is_refused` meets."""
    done = bash(
        tmp_path, "_SAM_SEISMIC_COMPLETE=source_bash sam >> ~/.bashrc; source ~/.bashrc; complete -p sam-seismic"
    )
    assert done.returncode == 0, done.stderr
    assert "_sam_seismic_completion" in done.stdout


def test_a_home_that_cannot_be_written_to_is_told(tmp_path: Path):
    done = bash(tmp_path / "none" / "x", "touch $(dirname $(dirname $HOME))/none; sam --install-completion; exit $?")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "fix: " in done.stderr


def test_nothing_is_told_without_being_asked(capsys: pytest.CaptureFixture[str]):
    announce_completion(["train", "--install-completion"])
    assert capsys.readouterr() == ("", "")


def test_another_shell_than_the_one_that_runs_is_refused(tmp_path: Path):
    """Typer would install it for the shell that runs, as if the other one had not been named."""
    done = bash(tmp_path, "sam --install-completion zsh; exit $?")
    assert done.returncode == 2
    assert (
        "error: --install-completion zsh: it is made for the shell in which it is given, which is bash" in done.stderr
    )
    assert "fix: leave zsh out, or start zsh and give --install-completion at its prompt" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert bash(tmp_path, "sam --install-completion bash; exit $?").returncode == 0


def test_where_the_start_file_is_protected_the_fix_leads_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sam_seismic.cli.completion._shell", lambda: "bash")
    monkeypatch.setattr("os.access", lambda path, _: Path(path) != tmp_path)  # root may write everywhere
    with pytest.raises(UserError, match=r"\.bashrc may not be written") as told:
        announce_completion(["--install-completion"])
    assert capsys.readouterr().err == ""
    command, _, load = told.value.fix.partition(
        " writes the commands into a file of yours; load it in your shell with: "
    )
    line = f"{command}; {load}; complete -p sam-seismic".replace("FILE", "$HOME/mine").replace(
        "sam-seismic --", "sam --"
    )
    done = bash(tmp_path, line)
    assert done.returncode == 0, done.stderr
    assert "_sam_seismic_completion" in done.stdout
