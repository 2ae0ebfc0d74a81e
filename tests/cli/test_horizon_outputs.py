"""`predict --horizons` in the formats of interpretation programs: the tops are those of the CSV, and read back."""

import csv
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config.choices import WrittenHorizonFormat
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.labels.affine_grid import fit_grid
from sam_seismic.survey.labels.horizon_files import PickOptions, read_horizons
from sam_seismic.survey.segy import SegyVolume, write_segy
from tests.cli.running import Made, Run
from tests.survey.labels.surfaces import places_on
from tests.survey.segy_files import cube

FORMATS: dict[str, tuple[WrittenHorizonFormat | None, ...]] = {
    "tops.dat": ("opendtect", "iesx"),
    "tops.ilclt": (None,),
    "tops.xyt": ("dug",),
    "tops.grd": ("irap-grid",),
    "tops.irap": ("irap-points",),
}
CASES = [(name, format) for name, formats in FORMATS.items() for format in formats]


@pytest.fixture(scope="module")
def placed(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The survey with coordinates, and a dead trace at IL 100 XL 305."""
    source = SegyVolume(made.amplitude)
    source.geometry.live[0, 5] = False
    path = tmp_path_factory.mktemp("placed") / "placed.sgy"
    write_segy(path, cube(source), source.geometry, coordinates=places_on(source.geometry, 20, bins=(25, 25)))
    return path


def words(made: Made, source: Path, folder: Path) -> list[str | Path]:
    return ["predict", "--checkpoint", made.best, "--input", source, "--output", folder / "f.npy", "--device", "cpu"]


@pytest.fixture(scope="module")
def table(
    made: Made, placed: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[tuple[int, int], float]]:
    """Times by class and trace, from the CSV."""
    from tests.cli.running import invoke  # noqa: PLC0415  # the fixture `run` is made for each test

    folder = tmp_path_factory.mktemp("table")
    assert invoke(*words(made, placed, folder), "--horizons", folder / "tops.csv").exit_code == 0
    found: dict[str, dict[tuple[int, int], float]] = {}
    with (folder / "tops.csv").open() as file:
        for row in csv.DictReader(file):
            for title, text in row.items():
                if title.endswith("_ms") and text:
                    found.setdefault(title.removesuffix("_ms"), {})[int(row["IL"]), int(row["XL"])] = float(text)
    return found


@pytest.mark.parametrize(("name", "format"), CASES, ids=str)
def test_a_file_for_each_class_holds_its_top(
    made: Made,
    run: Run,
    placed: Path,
    table: dict[str, dict[tuple[int, int], float]],
    tmp_path: Path,
    name: str,
    format: str | None,
):
    path = tmp_path / name
    more = () if format is None else ("--horizon-format", format)
    result = run(*words(made, placed, tmp_path), "--horizons", path, *more)
    assert result.exit_code == 0, result.stderr
    grid = fit_grid(open_volume(placed))
    for facies, tops in table.items():
        file = path.with_name(f"{path.stem}_{facies}{path.suffix}")
        (picks,) = read_horizons(file, PickOptions())
        numbers = picks.lines if picks.lines is not None else grid.lines(picks.places)  # type: ignore[arg-type]
        found = {
            (round(inline), round(crossline)): round(time, 3)
            for (inline, crossline), time in zip(numbers.tolist(), picks.times.tolist(), strict=True)
        }
        assert found == tops
        assert (100, 305) not in found
    assert not [each.name for each in tmp_path.iterdir() if each.name.startswith(".")]
    refused = run(*words(made, placed, tmp_path)[:-4], "--output", tmp_path / "g.npy", "--horizons", path, *more)
    assert refused.exit_code == 2
    assert "exists already" in refused.stderr


def test_predicted_tops_make_the_predicted_classes_again(made: Made, run: Run, placed: Path, tmp_path: Path):
    """Where the classes of a trace stand in their order, one below the other."""
    assert run(*words(made, placed, tmp_path), "--horizons", tmp_path / "tops.csv").exit_code == 0
    names = ("overburden", "deltaic", "channel", "shale", "chalk", "salt")
    result = run("labels", "--volume", placed, "--horizons", tmp_path / "tops.csv", "--below", "--priority", *names,
                 "--output", tmp_path / "l.npy")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    facies, labels = np.load(tmp_path / "f.npy"), np.load(tmp_path / "l.npy")
    ordered = [
        np.array_equal(np.unique(trace), np.arange(6)) and (np.diff(trace) >= 0).all()
        for trace in facies.reshape(-1, 48)
    ]
    np.testing.assert_array_equal(labels.reshape(-1, 48)[ordered], facies.reshape(-1, 48)[ordered])


@pytest.mark.parametrize(
    ("more", "problem", "advice"),
    [
        (("--horizon-format", "iesx"), "cannot apply without --horizons", "add --horizons tops.dat"),
        (("--horizons", "tops.dat"), "written as CSV unless", "--horizon-format opendtect"),
        (("--horizons", "tops.sgy", "--horizon-format", "iesx"), "end in .dat, .txt", "name it tops.dat"),
        (("--horizons", "tops.dat", "--horizon-format", "iesx"), "has no coordinates", "--horizon-format dug"),
    ],
)
def test_what_a_horizon_format_cannot_hold_is_refused(
    made: Made,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    problem: str,
    advice: str,
):
    """`made` has no coordinates. Nothing is predicted before."""
    monkeypatch.chdir(tmp_path)
    refused = run(*words(made, made.amplitude, tmp_path), *more)
    assert refused.exit_code == 2
    assert problem in refused.stderr
    assert advice in refused.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.follows("inference/outputs.py", "leave it out, or add --horizons tops.dat")
def test_the_advice_on_a_format_without_horizons_works(made: Made, run: Run, placed: Path, tmp_path: Path):
    given = [*words(made, placed, tmp_path), "--overwrite"]
    assert run(*given, "--horizon-format", "opendtect").exit_code == 2
    assert run(*given).exit_code == 0
    assert run(*given, "--horizon-format", "opendtect", "--horizons", tmp_path / "tops.dat").exit_code == 0


@pytest.mark.follows("survey/labels/horizon_files/picks.py", "--horizon-format dug")
def test_the_advice_on_a_survey_without_coordinates_works(made: Made, run: Run, tmp_path: Path):
    refused = run(*words(made, made.amplitude, tmp_path), "--horizons", "tops.dat", "--horizon-format", "iesx")
    assert refused.exit_code == 2
    for more in (("tops.ilclt", "--horizon-format", "dug"), ("tops.csv", "--horizon-format", "csv")):
        result = run(*words(made, made.amplitude, tmp_path), "--overwrite", "--horizons", tmp_path / more[0], *more[1:])
        assert result.exit_code == 0, result.stderr
    assert (tmp_path / "tops.csv").is_file()
    assert (tmp_path / "tops_salt.ilclt").read_text().startswith("# vertical_dimension=time\n")
