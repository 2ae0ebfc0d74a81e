"""What refusals of `train` advise about its run folder, its start and its numbers is carried out, and works."""

import os
import shlex
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from click.testing import Result

from sam_seismic.cli.array_element import ELEMENT
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.run_lock import run_lock
from sam_seismic.runs.status import RunStatus, read_status, write_status
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.tasks.facies import FaciesSegmentation
from tests.cli.running import Made, invoke
from tests.cli.test_stopping import signalled
from tests.following import fix_of, keys_in, settings_in

ONE_EPOCH = ("--set", "train.epochs=1")


def train(made: Made, output: Path, *more: str | Path) -> Result:
    return invoke("train", "--config", made.config, "--output", output, *more)


def trained(made: Made, output: Path, *more: str | Path) -> bool:
    result = train(made, output, *more)
    assert result.exit_code == 0, result.stderr
    return (output / "checkpoints" / "best.ckpt").is_file()


@pytest.fixture
def copied(made: Made, tmp_path: Path) -> Path:
    """The run, to be changed, in a folder whose name a shell would take for two."""
    shutil.copytree(made.run, tmp_path / "my run")
    return tmp_path / "my run"


@pytest.mark.follows("runs/run_folder.py", "--resume to go on with that run, ")
@pytest.mark.follows("runs/run_folder.py", "add {}--overwrite to replace it, or choose another --output")
def test_a_folder_with_a_run(made: Made, copied: Path, tmp_path: Path):
    fix = fix_of(train(made, copied))
    assert fix == "add --resume to go on with that run, --overwrite to replace it, or choose another --output"
    assert trained(made, copied, "--resume", "--set", "train.epochs=3")
    assert read_status(copied / "status.json").epoch == 3
    assert trained(made, copied, "--overwrite", *ONE_EPOCH)
    assert read_status(copied / "status.json").epoch == 1
    assert trained(made, tmp_path / "other", *ONE_EPOCH)


@pytest.mark.follows("runs/run_folder.py", "choose another --output")
@pytest.mark.follows("runs/run_folder.py", "give a folder as --output")
def test_a_path_that_cannot_be_a_run_folder(made: Made, tmp_path: Path):
    """Its name is no text, it is a file, or it holds files of others."""
    (tmp_path / "file").touch()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").touch()
    fixes = [fix_of(train(made, tmp_path / name)) for name in (os.fsdecode(b"r\xff"), "file", "thesis")]
    assert fixes == ["choose another --output", "give a folder as --output", "choose another --output"]
    assert trained(made, tmp_path / "run", *ONE_EPOCH)


@pytest.mark.follows("runs/run_folder.py", "leave --resume out")
def test_nothing_to_resume(made: Made, tmp_path: Path):
    assert fix_of(train(made, tmp_path / "run", "--resume")) == "leave --resume out"
    assert trained(made, tmp_path / "run", *ONE_EPOCH)


@pytest.mark.follows("runs/run_lock.py", "wait until it has ended, stop it, or choose another --output")
@pytest.mark.follows("runs/run_lock.py", "if that machine has crashed, give the same command again when the status is")
def test_a_folder_that_another_training_uses(made: Made, copied: Path, tmp_path: Path):
    """Of this machine, and of another one, which has crashed since."""
    with run_lock(RunFolder(copied)):
        assert "wait until it has ended" in fix_of(train(made, copied, "--resume"))
        assert trained(made, tmp_path / "other", *ONE_EPOCH)
    assert trained(made, copied, "--resume")
    status = RunStatus("training", host="node7", process=4321, noted=time.time() - 9)
    write_status(copied / "status.json", status)
    fix = fix_of(train(made, copied, "--resume"))
    seconds = float(fix.partition("when the status is ")[2].partition(" s old")[0])
    write_status(copied / "status.json", replace(status, noted=time.time() - seconds - 1))
    assert trained(made, copied, "--resume")


@pytest.mark.follows("runs/resuming.py", "resume with --config {} --output {}; or choose another --output")
def test_another_configuration_than_the_run(made: Made, copied: Path, tmp_path: Path):
    fix = fix_of(train(made, copied, "--resume", "--set", "train.learning_rate=0.5"))
    words = shlex.split(fix.partition("resume with ")[2].partition(";")[0])
    assert words == ["--config", str(copied / "config.yaml"), "--output", str(copied)]
    longer = invoke("train", *words, "--resume", "--set", "train.epochs=3")
    assert longer.exit_code == 0, longer.stderr
    start = settings_in(fix)
    assert start == ["--set", f"model.init_from={copied}"]
    assert trained(made, tmp_path / "other", *start, "--set", "train.learning_rate=0.5", *ONE_EPOCH)


@pytest.mark.follows("runs/resuming.py", "leave these keys as they are: a resumed run goes on with the weights")
def test_other_initial_weights_than_those_of_the_run(made: Made, copied: Path, tmp_path: Path):
    other = ("--set", f"model.init_from={made.best}")
    fix = fix_of(train(made, copied, "--resume", *other, "--set", "train.epochs=3"))
    assert "for another run, choose another --output" in fix
    assert trained(made, copied, "--resume", "--set", "train.epochs=3")
    assert trained(made, tmp_path / "other", *other, *ONE_EPOCH)


@pytest.mark.follows("runs/moved_data.py", "go on with those; or start another run from its weights, without --resume")
def test_other_data_than_those_of_the_run(made: Made, copied: Path, tmp_path: Path):
    survey = model_survey((40, 32, 48), 1)
    write_segy(tmp_path / "labels.sgy", survey.labels[:, :, ::-1], survey.geometry, format="int8")
    other = ("--set", f"data.labels={tmp_path / 'labels.sgy'}")
    fix = fix_of(train(made, copied, "--resume", *other, "--set", "train.epochs=3"))
    assert "--output OTHER" in fix
    assert trained(made, tmp_path / "OTHER", *settings_in(fix), *other, *ONE_EPOCH)
    assert trained(made, copied, "--resume", "--set", "train.epochs=3")


@pytest.mark.follows("cli/array_element.py", "--array=0-{}")
@pytest.mark.follows("cli/array_element.py", "give one --config, or submit an array: sbatch {} run_sbatch.sh ...")
def test_several_configurations_for_one_process(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One of them, or the elements of the array that is named, as Slurm numbers them."""
    words: list[str | Path] = []
    for name in "ab":
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"{made.config.read_text()}\noutput: {tmp_path / name}\n")
        words += ["--config", path]
    fix = fix_of(invoke("train", *words))
    first, last = map(int, fix.partition("--array=")[2].split()[0].split("-"))
    monkeypatch.setenv(ELEMENT, "2")
    assert fix_of(invoke("train", *words)) == "submit --array=0-1"
    for element in range(first, last + 1):
        monkeypatch.setenv(ELEMENT, str(element))
        assert invoke("train", *words, *ONE_EPOCH).exit_code == 0
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"a", "b"}
    monkeypatch.delenv(ELEMENT)
    assert invoke("train", *words[:2], "--output", tmp_path / "one", *ONE_EPOCH).exit_code == 0


@pytest.mark.follows("runs/trainer.py", "trainer.accelerator: auto and trainer.devices: auto use what this machine has")
def test_a_machine_without_what_is_asked_for(made: Made, tmp_path: Path):
    fix = fix_of(train(made, tmp_path / "run", "--set", "trainer.devices=[0, 0]"))
    assert trained(made, tmp_path / "run", *keys_in(fix.partition(" use ")[0].replace(" and", ",")), *ONE_EPOCH)


@pytest.mark.follows("workflows/train.py", "to go on after that step, give the same command with --resume")
@pytest.mark.follows("workflows/train.py", "to go on from the last checkpoint, give the same command with --resume")
def test_a_training_that_was_stopped(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """By a signal, which waits for the step, and by Ctrl-C within a step."""
    with signalled("training_step", signal.SIGTERM, at=1):
        assert "after that step" in fix_of(train(made, tmp_path / "run"))
    step = FaciesSegmentation.training_step

    def interrupted(self: FaciesSegmentation, batch: object) -> object:
        if self.current_epoch == 1:
            raise KeyboardInterrupt
        return step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(FaciesSegmentation, "training_step", interrupted)
        assert "from the last checkpoint" in fix_of(train(made, tmp_path / "run", "--resume"))
    assert trained(made, tmp_path / "run", "--resume")
    assert read_status(tmp_path / "run" / "status.json").epoch == 2


@pytest.mark.follows("workflows/train.py", "mend what it reports; to go on from the last checkpoint")
def test_a_training_whose_other_process_has_ended(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Lightning ends the process that started the other one; under Slurm each hears it from its connection."""
    step = FaciesSegmentation.training_step

    def alone(self: FaciesSegmentation, batch: object) -> object:
        if self.current_epoch == 1:
            patch.setattr(type(self.trainer), "world_size", property(lambda _: 2))
            raise RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer")
        return step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(FaciesSegmentation, "training_step", alone)
        assert "give the same command with --resume" in fix_of(train(made, tmp_path / "run"))
    assert trained(made, tmp_path / "run", "--resume")
    assert read_status(tmp_path / "run" / "status.json").epoch == 2


@pytest.mark.follows("tasks/building.py", "its training diverged: train anew, with --overwrite and a lower")
def test_a_run_that_diverged(made: Made, copied: Path):
    path = copied / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["state_dict"]["network.head.hypernetworks.0.layers.0.weight"].fill_(torch.nan)
    torch.save(checkpoint, path)
    fix = fix_of(train(made, copied, "--resume", "--set", "train.epochs=3"))
    assert "--overwrite and a lower train.learning_rate" in fix
    assert trained(made, copied, "--overwrite", "--set", "train.learning_rate=1e-5", *ONE_EPOCH)


@pytest.mark.follows("runs/finite_numbers.py", "--set train.learning_rate={} (it was {})")
@pytest.mark.follows("runs/finite_numbers.py", "--set train.encoder_rate={} (it was {})")
@pytest.mark.follows("runs/finite_numbers.py", "--set trainer.gradient_clip_val=1")
@pytest.mark.follows("runs/finite_numbers.py", "--set trainer.precision={}")
def test_a_training_that_diverges(made: Made, tmp_path: Path):
    """All that is named at once."""
    wild = ("--set", "train.learning_rate=1e3", "--set", "train.encoder_rate=7",
        "--set", "trainer={accelerator: cpu, precision: bf16-mixed, gradient_clip_val: null}")  # fmt: skip
    fix = fix_of(train(made, tmp_path / "run", *wild))
    named = settings_in(fix)[1::2]
    assert [each.partition("=")[0] for each in named] == [
        "train.learning_rate", "train.encoder_rate", "trainer.gradient_clip_val", "trainer.precision"
    ]  # fmt: skip
    assert trained(made, tmp_path / "run", *wild, *settings_in(fix), *ONE_EPOCH)
    written = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert (written["train"]["learning_rate"], written["trainer"]["precision"]) == (1e-4, "32-true")


@pytest.mark.follows("config/loading.py", "--set KEY=VALUE, such as --set train.epochs=10")
def test_a_setting_without_a_value(made: Made, tmp_path: Path):
    fix = fix_of(train(made, tmp_path / "run", "--set", "train.epochs"))
    key = settings_in(fix)[-1]
    assert key == "train.epochs=10"
    assert "epochs: 10" in invoke("config", "show", made.config, "--set", key).stdout
