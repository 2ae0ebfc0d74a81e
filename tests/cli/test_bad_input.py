"""Bad input gets the problem and its fix, exit 2, no traceback, and nothing is lost or half-written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import segyio
import torch

from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey
from tests.cli.running import Made, Run

Damage = Callable[[Made, Path], Path]


def rewritten(source: Path, folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    """A copy of a SEG-Y file whose traces [trace, sample] were changed."""
    path = folder / source.name
    shutil.copy(source, path)
    with segyio.open(path, "r+") as file:
        traces = change(file.trace.raw[:].copy())
        for number, trace in enumerate(traces):
            file.trace[number] = trace
    return path


def with_nan(traces: np.ndarray) -> np.ndarray:
    traces[40, 7] = np.nan
    return traces


def with_strange_label(traces: np.ndarray) -> np.ndarray:
    traces[100, 3] = 9
    return traces


def truncated(made: Made, folder: Path) -> Path:
    path = folder / "short.sgy"
    path.write_bytes(made.amplitude.read_bytes()[:-1000])
    return path


def not_seismic(_: Made, folder: Path) -> Path:
    path = folder / "notes.sgy"
    path.write_text("well tops are in the other folder\n" * 200)
    return path


def smaller_labels(_: Made, folder: Path) -> Path:
    survey = model_survey((40, 32, 40), 1)
    path = folder / "small.sgy"
    write_segy(path, survey.labels, survey.geometry, format="int8")
    return path


def labels_elsewhere(_: Made, folder: Path) -> Path:
    survey = model_survey((40, 32, 40), 1)
    path = folder / "elsewhere.sgy"
    write_segy(path, survey.labels, Geometry.complete(range(900, 940), range(900, 932), 40), format="int8")
    return path


TRAIN_CASES: list[tuple[str, Damage, str, str]] = [
    ("amplitude", lambda _, folder: folder / "none.sgy", "none.sgy: there is no such file", "check the path"),
    ("amplitude", truncated, "short.sgy: ", "again"),
    ("amplitude", not_seismic, "notes.sgy: ", ""),
    ("labels", labels_elsewhere, "has no line in common", "data.read_labels.segy.inline_byte"),
    (
        "labels",
        lambda made, folder: rewritten(made.labels, folder, with_strange_label),
        "label values 9 are not among the classes 0, 1, 2, 3, 4, 5",
        "data.ignore_values",
    ),
    (
        "amplitude",
        lambda made, folder: rewritten(made.amplitude, folder, with_nan),
        "has 1 samples that are not finite",
        "",
    ),
    (
        "amplitude",
        lambda made, folder: rewritten(made.amplitude, folder, np.zeros_like),
        "the training lines hold no live trace (768 of 768 traces hold zeros alone: taken as dead",
        "sam-seismic inspect",
    ),
]


@pytest.mark.parametrize(
    ("key", "damage", "problem", "fix"), TRAIN_CASES, ids=lambda value: getattr(value, "__name__", str(value)[:30])
)
def test_train_on_bad_data(made: Made, run: Run, tmp_path: Path, key: str, damage: Damage, problem: str, fix: str):
    path = damage(made, tmp_path)
    # Every line is trained on, so that the damaged one is met.
    changes = ("--set", f"data.{key}={path}", "--set", "data.every=1", "--set", "train.epochs=1")
    result = run("train", "--config", made.config, "--output", tmp_path / "run", *changes)
    assert result.exit_code == 2
    assert problem in result.stderr
    assert "fix: " in result.stderr
    assert fix in result.stderr
    assert "Traceback" not in result.stderr


def test_all_problems_of_a_configuration_at_once(made: Made, run: Run, tmp_path: Path):
    text = made.config.read_text() + "trian: {}\n"
    path = tmp_path / "bad.yaml"
    path.write_text(text.replace("epochs: 2", "epochs: none").replace("size: vit_t", "siez: vit_t"))
    result = run("train", "--config", path, "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert "did you mean model.size?" in result.stderr
    assert "train.epochs" in result.stderr
    assert "did you mean train" in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["eval", "predict", "inspect"])
@pytest.mark.parametrize("kind", ["missing", "sam", "cut", "other"])
def test_a_file_that_is_no_checkpoint_of_ours(made: Made, run: Run, tmp_path: Path, command: str, kind: str):
    path = tmp_path / "x.ckpt"
    if kind == "sam":
        torch.save({"image_encoder.pos_embed": torch.zeros(1, 64, 64, 768)}, path)
    elif kind == "cut":
        path.write_bytes(made.best.read_bytes()[:20_000])
    elif kind == "other":
        path.write_text("not a checkpoint")
    arguments: tuple[object, ...] = ("eval", "--checkpoint", path)
    if command == "predict":
        arguments = ("predict", "--checkpoint", path, "--input", made.amplitude, "--output", tmp_path / "f.sgy")
    elif command == "inspect":
        arguments = ("inspect", path)
    result = run(*arguments)
    told = {
        "missing": "there is no such checkpoint",
        "sam": "it has no metadata",
        "cut": "damaged: it ends early",
        "other": "not a checkpoint of sam-seismic train: it is a text, which begins 'not a checkpoint'",
    }
    assert result.exit_code == 2
    assert told[kind] in result.stderr
    assert "fix: give RUN/checkpoints/best.ckpt" in result.stderr  # and not a file of SAM's weights
    assert not (tmp_path / "f.sgy").exists()


@pytest.mark.follows("tasks/initial_weights.py", "--set model.weights=random starts from random weights, ")
@pytest.mark.parametrize("given", ["none.pth", "None", "."])
def test_weights_that_are_not_there_are_told_with_their_key(made: Made, run: Run, tmp_path: Path, given: str):
    changes = ("--set", f"model.weights={tmp_path / given}", "--output", tmp_path / "run")
    result = run("train", "--config", made.config, *changes)
    assert result.exit_code == 2
    assert f"error: model.weights: {tmp_path / given}: " in result.stderr
    assert "--set model.weights=random starts from random weights" in result.stderr
    assert not (tmp_path / "run").exists()
    assert run("train", "--config", made.config, *changes, "--set", "model.weights=random").exit_code == 0


def test_a_run_in_place_of_its_configuration_is_told(made: Made, run: Run, tmp_path: Path):
    result = run("train", "--config", made.run, "--output", tmp_path / "run")
    assert result.exit_code == 2
    assert f"{made.run}: is a folder, where a YAML file is expected" in result.stderr
    assert f"fix: give {made.run / 'config.yaml'}" in result.stderr
    assert (made.run / "config.yaml").is_file()


def test_weights_of_another_size_are_named(made: Made, run: Run, tmp_path: Path):
    checkpoint = torch.load(made.best, weights_only=True)["state_dict"]
    prefix = "network."
    names = [name for name in checkpoint if name.startswith(f"{prefix}image_encoder.")]
    weights = {name.removeprefix(prefix): checkpoint[name] for name in names}
    torch.save(weights, tmp_path / "tiny.pth")
    changes = ("--set", f"model={{size: vit_b, encoder: full, weights: {tmp_path / 'tiny.pth'}}}")
    result = run("train", "--config", made.config, "--output", tmp_path / "run", *changes)
    assert result.exit_code == 2
    assert "vit_t" in result.stderr
    assert "vit_b" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_section_larger_than_the_canvas(made: Made, run: Run, tmp_path: Path):
    survey = model_survey((33, 70, 40), 1)
    write_segy(tmp_path / "wide.sgy", survey.amplitude, survey.geometry)
    result = run("predict", "--checkpoint", made.best, "--input", tmp_path / "wide.sgy", "--output", tmp_path / "f.sgy")
    assert result.exit_code == 2
    assert "40 samples x 70 traces does not fit the 64 x 64 canvas" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wide.sgy"]


def test_volumes_that_do_not_match_are_not_scored(made: Made, run: Run, tmp_path: Path):
    other = smaller_labels(made, tmp_path)
    result = run("score", "--truth", made.labels, "--prediction", other)
    assert result.exit_code == 2
    assert "40 samples every 4 ms, 0 to 156 ms: not all of the truth was predicted" in result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("inspect", "x.doc"), "there is no such file"),
        (("convert", "{amplitude}", "x.sgy"), "convert writes HDF5"),
        (("inspect", "{amplitude}", "--axes", "inline,crossline,sample"), "axes cannot apply to SEG-Y"),
        (("inspect", "{amplitude}", "--inline-byte", "900"), "less than or equal to 237"),
        (("predict", "--checkpoint", "{best}", "--input", "{amplitude}", "--output", "facies"), "has no ending"),
        (("predict", "--checkpoint", "{best}", "--input", "{amplitude}", "--output", "f.doc"), ".doc"),
        (
            ("predict", "--checkpoint", "{best}", "--input", "{amplitude}", "--output", "f.sgy", "--device", "tpu9"),
            "--device tpu9",
        ),
        (("weights", "fetch", "vit_t"), "no weights are published for 'vit_t'"),
        (("weights", "verify", "none.pth"), "there is no such weights file"),
        (("train", "--config", "none.yaml"), "there is no such configuration file"),
    ],
    ids=str,
)
def test_wrong_words(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
):
    monkeypatch.chdir(tmp_path)
    result = run(*(word.format(amplitude=made.amplitude, best=made.best) for word in words))
    assert result.exit_code == 2
    assert told in result.stderr
    assert list(tmp_path.iterdir()) == []
