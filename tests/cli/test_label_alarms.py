"""No command ends in a success that is none: a class never seen, a split of one line, a guess that is better."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey
from tests.cli.running import Made, Run, configured


def labels_with(folder: Path, absent: int, lines: Sequence[int]) -> Path:
    """The labels of the survey, without a class on some inlines, where it becomes the one above or below."""
    survey = model_survey((40, 32, 48), 1)
    labels = survey.labels.copy()
    labels[lines] = np.where(labels[lines] == absent, max(absent - 1, 0) or 1, labels[lines])
    path = folder / "labels.sgy"
    write_segy(path, labels, survey.geometry, format="int8")
    return path


@pytest.fixture
def two_lacks_in_train(made: Made, tmp_path: Path) -> Path:
    """A configuration whose training lines, but not those of test, lack the class with label value 2."""
    return configured(made, tmp_path / "lacking.yaml", labels=str(labels_with(tmp_path, 2, range(34))))


@pytest.mark.parametrize(
    "command",
    [
        ("train",),
        ("embed", "--set", "model.encoder=frozen"),
        ("submit", "--dry-run", "--gpus", "0", "train"),
        ("submit", "--dry-run", "--gpus", "0", "embed", "--set", "model.encoder=frozen"),
    ],
    ids=" ".join,
)
def test_a_class_that_training_never_sees_is_refused(
    made: Made, run: Run, tmp_path: Path, two_lacks_in_train: Path, command: tuple[str, ...]
):
    output = () if "embed" in command else ("--output", tmp_path / "run")
    store = ("--set", f"train.store={tmp_path / 'store'}") if "embed" in command else ()
    result = run(*command, "--config", two_lacks_in_train, *output, *store)
    assert result.exit_code == 2, result.stderr
    assert "the training lines hold no voxel of class" in result.stderr
    assert "(label value 2)" in result.stderr
    assert "leave the class out: data.classes: [" in result.stderr
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("command", ["train", "embed"])
def test_classes_counted_from_1_are_refused_with_the_label_values_that_fit(
    made: Made, run: Run, tmp_path: Path, command: str
):
    """Labels are looked at before anything else reads them, which could only tell of one section."""
    survey = model_survey((40, 32, 48), 1)
    write_segy(tmp_path / "labels.sgy", survey.labels + 1, survey.geometry, format="int8")
    config = configured(made, tmp_path / "from_1.yaml", labels=str(tmp_path / "labels.sgy"))
    words = [command, "--config", config, "--set", "model.encoder=frozen", "--set", f"train.store={tmp_path / 'store'}"]
    words += [] if command == "embed" else ["--output", tmp_path / "run"]
    refused = run(*words)
    assert refused.exit_code == 2, refused.stderr
    _, told, after = refused.stderr.partition("give data.label_values: ")
    assert told, refused.stderr
    values, _, _ = after.partition(";")
    assert values == "[1, 2, 3, 4, 5, 6]"
    done = run(*words, "--set", f"data.label_values={values}")
    assert done.exit_code == 0, done.stderr


def test_inspect_says_what_train_would_refuse(made: Made, run: Run, two_lacks_in_train: Path):
    found = run("inspect", two_lacks_in_train, "--json")
    assert found.exit_code == 0, found.stderr
    assert [w for w in json.loads(found.stdout)["warnings"] if "the training lines hold no voxel of class" in w]


def test_eval_tells_a_class_that_was_never_trained_on_at_its_score(
    made: Made, run: Run, tmp_path: Path, two_lacks_in_train: Path
):
    """Checkpoints of earlier versions can be like that; this one only says that it is."""
    checkpoint = torch.load(made.best, weights_only=True)
    checkpoint["sam_seismic"]["data"]["labels"] = str(two_lacks_in_train.parent / "labels.sgy")
    name = checkpoint["sam_seismic"]["facies"]["names"][2]
    torch.save(checkpoint, tmp_path / "old.ckpt")
    words = ("eval", "--checkpoint", tmp_path / "old.ckpt", "--device", "cpu")
    shown = run(*words, "--output", tmp_path / "test")
    assert shown.exit_code == 0, shown.stderr
    assert f"{name} (never trained on)" in shown.stdout
    assert f"note: {name} was never trained on" in shown.stdout
    written = json.loads((tmp_path / "test" / "metrics.json").read_text())
    assert written["never_trained"] == [name]
    assert any("was never trained on" in note for note in written["notes"])
    told = json.loads(run(*words, "--json").stdout)
    assert told == {key: value for key, value in written.items() if key not in ("checkpoint", "pictures")}
    assert run("submit", "--dry-run", "--gpus", "0", *words[:-2]).exit_code == 0


def test_a_run_that_has_begun_goes_on_with_notes_at_the_end_and_in_the_status(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An earlier version began it without a look at its labels; it may not change its classes."""
    first = int(json.loads(run("inspect", made.amplitude, "--json").stdout)["inlines"]["first"])
    regions = {"train": {"inlines": [first, first + 30]}, "val": {"inlines": [first + 36, first + 36]}}
    labels = str(labels_with(tmp_path, 2, range(35)))
    config = configured(made, tmp_path / "one.yaml", labels=labels, split={"regions": regions})
    words = ("train", "--config", config, "--output", tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr("sam_seismic.workflows.train.check_training_labels", lambda *_, **__: ())
        begun = run(*words, "--set", "train.epochs=1")
    assert begun.exit_code == 0, begun.stderr
    resumed = run(*words, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    shown = run("status", tmp_path / "run").stdout
    for said in (f"IL {first + 36} is the only line of val with labels", "the training lines hold no voxel of class"):
        assert said in resumed.stderr
        assert said in shown
    assert len(json.loads((tmp_path / "run" / "status.json").read_text())["notes"]) >= 2


def test_score_tells_a_prediction_that_says_nothing(run: Run, tmp_path: Path):
    truth = np.zeros((3, 4, 8), np.uint8)
    truth[..., 6:] = 1
    np.save(tmp_path / "truth.npy", truth)
    np.save(tmp_path / "prediction.npy", 1 - truth)
    volumes = ("--truth", tmp_path / "truth.npy", "--prediction", tmp_path / "prediction.npy")
    told = run("score", *volumes, "--axes", "inline,crossline,sample", "--output", tmp_path / "scores")
    assert told.exit_code == 0, told.stderr
    note = "class 0 everywhere would have a mean IoU of 0.375, and this prediction has 0.000"
    assert f"note: {note}" in told.stderr
    assert json.loads((tmp_path / "scores" / "metrics.json").read_text())["notes"][0].startswith(note)
