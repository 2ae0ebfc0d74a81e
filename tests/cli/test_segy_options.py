"""What the notes and errors on a SEG-Y advise is an option of the commands that read one, and a key of the YAML."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.survey.segy import SegyVolume, write_segy
from tests.cli.running import Made, Run
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


def test_a_grid_that_the_headers_do_not_number_is_read_as_the_error_advises(tmp_path: Path, parts: Parts, run: Run):
    parts.set_field(189, 0)
    parts.set_field(193, 0)
    path = parts.save(tmp_path / "a.sgy")
    assert "--traces-per-line 30" in run("inspect", path).stderr
    inline, crossline = np.divmod(np.arange(30), 5)
    parts.set_field(181, 600_000 + 20 * crossline + 10 * inline)
    parts.set_field(185, 6_000_000 - 10 * crossline + 20 * inline)
    parts.save(path)
    assert "--grid-from-coordinates" in run("inspect", path).stderr
    for option in (("--grid-from-coordinates",), ("--traces-per-line", "5")):
        screen = run("inspect", path, *option)
        assert "line numbers  in no header field" in screen.stdout
        facts = json.loads(run("inspect", path, *option, "--json").stdout)
        assert facts["shape"] == [6, 5, 40]
        assert (facts["inlines"]["first"], facts["inline_byte"]) == (1, None)
    assert facts["coordinates"]["inline_spacing"] == pytest.approx(500**0.5)


def test_a_file_that_ends_inside_a_trace_is_read_as_the_error_advises(tmp_path: Path, parts: Parts, run: Run):
    path = parts.save(tmp_path / "a.sgy")
    path.write_bytes(path.read_bytes()[:-100])
    assert "--tail drop" in run("inspect", path).stderr
    assert json.loads(run("inspect", path, "--tail", "drop", "--json").stdout)["live_traces"] == 29
    assert json.loads(run("inspect", path, "--tail", "drop", "--samples", "40", "--json").stdout)["shape"][2] == 40


def test_horizons_of_a_prediction_have_the_times_that_are_given(made: Made, tmp_path: Path, run: Run):
    """An interval stored in ms; the first inline starts at 500 ms, the others at 1000."""
    path = tmp_path / "odd.sgy"
    path.write_bytes(made.amplitude.read_bytes())
    volume = SegyVolume(path)
    parts = Parts.of(path, volume.layout.trace_bytes)
    parts.set_binary(3217, 4)
    parts.set_field(117, 4, "u2")
    first = volume.index[0]
    parts.set_field(109, np.where(np.isin(np.arange(volume.traces), first), 500, 1000), "i2")
    parts.save(path)
    given = ("--checkpoint", made.best, "--input", path, "--output", tmp_path / "p.sgy", "--device", "cpu")
    result = run("predict", *given, "--horizons", tmp_path / "h.csv", "--sample-interval", "4")
    assert result.exit_code == 0, result.stderr
    rows = list(csv.DictReader((tmp_path / "h.csv").read_text().splitlines()))
    last = 4 * (volume.geometry.samples - 1)
    for row in rows:
        start = 500 if int(row["IL"]) == volume.geometry.inlines[0] else 1000
        times = [float(time) for name, time in row.items() if name.endswith("_ms") and time]
        assert min(times) == start  # some class begins at the first sample
        assert max(times) <= start + last
