"""`inspect` of horizon files: format, picks, lines, times, null values and the unit, before labels are made of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.survey.labels.horizon_files import Top
from sam_seismic.survey.segy import write_segy
from tests.cli.running import Run
from tests.survey.labels.surfaces import grid, places_on, written

GRID = grid()


def test_a_file_of_opendtect(run: Run, tmp_path: Path):
    times = np.full(GRID.shape[:2], 1200.5)
    times[0, 0] = 1204.25
    path = written(Top("top", GRID, times, places_on(GRID)), "opendtect", tmp_path / "top.dat")
    shown = run("inspect", path)
    assert shown.exit_code == 0, shown.stderr
    told = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert "format horizons: OpendTect ASCII" in told
    assert "positions inline and crossline, X and Y: the lines are used" in told
    assert "top 24 0 100 to 106 (4) 300 to 305 (6) 1200.5 to 1204.25" in told
    facts = json.loads(run("inspect", path, "--json").stdout)
    assert (facts["format"], facts["unit"], facts["unit_in_file"], facts["upward"]) == ("opendtect", "ms", False, False)
    (top,) = facts["horizons"]
    assert top["inlines"] == {"first": 100, "last": 106, "lines": 4}
    assert (top["picks"], top["times"], top["x"][0]) == (24, [1200.5, 1204.25], pytest.approx(604925, abs=75))


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("s.dat", "IL XL TWT\n100 300 -1.2\n100 301 -1.3\n", ("columns", "s", False, True, 0)),
        ("us.dat", "IL XL Z\n100 300 1200000\n100 301 1300000\n", ("columns", "us", False, False, 0)),
        ("s.csv", "IL,XL,TWT (s)\n100,300,1.2\n100,301,-999.25\n", ("columns", "s", True, False, 1)),
        ("a.ilclt", "100 300 1200\n", ("dug", "ms", False, False, 0)),
        ("p.txt", "605000 6073000 1200\n999.0 999.0 999.0\n", ("irap-points", "ms", False, False, 0)),
    ],
)
def test_the_unit_is_told_by_the_file_or_by_the_size_of_its_times(
    run: Run, tmp_path: Path, name: str, text: str, found
):
    (tmp_path / name).write_text(text)
    facts = json.loads(run("inspect", tmp_path / name, "--json").stdout)
    nulls = facts["horizons"][0]["no_pick"]
    assert (facts["format"], facts["unit"], facts["unit_in_file"], facts["upward"], nulls) == found


def test_several_horizons_depths_and_null_values(run: Run, tmp_path: Path):
    (tmp_path / "two.csv").write_text("Name,IL,XL,Depth\nA,100,300,1200\nB,100,300,-999\nB,102,301,1300\n")
    shown = run("inspect", tmp_path / "two.csv")
    told = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert "depths in the unit of the volume" in told
    assert "B 1 1 102 to 102 (1) 301 to 301 (1) 1300 to 1300" in told
    assert "B: 1 pick at -999, far from all others: taken as no pick" in shown.stdout


def test_columns_that_no_header_names_can_be_declared(run: Run, tmp_path: Path):
    (tmp_path / "a.dat").write_text("INLINE : 100 XLINE : 300 605000.25 6073000.5 1200.5\n")
    refused = run("inspect", tmp_path / "a.dat")
    assert refused.exit_code == 2
    columns = refused.stderr.partition("perhaps --columns ")[2].split()[0]
    assert columns == "skip,skip,il,skip,skip,xl,x,y,time"
    assert run("inspect", tmp_path / "a.dat", "--columns", columns).exit_code == 0


def test_options_of_other_files_are_refused(run: Run, tmp_path: Path):
    (tmp_path / "a.ilclt").write_text("100 300 1200\n")
    (tmp_path / "a.npy").write_bytes(b"\0")
    for words, told in (
        ((tmp_path / "a.ilclt", "--labels"), "--labels apply to volumes only, and this is a text file"),
        ((tmp_path / "a.ilclt", "--inline-byte", "9"), "the reading options apply to volumes only"),
        ((tmp_path / "a.npy", "--columns", "il,xl,time"), "--columns apply to horizon files only"),
    ):
        refused = run("inspect", *words)
        assert refused.exit_code == 2
        assert told in " ".join(refused.stderr.split())


@pytest.mark.follows(
    "survey/formats.py", "; horizons become labels by `sam-seismic labels`, or as data.labels.horizons"
)
def test_a_horizon_in_place_of_a_label_volume_is_told_from_one(run: Run, tmp_path: Path):
    values = np.random.default_rng(0).normal(size=GRID.shape).astype(np.float32)
    write_segy(tmp_path / "a.sgy", values, GRID, coordinates=places_on(GRID))
    path = written(Top("top", GRID, np.full(GRID.shape[:2], 100.0), None), "dug", tmp_path / "top.ilclt")
    config, begin = tmp_path / "c.yaml", f"data: {{amplitude: {tmp_path}/a.sgy, classes: [over, under], labels: "
    config.write_text(f"{begin}{path}}}\n")
    refused = run("inspect", config)
    assert refused.exit_code == 2
    assert "data.labels.horizons" in refused.stderr
    config.write_text(f"{begin}{{horizons: {{files: [{path}], above: true, below: true}}}}}}\n")
    told = run("inspect", config)
    assert "are not known" not in told.stderr
    assert "too few for 1 to validate" in told.stderr, "the labels are made, and too few to split"
    labels = ("labels", "--volume", tmp_path / "a.sgy", "--horizons", path, "--below", "--output", tmp_path / "l.sgy")
    assert run(*labels).exit_code == 0
