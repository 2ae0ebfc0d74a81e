"""What the notes and errors on a SEG-Y advise is an option of the commands that read one, and a key of the YAML."""

import json
from pathlib import Path

import pytest

from sam_seismic.survey.segy import write_segy
from tests.cli.running import Run
from tests.survey.segy_files import Parts, grid, smooth


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    return Parts.of(tmp_path / "a.sgy", 400)


def test_times_that_are_given_replace_those_of_the_headers(tmp_path: Path, parts: Parts, run: Run):
    """In `inspect` and in a copy."""
    parts.set_binary(3217, 4)
    parts.set_field(117, 4, "u2")
    path = parts.save(tmp_path / "a.sgy")
    assert "--sample-interval 4 (YAML: data.read.segy.sample_interval)" in run("inspect", path).output
    given = ("--sample-interval", "4", "--start", "1000")
    assert run("convert", path, tmp_path / "a.h5", *given).exit_code == 0
    for words in ((path, *given), (tmp_path / "a.h5",)):
        facts = json.loads(run("inspect", *words, "--json").stdout)
        assert (facts["sample_interval_ms"], facts["start_ms"], facts["warnings"]) == (4, 1000, [])
