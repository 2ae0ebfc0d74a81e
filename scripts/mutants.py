"""Faults go into a copy of the code, one at a time; which of them the tests find comes out, as a table.

    .venv/bin/python scripts/mutants.py                  # all of them, two at a time: some minutes
    .venv/bin/python scripts/mutants.py frame losses     # those with one of these words in path, code or description
    .venv/bin/python scripts/mutants.py --json found.json

The faults are in `mutant_list.py`. When no test finds a fault, write the test that does. The exit code is 1 when a
fault was not found, when its code no longer exists exactly once, or when the tests fail without any fault.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.mutant_list import MUTANTS, Mutant  # noqa: E402  # found by the line above

PACKAGE = "sam_seismic"
COPIED = (
    PACKAGE,
    "tests",
    "configs",
    "docs",
    "scripts",
    "run_sbatch.sh",
    "README.md",
    "CONTRIBUTING.md",
    "pyproject.toml",
)
HEAVY = (
    "torch",
    "lightning.pytorch",
    "torchmetrics.classification",
    "scipy",
    "h5py",
    "matplotlib.figure",
    "hypothesis",
)
"""Imported once; the processes that run the tests are forked afterwards."""
SECONDS = 900.0
"""A run of tests that takes longer hangs, and is killed."""
FATES = {0: "SURVIVED", 1: "killed", 2: "killed", 4: "UNREADABLE", 5: "NO TESTS"}
"""By pytest's exit code. 1: a test failed; 2: a module cannot be imported; 4: a named test does not exist."""


@dataclass(frozen=True)
class Outcome:
    """What the tests made of a mutant.

    Args:
        mutant: the fault.
        fate: `killed`, `SURVIVED`, or what is wrong with the entry of the list.
        by: the first test that failed.
        seconds: that its tests took.
    """

    mutant: Mutant
    fate: str
    by: str
    seconds: float


class TestRun:
    """A forked process that runs some tests in a copy of the code until one fails.

    Args:
        folder: of the copy; it vanishes when the outcome is asked for.
        tests: files, or single tests, as pytest names them.
    """

    __test__ = False

    def __init__(self, folder: Path, tests: Sequence[str]) -> None:
        self._folder = folder
        self._log = folder / "log.txt"
        self._begin = time.monotonic()
        self.code: int | None = None
        """Pytest's exit code once it has ended; below 0 the signal that ended it."""
        self._child = os.fork()
        if self._child == 0:
            code = 3  # as of an error in pytest itself
            try:
                code = _run_tests(folder, tests, self._log)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)

    def poll(self) -> bool:
        """Whether it has ended."""
        ended, status = os.waitpid(self._child, os.WNOHANG)
        if ended:
            self.code = os.waitstatus_to_exitcode(status)
        elif self.seconds > SECONDS:
            os.killpg(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
            self.code = -signal.SIGKILL
        return self.code is not None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begin

    def log(self) -> str:
        """What pytest printed; the copy is removed."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        shutil.rmtree(self._folder, ignore_errors=True)
        return text


def _run_tests(folder: Path, tests: Sequence[str], log: Path) -> int:
    """Pytest's exit code, in the forked process. Nothing of this project's package is imported before."""
    os.setsid()  # so that processes that a test starts can be killed with it
    os.chdir(folder)
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ["PYTHONPATH"] = str(folder)  # for the processes that tests start
    for name in [each for each in sys.modules if each.partition(".")[0] == "scripts"]:
        del sys.modules[name]
    sys.path[:] = [str(folder), *(path for path in sys.path if path != str(ROOT))]
    options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--basetemp", str(folder / "basetemp")]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what is imported before the fork
    code = int(import_module("pytest").main([*options, *tests]))
    sys.stdout.flush()
    return code


def copied() -> Path:
    """A new folder with a copy of the package and its tests."""
    folder = Path(tempfile.mkdtemp(prefix="mutant-"))
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def located(mutant: Mutant, root: Path) -> Path | None:
    """The file that holds the mutant's old code; None unless it is there exactly once below `mutant.where`."""
    place = root / PACKAGE / mutant.where
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place] if place.is_file() else []
    found = [file for file in files for _ in range(file.read_text(encoding="utf-8").count(mutant.old))]
    return found[0] if len(found) == 1 else None


def started(mutant: Mutant) -> TestRun | None:
    """The tests of a mutant, under way in a copy; None where its old code was not found."""
    folder = copied()
    file = located(mutant, folder)
    if file is None:
        shutil.rmtree(folder)
        return None
    file.write_text(file.read_text(encoding="utf-8").replace(mutant.old, mutant.new), encoding="utf-8")
    return TestRun(folder, mutant.tests)


def first_failure(log: str) -> str:
    """The test that failed, in the words of pytest's summary."""
    lines = [line for line in log.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return lines[0].split(" ", 1)[1].partition(" - ")[0] if lines else ""


def outcomes(mutants: Sequence[Mutant], jobs: int) -> Iterator[Outcome]:
    """Try some mutants, so many at the same time."""
    waiting, running = list(mutants), list[tuple[Mutant, TestRun]]()
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            run = started(mutant)
            if run is None:
                yield Outcome(mutant, "NOT IN THE CODE", "", 0.0)
            else:
                running.append((mutant, run))
        time.sleep(0.1)
        for mutant, run in [each for each in running if each[1].poll()]:
            running.remove((mutant, run))
            log = run.log()
            assert run.code is not None, "it has ended"
            fate = "killed" if run.code < 0 else FATES.get(run.code, "PYTEST FAILED")
            yield Outcome(mutant, fate, first_failure(log), run.seconds)


def complaint(mutants: Sequence[Mutant]) -> str | None:
    """What pytest prints when the tests of some mutants fail without any fault; None when they pass."""
    run = TestRun(copied(), sorted({test for mutant in mutants for test in mutant.tests}))
    while not run.poll():
        time.sleep(0.1)
    log = run.log()
    return None if run.code == 0 else log


def table(found: Sequence[Outcome]) -> str:
    """A Markdown table of the outcomes."""
    rows = [f"| `{each.mutant.where}` | {each.mutant.what} | {each.fate} | {each.by} |" for each in found]
    return "\n".join(["| where | fault | outcome | first test that failed |", "|---|---|---|---|", *rows])


def main() -> int:
    parser = argparse.ArgumentParser(description="Which faults do the tests find?")
    parser.add_argument("words", nargs="*", help="try mutants with one of these words in path, code or description")
    parser.add_argument("--jobs", type=int, default=2, help="how many at the same time")
    parser.add_argument("--json", type=Path, help="write the outcomes to this file, too")
    parser.add_argument("--trust", action="store_true", help="do not run the tests without any fault first")
    asked = parser.parse_args()
    mutants = [
        each
        for each in MUTANTS
        if not asked.words or any(word in f"{each.where} {each.old} {each.what}" for word in asked.words)
    ]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in HEAVY:
        import_module(name)
    if not asked.trust and (said := complaint(mutants)) is not None:
        print(f"{said}\nthe tests fail without any fault")
        return 1
    found = []
    for each in outcomes(mutants, asked.jobs):
        found.append(each)
        print(f"{each.fate:16}{each.seconds:5.0f} s  {each.mutant.where}: {each.mutant.what}", flush=True)
    if asked.json is not None:
        rows = [asdict(each.mutant) | {"fate": each.fate, "by": each.by, "seconds": each.seconds} for each in found]
        asked.json.write_text(json.dumps(rows, indent=2))
    killed = sum(each.fate == "killed" for each in found)
    print(f"\n{table(found)}\n\n{killed} of {len(found)} mutants were killed")
    return 0 if killed == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
