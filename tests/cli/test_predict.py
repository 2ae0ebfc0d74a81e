"""`predict` on unusual surveys, with unusable outputs, and stopped: it says why, and leaves no partial file."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.cli.app import app
from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError, UserError
from sam_seismic.inference.outputs import probability_paths
from sam_seismic.runs.devices import choose_device
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.images import FolderVolume
from sam_seismic.survey.segy import write_segy
from sam_seismic.workflows import predict
from tests.cli.running import Made, Run, folder_of, invoke, noting
from tests.programs import Program

CLASSES = ("overburden", "deltaic", "channel", "shale", "chalk", "salt")


def words(made: Made, input_: Path, output: Path, *more: str | Path) -> list[str]:
    given = ("predict", "--checkpoint", made.best, "--input", input_, "--output", output, "--device", "cpu", *more)
    return [str(word) for word in given]


@pytest.fixture
def crosslines(made: Made, tmp_path: Path) -> Path:
    """A folder with crossline sections alone; the run was trained on inlines."""
    volume = open_volume(made.amplitude, ReadOptions())
    return folder_of(volume, tmp_path / "xl", {Orientation.CROSSLINE: [301, 302]})


def test_a_folder_without_the_trained_orientation(made: Made, run: Run, tmp_path: Path, crosslines: Path):
    """It is refused: an empty facies volume and exit code 0 would look like a success."""
    result = run(*words(made, crosslines, tmp_path / "f.sgy"))
    assert result.exit_code == 2
    assert "holds no inline sections to predict, only crosslines 301-302" in result.stderr
    assert "--orientation crossline" in result.stderr
    assert list(tmp_path.iterdir()) == [crosslines]


def test_both_on_a_folder_of_one_orientation(made: Made, run: Run, tmp_path: Path, crosslines: Path):
    """The only orientation is not divided by two: probabilities sum to 1, and sections keep their names."""
    result = run(*words(made, crosslines, tmp_path / "f", "--orientation", "both", "--probabilities", tmp_path / "p"))
    assert result.exit_code == 0, result.stderr
    assert "holds no inline sections; only crosslines are predicted" in result.stderr
    assert sorted(path.name for path in (tmp_path / "f").iterdir()) == ["xl_301.png", "xl_302.png"]
    planes = [FolderVolume(tmp_path / f"p_{name}").section(Orientation.CROSSLINE, 302).values for name in CLASSES]
    np.testing.assert_allclose(np.sum(planes, axis=0), 1, atol=1e-5)


def test_a_folder_of_both_gets_both_back(made: Made, run: Run, tmp_path: Path):
    """Sections that form no grid, such as those digitised from paper."""
    volume = open_volume(made.amplitude, ReadOptions())
    lines = {Orientation.INLINE: [100, 120], Orientation.CROSSLINE: [305]}
    folder = folder_of(volume, tmp_path / "in", lines)
    result = run(*words(made, folder, tmp_path / "f", "--orientation", "both"))
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "f").iterdir()) == ["il_100.png", "il_120.png", "xl_305.png"]


def survey_of(made: Made, path: Path, inlines: int, crosslines: int, repeat: int = 1) -> Path:
    """The first inlines and crosslines of the survey, repeated along the inlines."""
    volume = open_volume(made.amplitude, ReadOptions())
    corner = [volume.section(Orientation.INLINE, 100 + line).values.T[:crosslines] for line in range(inlines)]
    geometry = Geometry.complete(range(1, 1 + inlines * repeat), range(1, 1 + crosslines), 48)
    write_segy(path, np.stack(corner * repeat), geometry)
    return path


def test_both_on_a_narrow_survey(made: Made, run: Run, tmp_path: Path):
    """Crosslines of a 2D line are one trace wide: their predictions are noise, and must not enter the mean."""
    line = survey_of(made, tmp_path / "line.sgy", 1, 32)
    for orientation in ("inline", "both"):
        result = run(*words(made, line, tmp_path / f"{orientation}.npy", "--orientation", orientation,
            "--probabilities", tmp_path / f"{orientation}_p.npy"))  # fmt: skip
        assert result.exit_code == 0, result.stderr
    assert "crossline sections are only 1 trace wide (fewer than 16); only inlines are predicted" in result.stderr
    for name in CLASSES:
        both, alone = (np.load(tmp_path / f"{orientation}_p_{name}.npy") for orientation in ("both", "inline"))
        np.testing.assert_array_equal(both, alone)


def test_both_on_a_survey_that_is_narrow_all_over(made: Made, run: Run, tmp_path: Path):
    """If both orientations are too narrow, neither is better than the other, and both are predicted."""
    result = run(*words(made, survey_of(made, tmp_path / "a.sgy", 3, 4), tmp_path / "f.npy", "--orientation", "both"))
    assert result.exit_code == 0, result.stderr
    assert "predicting 3 inlines and 4 crosslines" in result.stderr


def test_amplitudes_that_are_not_finite_leave_nothing(made: Made, run: Run, tmp_path: Path):
    cube = np.random.default_rng(0).normal(size=(6, 8, 48)).astype(np.float32)
    cube[4, 3, 7] = np.nan
    np.save(tmp_path / "a.npy", cube)
    more = ("--orientation", "both", "--probabilities", tmp_path / "p.sgy")
    result = run(*words(made, tmp_path / "a.npy", tmp_path / "f.sgy", *more))
    assert result.exit_code == 2
    assert "XL 3 has 1 samples that are not finite" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


@pytest.mark.parametrize(
    ("output", "told"),
    [("p_salt.npy", "two outputs"), ("p_salt.npy/../p_chalk.npy", "two outputs"), ("f.npy", "p_shale.npy: exists")],
)
def test_outputs_are_checked_before_any_work(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, told: str
):
    """They are checked before the volume is opened, which takes minutes for a large SEG-Y file."""
    monkeypatch.setattr(predict, "open_volume", lambda *_: pytest.fail("work was done"))
    if output == "f.npy":
        (tmp_path / "p_shale.npy").touch()
    result = run(*words(made, made.amplitude, tmp_path / output, "--probabilities", tmp_path / "p.npy"))
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_class_that_cannot_be_part_of_a_name():
    with pytest.raises(SurveyError, match="sand/shale"):
        probability_paths(Path("p.sgy"), FaciesTable(("salt", "sand/shale")))
    with pytest.raises(SurveyError, match="no file can be named"):
        probability_paths(Path(), FaciesTable(("salt", "sand")))


@pytest.mark.parametrize("name", ["meta", "xla", "tpu9"])
def test_devices_that_cannot_predict(name: str):
    with pytest.raises(UserError, match=f"--device {name}"):
        choose_device(name)


@pytest.mark.parametrize(
    ("output", "told"),
    [("file/x.sgy", "file is a file"), ("x" * 300 + ".sgy", "the name is too long")],
)
def test_outputs_that_cannot_exist(made: Made, run: Run, tmp_path: Path, output: str, told: str):
    (tmp_path / "file").touch()
    result = run(*words(made, made.amplitude, tmp_path / output))
    assert result.exit_code == 2
    assert told in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "failure",
    [NotADirectoryError, FileExistsError, FileNotFoundError, IsADirectoryError],
    ids=lambda kind: kind.__name__,
)
def test_paths_that_the_file_system_refuses(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[OSError]
):
    code = {NotADirectoryError: 20, FileExistsError: 17, FileNotFoundError: 2, IsADirectoryError: 21}[failure]

    def failing(*_: object) -> None:
        raise failure(code, "words of the system", "the/path")

    monkeypatch.setattr(predict, "predict", failing)
    result = run(*words(made, made.amplitude, tmp_path / "f.sgy"))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: the/path: ")
    assert "fix: " in result.stderr


def test_a_file_error_without_a_path_is_a_fault_of_ours(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def failing(*_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(predict, "predict", failing)
    with pytest.raises(FileNotFoundError):
        invoke(*words(made, made.amplitude, tmp_path / "f.sgy"))


def test_other_runtime_errors_are_faults_of_ours(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def failing(*_: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(predict, "predict", failing)
    with pytest.raises(RuntimeError, match="shapes"):
        invoke(*words(made, made.amplitude, tmp_path / "f.sgy"))


def test_sigterm_leaves_nothing(made: Made, tmp_path: Path):
    """If no finished section has been recorded yet, there is nothing to resume."""
    out = tmp_path / "out"
    command = words(made, made.amplitude, out / "f.npy", "--orientation", "both", "--probabilities", out / "p.sgy")
    process = Program(command, before=noting(3600))
    while not list(out.glob(".f.*.merge")):
        assert process.runs(), process.communicate()[1]
        time.sleep(0.01)
    assert list(out.glob(".*.part.*"))
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)  # as `timeout` does
    _, told = process.communicate()
    assert not out.exists(), "the job had made the folder"
    assert process.returncode == 2
    assert "stopped by SIGTERM; no half-written file was left behind" in told
    assert "Traceback" not in told


def test_the_previous_handler_of_sigterm_is_restored(made: Made, run: Run):
    before = signal.getsignal(signal.SIGTERM)
    assert run("inspect", made.best, "--json").exit_code == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_command_runs_outside_the_main_thread(made: Made, tmp_path: Path):
    """Signal handlers can be set on the main thread only; on another thread the command runs without them."""
    codes: list[object] = []

    def call() -> None:
        try:
            app(["score", "--truth", str(made.labels), "--prediction", str(made.labels), "--json"])
        except SystemExit as stop:
            codes.append(stop.code)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert codes == [0]


@pytest.mark.parametrize("size", [10, 10_000_000])
def test_a_closed_pipe_is_no_error(size: int):
    """`sam-seismic inspect --json | head`, with output that fits into the buffer and output that does not."""
    code = f"from sam_seismic.cli.app import app; app.command()(lambda: print('x' * {size})); app(['<lambda>'])"
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=buffered, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        told = process.stderr.read()
    assert told == ""
    assert process.returncode == 141  # as of a program that SIGPIPE ends
