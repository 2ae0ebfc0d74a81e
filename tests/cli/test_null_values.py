"""Null values from the command line: inspect tells them, training and prediction leave them out, `--null` names one."""

import json
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.volume import Volume
from tests.cli.running import Made, Run, configured

CORNER = (slice(0, 20), slice(0, 6))
"""Inlines and crosslines whose traces hold nothing."""


def whole(volume: Volume) -> np.ndarray:
    """[inline, crossline, sample]."""
    return np.stack([volume.section(Orientation.INLINE, int(line)).values.T for line in volume.geometry.inlines])


def padded(made: Made, path: Path, null: float, place: tuple[slice | int, ...] = CORNER, format: str = "ieee") -> Path:
    """The amplitudes of the run with a null value at a place."""
    volume = open_volume(made.amplitude)
    values = whole(volume)
    values[place] = null
    write_segy(path, values, volume.geometry, format=format)  # type: ignore[arg-type]
    return path


def scale_line(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("amplitudes:"))


@pytest.mark.parametrize("null", [-999.25, 1e30, np.nan])
def test_null_traces_are_neither_scaled_nor_predicted_and_told(run: Run, made: Made, tmp_path: Path, null: float):
    path = padded(made, tmp_path / "padded.sgy", null)
    config = configured(made, tmp_path / "config.yaml", amplitude=str(path))
    result = run("train", "--config", config, "--output", tmp_path / "run", "--set", "train.epochs=1")
    assert result.exit_code == 0, result.stderr
    assert "alone: taken as dead" in result.stderr
    clip = float(scale_line(result.stderr).split("+- ")[1].split(" ")[0])
    assert 1 < clip < 10

    outputs = ["--output", tmp_path / "f.sgy", "--horizons", tmp_path / "h.csv", "--orientation", "both"]
    result = run("predict", "--checkpoint", made.best, "--input", path, *outputs, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert "alone: taken as dead" in result.stderr
    assert "UNLIKE" not in result.stderr
    facies = whole(open_volume(tmp_path / "f.sgy"))
    assert (facies[CORNER] == -1).all()
    facies[CORNER] = 0
    assert (facies >= 0).all()
    assert len((tmp_path / "h.csv").read_text().splitlines()) == 1 + 40 * 32 - 20 * 6

    found = json.loads(run("inspect", path, "--json").stdout)
    assert list(found["nulls"].values()) == [120]
    assert abs(found["amplitude"]["max"]) < 100
    assert any("120 of 1,280 traces hold" in note for note in found["warnings"])


def test_evaluation_leaves_null_traces_out(run: Run, made: Made, tmp_path: Path):
    test_lines = (slice(34, 40), slice(0, 10))
    path = padded(made, tmp_path / "padded.sgy", np.nan, test_lines)
    config = configured(made, tmp_path / "config.yaml", amplitude=str(path))
    for name, words in (("whole", []), ("padded", ["--config", config])):
        given = [*words, "--device", "cpu", "--output", tmp_path / name]
        assert run("eval", "--checkpoint", made.best, *given).exit_code == 0
    voxels = [json.loads((tmp_path / name / "metrics.json").read_text())["voxels"] for name in ("whole", "padded")]
    assert voxels[1] == voxels[0] * 22 / 32


@pytest.mark.follows("survey/labelled.py", "--null nan (YAML: data.read.null: .nan)")
def test_null_values_between_amplitudes_are_refused_with_an_option_that_helps(run: Run, made: Made, tmp_path: Path):
    path = padded(made, tmp_path / "holes.sgy", np.nan, (slice(0, 40), 3, 20))
    predict = ["predict", "--checkpoint", made.best, "--input", path, "--output", tmp_path / "f.sgy", "--device", "cpu"]
    result = run(*predict)
    assert result.exit_code == 2
    assert "--null nan" in result.stderr
    assert "--null nan" in " ".join(run("inspect", path).stdout.split())
    result = run(*predict, "--null", "nan")
    assert result.exit_code == 0, result.stderr
    assert "set to zero" in result.stderr
    config = configured(made, tmp_path / "config.yaml", amplitude=str(path))
    train = ["train", "--config", config, "--output", tmp_path / "run", "--set", "train.epochs=1"]
    result = run(*train)
    assert result.exit_code == 2
    assert "data.read.null: .nan" in " ".join(result.stderr.split())
    result = run(*train, "--set", "data.read.null=.nan")
    assert result.exit_code == 0, result.stderr
    assert run("inspect", tmp_path / "run" / "config.yaml").exit_code == 0
    assert run("eval", "--checkpoint", tmp_path / "run" / "checkpoints" / "best.ckpt", "--device", "cpu").exit_code == 0
    more = ["--resume", "--set", "train.epochs=2", "--set", "data.read.null=.nan"]
    assert run("train", "--config", config, "--output", tmp_path / "run", *more).exit_code == 0


def test_a_volume_of_nan_is_told_as_such(run: Run, made: Made, tmp_path: Path):
    path = padded(made, tmp_path / "nan.sgy", np.nan, (slice(None),))
    result = run("inspect", path)
    assert "the amplitudes are all NaN" in " ".join(result.stdout.split())
    assert "no live trace was measured" not in result.stdout
    result = run("predict", "--checkpoint", made.best, "--input", path, "--output", tmp_path / "f.sgy")
    assert result.exit_code == 2
    assert "hold NaN alone" in " ".join(result.stderr.split())


@pytest.mark.parametrize("null", [-999.25, 1e30, np.nan])
def test_labels_of_a_float_null_are_not_interpreted_and_told(run: Run, made: Made, tmp_path: Path, null: float):
    volume = open_volume(made.labels)
    values = whole(volume).astype(np.float32)
    values[:, :, 40:] = null
    path = tmp_path / "labels.sgy"
    write_segy(path, values, volume.geometry, format="ieee")
    config = configured(made, tmp_path / "config.yaml", labels=str(path))
    for ignored in ([], ["--set", f"data.ignore_values=[255, {'.nan' if np.isnan(null) else f'{null:.5e}'}]"]):
        words = ["--set", "train.epochs=1", "--overwrite", *ignored]
        result = run("train", "--config", config, "--output", tmp_path / "run", *words)
        assert result.exit_code == 0, result.stderr
        assert bool(ignored) or "mean not interpreted" in " ".join(result.stderr.split())
    found = json.loads(run("inspect", path, "--labels", "--json").stdout)
    assert list(found["nulls"].values()) == [40 * 32 * 8]
    assert sum(found["classes"].values()) == 40 * 32 * 40
    assert run("inspect", path, "--labels", "--picture", tmp_path / "p.png").exit_code == 0
    scored = run("score", "--truth", path, "--prediction", made.labels, "--json")
    assert scored.exit_code == 0, scored.stderr
    assert json.loads(scored.stdout)["voxels"] == 40 * 32 * 40


def test_lines_of_null_labels_are_not_interpreted_and_told(run: Run, made: Made, tmp_path: Path):
    """No line that is read to train holds a null value; the note is given all the same."""
    volume = open_volume(made.labels)
    values = whole(volume).astype(np.float32)
    values[np.setdiff1d(np.arange(40), [3, 8, 12, 20, 30, 36])] = np.nan
    path = tmp_path / "labels.sgy"
    write_segy(path, values, volume.geometry, format="ieee")
    config = configured(made, tmp_path / "config.yaml", labels=str(path), every=1)
    result = run("train", "--config", config, "--output", tmp_path / "run", "--set", "train.epochs=1")
    assert result.exit_code == 0, result.stderr
    told = " ".join(result.stderr.split())
    assert "interpreted: 6 of 40 inlines" in told
    assert "labels of NaN" in told
    assert "mean not interpreted" in told


def test_a_null_value_is_no_option_of_convert(run: Run, made: Made, tmp_path: Path):
    result = run("convert", made.amplitude, tmp_path / "a.h5", "--null", "-999.25")
    assert result.exit_code == 2
    assert "copies every sample as it is" in " ".join(result.stderr.split())


def test_traces_that_are_mostly_zero_are_told(made: Made, run: Run, tmp_path: Path):
    """Muted or padded ones: half of the inlines are zero but for the last third of their samples."""
    path = padded(made, tmp_path / "muted.sgy", 0.0, (slice(0, 20), slice(None), slice(0, 32)))
    told = run("inspect", path)
    assert told.exit_code == 0
    assert "640 of 1,280 traces that hold data (50 %) are zero in more than half of their samples" in " ".join(
        told.stdout.split()
    )
    config = configured(made, tmp_path / "config.yaml", amplitude=str(path))
    trained = run("train", "--config", config, "--output", tmp_path / "run", "--set", "train.epochs=1")
    assert trained.exit_code == 0, trained.stderr
    assert "are zero in more than half of their samples, as padded or muted ones are" in trained.stderr
    assert "are zero in more" not in run("inspect", made.amplitude).stdout
