"""What docs/extending.md adds works: its snippets are put into a copy of the program, and their tests are run there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.configuration_page import BEGIN
from tests.docs.pages import ROOT, fences

PAGE = "docs/extending.md"
KINDS = ("A loss", "A head", "A network", "A tuning method", "A volume format", "A horizon format")
COPIED = ("sam_seismic", "tests", "scripts", "configs", "docs", "pyproject.toml")
ALSO_RUN = ("tests/test_kinds.py", "tests/test_config.py", "tests/docs/test_configuration_page.py")
"""Tests of what all kinds have in common: they hold without a change."""


def snippets(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The new files by path, and what is added to old ones as (path, diff)."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    files = {body.partition("\n")[0].removeprefix("# "): body for kind, body in found if kind == "python"}
    diffs = [body.partition("\n") for kind, body in found if kind == "diff"]
    return files, [(first.removeprefix("--- "), rest) for first, _, rest in diffs]


def section(kind: str) -> str:
    """The part of the page about one kind."""
    _, _, rest = (ROOT / PAGE).read_text().partition(f"\n## {kind}\n")
    return rest.partition("\n## ")[0]


def changed(text: str, diff: str) -> str:
    """A file with each piece of a diff put in place; what stood there must be as the diff has it, and once."""
    for piece in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        lines = piece.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        assert text.count(old) == 1, old
        text = text.replace(old, "".join(line[1:] for line in lines if line[0] in " +"))
    return text


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_a_file_a_table_line_a_config_model_and_a_test(kind: str):
    files, diffs = snippets(section(kind))
    new = [path for path in files if path.startswith("sam_seismic/")]
    assert len(new) == 1
    assert len([path for path in files if path.startswith("tests/")]) == 1
    assert len(files) == 2
    assert not any((ROOT / path).exists() for path in files)
    tables = [path for path, _ in diffs if not path.startswith("sam_seismic/config/")]
    assert len(tables) == 1
    assert len(diffs) - len(tables) == (0 if kind == "A volume format" else 1)
    ((_, entry),) = (each for each in diffs if each[0] == tables[0])
    assert [line[0] for line in entry.splitlines()] == list(" +@ +"), "an import and an entry"


def test_every_snippet_is_of_a_kind():
    together = [each for kind in KINDS for each in snippets(section(kind))]
    assert sum(map(len, together)) == len(fences(PAGE)) == 23


def test_what_the_page_adds_passes_its_tests(tmp_path: Path):
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path)
    files, diffs = snippets((ROOT / PAGE).read_text())
    for path, text in files.items():
        (tmp_path / path).write_text(text)
    for path, diff in diffs:
        (tmp_path / path).write_text(changed((tmp_path / path).read_text(), diff))
    told = ran(tmp_path, "scripts/configuration_page.py", "--fill", "docs/configuration.md")
    assert told.returncode == 0, told.stderr
    _, _, keys = (tmp_path / "docs" / "configuration.md").read_text().partition(BEGIN)
    assert {"`train.loss.gamma`", "`model.levels`", "`model.encoder.rank`"} <= set(re.findall(r"`[\w.]+`", keys))
    tests = [path for path in files if path.startswith("tests/")]
    told = ran(tmp_path, "-m", "pytest", "-n", "0", "-q", "-rA", "-p", "no:cacheprovider", *tests, *ALSO_RUN)
    assert told.returncode == 0, told.stdout
    for path in tests:
        names = re.findall(r"^def (test_\w+)", files[path], flags=re.MULTILINE)
        assert names
        assert all(f"PASSED {path}::{name}" in told.stdout for name in names), told.stdout


def ran(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A Python program that finds the copy in a folder."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, check=False)
