"""`score` reads truth and prediction each by its own: their axis orders, their header bytes, their dead traces."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam_seismic.survey.arrays import ArrayVolume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.hdf5 import Hdf5Result
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.survey.volume import Section
from tests.cli.running import Run

SURVEY = model_survey((33, 36, 40), 2)
LABELS = SURVEY.labels  # uint8[inline, crossline, sample]
BYTES = ("--inline-byte", "9", "--crossline-byte", "21")


def npy(path: Path, values: np.ndarray) -> Path:
    np.save(path, values)
    return path


def odd_bytes(path: Path, values: np.ndarray = LABELS) -> Path:
    """SEG-Y whose line numbers stand where nothing finds them."""
    write_segy(path, values, SURVEY.geometry, format="int8", inline_byte=9, crossline_byte=21)
    return path


def hdf5(path: Path) -> Path:
    with Hdf5Result(path, LABELS.dtype, geometry=SURVEY.geometry, overwrite=False, note="") as result:
        for line, values in zip(SURVEY.geometry.inlines.tolist(), LABELS, strict=True):
            result.write(Section(Orientation.INLINE, line, values.T, np.ones(len(values), np.bool_)))
    return path


def shown(run: Run, truth: Path, prediction: Path, *words: str) -> Any:
    result = run("score", "--truth", truth, "--prediction", prediction, "--json", *words)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout) | {"said": " ".join(result.stderr.split())}


def refusal(run: Run, truth: Path, prediction: Path, *words: str) -> str:
    result = run("score", "--truth", truth, "--prediction", prediction, *words)
    assert result.exit_code == 2, result.stdout
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.split())


def test_traces_of_255_are_dead_in_a_prediction(run: Run, tmp_path: Path):
    """An array of type uint8 has no negative value to mark them with: 255 is what predict writes there."""
    predicted = LABELS.copy()
    predicted[3, 5], predicted[4, 7] = 255, 255
    scores = shown(run, npy(tmp_path / "t.npy", LABELS), npy(tmp_path / "p.npy", predicted))
    assert (scores["voxels"], scores["pixel_accuracy"]) == (LABELS.size - 2 * 40, 1.0)
    assert "2 interpreted traces are dead in the prediction" in scores["said"]


def test_255_on_single_voxels_of_a_prediction_is_refused(run: Run, tmp_path: Path):
    """Counted as a class it would lower the mean over classes without a word."""
    predicted = LABELS.copy()
    predicted[3, 5, 7] = 255
    told = refusal(run, npy(tmp_path / "t.npy", LABELS), npy(tmp_path / "p.npy", predicted))
    assert "p.npy: IL 3 holds the label value 255, which cannot be scored: classes are 0 to 254" in told


def test_label_254_is_a_class_and_more_classes_there_are_not(run: Run, tmp_path: Path):
    labels = npy(tmp_path / "t.npy", np.where(LABELS == 0, 254, LABELS))
    assert shown(run, labels, labels)["pixel_accuracy"] == 1.0
    assert shown(run, labels, labels, "--classes", "255")["voxels"] == LABELS.size
    assert "255" in refusal(run, labels, labels, "--classes", "256")


def test_segy_options_are_for_whichever_is_segy(run: Run, tmp_path: Path):
    odd, other = odd_bytes(tmp_path / "odd.sgy"), hdf5(tmp_path / "p.h5")
    for pair in ((odd, other), (other, odd), (odd, odd)):
        assert shown(run, *pair, *BYTES)["pixel_accuracy"] == 1.0
    told = refusal(run, other, other, *BYTES)
    assert "segy.inline_byte, segy.crossline_byte cannot apply to HDF5" in told


def test_axes_and_key_are_for_the_truth(run: Run, tmp_path: Path):
    """The prediction that this program wrote is inline-first, whatever the order of the truth."""
    prediction = npy(tmp_path / "p.npy", LABELS)
    np.savez(tmp_path / "t.npz", labels=LABELS.transpose(2, 0, 1), amplitude=SURVEY.amplitude)
    words = ("--axes", "sample,inline,crossline", "--key", "labels")
    assert shown(run, tmp_path / "t.npz", prediction, *words)["pixel_accuracy"] == 1.0
    assert "axes cannot apply to SEG-Y" in refusal(run, odd_bytes(tmp_path / "t.sgy"), prediction, *BYTES, *words[:2])


def test_the_truth_may_be_an_array_and_the_prediction_segy(run: Run, tmp_path: Path):
    """Each gets the options of its own kind; lines of an array count from 0."""
    geometry = SURVEY.geometry.complete(range(33), range(36), 40)
    write_segy(tmp_path / "p.sgy", LABELS, geometry, format="int8", inline_byte=9, crossline_byte=21)
    truth = npy(tmp_path / "t.npy", LABELS.transpose(2, 1, 0))
    scores = shown(run, truth, tmp_path / "p.sgy", *BYTES, "--axes", "sample,crossline,inline")
    assert (scores["voxels"], scores["pixel_accuracy"]) == (LABELS.size, 1.0)


@pytest.mark.parametrize("kind", ["p.npy", "p.npz"])
def test_the_order_of_a_prediction_is_not_guessed(run: Run, tmp_path: Path, kind: str):
    """Values that swing along the first axis, as amplitudes do along time, turn no prediction round."""
    inline, crossline, sample = np.ogrid[:36, :36, :36]
    predicted = (100 + 90 * np.sin(inline / 2) + 5 * np.sin(crossline / 40) + sample / 9).astype(np.uint8)
    path = tmp_path / kind
    np.save(path, predicted) if kind == "p.npy" else np.savez(path, facies=predicted)
    assert ArrayVolume(path).axis_order == "sample,inline,crossline", "it would be guessed so"
    write_segy(tmp_path / "t.sgy", predicted, SURVEY.geometry.complete(range(36), range(36), 36), format="uint8")
    assert shown(run, tmp_path / "t.sgy", path)["pixel_accuracy"] == 1.0


def test_what_was_assumed_of_the_truth_is_said(run: Run, tmp_path: Path):
    truth, prediction = npy(tmp_path / "t.npy", LABELS.transpose(2, 0, 1)), npy(tmp_path / "p.npy", LABELS)
    assert "name the axis order of the truth with --axes" in refusal(run, truth, prediction)
    said = shown(run, prediction, prediction)["said"]
    assert "note: p.npy: axis order inline,crossline,sample assumed for shape (33, 36, 40)" in said
