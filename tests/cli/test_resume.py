"""`predict` can be killed at any moment and resumed: it writes, byte for byte, what an undisturbed run writes."""

import random
import signal
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.files import resume_journal
from sam_seismic.files.unfinished import remove
from sam_seismic.survey import result
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.images import FolderResult
from sam_seismic.survey.segy import SegyResult, SegyVolume
from tests.cli.running import Made, Run, Undisturbed, hashes, noting, predicting
from tests.programs import completed


def is_killed(command: list[str], *, after: int, delay: float = 0) -> bool:
    """Run the program, which kills itself after it has recorded finished steps `after` times; whether it was killed."""
    killed = completed(command, before=noting(0, killed_after=after, delay=delay))
    return killed.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("ending", "orientation", "seed"),
    [(".sgy", "both", 0), (".npy", "both", 1), (".sgy", "crossline", 2), (".h5", "both", 3)],
)
def test_killed_and_resumed_gives_the_same_bytes(
    made: Made, undisturbed: Undisturbed, run: Run, tmp_path: Path, ending: str, orientation: str, seed: int
):
    """It is killed twice: once early, and once after it was resumed."""
    killed = tmp_path / "killed"
    command, chance = predicting(made, killed, ending, orientation), random.Random(seed)
    # The first time it is killed right after a record, the second time somewhere in the steps that follow one.
    assert is_killed(command, after=chance.randrange(1, 6))
    assert is_killed([*command, "--resume"], after=chance.randrange(1, 5), delay=chance.uniform(0.001, 0.01))
    assert all(name.startswith(".") for name in hashes(killed)), "no file has its final name yet"
    resumed = run(*command, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert "going on after" in resumed.stderr
    assert hashes(killed) == undisturbed(ending, orientation)


def test_killed_while_files_are_renamed(
    made: Made, undisturbed: Undisturbed, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """When it is killed, some files have their final names, and the others do not."""
    killed = tmp_path / "killed"
    command, publish, published = predicting(made, killed, ".sgy", "both"), SegyResult.publish, []

    def stop(self: SegyResult) -> None:
        if published:
            raise KeyboardInterrupt
        published.append(self.path)
        publish(self)

    with monkeypatch.context() as patched:
        patched.setattr(SegyResult, "publish", stop)
        told = run(*command)
    assert told.exit_code == 2
    assert "72 of 72 steps are finished and kept: --resume" in told.stderr
    assert "no half-written file" not in told.stderr
    assert {name for name in hashes(killed) if not name.startswith(".")} == {published[0].name, "h.csv"}
    assert run(*command).exit_code == 2
    assert run(*command, "--resume").exit_code == 0
    assert hashes(killed) == undisturbed(".sgy", "both")


def test_a_removed_result_is_not_reported_as_written(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It is killed while files are renamed, and then a user removes one of the hidden files."""
    command = predicting(made, tmp_path / "out", ".sgy", "inline")
    with monkeypatch.context() as patched:
        patched.setattr(SegyResult, "publish", interrupt)
        assert run(*command).exit_code == 2
    next((tmp_path / "out").glob(".f.*.part.sgy")).unlink()
    told = run(*command, "--resume")
    assert told.exit_code == 2
    assert "missing, or not as an earlier run left it" in told.stderr


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_jobs_that_share_an_output_do_not_mix(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two jobs that write the same confidence volume are killed; each resumes from its own unfinished files."""
    alone = tmp_path / "alone"
    for name, orientation in (("a", "both"), ("b", "crossline")):
        given = ("predict", "--checkpoint", made.best, "--input", made.amplitude, "--orientation", orientation)
        assert run(*given, "--output", alone / f"{name}.sgy", "--confidence", alone / f"{name}_c.sgy").exit_code == 0
        command = [*map(str, given), "--output", str(tmp_path / f"{name}.sgy"), "--confidence", str(tmp_path / "c.sgy")]
        assert is_killed(command, after=5)
    for name, orientation in (("a", "both"), ("b", "crossline")):
        given = ("predict", "--checkpoint", made.best, "--input", made.amplitude, "--orientation", orientation)
        more = ("--overwrite",) if name == "b" else ()
        ran = run(*given, "--output", tmp_path / f"{name}.sgy", "--confidence", tmp_path / "c.sgy", "--resume", *more)
        assert ran.exit_code == 0, ran.stderr
        assert (tmp_path / f"{name}.sgy").read_bytes() == (alone / f"{name}.sgy").read_bytes()
        assert (tmp_path / "c.sgy").read_bytes() == (alone / f"{name}_c.sgy").read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_a_folder_killed_while_it_replaces_another(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It is killed between renaming the new folder and removing the old one; the job can be resumed, and run again."""
    sections, out = tmp_path / "in", tmp_path / "facies"
    volume = SegyVolume(made.amplitude)
    with FolderResult(sections, np.dtype(np.float32), overwrite=False) as folder:
        for line in (100, 101, 102):
            folder.write(volume.section(Orientation.INLINE, line))
    command = ("predict", "--checkpoint", made.best, "--input", sections, "--output", out, "--orientation", "inline")
    assert run(*command).exit_code == 0
    with monkeypatch.context() as patched:
        patched.setattr(result, "remove", lambda path: interrupt() if path.name.endswith(".old") else remove(path))
        assert run(*command, "--overwrite").exit_code == 2
    assert run(*command, "--resume").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["facies", "in"]
    assert run(*command, "--overwrite").exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["il_100.png", "il_101.png", "il_102.png"]


def test_a_job_with_other_options_cannot_resume(made: Made, run: Run, tmp_path: Path):
    command = predicting(made, tmp_path / "out", ".sgy", "inline")
    assert is_killed(command, after=3)
    left = hashes(tmp_path / "out")
    plain = run(*command)
    assert plain.exit_code == 2
    assert "an earlier run finished" in plain.stderr
    more = ("--sample-format", "int16", "--orientation", "both", "--precision", "bf16")
    other = run(*command, "--resume", *more)
    assert other.exit_code == 2
    assert "these have changed: orientations, precision, sample format, steps" in other.stderr
    assert hashes(tmp_path / "out") == left, "a refused command changes no file"
    assert run(*command, "--overwrite").exit_code == 0
    assert not any(name.startswith(".") for name in hashes(tmp_path / "out"))


def test_an_interrupt_keeps_what_is_finished(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resume_journal, "SECONDS", 0)
    write, count = SegyResult.write, iter(range(100))

    def failing(self: SegyResult, section: object) -> None:
        if next(count) == 5:
            raise OSError(28, "No space left on device", "x")
        write(self, section)

    command = ("predict", "--checkpoint", made.best, "--input", made.amplitude, "--output", tmp_path / "f.sgy")
    with monkeypatch.context() as patched:
        patched.setattr(SegyResult, "write", failing)
        told = run(*command)
    assert told.exit_code == 2
    assert told.stderr.splitlines()[-3:] == [
        "error: x: the disk is full",
        "  fix: free some space",
        "note: 4 of 40 steps are finished and kept: --resume goes on with them, --overwrite starts anew",
    ]
    assert run(*command, "--resume").exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["f.sgy"]
