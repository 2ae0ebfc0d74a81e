"""`score` compares several predictions, in another class order, with a volume or with a configuration's labels."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam_seismic.config import ReadOptions
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey
from tests.cli.running import Made, Run

SURVEY = model_survey((40, 32, 48), 1)  # as that of the fixture `made`
LABELS = SURVEY.labels  # uint8[inline, crossline, sample]


def deeper(samples: int) -> np.ndarray:
    """The labels, a few samples too deep."""
    return np.pad(LABELS, ((0, 0), (0, 0), (samples, 0)), mode="edge")[:, :, : LABELS.shape[2]]


def shifted(path: Path, samples: int, add: int = 0) -> Path:
    """The labels, a few samples too deep, and numbered from `add`."""
    write_segy(path, deeper(samples) + add, SURVEY.geometry, format="int8")
    return path


def shown(run: Run, *words: str | Path) -> Any:
    result = run("score", *words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_predictions_side_by_side(made: Made, run: Run, tmp_path: Path):
    one, three = shifted(tmp_path / "one.sgy", 1), shifted(tmp_path / "three.sgy", 3)
    words = ("--truth", made.labels, "--prediction", one, "--also", three, "--output", tmp_path / "out")
    found = shown(run, *words)
    assert list(found["predictions"]) == ["one", "three"]
    alone = {path.stem: shown(run, "--truth", made.labels, "--prediction", path) for path in (one, three)}
    for name, scores in found["predictions"].items():
        assert scores["confusion"] == alone[name]["confusion"]
    assert found["confusion"] == alone["one"]["confusion"]
    assert found["mean_iou"] > found["predictions"]["three"]["mean_iou"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "one and three" in page
    assert found == json.loads((tmp_path / "out" / "metrics.json").read_text())


def test_tops_of_labels_that_are_too_deep_by_a_sample(made: Made, run: Run, tmp_path: Path):
    """Of layers shifted down by 1 sample of 4 ms, the median top is 4 ms too deep."""
    found = shown(run, "--truth", made.labels, "--prediction", shifted(tmp_path / "one.sgy", 1))
    tops = found["class_tops"]["all"]
    assert (tops["median"], tops["median_ms"], tops["percentile_90"]) == (1.0, 4.0, 1.0)
    assert tops["bias"] == pytest.approx(1.0, abs=0.2)


def test_another_class_order_is_mapped(made: Made, run: Run, tmp_path: Path):
    """Classes numbered from 1 are those of the truth by --map; a value that is mapped twice is refused."""
    path = shifted(tmp_path / "other.sgy", 0, add=1)
    words = ("--truth", made.labels, "--prediction", path)
    assert shown(run, *words)["pixel_accuracy"] < 0.1
    pairs = [f"{value + 1}={value}" for value in range(6)]
    found = shown(run, *words, "--map", *pairs)
    assert (found["pixel_accuracy"], found["mean_iou"]) == (1.0, 1.0)
    refused = run("score", *words, "--map", "1=0", "--map", "1=2")
    assert refused.exit_code == 2
    assert "the value 1 is mapped twice" in refused.stderr


@pytest.mark.follows("cli/score_options.py", "write it as THEIRS=OURS, such as --map 3=0")
def test_a_mapping_that_is_none(made: Made, run: Run):
    words = ("score", "--truth", made.labels, "--prediction", made.labels)
    refused = run(*words, "--map", "3:0")
    assert refused.exit_code == 2
    assert "such as --map 3=0" in refused.stderr
    assert run(*words, "--map", "3=0").exit_code == 0


def test_a_configuration_names_classes_and_brings_guesses(made: Made, run: Run, tmp_path: Path):
    """The truth is that of the test lines 134-139: names instead of numbers, guesses by distance beside the score."""
    one = shifted(tmp_path / "one.sgy", 1)
    found = shown(run, "--config", made.config, "--prediction", one, "--output", tmp_path / "out")
    assert set(found["iou"]) == set(SURVEY.facies.names)
    truth, guess = LABELS[34:], deeper(1)[34:]
    expected = np.bincount(truth.ravel().astype(int) * 6 + guess.ravel(), minlength=36).reshape(6, 6)
    np.testing.assert_array_equal(found["confusion"], expected)
    assert set(found["guesses"]) == {"majority class", "depth only", "nearest line", "interpolation"}
    assert [each["lines"] for each in found["by_distance"]] == [[8, 15], [16, 31]]
    val = shown(run, "--config", made.config, "--split", "val", "--prediction", one)
    assert val["voxels"] == 6 * 32 * 48


@pytest.mark.follows("cli/score_options.py", "give --truth LABELS, or --config FILE for the labels of a survey")
def test_one_truth_is_needed(made: Made, run: Run):
    for both in ((), ("--truth", made.labels, "--config", made.config)):
        refused = run("score", "--prediction", made.labels, *both)
        assert refused.exit_code == 2
        assert "give --truth LABELS, or --config FILE" in refused.stderr
    assert run("score", "--prediction", made.labels, "--truth", made.labels).exit_code == 0
    assert run("score", "--prediction", made.labels, "--config", made.config).exit_code == 0


@pytest.mark.follows("cli/score_options.py", "leave --split out")
@pytest.mark.follows("cli/score_options.py", "leave --classes out")
def test_options_of_the_other_truth(made: Made, run: Run):
    for truth, option in (
        (("--truth", made.labels), ("--split", "val")),
        (("--config", made.config), ("--classes", "6")),
    ):
        refused = run("score", "--prediction", made.labels, *truth, *option)
        assert refused.exit_code == 2
        assert f"leave {option[0]} out" in refused.stderr
        assert run("score", "--prediction", made.labels, *truth).exit_code == 0


def test_intervals_of_many_unrelated_lines(run: Run, tmp_path: Path):
    """Lines whose voxels are right with a probability of each line: 80 lines give an interval around the score."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (80, 30, 20)).astype(np.uint8)
    right = rng.random(truth.shape) < rng.uniform(0.6, 0.9, 80)[:, None, None]
    np.save(tmp_path / "truth.npy", truth)
    np.save(tmp_path / "guess.npy", np.where(right, truth, 1 - truth).astype(np.uint8))
    found = shown(run, "--truth", tmp_path / "truth.npy", "--prediction", tmp_path / "guess.npy")
    interval = found["intervals"]["pixel_accuracy"]
    assert interval["low"] < found["pixel_accuracy"] < interval["high"]
    # 80 independent lines with a standard deviation of 0.3 / sqrt(12): the mean has 0.0097, twice that on both sides
    assert 0.025 < interval["high"] - interval["low"] < 0.06
    volume = open_volume(tmp_path / "truth.npy", ReadOptions())
    assert len(found["lines"]) == len(volume.lines(Orientation.INLINE)) == 80
