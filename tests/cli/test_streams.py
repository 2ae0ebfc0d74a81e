"""Terminals of any encoding, closed streams and ended readers: no traceback, and what is read back is unharmed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import load_config
from tests.cli.running import Run

NAMES = ("砂岩", "Sändig", "plain")
YAML = f"data: {{amplitude: a.npy, labels: l.npy, classes: [{', '.join(NAMES)}]}}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("streams")
    np.save(made / "l.npy", np.arange(3, dtype=np.uint8)[:, None, None].repeat(6, 0).repeat(9, 1).repeat(12, 2))
    (made / "x.yaml").write_text(YAML, encoding="utf-8")
    return made


def shell(folder: Path, line: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of the shell in which `sam` is the program."""
    program = f'sam() {{ "{sys.executable}" -m sam_seismic "$@"; }}; '
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path, "COLUMNS": "100"} | env
    words = ["bash", "-c", program + line]
    return subprocess.run(
        words, check=False, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True
    )


@pytest.mark.parametrize(
    ("env", "shown"),
    [
        ({"PYTHONIOENCODING": "utf-8:strict"}, ["砂岩", "Sändig"]),
        ({"PYTHONIOENCODING": "latin-1"}, [r"\u7802\u5ca9", "Sändig"]),
        ({"PYTHONIOENCODING": "ascii"}, [r"\u7802\u5ca9", r"S\xe4ndig"]),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, [r"\u7802\u5ca9", r"S\xe4ndig"]),
    ],
    ids=["utf-8", "latin-1", "ascii", "C"],
)
def test_names_are_shown_in_any_encoding(folder: Path, env: dict[str, str], shown: list[str]):
    done = shell(folder, "sam inspect l.npy --config x.yaml && sam inspect 砂.npy", **env)
    encoding = "latin-1" if "latin-1" in env.values() else "utf-8"
    rows = {line.split()[1]: line for line in done.stdout.decode(encoding).splitlines() if "of 18" in line}
    assert list(rows) == [*shown, "plain"]
    # The table knows how wide its cells are as they are printed; rich counts two columns for each Chinese letter.
    ends = {line.index("of 18") + sum(ord(letter) > 0x2E80 for letter in line) for line in rows.values()}
    assert len(ends) == 1
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert ".npy: there is no such file or folder" in done.stderr.decode(encoding)


def test_a_configuration_that_is_shown_in_another_encoding_means_the_same(folder: Path):
    done = shell(folder, "sam config show x.yaml > shown.yaml", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert load_config(folder / "shown.yaml").data.classes == NAMES


def test_a_name_that_is_not_utf_8(folder: Path):
    name = os.fsdecode(b"a\xff.npy")
    (folder / name).write_bytes((folder / "l.npy").read_bytes())
    done = shell(folder, "sam inspect a$'\\xff'.npy --picture p.png", PYTHONIOENCODING="utf-8:strict")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(rb"a\udcff.npy")
    assert (folder / "p.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("sam inspect l.npy >&-", 0),
        ("sam inspect l.npy <&- >&- 2>&-", 0),
        ("sam inspect none.npy 2>&-", 2),
        ("sam --help >&-", 0),
        # A shell that reads a script through the descriptor of the closed stream hands it on.
        ("sam inspect none.npy 2<x.yaml", 2),
        ("sam inspect l.npy | true; exit ${PIPESTATUS[1]}", 0),
    ],
)
def test_closed_streams(folder: Path, line: str, status: int):
    done = shell(folder, line)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr
    assert b"lost sys.stderr" not in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "sam inspect none.npy 2>/dev/full; exit $?",
        "sam inspect none.npy 2>&1 >&- | true; exit ${PIPESTATUS[0]}",
        "sam inspect none.npy 2> >(exec >&- 2>&- <&-); exit $?",
    ],
    ids=["full", "pipe", "gone"],
)
def test_news_that_nobody_can_read_change_nothing(folder: Path, line: str):
    """A training must not end because the disk of its log is full, or its terminal was closed."""
    done = shell(folder, line)
    assert (done.returncode, done.stderr) == (2, b"")


def test_results_that_cannot_be_written_are_no_success(folder: Path):
    done = shell(folder, "sam inspect l.npy --json > /dev/full")
    assert done.returncode == 2
    assert b"error: the output: the disk is full" in done.stderr


@pytest.mark.follows("files/user_paths.py", "export PYTHONUTF8=1, and give the command again", elsewhere=True)
def test_a_name_that_the_encoding_of_the_shell_lacks_is_told(folder: Path):
    """Python takes the encoding of names of files from the locale; messages alone are not enough."""
    np.save(folder / "Sändig.npy", np.load(folder / "l.npy"))
    (folder / "named.yaml").write_text(YAML.replace("a.npy", "Sändig.npy"), encoding="utf-8")
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = shell(folder, "sam inspect named.yaml", **env)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert rb"S\xe4ndig.npy: ascii, the encoding of this shell, lacks letters of the name" in done.stderr
    assert b"fix: export PYTHONUTF8=1, and give the command again" in done.stderr
    led = shell(folder, "export PYTHONUTF8=1; sam inspect named.yaml", **env)
    assert b"lacks letters" not in led.stderr


def test_a_file_does_not_get_what_a_closed_stream_should(folder: Path):
    """The first file that is opened would have the descriptor of the closed stream."""
    done = shell(folder, "sam inspect l.npy --picture closed.png >&- 2>&-")
    assert done.returncode == 0
    assert (folder / "closed.png").read_bytes().startswith(b"\x89PNG")


def test_names_without_a_font_are_told_once(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
):
    """Whatever fonts the machine has that tests: here none but ours."""
    monkeypatch.setattr("sam_seismic.report.letters._installed", tuple)
    monkeypatch.setattr("sam_seismic.report.letters._without_font", frozenset)
    result = run("inspect", folder / "l.npy", "--config", folder / "x.yaml", "--picture", tmp_path / "l.png")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("pictures show class 0 (砂岩) without their names") == 1
    assert not recwarn.list


@pytest.mark.parametrize("words", ["inspect l.npy", "inspect l.npy --json", "--help", "train --help", "config schema"])
def test_a_reader_that_has_gone_ends_the_program_without_a_word(folder: Path, words: str):
    """As other programs, which SIGPIPE ends: neither success nor a fault."""
    done = shell(folder, f"sam {words} | true; echo ${{PIPESTATUS[0]}}")
    assert done.stdout == b"141\n"
    assert b"error" not in done.stderr
    assert b"Traceback" not in done.stderr
    assert shell(folder, f"sam {words} | cat > /dev/null; echo ${{PIPESTATUS[0]}}").stdout == b"0\n"
