"""Every command takes a survey of several SEG-Y files, and does with it what it does with the whole file."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import yaml

from sam_seismic.config import load_config
from sam_seismic.survey.fingerprint import fingerprint
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import SegyResult
from tests.cli.running import Made, Run, hashes, noting
from tests.docs.pages import commands
from tests.programs import completed
from tests.survey.segy_files import Parts, cube
from tests.survey.several.split_files import Chosen, split

FILES: Mapping[str, Chosen] = {
    "line_1.sgy": lambda il, _: il < 120,
    "line_2.sgy": lambda il, _: (il >= 118) & (il < 130),
    "line_10.sgy": lambda il, _: il >= 130,
}
"""Of the forty inlines; two of them stand in two files."""

HALVES: tuple[Chosen, ...] = (lambda il, _: il < 120, lambda il, _: il >= 120)


@pytest.fixture
def parts(made: Made, tmp_path: Path) -> list[Path]:
    return split(made.amplitude, tmp_path / "parts", FILES)


def predicting(made: Made, input_: list[Path] | Path, output: Path, *more: str | Path) -> list[str]:
    files = [input_] if isinstance(input_, Path) else input_
    given = ("predict", "--checkpoint", made.best, "--input", *files, "--output", output, "--device", "cpu", *more)
    return [str(word) for word in given]


def test_files_are_read_as_numbers_order_them(parts: list[Path]):
    """A folder, a pattern and a list are one survey, known by one fingerprint."""
    folder = parts[0].parent
    volumes = [open_volume(folder), open_volume(folder / "line_*.sgy"), open_volume(parts)]
    assert [[path.name for path in volume.files] for volume in volumes] == [list(FILES)] * 3
    assert len({fingerprint(volume, Orientation.INLINE) for volume in volumes}) == 1
    turned = open_volume([parts[1], parts[0], parts[2]])
    assert fingerprint(turned, Orientation.INLINE) != fingerprint(volumes[0], Orientation.INLINE)
    before = fingerprint(volumes[0], Orientation.INLINE)
    os.utime(parts[2], ns=(1, 1))
    assert fingerprint(open_volume(folder), Orientation.INLINE) != before


def test_a_training_is_that_of_the_whole_file(made: Made, parts: list[Path], run: Run, tmp_path: Path):
    config = yaml.safe_load(made.config.read_text())
    config["data"]["amplitude"] = [str(path) for path in parts]
    (tmp_path / "several.yaml").write_text(yaml.safe_dump(config))
    ran = run("train", "--config", tmp_path / "several.yaml", "--output", tmp_path / "run")
    assert ran.exit_code == 0, ran.stderr
    assert (tmp_path / "run" / "metrics.csv").read_text() == (made.run / "metrics.csv").read_text()
    recorded = load_config(tmp_path / "run" / "config.yaml").data.amplitude
    assert recorded == tuple(parts)


def test_a_run_goes_on_and_is_scored_on_the_same_samples_in_several_files(
    made: Made, parts: list[Path], run: Run, tmp_path: Path
):
    """The survey of the run is given as a pattern; one that matches nothing, and other samples, are refused."""
    shutil.copytree(made.run, tmp_path / "run")
    pattern = parts[0].parent / "line_*.sgy"
    resume = ("train", "--config", made.config, "--output", tmp_path / "run", "--resume", "--set", "train.epochs=3")
    ran = run(*resume, "--set", f"data.amplitude={pattern}")
    assert ran.exit_code == 0, ran.stderr
    assert f"data.amplitude: {pattern} in place of {made.amplitude}: the same samples" in ran.stderr
    scored = run("eval", "--checkpoint", tmp_path / "run" / "checkpoints" / "best.ckpt", "--device", "cpu", "--json")
    assert scored.exit_code == 0, scored.stderr
    parts[1].rename(parts[1].with_suffix(".old"))
    again = run(*resume, "--set", f"data.amplitude={pattern}", "--set", "train.epochs=4")
    assert again.exit_code == 2
    assert "the amplitudes differ" in again.stderr
    gone = run(*resume, "--set", f"data.amplitude={parts[0].parent / 'other_*.sgy'}")
    assert "there is no such file or folder" in gone.stderr


@pytest.mark.parametrize("orientation", ["inline", "both"])
def test_a_prediction_is_that_of_the_whole_file(
    made: Made, parts: list[Path], run: Run, tmp_path: Path, orientation: str
):
    whole = run(*predicting(made, made.amplitude, tmp_path / "whole.sgy", "--orientation", orientation))
    assert whole.exit_code == 0, whole.stderr
    more = ("--orientation", orientation, "--probabilities", tmp_path / "p", "--horizons", tmp_path / "h.csv")
    ran = run(*predicting(made, parts, tmp_path / "facies", *more))
    assert ran.exit_code == 0, ran.stderr
    expected = cube(open_volume(tmp_path / "whole.sgy"))
    assert np.array_equal(cube(open_volume(tmp_path / "facies")), expected)
    assert sorted(path.name for path in (tmp_path / "p_salt").iterdir()) == sorted(FILES)
    one = run(*predicting(made, parts[0].parent, tmp_path / "facies.sgy", "--orientation", orientation))
    assert one.exit_code == 0, one.stderr
    assert np.array_equal(cube(open_volume(tmp_path / "facies.sgy")), expected)
    rows = Parts.of(tmp_path / "facies.sgy", 240 + 48)
    assert rows.traces[:, :240].tobytes() == Parts.of(made.amplitude, 240 + 4 * 48).traces[:, :240].tobytes()


@pytest.mark.parametrize("output", ["facies", "facies.sgy"])
def test_a_prediction_that_is_killed_is_resumed(made: Made, parts: list[Path], run: Run, tmp_path: Path, output: str):
    undisturbed = run(*predicting(made, parts, tmp_path / "a" / output))
    assert undisturbed.exit_code == 0, undisturbed.stderr
    command = predicting(made, parts, tmp_path / "b" / output)
    assert completed(command, before=noting(0, killed_after=3)).returncode < 0
    resumed = run(*command, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert "going on after" in resumed.stderr
    assert hashes(tmp_path / "b") == hashes(tmp_path / "a")


def test_a_prediction_of_changed_files_is_not_resumed(made: Made, parts: list[Path], run: Run, tmp_path: Path):
    command = predicting(made, parts, tmp_path / "facies")
    assert completed(command, before=noting(0, killed_after=3)).returncode < 0
    os.utime(parts[2], ns=(1, 1))
    refused = run(*command, "--resume")
    assert refused.exit_code == 2
    assert "these have changed: input" in refused.stderr


def test_killed_while_the_files_of_a_folder_are_renamed(
    made: Made, parts: list[Path], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    publish, published = SegyResult.publish, []

    def stop(self: SegyResult) -> None:
        if published:
            raise KeyboardInterrupt
        published.append(self.path)
        publish(self)

    command = predicting(made, parts, tmp_path / "b" / "facies")
    with monkeypatch.context() as patched:
        patched.setattr(SegyResult, "publish", stop)
        assert run(*command).exit_code == 2
    assert not (tmp_path / "b" / "facies").exists()
    assert run(*command, "--resume").exit_code == 0
    assert run(*predicting(made, parts, tmp_path / "a" / "facies")).exit_code == 0
    assert hashes(tmp_path / "b") == hashes(tmp_path / "a")


def test_a_copy_has_the_samples_of_the_whole_file(made: Made, parts: list[Path], run: Run, tmp_path: Path):
    ran = run("convert", *parts, tmp_path / "survey.h5")
    assert ran.exit_code == 0, ran.stderr
    assert run("convert", tmp_path / "survey.h5", tmp_path / "back.sgy").exit_code == 0
    assert (tmp_path / "back.sgy").read_bytes() == made.amplitude.read_bytes()


def test_inspect_has_a_row_for_each_file(made: Made, parts: list[Path], run: Run):
    facts, whole = (json.loads(run("inspect", *given, "--json").stdout) for given in (parts, [made.amplitude]))
    for name in ("shape", "inlines", "crosslines", "live_traces", "amplitude", "format", "inline_byte"):
        assert facts[name] == whole[name], name
    found = [(Path(each["path"]).name, each["inlines"]["first"], each["live_traces"]) for each in facts["files"]]
    assert found == [("line_1.sgy", 100, 640), ("line_2.sgy", 118, 384), ("line_10.sgy", 130, 320)]
    assert "files" not in whole
    assert "line_2.sgy: 64 of its 384 traces are in line_1.sgy, too: identical, taken once" in facts["warnings"]
    shown = run("inspect", parts[0].parent).stdout
    assert "3 files" in shown
    assert "118-129" in shown


def test_inspect_takes_one_configuration(made: Made, run: Run):
    told = run("inspect", made.config, made.config)
    assert told.exit_code == 2
    assert "1 more paths are given" in told.stderr


def test_labels_and_scores_of_several_files(made: Made, parts: list[Path], run: Run, tmp_path: Path):
    """Labels are made for each file, and scored against those of the whole file: all of them agree."""
    picks = "".join(f"{il},{xl},{40 + il % 3 * 8}\n" for il in range(100, 140) for xl in range(300, 332))
    (tmp_path / "top.csv").write_text("inline,crossline,time\n" + picks)
    for volume, output in (([made.amplitude], "whole.sgy"), (parts, "labels")):
        made_of = ("--horizons", tmp_path / "top.csv", "--above", "--below", "--output", tmp_path / output)
        ran = run("labels", "--volume", *volume, *made_of)
        assert ran.exit_code == 0, ran.stderr
    files = [tmp_path / "labels" / name for name in FILES]
    scored = run("score", "--truth", tmp_path / "whole.sgy", "--prediction", *files, "--json")
    assert scored.exit_code == 0, scored.stderr
    scores = json.loads(scored.stdout)
    assert scores["pixel_accuracy"] == 1
    assert scores["voxels"] == 40 * 32 * 48


def test_labels_of_several_files_are_trained_on(made: Made, run: Run, tmp_path: Path):
    split(made.labels, tmp_path / "labels", FILES)
    labels = f"data.labels={tmp_path / 'labels'}"
    again = run("train", "--config", made.config, "--set", labels, "--output", tmp_path / "r")
    assert again.exit_code == 0, again.stderr
    assert (tmp_path / "r" / "metrics.csv").read_text() == (made.run / "metrics.csv").read_text()


def test_the_commands_of_the_page_on_formats_run(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    split(made.amplitude, tmp_path / "survey", {f"part{number + 1}.sgy": each for number, each in enumerate(HALVES)})
    Path("runs").mkdir()
    Path("runs/my_survey").symlink_to(made.run)
    tried = commands("docs/formats.md", "")
    assert [words[0] for words in tried] == ["inspect", "predict", "convert"]
    for words in tried:
        result = run(*words)
        assert result.exit_code == 0, f"{words}: {result.stderr}"
    assert sorted(path.name for path in Path("facies").iterdir()) == ["part1.sgy", "part2.sgy"]
    assert Path("survey.h5").is_file()


def test_a_list_has_no_subfolders(made: Made, parts: list[Path], run: Run, tmp_path: Path):
    files = f"data.amplitude=[{','.join(map(str, parts))}]"
    told = run("train", "--config", made.config, "--set", files, "--set", "data.split={folders: true}")
    assert told.exit_code == 2
    assert "split.folders cannot apply to a list of amplitude files" in told.stderr
