"""`labels`: horizons and bodies as interpreters have them become a label volume, and each piece of advice leads on."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.cli.several_values import SeveralValues, repeated
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labels.horizon_files import Top
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.volume import Volume
from tests.cli.running import Run
from tests.survey.labels.surfaces import grid, places_on, written

GRID = grid()
SHAPE = GRID.shape[:2]


@pytest.fixture
def amplitude(tmp_path: Path) -> Path:
    live = np.ones(SHAPE, bool)
    live[0, 5] = False
    geometry = Geometry(GRID.inlines, GRID.crosslines, 50, 4.0, 0.0, live)
    values = np.random.default_rng(0).normal(size=GRID.shape).astype(np.float32)
    write_segy(tmp_path / "amplitude.sgy", values, geometry, coordinates=places_on(GRID))
    return tmp_path / "amplitude.sgy"


def surface(folder: Path, name: str, time: float) -> Path:
    top = Top(name, GRID, np.full(SHAPE, time), places_on(GRID))
    return written(top, "opendtect", folder / f"{name}.dat")


def cube(volume: Volume) -> np.ndarray:
    return np.stack([volume.section(Orientation.INLINE, int(line)).values.T for line in volume.geometry.inlines])


@pytest.mark.parametrize("ending", [".sgy", ".h5", ".npy"])
def test_labels_between_horizons_are_a_volume_on_the_same_grid(run: Run, tmp_path: Path, amplitude: Path, ending: str):
    tops = [surface(tmp_path, name, time) for name, time in (("sand", 8), ("chalk", 24), ("base", 40.1))]
    output = tmp_path / f"labels{ending}"
    result = run("labels", "--volume", amplitude, "--horizons", *tops, "--output", output, "--json")
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert [(each["value"], each["name"]) for each in facts["classes"]] == [(0, "sand"), (1, "chalk")]
    assert [each["voxels"] for each in facts["classes"]] == [23 * 4, 23 * 5]
    assert facts["labelled_inlines"] == GRID.inlines.tolist()
    found = cube(open_volume(output))
    assert found[1, 1, :13].tolist() == [255, 255, 0, 0, 0, 0, 1, 1, 1, 1, 1, 255, 255]
    volume = open_volume(output)
    assert volume.geometry.sample_interval_ms == 4
    if ending != ".npy":
        assert volume.geometry.same_grid(open_volume(amplitude).geometry)
        assert not volume.geometry.live[0, 5]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
    refused = run("labels", "--volume", amplitude, "--horizons", *tops, "--output", output)
    assert refused.exit_code == 2
    assert "exists already" in refused.stderr
    again = run("labels", "--volume", amplitude, "--horizons", *tops, "--output", output, "--overwrite")
    assert again.exit_code == 0, again.stderr
    assert "sand" in again.stdout
    assert str(output) in again.stdout.replace("\n", "")


@pytest.mark.follows("survey/labels/interpretation.py", "--lines limits the labels", elsewhere=True)
@pytest.mark.follows("workflows/labels.py", "write --lines 100 120-140")
def test_bodies_and_chosen_lines(run: Run, tmp_path: Path, amplitude: Path):
    (tmp_path / "salt.csv").write_text("il,xl,time\n102,301,8\n102,304,8\n102,304,20\n102,301,20\n")
    given = ["labels", "--volume", amplitude, "--horizons", surface(tmp_path, "a", 4), "--below",
             "--bodies", tmp_path / "salt.csv", "--output", tmp_path / "l.npy"]  # fmt: skip
    told = run(*given)
    assert "drawn on 1 inlines, and horizons are picked on 4" in told.stderr
    assert "--lines" in told.stderr
    result = run(*given, "--lines", "102", "XL:305", "--overwrite")
    assert result.exit_code == 0, result.stderr
    found = np.load(tmp_path / "l.npy")
    assert set(np.unique(found[1])) == {0, 1, 255}
    assert (found[2, :5] == 255).all()
    assert (found[2, 5, 1:] == 0).all()
    for words, problem in ((("1x",), "is no line number"), (("103",), "no such inline"), (("XL:7",), "no such cross")):
        refused = run(*given, "--overwrite", "--lines", *words)
        assert refused.exit_code == 2
        assert problem in refused.stderr
    for words in (("100",), ("100", "102-140"), ("100", "102-140", "XL:300-310")):  # as the fix writes them
        assert run(*given, "--overwrite", "--lines", *words).exit_code == 0


@pytest.mark.follows("cli/labels.py", "give --horizons A.dat B.dat, or --bodies S.csv")
def test_something_must_be_given(run: Run, tmp_path: Path, amplitude: Path):
    given = ("labels", "--volume", amplitude, "--output", tmp_path / "l.npy", "--overwrite")
    assert run(*given).exit_code == 2
    assert run(*given, "--horizons", surface(tmp_path, "a", 8), surface(tmp_path, "b", 20)).exit_code == 0
    (tmp_path / "salt.csv").write_text("il,xl,time\n102,301,8\n102,304,8\n102,304,20\n")
    assert run(*given, "--bodies", tmp_path / "salt.csv").exit_code == 0


def advice(stderr: str, option: str) -> list[str]:
    """The option that a fix names, with the values behind it."""
    fix = stderr.partition("fix: ")[2]
    assert option in fix
    words = shlex.split(fix.partition(option)[2].partition(" (in the YAML")[0].replace("'s", "s"))
    return [option, *words]


@pytest.mark.follows("survey/labels/order.py", "--priority {}")
def test_the_advice_on_crossing_horizons_works(run: Run, tmp_path: Path, amplitude: Path):
    (tmp_path / "two tops.dat").write_text("IL XL TWT\n102 303 44\n104 304 8\n")
    given = ("labels", "--volume", amplitude, "--horizons", tmp_path / "two tops.dat", surface(tmp_path, "b", 40),
             "--output", tmp_path / "l.npy")  # fmt: skip
    refused = run(*given)
    assert refused.exit_code == 2
    assert "b lies above two tops on 1 trace, by up to 4 ms: IL 102 XL 303" in refused.stderr
    result = run(*given, *advice(refused.stderr, "--priority"))
    assert result.exit_code == 0, result.stderr
    assert "b is cut" in result.stderr


@pytest.mark.follows("survey/labels/interpretation.py", "add --below for all below it")
def test_the_advice_on_one_horizon_works(run: Run, tmp_path: Path, amplitude: Path):
    given = ("labels", "--volume", amplitude, "--horizons", surface(tmp_path, "a", 40), "--output", tmp_path / "l.npy")
    refused = run(*given)
    assert refused.exit_code == 2
    assert "add --below" in refused.stderr
    assert run(*given, "--below").exit_code == 0


@pytest.mark.follows("survey/labels/surfaces.py", "inlines and crosslines are exchanged: --columns")
@pytest.mark.follows("survey/labels/times.py", "--unit s, ms or us")
def test_the_advice_on_columns_and_units_works(run: Run, tmp_path: Path, amplitude: Path):
    (tmp_path / "a.dat").write_text("300 100 -9.5 7\n301 102 -9.5 7\n302 104 -9.5 7\n303 104 -0.1 7\n303 100 -0.2 7\n")
    given = ["labels", "--volume", amplitude, "--horizons", tmp_path / "a.dat", "--below", "--output",
             tmp_path / "l.npy"]  # fmt: skip
    refused = run(*given)
    assert refused.exit_code == 2
    assert "--columns il,xl,time" in refused.stderr
    assert "leave --columns out" not in refused.stderr
    given += ["--columns", "xl,il,time"]
    refused = run(*given, "--unit", "s")
    assert "lie outside those of the volume" in refused.stderr
    assert run(*given, "--unit", "ms", "--upward").exit_code == 0
    refused = run(*given, "--overwrite", "--columns", "il,xl,tim")
    assert "tim is none of il, xl" in refused.stderr
    refused = run(*given, "--overwrite", "--columns", "il,xl,time")
    assert "its inlines are 300 to 303" in refused.stderr
    assert run(*given, "--overwrite", *advice(refused.stderr, "--columns")).exit_code == 0


@pytest.mark.follows("survey/labels/surfaces.py", "--max-residual {}")
def test_the_advice_on_points_between_traces_works(run: Run, tmp_path: Path, amplitude: Path):
    places = places_on(GRID)
    off = Top("a", GRID, np.full(SHAPE, 8.0), places + 12 * (places[1, 0] - places[0, 0]) / 50)
    path = written(off, "irap-points", tmp_path / "a.irap")
    given = ("labels", "--volume", amplitude, "--horizons", path, "--below", "--output", tmp_path / "l.npy")
    refused = run(*given)
    assert refused.exit_code == 2
    result = run(*given, *advice(refused.stderr, "--max-residual"))
    assert result.exit_code == 0, result.stderr
    assert "picks lie 12 from their traces on average" in result.stderr


@pytest.mark.follows("survey/labels/bodies.py", "--body-columns xl,il,time")
@pytest.mark.follows("survey/labels/bodies.py", "e.g. --body-columns il,xl,time")
def test_the_advice_on_bodies_works(run: Run, tmp_path: Path, amplitude: Path):
    (tmp_path / "salt.csv").write_text("301,102,8\n304,102,8\n304,102,20\n301,102,20\n")
    given = ("labels", "--volume", amplitude, "--bodies", tmp_path / "salt.csv", "--output", tmp_path / "l.npy")
    refused = run(*given)
    assert "--body-columns il,xl,time" in refused.stderr
    refused = run(*given, "--body-columns", "il,xl,time")
    assert refused.exit_code == 2
    assert run(*given, *advice(refused.stderr, "--body-columns")).exit_code == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "no horizon and no body is given"),
        (("--bodies", "salt.csv", "--max-gap", "3"), "--max-gap cannot apply without --horizons"),
        (("--horizons", "none.dat"), "there is no such horizon file"),
        (("--horizons", "none.dat", "--body-columns", "il,xl,time"), "--body-columns cannot apply without --bodies"),
    ],
)
def test_what_cannot_apply_is_refused(run: Run, tmp_path: Path, amplitude: Path, words: tuple[str, ...], problem: str):
    result = run("labels", "--volume", amplitude, *words, "--output", tmp_path / "l.npy")
    assert result.exit_code == 2
    assert problem in result.stderr
    assert not (tmp_path / "l.npy").exists()


def test_values_that_follow_each_other_belong_to_their_option():
    def spelled(text: str) -> str:
        return " ".join(repeated(text.split(), SeveralValues.several))

    assert spelled("--horizons a b c --output d") == "--horizons a --horizons b --horizons c --output d"
    assert spelled("--horizons=a b --below --lines 1 2") == "--horizons=a --horizons b --below --lines 1 --lines 2"
    assert spelled("--no-pick -1 -2.5 --volume v") == "--no-pick -1 --no-pick -2.5 --volume v"
    assert spelled("--volume v x --output o p") == "--volume v --volume x --output o p"
