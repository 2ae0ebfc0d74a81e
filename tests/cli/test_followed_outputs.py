"""What refusals of `predict`, `eval` and `score` advise about outputs and numbers is carried out, and works."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result

from sam_seismic.files import disk, resume_journal
from sam_seismic.networks.encoder_network import EncoderNetwork
from sam_seismic.networks.network import Network
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import SegyResult, write_segy
from sam_seismic.survey.synthetic import model_survey
from tests.cli.running import Made, folder_of, invoke
from tests.following import fix_of


def predict(made: Made, output: Path, *more: str | Path, source: Path | None = None) -> Result:
    given = ("--checkpoint", made.best, "--input", source or made.amplitude, "--output", output)
    return invoke("predict", *given, *more)


def predicted(made: Made, output: Path, *more: str | Path, source: Path | None = None) -> bool:
    result = predict(made, output, *more, source=source)
    assert result.exit_code == 0, result.stderr
    return output.exists()


@pytest.fixture
def scoring(tmp_path: Path) -> tuple[str, ...]:
    np.save(tmp_path / "labels.npy", model_survey((33, 36, 40), 2).labels)
    return ("score", "--truth", str(tmp_path / "labels.npy"), "--prediction", str(tmp_path / "labels.npy"))


@pytest.mark.follows("files/folders.py", "give a folder as --output")
@pytest.mark.follows("files/folders.py", "choose another --output, or add --overwrite to replace earlier results in it")
def test_a_folder_of_results(scoring: tuple[str, ...], tmp_path: Path):
    (tmp_path / "file").touch()
    assert fix_of(invoke(*scoring, "--output", tmp_path / "file")) == "give a folder as --output"
    assert invoke(*scoring, "--output", tmp_path / "folder").exit_code == 0
    assert "add --overwrite" in fix_of(invoke(*scoring, "--output", tmp_path / "folder"))
    assert invoke(*scoring, "--output", tmp_path / "folder", "--overwrite").exit_code == 0
    assert invoke(*scoring, "--output", tmp_path / "another").exit_code == 0


@pytest.mark.follows("workflows/score.py", "raise --classes, or leave it out to score the values that occur")
def test_fewer_classes_than_occur(scoring: tuple[str, ...]):
    assert "raise --classes" in fix_of(invoke(*scoring, "--classes", "2"))
    assert invoke(*scoring, "--classes", "6").exit_code == 0
    assert invoke(*scoring).exit_code == 0


@pytest.mark.follows("survey/labels/pairing.py", ", or name the axis order of the truth with --axes")
def test_a_truth_in_another_axis_order(scoring: tuple[str, ...], tmp_path: Path):
    np.save(tmp_path / "first.npy", np.load(tmp_path / "labels.npy").transpose(2, 0, 1))
    words = ("score", "--truth", tmp_path / "first.npy", *scoring[3:])
    assert fix_of(invoke(*words, "--axes", "inline,crossline,sample")).endswith("with --axes")
    scored = invoke(*words, "--axes", "sample,inline,crossline", "--json")
    assert '"pixel_accuracy": 1.0' in scored.stdout


@pytest.mark.follows("files/unfinished.py", "choose another name, or add --overwrite to replace it")
def test_an_output_that_exists(made: Made, tmp_path: Path):
    assert predicted(made, tmp_path / "f.npy")
    assert "--overwrite" in fix_of(predict(made, tmp_path / "f.npy"))
    assert predicted(made, tmp_path / "f.npy", "--overwrite")
    assert predicted(made, tmp_path / "g.npy")


@pytest.fixture
def stopped(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The output of a prediction that was interrupted after four sections."""
    monkeypatch.setattr(resume_journal, "SECONDS", 0)
    write, count = SegyResult.write, iter(range(100))

    def interrupted(self: SegyResult, section: object) -> None:
        if next(count) == 5:
            raise KeyboardInterrupt
        write(self, section)

    with monkeypatch.context() as patched:
        patched.setattr(SegyResult, "write", interrupted)
        assert predict(made, tmp_path / "f.sgy").exit_code == 2
    return tmp_path / "f.sgy"


@pytest.mark.follows("files/resume_journal.py", "add --resume to go on with them, or --overwrite to start anew")
@pytest.mark.follows(
    "files/resume_journal.py", "give the same ones again, or start anew: --overwrite in place of --resume"
)
@pytest.mark.follows("files/resume_journal.py", "use it as it is, or make it anew: --overwrite in place of --resume")
def test_a_prediction_that_was_stopped(made: Made, stopped: Path, tmp_path: Path):
    kept = tmp_path / "kept"
    assert "add --resume" in fix_of(predict(made, stopped))
    assert "give the same ones again" in fix_of(predict(made, stopped, "--resume", "--precision", "bf16"))
    shutil.copytree(tmp_path, kept)
    assert predicted(made, stopped, "--resume")
    assert "use it as it is" in fix_of(predict(made, stopped, "--resume"))
    assert open_volume(stopped).geometry.live.all()
    assert predicted(made, stopped, "--overwrite")
    stopped.unlink()
    for file in kept.iterdir():
        file.replace(tmp_path / file.name)
    assert "add --resume" in fix_of(predict(made, stopped))
    assert predicted(made, stopped, "--overwrite", "--precision", "bf16")


@pytest.mark.follows("files/unfinished.py", "start anew: --overwrite in place of --resume")
def test_an_unfinished_result_that_is_missing(made: Made, stopped: Path, tmp_path: Path):
    next(tmp_path.glob(".f.*.part.sgy")).unlink()
    assert "--overwrite in place of --resume" in fix_of(predict(made, stopped, "--resume"))
    assert predicted(made, stopped, "--overwrite")


@pytest.mark.follows("cli/app.py", "run the command again, with --resume")
def test_a_command_that_was_interrupted(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resume_journal, "SECONDS", 0)
    publish = SegyResult.publish

    def interrupted(self: SegyResult) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SegyResult, "publish", interrupted)
    assert fix_of(predict(made, tmp_path / "f.sgy")) == "run the command again, with --resume"
    monkeypatch.setattr(SegyResult, "publish", publish)
    assert predicted(made, tmp_path / "f.sgy", "--resume")


@pytest.mark.follows(
    "inference/volume.py", "free some disk, write the output elsewhere, or predict with one --orientation"
)
def test_a_disk_without_room_for_two_orientations(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The predictions of one wait in a file for those of the other."""
    allocate = os.posix_fallocate

    def full(descriptor: int, offset: int, size: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix == ".merge":
            raise OSError(errno.ENOSPC, "No space left on device")
        allocate(descriptor, offset, size)

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert "with one --orientation" in fix_of(predict(made, tmp_path / "f.npy", "--orientation", "both"))
    assert predicted(made, tmp_path / "f.npy", "--orientation", "inline")


@pytest.mark.follows("survey/segy/writer.py", "free some disk, or choose another folder with --output")
def test_a_disk_without_room_for_a_volume(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage

    def small(path: Path) -> object:
        return usage(path)._replace(free=10_000) if Path(path).is_relative_to(tmp_path / "small") else usage(path)

    monkeypatch.setattr(disk.shutil, "disk_usage", small)
    assert "another folder with --output" in fix_of(predict(made, tmp_path / "small" / "f.sgy"))
    assert predicted(made, tmp_path / "large" / "f.sgy")


@pytest.mark.follows("inference/outputs.py", "use --sample-format ieee, or end the name in .sgy")
def test_a_format_that_only_segy_has(made: Made, tmp_path: Path):
    entropy = ("--entropy", tmp_path / "e.npy")
    fix = fix_of(predict(made, tmp_path / "f.sgy", *entropy, "--sample-format", "ibm"))
    assert predicted(made, tmp_path / "f.sgy", *entropy, *fix.removeprefix("use ").partition(",")[0].split())
    assert predicted(made, tmp_path / "g.sgy", "--entropy", tmp_path / "e.sgy", "--sample-format", "ibm")


@pytest.mark.follows("workflows/predict.py", "add --orientation {}")
def test_sections_of_the_other_orientation(made: Made, tmp_path: Path):
    crosslines = folder_of(open_volume(made.amplitude), tmp_path / "xl", {Orientation.CROSSLINE: [301, 302]})
    fix = fix_of(predict(made, tmp_path / "f", source=crosslines))
    assert predicted(made, tmp_path / "f", *fix.removeprefix("add ").split(), source=crosslines)


@pytest.mark.follows("runs/devices.py", "use --device cpu, or leave it out")
@pytest.mark.parametrize("device", ["tpu9", "meta"])
def test_a_device_that_is_not_there(made: Made, tmp_path: Path, device: str):
    fix = fix_of(predict(made, tmp_path / "f.npy", "--device", device))
    assert predicted(made, tmp_path / "f.npy", *fix.removeprefix("use ").partition(",")[0].split())
    assert predicted(made, tmp_path / "g.npy")


@pytest.mark.follows("tasks/finite_numbers.py", "use --precision bf16 or 32 in place of 16")
def test_a_network_that_overflows_in_half_precision(made: Made, tmp_path: Path):
    """Its largest numbers lie between those of half precision and those of bf16."""
    checkpoint = torch.load(made.best, weights_only=True)
    for name in ("weight", "bias"):
        checkpoint["state_dict"][f"network.image_encoder.patch_embed.proj.{name}"] *= 1e5
    torch.save(checkpoint, tmp_path / "best.ckpt")
    large = Made(made.amplitude, made.labels, made.config, tmp_path)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "best.ckpt").rename(large.best)
    fix = fix_of(predict(large, tmp_path / "f.npy", "--precision", "16"))
    assert fix.startswith("use --precision bf16 or 32 in place of 16")
    for precision in ("bf16", "32"):
        assert predicted(large, tmp_path / f"{precision}.npy", "--precision", precision)


@pytest.mark.follows("tasks/loading.py", "give another checkpoint: the training of this one diverged. To train again")
def test_a_checkpoint_of_a_training_that_diverged(made: Made, tmp_path: Path):
    checkpoint = torch.load(made.best, weights_only=True)
    checkpoint["state_dict"]["network.head.hypernetworks.0.layers.0.weight"][0, 0] = torch.nan
    torch.save(checkpoint, tmp_path / "best.ckpt")
    fix = fix_of(invoke("eval", "--checkpoint", tmp_path / "best.ckpt"))
    keys = ("--set", "train.learning_rate=1e-5", "--set", "trainer.precision=bf16-mixed", "--set", "train.epochs=1")
    assert {"train.learning_rate", "trainer.precision", "bf16-mixed"} <= set(fix.replace(",", "").split())
    trained = invoke("train", "--config", made.config, "--output", tmp_path / "run", *keys)
    assert trained.exit_code == 0, trained.stderr
    assert invoke("eval", "--checkpoint", tmp_path / "run" / "checkpoints" / "best.ckpt").exit_code == 0


@pytest.mark.follows("networks/network.py", "leave --precision out")
def test_half_precision_of_a_network_without_an_encoder(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Both networks of the program have one; docs/extending.md adds one that has none."""
    monkeypatch.setattr(EncoderNetwork, "set_encoder_precision", Network.set_encoder_precision)
    assert fix_of(predict(made, tmp_path / "f.npy", "--precision", "bf16")) == "leave --precision out"
    assert predicted(made, tmp_path / "f.npy")


@pytest.mark.follows("data/frame.py", "set input.fit: resize")
@pytest.mark.follows("data/frame.py", ", or a larger input.side (at most {})")
def test_a_section_larger_than_the_canvas(made: Made, tmp_path: Path):
    """Of a survey to train on, and of one to predict."""
    survey = model_survey((40, 70, 40), 1)
    for name, values, kind in (("a", survey.amplitude, "ieee"), ("l", survey.labels, "int8")):
        write_segy(tmp_path / f"{name}.sgy", values, survey.geometry, format=kind)  # type: ignore[arg-type]
    files = ("--set", f"data.amplitude={tmp_path / 'a.sgy'}", "--set", f"data.labels={tmp_path / 'l.sgy'}")
    words = ("train", "--config", made.config, *files, "--set", "train.epochs=1", "--output")
    told = {
        fix_of(invoke(*words, tmp_path / "run")),
        fix_of(predict(made, tmp_path / "f.npy", source=tmp_path / "a.sgy")),
    }
    (fix,) = told
    assert fix.startswith("set input.fit: resize, or a larger input.side (at most 1024)")
    for number, change in enumerate(("input.fit=resize", "input.side=80")):
        result = invoke(*words, tmp_path / str(number), "--set", change)
        assert result.exit_code == 0, result.stderr
        another = Made(made.amplitude, made.labels, made.config, tmp_path / str(number))
        assert predicted(another, tmp_path / f"{number}.npy", source=tmp_path / "a.sgy")
