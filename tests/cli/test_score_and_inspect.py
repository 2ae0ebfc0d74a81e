"""`score`, `inspect` and `eval` on what is odd: sections without a grid, floats as labels, classes of other surveys."""

import json
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.images import FolderResult
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import SyntheticSurvey, model_survey
from sam_seismic.survey.volume import Section
from sam_seismic.workflows import evaluate
from tests.cli.running import Made, Run, configured

IL, XL = Orientation
SURVEY = model_survey((33, 36, 40), 2)
LABELS = SURVEY.labels  # uint8[inline, crossline, sample]


def folder(path: Path, sections: Iterable[tuple[Orientation, int, np.ndarray]]) -> Path:
    """A folder of sections: orientation, line, values [sample, trace]."""
    listed = [(o, line, values) for o, line, values in sections]
    path.parent.mkdir(parents=True, exist_ok=True)
    with FolderResult(path, listed[0][2].dtype, overwrite=False) as result:
        for orientation, line, values in listed:
            result.write(Section(orientation, line, values, np.ones(values.shape[1], np.bool_)))
    return path


def inlines(labels: np.ndarray) -> list[tuple[Orientation, int, np.ndarray]]:
    return [(IL, 100 + number, section.T) for number, section in enumerate(labels)]


def crosslines(labels: np.ndarray) -> list[tuple[Orientation, int, np.ndarray]]:
    return [(XL, 300 + number, section.T) for number, section in enumerate(labels.swapaxes(0, 1))]


def npy(path: Path, values: np.ndarray) -> Path:
    np.save(path, values)
    return path


def shown(run: Run, *words: str | Path) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refusal(run: Run, *words: str | Path) -> str:
    result = run(*words)
    assert result.exit_code == 2, result.stdout
    assert "fix: " in result.stderr
    assert "Traceback" not in result.stderr
    return " ".join(result.stderr.split())


def half_wrong(labels: np.ndarray) -> np.ndarray:
    """Labels of which the first half of the inlines is wrong."""
    wrong = labels.copy()
    wrong[: len(labels) // 2] = (wrong[: len(labels) // 2] + 1) % 6
    return wrong


# score: which sections


def test_folders_of_crosslines_are_scored(run: Run, tmp_path: Path):
    truth = folder(tmp_path / "truth", crosslines(LABELS))
    prediction = folder(tmp_path / "prediction", crosslines(half_wrong(LABELS)))
    scores = shown(run, "score", "--truth", truth, "--prediction", prediction)
    assert scores["voxels"] == LABELS.size
    assert scores["pixel_accuracy"] == pytest.approx(17 / 33)


def test_folders_with_both_orientations_are_scored_on_all_their_sections(run: Run, tmp_path: Path):
    """Predictions along inlines and along crosslines are pictures of their own: neither vouches for the other."""
    truth = folder(tmp_path / "truth", inlines(LABELS) + crosslines(LABELS))
    prediction = folder(tmp_path / "prediction", inlines(LABELS) + crosslines((LABELS + 1) % 6))
    scores = shown(run, "score", "--truth", truth, "--prediction", prediction)
    assert scores["voxels"] == 2 * LABELS.size
    assert scores["pixel_accuracy"] == 0.5


@pytest.mark.parametrize("cut", [inlines, crosslines])
def test_a_folder_is_scored_against_a_volume_with_the_same_lines(run: Run, tmp_path: Path, cut: Any):
    truth = folder(tmp_path / "truth", cut(LABELS))
    write_segy(tmp_path / "facies.sgy", half_wrong(LABELS), SURVEY.geometry, format="int8")
    scores = shown(run, "score", "--truth", truth, "--prediction", tmp_path / "facies.sgy")
    assert scores["voxels"] == LABELS.size
    assert scores["pixel_accuracy"] == pytest.approx(17 / 33)


def test_sections_that_only_one_side_has_are_not_left_out_silently(run: Run, tmp_path: Path):
    """A truth of few lines scores these lines; lines that were not predicted are refused."""
    write_segy(tmp_path / "facies.sgy", LABELS, SURVEY.geometry, format="int8")
    some = folder(tmp_path / "some", inlines(LABELS)[:5])
    few = run("score", "--truth", some, "--prediction", tmp_path / "facies.sgy", "--json")
    assert f"labels on 5 of {len(LABELS)} inlines (100-104): the rest is not interpreted" in few.stderr
    found = json.loads(few.stdout)
    assert (found["voxels"], found["pixel_accuracy"]) == (LABELS[:5].size, 1.0)
    whole = folder(tmp_path / "whole", inlines(LABELS))
    assert "IL 105" in refusal(run, "score", "--truth", whole, "--prediction", some)
    write_segy(tmp_path / "some.sgy", LABELS[:5], Geometry.complete(range(100, 105), SURVEY.geometry.crosslines,
        LABELS.shape[2]), format="int8")  # fmt: skip
    told = refusal(run, "score", "--truth", tmp_path / "facies.sgy", "--prediction", tmp_path / "some.sgy")
    assert "are not on one grid" in told


def test_a_truth_at_other_times_is_not_scored(run: Run, tmp_path: Path):
    """As files that lost their start time; a truth of a part of the time window is scored on that part."""
    inlines, crosslines, samples = LABELS.shape
    for name, values, start in (("late", LABELS, 1000), ("early", LABELS, 0), ("cut", LABELS[..., 4:9], 1016)):
        grid = Geometry.complete(range(inlines), range(crosslines), values.shape[2], start_ms=start)
        write_segy(tmp_path / f"{name}.sgy", values, grid, format="int8")
    told = refusal(run, "score", "--truth", tmp_path / "early.sgy", "--prediction", tmp_path / "late.sgy")
    assert f"{samples} samples every 4 ms, 1000 to {1000 + 4 * (samples - 1)} ms" in told
    found = shown(run, "score", "--truth", tmp_path / "cut.sgy", "--prediction", tmp_path / "late.sgy")
    assert (found["voxels"], found["pixel_accuracy"]) == (inlines * crosslines * 5, 1.0)


# score: which values


def test_label_values_that_cannot_be_told_apart_are_refused(run: Run, tmp_path: Path):
    high = LABELS.astype(np.int16)
    high[2, 7, 1] = 300
    good, bad = npy(tmp_path / "good.npy", LABELS), npy(tmp_path / "bad.npy", high)
    assert "bad.npy: IL 2 holds the label value 300" in refusal(run, "score", "--truth", bad, "--prediction", good)
    assert "bad.npy: IL 2 holds the label value 300" in refusal(run, "score", "--truth", good, "--prediction", bad)


@pytest.mark.parametrize("value", [0.7, np.nan, np.inf])
def test_values_that_are_not_whole_are_no_labels(run: Run, tmp_path: Path, value: float):
    """A probability of 0.7 cut off to class 0 would be scored without a word."""
    floats = LABELS.astype(np.float32)
    good = npy(tmp_path / "good.npy", floats)
    assert shown(run, "score", "--truth", good, "--prediction", good)["pixel_accuracy"] == 1.0
    floats[3, 5, 2] = value
    bad = npy(tmp_path / "bad.npy", floats)
    told = f"bad.npy: IL 3 holds {value:g}"
    if np.isfinite(value):
        assert told in refusal(run, "score", "--truth", bad, "--prediction", good)
    else:  # not interpreted
        assert shown(run, "score", "--truth", bad, "--prediction", good)["voxels"] == LABELS.size - 1
    assert told in refusal(run, "score", "--truth", good, "--prediction", bad)


def test_floats_that_mean_not_interpreted_are_not_scored(run: Run, tmp_path: Path):
    """Neither -1e30, beyond every integer, nor 255 in the truth; what is predicted there does not matter."""
    truth, prediction = LABELS.astype(np.float32), LABELS.astype(np.float32)
    truth[0, 0, :2] = -1e30, 255
    prediction[0, 0, :2] = np.nan
    paths = "--truth", npy(tmp_path / "t.npy", truth), "--prediction", npy(tmp_path / "p.npy", prediction)
    scores = shown(run, "score", *paths)
    assert (scores["voxels"], scores["pixel_accuracy"]) == (LABELS.size - 2, 1.0)


# inspect


@pytest.mark.parametrize("value", [0.5, -888.5])
def test_inspect_takes_no_fractions_for_labels(run: Run, tmp_path: Path, value: float):
    floats = LABELS.astype(np.float32)
    good = shown(run, "inspect", npy(tmp_path / "good.npy", floats), "--labels")
    assert good["classes"] == {str(k): int(np.count_nonzero(k == LABELS)) for k in np.unique(LABELS)}
    floats[4, 3, 2] = value
    told = refusal(run, "inspect", npy(tmp_path / "bad.npy", floats), "--labels")
    assert f"bad.npy: IL 4 holds {value:g}" in told


def test_inspect_of_sections_without_a_grid_keeps_the_form_of_its_facts(run: Run, tmp_path: Path):
    loose = folder(tmp_path / "loose", [(IL, 5, LABELS[0].T), (IL, 9, LABELS[1].T[:, :20])])
    facts = shown(run, "inspect", loose)
    assert facts["shape"] is None
    assert facts["inlines"] == {"first": 5, "last": 9, "step": 4}
    assert facts["crosslines"] is None
    missing = {"sample_interval_ms", "format", "byte_order", "inline_byte", "crossline_byte", "live_traces", "warnings"}
    assert missing <= set(facts)
    assert facts["live_traces"] is None


def test_a_picture_is_a_png(run: Run, tmp_path: Path):
    volume = npy(tmp_path / "labels.npy", LABELS)
    assert ".png" in refusal(run, "inspect", volume, "--picture", tmp_path / "pic.xyz")
    assert not (tmp_path / "pic.xyz").exists()


def test_dead_lines_do_not_make_labels_of_amplitudes(run: Run, tmp_path: Path):
    amplitude = (SURVEY.amplitude * 1000).astype(np.int16)  # int16[inline, crossline, sample]
    amplitude[10:24] = 0
    assert "amplitude" in shown(run, "inspect", npy(tmp_path / "dead.npy", amplitude))
    assert "classes" in shown(run, "inspect", npy(tmp_path / "labels.npy", LABELS.astype(np.int16)))


def test_extremes_are_of_all_that_was_read(run: Run, tmp_path: Path):
    """Percentiles need some 20,000 voxels of a line only; one spike among 180,000 must still show."""
    amplitude = np.random.default_rng(0).normal(size=(2, 600, 300)).astype(np.float32)
    amplitude[1, 301, 7], amplitude[0, 411, 9], amplitude[0, 0, 3] = 99, -98, np.nan
    facts = shown(run, "inspect", npy(tmp_path / "spikes.npy", amplitude))
    spread = facts["amplitude"]
    assert (spread["min"], spread["max"], spread["not_finite"]) == (-98, 99, 1)
    finite = amplitude[np.isfinite(amplitude)]
    assert (spread["p1"], spread["p99"]) == pytest.approx(tuple(np.percentile(finite, [1, 99])), abs=0.05)


def test_amplitudes_of_large_lines_are_drawn_from_not_held(run: Run, tmp_path: Path):
    """64 whole lines of a large survey are gigabytes; here all of them are 26 MB."""
    volume = npy(tmp_path / "large.npy", np.random.default_rng(0).normal(size=(64, 200, 500)).astype(np.float32))
    tracemalloc.start()
    try:
        shown(run, "inspect", volume)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 26e6


def test_inspect_of_a_checkpoint_that_has_lost_its_counters(made: Made, run: Run, tmp_path: Path):
    checkpoint = torch.load(made.best, weights_only=True)
    assert shown(run, "inspect", made.best)["step"] > 0
    del checkpoint["epoch"], checkpoint["global_step"]
    torch.save(checkpoint, tmp_path / "bare.ckpt")
    facts = shown(run, "inspect", tmp_path / "bare.ckpt")
    assert (facts["epoch"], facts["step"]) == (None, None)
    assert run("inspect", tmp_path / "bare.ckpt").exit_code == 0


# eval


def test_classes_in_another_order_are_refused(made: Made, run: Run, tmp_path: Path):
    """Compared by number alone they would be scored, and all be wrong."""
    names = yaml.safe_load(made.config.read_text())["data"]["classes"]
    swapped = configured(made, tmp_path / "c.yaml", classes=[names[1], names[0], *names[2:]])
    told = refusal(run, "eval", "--checkpoint", made.best, "--config", swapped)
    assert f"list data.classes in the checkpoint's order: {', '.join(names)}" in told
    assert "data.label_values: [1, 0, 2, 3, 4, 5]" in told
    fewer = configured(made, tmp_path / "f.yaml", classes=names[:5])
    assert "knows 6 classes" in refusal(run, "eval", "--checkpoint", made.best, "--config", fewer)


def test_classes_of_another_survey_are_scored_by_position_and_said_so(made: Made, run: Run, tmp_path: Path):
    other = configured(made, tmp_path / "c.yaml", classes=["u", "v", "w", "x", "y", "z"])
    result = run("eval", "--checkpoint", made.best, "--config", other, "--json")
    assert result.exit_code == 0, result.stderr
    assert "classes are scored by position: overburden = u, deltaic = v, " in result.stderr
    assert json.loads(result.stdout) == shown(run, "eval", "--checkpoint", made.best)


def section_folders(made: Made, path: Path, samples: dict[str, tuple[int, ...]]) -> Path:
    """A configuration of section folders: for each part, the samples of its sections."""
    survey: SyntheticSurvey = model_survey((40, 32, 48), 1)
    for number, (part, counts) in enumerate(samples.items()):
        for name, values in (("images", survey.amplitude), ("labels", survey.labels)):
            cut = [(IL, 10 * number + line, values[line].T[:count]) for line, count in enumerate(counts)]
            folder(path / name / part, cut)
    data = {"amplitude": str(path / "images"), "labels": str(path / "labels"), "split": {"folders": True}}
    return configured(made, path / "folders.yaml", every=1, **data)


@pytest.mark.parametrize(
    ("train", "test", "guesses"),
    [
        ((48, 40), (48,), {"majority class", "nearest line", "interpolation"}),
        ((48, 48), (40,), {"majority class"}),
        ((48, 48), (48,), {"majority class", "depth only", "nearest line", "interpolation"}),
    ],
)
def test_sections_of_other_lengths_have_no_depth_guess(
    made: Made, run: Run, tmp_path: Path, train: tuple[int, ...], test: tuple[int, ...], guesses: set[str]
):
    config = section_folders(made, tmp_path, {"train": train, "val": (48,), "test": test})
    shown(run, "eval", "--checkpoint", made.best, "--config", config, "--output", tmp_path / "out")
    written = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert set(written["guesses"]) == guesses
    assert {each["voxels"] for each in written["guesses"].values()} == {written["voxels"]} == {test[0] * 32}


def test_what_was_measured_is_on_disk_before_anything_else_can_fail(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(evaluate, "draw_evaluation", fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        run("eval", "--checkpoint", made.best, "--output", tmp_path / "out")
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["voxels"] == 6 * 32 * 48


def test_overwriting_removes_the_pictures_of_before_and_nothing_else(made: Made, run: Run, tmp_path: Path):
    out = tmp_path / "out"
    shown(run, "eval", "--checkpoint", made.best, "--split", "test", "--output", out)
    before = {path.name for path in out.glob("test_il_*.png")}
    assert before
    kept = {"val_mine.png", "test_il_7.png", "notes.txt"}
    for name in kept:
        (out / name).write_text("mine")
    shown(run, "eval", "--checkpoint", made.best, "--split", "val", "--output", out, "--overwrite")
    now = {path.name for path in out.iterdir()}
    assert not before & now
    assert kept < now
    assert {"metrics.json", "confusion.png"} < now
    labels = npy(tmp_path / "labels.npy", LABELS)
    shown(run, "score", "--truth", labels, "--prediction", labels, "--output", out, "--overwrite")
    assert {path.name for path in out.iterdir()} == kept | {"metrics.json", "report.html"}


@pytest.mark.parametrize("text", ["{", "[]", '{"pictures": ["../mine.png", 3, "notes.txt"]}', '{"pictures": 7}'])
def test_a_metrics_file_of_others_removes_nothing(run: Run, tmp_path: Path, text: str):
    out = tmp_path / "out"
    out.mkdir()
    (out / "metrics.json").write_text(text)
    for path in (tmp_path / "mine.png", out / "notes.txt"):
        path.write_text("mine")
    labels = npy(tmp_path / "labels.npy", LABELS)
    shown(run, "score", "--truth", labels, "--prediction", labels, "--output", out, "--overwrite")
    assert (tmp_path / "mine.png").read_text() == (out / "notes.txt").read_text() == "mine"
