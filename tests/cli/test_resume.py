"""`predict` is killed at any moment, and resumed: what comes out is, byte for byte, what an undisturbed run writes."""

import hashlib
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from sam_seismic.survey import journal
from sam_seismic.survey.segy import SegyResult
from tests.cli.running import Made, Run, program


def words(made: Made, folder: Path, ending: str, orientation: str) -> list[str]:
    given = ("predict", "--checkpoint", made.best, "--input", made.amplitude, "--output", folder / f"f{ending}",
        "--probabilities", folder / f"p{ending}", "--confidence", folder / f"c{ending}", "--device", "cpu",
        "--entropy", folder / f"e{ending}", "--horizons", folder / "h.csv", "--orientation", orientation)  # fmt: skip
    return [str(word) for word in given]


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def kill_after(command: list[str], notes: int, journal_file: Path) -> bool:
    """Start the program and SIGKILL it when its journal has so many lines; whether it was still running."""
    with subprocess.Popen(program(noted_every=0) + command, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            if journal_file.exists() and journal_file.read_bytes().count(b"\n") > notes:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.002)
        return process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("ending", "orientation", "seed"),
    [(".sgy", "both", 0), (".npy", "both", 1), (".sgy", "crossline", 2), (".h5", "both", 3)],
)
def test_killed_and_resumed_gives_the_same_bytes(
    made: Made, run: Run, tmp_path: Path, ending: str, orientation: str, seed: int
):
    """Killed twice: once early, once after it was resumed."""
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert run(*words(made, undisturbed, ending, orientation)).exit_code == 0
    command, chance = words(made, killed, ending, orientation), random.Random(seed)
    journal_file = killed / f".f{ending}.journal"
    first = chance.randrange(1, 8)
    assert kill_after(command, first, journal_file)
    assert kill_after([*command, "--resume"], first + chance.randrange(1, 8), journal_file)
    assert all(name.startswith(".") for name in hashes(killed)), "nothing under a final name"
    resumed = run(*command, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert "going on after" in resumed.stderr
    assert hashes(killed) == hashes(undisturbed)


def test_killed_while_files_get_their_names(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One file has its name, the others do not."""
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert run(*words(made, undisturbed, ".sgy", "both")).exit_code == 0
    command, publish, published = words(made, killed, ".sgy", "both"), SegyResult.publish, []

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
    assert hashes(killed) == hashes(undisturbed)


def test_another_job_cannot_go_on(made: Made, run: Run, tmp_path: Path):
    command = words(made, tmp_path / "out", ".sgy", "inline")
    assert kill_after(command, 3, tmp_path / "out" / ".f.sgy.journal")
    left = hashes(tmp_path / "out")
    plain = run(*command)
    assert plain.exit_code == 2
    assert "an earlier run finished" in plain.stderr
    other = run(*command, "--resume", "--sample-format", "int16", "--orientation", "both")
    assert other.exit_code == 2
    assert "these have changed: orientations, sample format, steps" in other.stderr
    assert hashes(tmp_path / "out") == left, "nothing is lost by trying"
    assert run(*command, "--overwrite").exit_code == 0
    assert not any(name.startswith(".") for name in hashes(tmp_path / "out"))


def test_an_interrupt_keeps_what_is_finished(made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journal, "SECONDS", 0)
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
