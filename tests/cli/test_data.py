"""`sam-seismic data`: what is listed, fetched and verified, and how it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import Run
from tests.survey.published_files import SMALL_F3, shrink, write_f3, write_npz
from tests.survey.test_catalog_fetch import shop  # noqa: F401  # a fixture


def test_the_list_says_what_is_known(run: Run):
    result = run("data", "list")
    assert result.exit_code == 0
    for words in ("f3: F3 facies benchmark", "1.1 GB to download, 1.2 GB unpacked", "CC BY-SA 3.0", "data_test_2.npz"):
        assert words in result.stdout
    listed = json.loads(run("data", "list", "--json").stdout)
    assert [(survey["name"], survey["fetched"], survey["archive_bytes"]) for survey in listed] == [
        ("f3", True, 1051449986),
        ("seam_ai", False, None),
    ]
    assert listed[1]["classes"]["submarine_canyon_system"] == 6
    assert len(listed[1]["files"]) == 8


@pytest.mark.usefixtures("shop")
def test_fetch_ends_with_the_next_command(run: Run, tmp_path: Path):
    result = run("data", "fetch", "f3", "--output", tmp_path / "f3")
    assert result.exit_code == 0, result.stderr
    following = f"next: sam-seismic train --config configs/f3.yaml --set data.root={tmp_path / 'f3'}"
    assert result.stdout.splitlines()[-1] == following
    assert str(tmp_path / "f3/data/train/train_seismic.npy") in result.stdout
    again = run("data", "fetch", "f3", "--output", tmp_path / "f3")
    assert "the files of f3 are there already" in again.stderr
    assert again.stdout.splitlines() == [following]


@pytest.mark.parametrize(
    ("name", "words"),
    [("seam_ai", "cannot be fetched by a program"), ("f4", "no published survey is known as 'f4'")],
)
def test_what_cannot_be_fetched_ends_with_2_and_the_way(run: Run, tmp_path: Path, name: str, words: str):
    result = run("data", "fetch", name, "--output", tmp_path)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "fix: " in result.stderr


def test_verify_prints_a_table_and_json(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shrink(monkeypatch)
    write_f3(tmp_path, *SMALL_F3)
    result = run("data", "verify", "f3", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count(" ok") == 6
    assert f"next: sam-seismic train --config configs/f3.yaml --set data.root={tmp_path}" in result.stdout
    found = json.loads(run("data", "verify", "f3", tmp_path, "--json").stdout)
    assert (found["survey"], found["volumes"]) == ("f3", ["train", "test1", "test2"])
    assert {file["status"] for file in found["files"]} == {"ok"}


def test_verify_ends_with_2_where_a_file_differs(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The table is printed all the same, and stderr has the file and the fix."""
    shrink(monkeypatch)
    write_npz(tmp_path, "train")
    (tmp_path / "labels_train.npz").write_bytes(b"half")
    result = run("data", "verify", "seam_ai", tmp_path)
    assert result.exit_code == 2
    assert "labels_train.npz" in result.stdout
    assert f"{tmp_path / 'labels_train.npz'}: cannot be read: File is not a zip file" in result.stderr
    result = run("data", "verify", "seam_ai", tmp_path, "--json")
    assert result.exit_code == 2
    statuses = {file["file"]: file["status"] for file in json.loads(result.stdout)["files"]}
    assert (statuses["data_train.npz"], statuses["labels_train.npz"]) == ("ok", "differs")


def test_torch_is_not_imported(tmp_path: Path):
    """It takes seconds, and nothing here needs it."""
    code = (
        "import sys; from typer.testing import CliRunner; from sam_seismic.cli import app\n"
        f"for words in (['data', 'list'], ['data', 'verify', 'f3', {str(tmp_path)!r}], ['data', 'fetch', 'seam_ai']):\n"
        "    CliRunner().invoke(app, words)\n"
        "assert 'sam_seismic.survey.catalog.verifying' in sys.modules\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
