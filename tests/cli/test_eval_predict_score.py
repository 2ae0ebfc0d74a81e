"""`eval`, `predict`, `score`, `inspect` and `convert` on a trained run: numbers that agree and files that line up."""

import errno
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
import segyio

from sam_seismic.config import ReadOptions
from sam_seismic.files.folders import folder_of_results
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import SegyResult
from tests.cli.running import Made, Run, configured, invoke


def cube(path: Path) -> np.ndarray:
    volume = open_volume(path, ReadOptions())
    return np.stack([volume.section(Orientation.INLINE, int(line)).values.T for line in volume.geometry.inlines])


@pytest.fixture(scope="module")
def predicted(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("predicted") / "facies.sgy"
    result = invoke("predict", "--checkpoint", made.best, "--input", made.amplitude, "--output", path)
    assert result.exit_code == 0, result.stderr
    return path


def test_eval_writes_the_metrics_that_it_shows(made: Made, run: Run, tmp_path: Path):
    result = run("eval", "--checkpoint", made.best, "--output", tmp_path / "test", "--json")
    shown = json.loads(result.stdout)
    written = json.loads((tmp_path / "test" / "metrics.json").read_text())
    assert {key: written[key] for key in shown} == shown
    assert shown["voxels"] == 6 * 32 * 48
    assert np.sum(shown["confusion"]) == shown["voxels"]
    assert set(written["guesses"]) == {"majority class", "depth only", "nearest line", "interpolation"}
    assert {path.name for path in (tmp_path / "test").glob("*.png")} >= {"confusion.png"}
    page = (tmp_path / "test" / "report.html").read_text()
    assert f"{shown['mean_iou']:.3f}" in page
    assert "Where the network begins to pay" in page


def test_eval_of_a_split_that_is_not_there_names_those_that_are(made: Made, run: Run):
    result = run("eval", "--checkpoint", made.best, "--split", "tset")
    assert result.exit_code == 2
    assert "no split called tset" in result.stderr
    assert "train, val, test" in result.stderr


def test_what_is_scored_is_what_predict_delivers(made: Made, run: Run, tmp_path: Path):
    """With both orientations, the score is that of the merged volume, and a crossline is seen whole, not cut.

    The volumes that `predict` writes are the second opinion: merged, and of each orientation alone.
    """
    config = configured(made, tmp_path / "both.yaml", orientation="both", split={"val": 0.15, "test": 0.4, "guard": 2})
    words = ("eval", "--checkpoint", made.best, "--config", config, "--output", tmp_path / "test")
    assert run(*words).exit_code == 0
    written = json.loads((tmp_path / "test" / "metrics.json").read_text())
    truth = cube(made.labels)[24:].ravel().astype(int)  # the last 16 of 40 inlines
    predictions = {"both": "merged", "inline": "inline", "crossline": "crossline"}
    for orientation, direction in predictions.items():
        path = tmp_path / f"{orientation}.sgy"
        given = ("--input", made.amplitude, "--output", path, "--orientation", orientation)
        assert run("predict", "--checkpoint", made.best, *given).exit_code == 0
        expected = np.bincount(truth * 6 + cube(path)[24:].ravel(), minlength=36).reshape(6, 6)
        np.testing.assert_array_equal(written["directions"][direction]["confusion"], expected)
    assert written["confusion"] == written["directions"]["merged"]["confusion"]
    unmerged = sum(np.array(written["directions"][each]["confusion"]) for each in ("inline", "crossline"))
    np.testing.assert_array_equal(written["directions"]["unmerged"]["confusion"], unmerged)
    assert written["voxels"] == 16 * 32 * 48
    assert [line["line"] for line in written["lines"]] == [*range(124, 140)]
    np.testing.assert_array_equal(sum(np.array(line["confusion"]) for line in written["lines"]), written["confusion"])


def test_a_part_in_two_pieces_is_scored_whole(made: Made, run: Run, tmp_path: Path):
    """The training part of a fold lies on both sides of the lines held out; both pieces of a crossline count."""
    split = {"folds": 10, "fold": 5, "along": "inline", "val": 0, "guard": 0}
    config = configured(made, tmp_path / "both.yaml", orientation="both", split=split, every=1)
    words = ("eval", "--checkpoint", made.best, "--config", config, "--split", "train", "--json")
    found = json.loads(run(*words).stdout)
    given = ("--input", made.amplitude, "--output", tmp_path / "both.sgy", "--orientation", "both")
    assert run("predict", "--checkpoint", made.best, *given).exit_code == 0
    rows = [*range(16), *range(20, 40)]  # of 40 inlines, 16 to 19 are held out
    truth, guess = cube(made.labels)[rows], cube(tmp_path / "both.sgy")[rows]
    expected = np.bincount(truth.ravel().astype(int) * 6 + guess.ravel(), minlength=36).reshape(6, 6)
    np.testing.assert_array_equal(found["directions"]["merged"]["confusion"], expected)
    assert found["confusion"] == found["directions"]["merged"]["confusion"]
    assert found["directions"]["crossline"]["voxels"] == found["directions"]["inline"]["voxels"] == 36 * 32 * 48


def test_scores_by_distance_add_up(made: Made, run: Run, tmp_path: Path):
    """Bins of 1, 2-3, 4-7, ... lines; together they are the scores of the network and of each guess."""
    words = ("eval", "--checkpoint", made.best, "--split", "test", "--output", tmp_path / "test")
    assert run(*words).exit_code == 0
    written = json.loads((tmp_path / "test" / "metrics.json").read_text())
    # train: inlines 100-123, of which every fourth is read: the last one is 120; test: 134-139.
    assert [each["lines"] for each in written["by_distance"]] == [[8, 15], [16, 31]]
    assert [line["distance"] for line in written["lines"]] == [14.0, 15.0, 16.0, 17.0, 18.0, 19.0]
    for name, whole in {"network": written, **written["guesses"]}.items():
        parts = [np.array(each["scores"][name]["confusion"]) for each in written["by_distance"]]
        np.testing.assert_array_equal(sum(parts), whole["confusion"])


def test_score_of_the_prediction_agrees_with_eval(made: Made, run: Run, predicted: Path, tmp_path: Path):
    """Two roads to the same number: eval reads sections, score reads the volume that predict wrote."""
    on_train = run("eval", "--checkpoint", made.best, "--split", "val", "--json")
    confusion = np.array(json.loads(on_train.stdout)["confusion"])
    truth, guess = cube(made.labels)[26:32], cube(predicted)[26:32]  # inlines 126-131
    expected = np.bincount(truth.ravel().astype(int) * 6 + guess.ravel(), minlength=36).reshape(6, 6)
    np.testing.assert_array_equal(confusion, expected)
    scored = run("score", "--truth", made.labels, "--prediction", predicted, "--output", tmp_path / "s", "--json")
    written = json.loads((tmp_path / "s" / "metrics.json").read_text())
    assert json.loads(scored.stdout) == written
    assert written["voxels"] == 40 * 32 * 48
    assert written["pixel_accuracy"] == pytest.approx(np.mean(cube(made.labels) == cube(predicted)))


def test_score_of_a_volume_against_itself_is_perfect(made: Made, run: Run):
    scores = json.loads(run("score", "--truth", made.labels, "--prediction", made.labels, "--json").stdout)
    assert scores["mean_iou"] == scores["pixel_accuracy"] == 1.0
    assert scores["frequency_weighted_iou"] == pytest.approx(1.0)


def test_prediction_has_the_headers_of_its_source(made: Made, predicted: Path):
    with segyio.open(made.amplitude) as source, segyio.open(predicted) as result:
        assert int(result.format) == 8
        assert result.dtype == np.int8
        np.testing.assert_array_equal(result.ilines, source.ilines)
        np.testing.assert_array_equal(result.xlines, source.xlines)
        assert all(dict(a) == dict(b) for a, b in zip(source.header, result.header, strict=True))
        assert "SAM-SEISMIC" in segyio.tools.wrap(result.text[0]).upper()


def test_both_orientations_are_averaged(made: Made, run: Run, tmp_path: Path):
    """Probabilities of `both` are the mean of those of each orientation, and the class is where they are largest."""
    planes = {}
    for orientation in ("inline", "crossline", "both"):
        target = tmp_path / f"{orientation}.npy"
        arguments = ("--orientation", orientation, "--probabilities", tmp_path / f"{orientation}_p.npy")
        result = run("predict", "--checkpoint", made.best, "--input", made.amplitude, "--output", target, *arguments)
        assert result.exit_code == 0, result.stderr
        names = ("overburden", "deltaic", "channel", "shale", "chalk", "salt")
        planes[orientation] = np.stack([np.load(tmp_path / f"{orientation}_p_{name}.npy") for name in names])
    np.testing.assert_allclose(planes["both"].sum(axis=0), 1, atol=2e-3)
    mean = (planes["inline"] + planes["crossline"]) / 2
    np.testing.assert_allclose(planes["both"], mean, atol=2e-3)  # half precision in the merge
    np.testing.assert_array_equal(np.load(tmp_path / "both.npy"), planes["both"].argmax(axis=0))
    assert not list(tmp_path.glob(".*")), "no scratch file is left behind"


def test_an_existing_output_is_refused_before_any_work(made: Made, run: Run, predicted: Path):
    before = predicted.read_bytes()
    result = run("predict", "--checkpoint", made.best, "--input", made.amplitude, "--output", predicted)
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert "--overwrite" in result.stderr
    assert predicted.read_bytes() == before


@pytest.mark.parametrize(
    ("failure", "told"),
    [(KeyboardInterrupt(), "interrupted"), (OSError(28, "No space left on device", "x"), "the disk is full")],
)
def test_an_interrupt_or_a_full_disk_leaves_nothing(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, told: str
):
    write, count = SegyResult.write, iter(range(100))

    def failing(self: SegyResult, section: object) -> None:
        if next(count) == 5:
            raise failure
        write(self, section)

    monkeypatch.setattr(SegyResult, "write", failing)
    result = run("predict", "--checkpoint", made.best, "--input", made.amplitude, "--output", tmp_path / "f.sgy")
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_converted_volume_gives_the_same_prediction(made: Made, run: Run, predicted: Path, tmp_path: Path):
    assert run("convert", made.amplitude, tmp_path / "a.h5").exit_code == 0
    run("predict", "--checkpoint", made.best, "--input", tmp_path / "a.h5", "--output", tmp_path / "f.h5")
    np.testing.assert_array_equal(cube(tmp_path / "f.h5"), cube(predicted))


def test_inspect_tells_programs_and_people_the_same(made: Made, run: Run, tmp_path: Path):
    facts = json.loads(run("inspect", made.amplitude, "--json").stdout)
    assert facts["shape"] == [40, 32, 48]
    assert facts["inlines"] == {"first": 100, "last": 139, "step": 1}
    assert facts["crosslines"] == {"first": 300, "last": 331, "step": 1}
    assert (facts["inline_byte"], facts["crossline_byte"], facts["byte_order"]) == (189, 193, "big")
    assert facts["sample_interval_ms"] == 4.0
    assert facts["live_traces"] == 40 * 32
    assert set(facts["amplitude"]) >= {"min", "max", "p1", "p99"}
    shown = run("inspect", made.amplitude, "--picture", tmp_path / "a.png")
    assert "40: 100-139" in shown.stdout
    assert (tmp_path / "a.png").stat().st_size > 10_000
    labels = json.loads(run("inspect", made.labels, "--json").stdout)
    assert labels["classes"] == {str(k): int((cube(made.labels) == k).sum()) for k in range(6)}


def test_inspect_of_a_configuration_and_a_checkpoint(made: Made, run: Run):
    config = json.loads(run("inspect", made.config, "--json").stdout)
    assert config["steps"] == 3 * 2
    assert set(config["parts"]) == {"train", "val", "test"}
    card = json.loads(run("inspect", made.best, "--json").stdout)
    assert card["model"]["size"] == "vit_t"
    assert run("inspect", made.best, "--labels").exit_code == 2


@pytest.mark.follows("inference/delivered_sections.py", "set TMPDIR to a folder on a larger disk")
def test_a_disk_without_room_for_the_crosslines_of_an_evaluation(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The predictions of crosslines wait in a file of TMPDIR for those of inlines."""
    allocate, large = os.posix_fallocate, tmp_path / "large"
    large.mkdir()

    def full(descriptor: int, offset: int, size: int) -> None:
        if not Path(f"/proc/self/fd/{descriptor}").readlink().is_relative_to(large):
            raise OSError(errno.ENOSPC, "No space left on device")
        allocate(descriptor, offset, size)

    config = configured(made, tmp_path / "both.yaml", orientation="both", split={"val": 0.15, "test": 0.4, "guard": 2})
    words = ("eval", "--checkpoint", made.best, "--config", config)
    monkeypatch.setattr(os, "posix_fallocate", full)
    refused = run(*words)
    assert refused.exit_code == 2
    assert "set TMPDIR to a folder on a larger disk" in refused.stderr
    monkeypatch.setenv("TMPDIR", str(large))
    monkeypatch.setattr(tempfile, "tempdir", None)  # which Python looks up once
    assert run(*words).exit_code == 0
    assert not list(large.iterdir())


def test_scores_by_the_rules_of_a_benchmark(made: Made, run: Run, tmp_path: Path):
    """F3: inlines and crosslines in one matrix. SEAM AI: F1 weighted 1, 1, 1, 1, 20, 20; else refused."""
    split = {"val": 0.15, "test": 0.4, "guard": 2}
    config = configured(made, tmp_path / "both.yaml", orientation="both", split=split)
    words = ("eval", "--checkpoint", made.best, "--json")
    found = json.loads(run(*words, "--config", config, "--protocol", "f3-benchmark").stdout)
    assert found["protocol"]["confusion"] == found["directions"]["unmerged"]["confusion"]
    assert found["protocol"]["voxels"] == 2 * found["voxels"]
    found = json.loads(run(*words, "--protocol", "seam-ai").stdout)
    weights = dict(zip(found["f1"], (1, 1, 1, 1, 20, 20), strict=True))
    known = {name: f1 for name, f1 in found["f1"].items() if f1 is not None}
    expected = sum(f1 * weights[name] for name, f1 in known.items()) / sum(weights[name] for name in known)
    assert found["protocol"] == {"name": "seam-ai", "weighted_f1": pytest.approx(expected)}
    refused = run(*words, "--protocol", "f3-benchmark")  # inlines alone
    assert refused.exit_code == 2
    assert "scores each voxel as part of an inline and of a crossline" in refused.stderr


@pytest.mark.parametrize("command", ["eval", "score"])
@pytest.mark.follows("files/folders.py", "wait until it has ended, or choose another --output")
def test_two_do_not_write_scores_to_one_folder_at_once(made: Made, run: Run, tmp_path: Path, command: str):
    words = {
        "eval": ("--checkpoint", made.best, "--device", "cpu"),
        "score": ("--truth", made.labels, "--prediction", made.labels),
    }[command]
    folder = tmp_path / "scores"
    with folder_of_results(folder, overwrite=False):
        refused = run(command, *words, "--output", folder, "--overwrite")
        assert refused.exit_code == 2
        assert f"{folder}: another command is writing to this folder" in refused.stderr
        assert "wait until it has ended, or choose another --output" in refused.stderr
        assert run(command, *words, "--output", tmp_path / "other").exit_code == 0
    assert not list(folder.iterdir())
    assert run(command, *words, "--output", folder).exit_code == 0
    assert not (folder / ".lock").exists()
