"""A run is resumed and evaluated wherever its survey lies now, and on no other survey; what may change is told."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.hdf5 import write_hdf5
from sam_seismic.survey.segy import write_segy
from sam_seismic.tasks.facies import FaciesSegmentation
from tests.cli.running import Made, Run


@pytest.fixture
def moved(made: Made, tmp_path: Path) -> Made:
    """The run, whose survey was moved: its configuration and its checkpoints name files that are gone."""
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    for file in (made.amplitude, made.labels):
        shutil.copy(file, here / file.name)
        os.utime(here / file.name, ns=(1, 1))
    shutil.copytree(made.run, here / "run")
    config = yaml.safe_load(made.config.read_text())
    for key, file in (("amplitude", made.amplitude), ("labels", made.labels)):
        config["data"][key] = str(there / file.name)
    for name in ("best", "last"):
        path = here / "run" / "checkpoints" / f"{name}.ckpt"
        checkpoint = torch.load(path, weights_only=True)
        checkpoint["sam_seismic"]["data"] |= {key: config["data"][key] for key in ("amplitude", "labels")}
        torch.save(checkpoint, path)
    for path in (here / "run" / "config.yaml", here / "small.yaml"):
        path.write_text(yaml.safe_dump(config))
    return Made(here / made.amplitude.name, here / made.labels.name, here / "small.yaml", here / "run")


def fixed(stderr: str, moved: Made) -> list[str]:
    """The options that a fix names, with the new paths."""
    assert "--set data.amplitude=PATH --set data.labels=PATH" in stderr
    return ["--set", f"data.amplitude={moved.amplitude}", "--set", f"data.labels={moved.labels}"]


def older(run: Path) -> None:
    """Make the checkpoints of a run those of a version that did not know what a survey holds."""
    for path in (run / "checkpoints").iterdir():
        checkpoint = torch.load(path, weights_only=True)
        del checkpoint["sam_seismic"]["contents"]
        torch.save(checkpoint, path)


@pytest.mark.follows("runs/moved_data.py", "--set {}=PATH")
def test_eval_says_how_to_name_the_new_place(made: Made, moved: Made, run: Run, tmp_path: Path):
    command = ("eval", "--checkpoint", moved.best, "--device", "cpu", "--json")
    refused = run(*command)
    assert refused.exit_code == 2
    assert "there/amplitude.sgy: there is no such file or folder; the run was trained on it" in refused.stderr
    assert "--config FILE" in refused.stderr
    mended = run(*command, *fixed(refused.stderr, moved))
    assert mended.exit_code == 0, mended.stderr
    assert mended.stderr.count("in place of") == 2
    assert "the same samples" in mended.stderr
    by_config = run(*command, "--config", made.config)
    undisturbed = run("eval", "--checkpoint", made.best, "--device", "cpu", "--json")
    first, *others = (json.loads(each.stdout)["confusion"] for each in (undisturbed, mended, by_config))
    assert others == [first, first]
    assert "the same samples" in by_config.stderr


def test_eval_takes_no_other_survey_for_a_moved_one(moved: Made, run: Run, tmp_path: Path):
    volume = open_volume(moved.amplitude)
    other = np.stack([volume.section(volume.fast_orientation, line).values.T for line in volume.geometry.inlines])
    write_segy(tmp_path / "other.sgy", 2 * other.astype(np.float32), volume.geometry, format="ieee")
    command = ("eval", "--checkpoint", moved.best, "--device", "cpu")
    given = ("--set", f"data.amplitude={tmp_path / 'other.sgy'}", "--set", f"data.labels={moved.labels}")
    refused = run(*command, *given)
    assert refused.exit_code == 2
    assert "the amplitudes differ from those that it was trained on" in refused.stderr
    config = yaml.safe_load(moved.config.read_text())
    config["data"] |= {"amplitude": str(tmp_path / "other.sgy"), "labels": str(moved.labels)}
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(config))
    told = run(*command, "--config", tmp_path / "other.yaml")
    assert told.exit_code == 0, told.stderr
    assert "note: the amplitudes differ from those of the training" in told.stderr
    foreign = run(*command, "--set", "train.epochs=3")
    assert foreign.exit_code == 2
    assert "only keys of data: can be set" in foreign.stderr


def test_a_run_goes_on_where_its_survey_was_moved(moved: Made, run: Run, tmp_path: Path):
    """In another format, too, and with other settings that leave the past as it is; the fix that is named is followed.

    The learning rate ends at its floor, though an epoch has twice as many steps as before.
    """
    command = ("train", "--config", moved.run / "config.yaml", "--output", moved.run, "--resume")
    command = (*command, "--set", "train.epochs=3", "--set", "train.batch_size=1", "--set", "train.patience=5")
    refused = run(*command)
    assert refused.exit_code == 2
    assert "amplitude.sgy: there is no such file or folder; the run was trained on it" in refused.stderr
    words = fixed(refused.stderr, moved)
    write_hdf5(open_volume(moved.amplitude), tmp_path / "amplitude.h5")
    resumed = run(*command, *words, "--set", f"data.amplitude={tmp_path / 'amplitude.h5'}")
    assert resumed.exit_code == 0, resumed.stderr
    assert f"resumed: data.amplitude: {tmp_path / 'amplitude.h5'} in place of " in resumed.stderr
    for line in (
        "train.batch_size: 1, which was 2",
        "train.epochs: 3, which was 2",
        "train.patience: 5, which was None",
        "the learning rate now falls over 3 epochs: it goes on at 2.8e-05, which was 1e-06",
        "an epoch can have another number of steps than before: steps are counted on from 6",
    ):
        assert f"resumed: {line}" in resumed.stderr
    with (moved.run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["3", "6", "12"]
    assert float(rows[-1]["learning_rate"]) == pytest.approx(1e-6)


def test_an_epoch_goes_on_with_another_batch_size(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Stopped after one of three steps, it has four of six to go; a second stop and start changes nothing."""
    step, stops = FaciesSegmentation.training_step, [1, 3]

    def interrupted(self: FaciesSegmentation, batch: object) -> object:
        if stops and self.global_step == stops[0]:
            stops.pop(0)
            raise KeyboardInterrupt
        return step(self, batch)

    monkeypatch.setattr(FaciesSegmentation, "training_step", interrupted)
    words = ("train", "--config", made.config, "--output", tmp_path / "run", "--set", "train.epochs=1")
    command = (*words, "--set", "train.checkpoint_every=1")
    assert run(*command).exit_code == 2
    smaller = (*command, "--resume", "--set", "train.batch_size=1")
    assert run(*smaller).exit_code == 2
    finished = run(*smaller)
    assert finished.exit_code == 0, finished.stderr
    with (tmp_path / "run" / "metrics.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["step"] == "5"
    assert float(row["learning_rate"]) == pytest.approx(1e-6)


def test_a_run_does_not_go_on_with_other_data(moved: Made, run: Run, tmp_path: Path):
    """Labels that were turned upside down at the same place, or amplitudes of another place: nothing is written."""
    command = ("train", "--config", moved.config, "--output", moved.run, "--resume", "--set", "train.epochs=3")
    words = fixed("--set data.amplitude=PATH --set data.labels=PATH", moved)
    before = (moved.run / "config.yaml").read_text()
    volume = open_volume(moved.labels)
    labels = np.stack([volume.section(volume.fast_orientation, line).values.T for line in volume.geometry.inlines])
    write_segy(moved.labels, labels[:, :, ::-1].astype(np.int8), volume.geometry, format="int8")
    refused = run(*command, *words)
    assert refused.exit_code == 2
    assert f"{moved.run}: the labels differ from those that the run was trained on" in refused.stderr
    assert f"--set model.init_from={moved.run}" in refused.stderr
    submitted = run("submit", "--dry-run", *command, *words)
    assert submitted.exit_code == 2
    assert "the labels differ from those" in submitted.stderr
    assert (moved.run / "config.yaml").read_text() == before


def test_a_run_of_an_earlier_version(made: Made, moved: Made, run: Run, tmp_path: Path):
    """Its checkpoint does not say what its survey held: the scale of the amplitudes is compared, and that is told."""
    older(moved.run)
    command = ("train", "--config", moved.config, "--output", moved.run, "--resume", "--set", "train.epochs=3")
    words = fixed("--set data.amplitude=PATH --set data.labels=PATH", moved)
    otherwise = run(*command, *words, "--set", "data.read.segy.endian=big")
    assert otherwise.exit_code == 2
    assert "data.read.segy.endian: None in the run, now big" in otherwise.stderr
    told = run("submit", "--dry-run", *command, *words)
    assert told.exit_code == 0, told.stderr
    assert "not compared, since the run is of an earlier version" in told.stderr
    volume = open_volume(moved.amplitude)
    other = np.stack([volume.section(volume.fast_orientation, line).values.T for line in volume.geometry.inlines])
    write_segy(moved.amplitude, 2 * other.astype(np.float32), volume.geometry, format="ieee")
    refused = run(*command, *words)
    assert refused.exit_code == 2
    assert "the amplitudes differ from those that the run was trained on" in refused.stderr


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_finished_run_says_so(made: Made, run: Run, tmp_path: Path, epochs: int):
    folder = tmp_path / "run"
    shutil.copytree(made.run, folder)
    before = (folder / "config.yaml").read_text()
    command = ("train", "--config", made.config, "--output", folder, "--resume")
    told = run(*command, "--set", f"train.epochs={epochs}")
    assert told.exit_code == 0
    assert told.stderr == (
        f"{folder}: finished already: 2 epochs are done, train.epochs: {epochs} asks for no more; "
        "--set train.epochs=4 goes on\n"
    )
    assert told.stdout == "", "nothing is written"
    as_json = run(*command, "--set", f"train.epochs={epochs}", "--json")
    assert json.loads(as_json.stdout) == {"run": str(folder), "best": str(folder / "checkpoints" / "best.ckpt")}
    assert (folder / "config.yaml").read_text() == before


def test_what_may_change_is_listed(made: Made, run: Run):
    """Also where a refused key was set on the command line."""
    changes = ("--set", "train.learning_rate=0.5", "--set", "model.weights=other.pth", "--set", "train.patience=3")
    refused = run("train", "--config", made.config, "--output", made.run, "--resume", *changes)
    assert refused.exit_code == 2
    assert "train.learning_rate: 0.0001 in the run, now 0.5" in refused.stderr
    assert "train.patience: " not in refused.stderr
    assert "on --resume these may change: train.epochs, train.patience, train.batch_size" in refused.stderr
    assert "where the content is the same: data.amplitude, data.labels" in refused.stderr
    assert "without --resume" in refused.stderr


def test_other_initial_weights_are_refused(made: Made, run: Run, tmp_path: Path):
    changes = ("--set", f"model.init_from={made.best}", "--set", "train.epochs=3")
    refused = run("train", "--config", made.config, "--output", made.run, "--resume", *changes)
    assert refused.exit_code == 2
    assert f"model.init_from: None in the run, now {made.best}" in refused.stderr
    assert "a resumed run goes on with the weights of its last checkpoint" in refused.stderr
