"""Every path on the command line and in its environment is what its writer meant, and nothing else is made."""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from sam_seismic.cli import app
from sam_seismic.cli.given_paths import as_meant
from sam_seismic.config.places import cache_folder
from sam_seismic.errors import UserError
from sam_seismic.sam.weights import weights_folder
from tests.cli.running import Run

CONFIG = Path(__file__).parents[2] / "configs" / "demo.yaml"


def parameters(program: typer.Typer) -> Iterator[tuple[str, Any]]:
    """Name and annotation of each parameter of each command."""
    for command in program.registered_commands:
        assert command.callback is not None
        for parameter in inspect.signature(command.callback).parameters.values():
            yield f"{command.callback.__name__} {parameter.name}", parameter.annotation
    for group in program.registered_groups:
        assert group.typer_instance is not None
        yield from parameters(group.typer_instance)


def holds_paths(kind: Any) -> bool:
    return kind is Path or any(map(holds_paths, get_args(kind)))


def test_every_path_is_taken_as_it_is_meant():
    taking = {name: get_args(kind) for name, kind in parameters(app) if holds_paths(kind)}
    assert len(taking) > 25
    assert {"train configs", "predict horizons", "status runs", "submit container", "fetch folder"} <= taking.keys()
    assert [name for name, parts in taking.items() if parts[1].callback is not as_meant] == []


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("train", "--config", str(CONFIG), "--output", "$UNSET/x"), "--output"),
        (("train", "--config", "$UNSET/x.yaml"), "--config"),
        (("train", "--config", str(CONFIG), "--set", "output=$UNSET/x"), "output"),
        (("demo", "--output", "~no-such-user/x"), "--output"),
        (("inspect", "$UNSET/x.npy"), "PATH"),
        (("predict", "--checkpoint", "c", "--input", "$UNSET/x", "--output", "o.npy"), "--input"),
        (("status", "a", "$UNSET/x"), "RUNS"),
        (("submit", "--dry-run", "train", "--config", "$UNSET/x.yaml"), "--config"),
        (("weights", "fetch", "vit_b", "--folder", "$UNSET/x"), "--folder"),
    ],
    ids=str,
)
def test_an_unset_variable_is_refused_by_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], where: str
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNSET", raising=False)
    result = run(*words)
    assert result.exit_code == 2
    assert where in result.stderr
    assert "the variable UNSET in $UNSET/x" in result.stderr or "there is no user no-such-user" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_variables_of_options_are_replaced(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLACE", str(CONFIG.parent))
    assert run("config", "show", "$PLACE/demo.yaml").stdout == run("config", "show", CONFIG).stdout


@pytest.mark.parametrize("words", [("--output", ""), ("--output=",)])
def test_an_empty_argument_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
):
    """A shell makes one of a variable that is not set; the current folder would be taken."""
    monkeypatch.chdir(tmp_path)
    result = run("train", "--config", CONFIG, *words)
    assert result.exit_code == 2
    assert "--output: nothing is given there; a variable of the shell may not be set" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_folders_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SAM_SEISMIC_CACHE", "~/cache")
    monkeypatch.setenv("SAM_SEISMIC_WEIGHTS", "$HOME/weights")
    assert cache_folder("headers") == tmp_path / "cache" / "headers"
    assert weights_folder() == tmp_path / "weights"
    monkeypatch.setenv("SAM_SEISMIC_CACHE", "$UNSET/cache")
    with pytest.raises(UserError, match="SAM_SEISMIC_CACHE: the variable UNSET"):
        cache_folder("headers")


def test_without_a_home_the_variables_of_the_folders_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name in ("SAM_SEISMIC_CACHE", "SAM_SEISMIC_WEIGHTS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(
        "pooch.os_cache", lambda name: Path("~/.cache") / name
    )  # of a user that the system does not know
    with pytest.raises(UserError, match="SAM_SEISMIC_CACHE"):
        cache_folder("headers")
    with pytest.raises(UserError, match="SAM_SEISMIC_WEIGHTS"):
        weights_folder()


@pytest.mark.follows("cli/app.py", "change to another one: cd FOLDER", elsewhere=True)
def test_a_current_folder_that_was_removed(tmp_path: Path):
    folder = tmp_path / "gone"
    folder.mkdir()
    code = f"import os, sys; sys.path.insert(0, {str(CONFIG.parents[1])!r}); os.chdir({str(folder)!r}); "
    code += f"os.rmdir({str(folder)!r}); sys.argv[1:] = ['train', '--config', 'x']; "
    code += "from sam_seismic.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the current folder was removed\n  fix: change to another one: cd FOLDER\n"
    fix = done.stderr.rpartition(": ")[2].strip()
    code = code.replace("sys.argv[1:]", f"os.chdir({fix.replace('cd FOLDER', str(tmp_path))!r}); sys.argv[1:]")
    code = code.replace("['train', '--config', 'x']", "['data', 'list']")
    folder.mkdir()
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
