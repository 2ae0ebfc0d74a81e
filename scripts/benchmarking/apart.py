"""Runs go in, their memory at the peak comes out: on the CPU, each is measured in a process of its own.

In a process that ran others before, memory may lie ready.
"""

import json
import math
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import torch

from .measure import Settings, Work, peak_memory

ENTRY = Path(__file__).parents[1] / "benchmark.py"

Run = TypeVar("Run", bound=Hashable)
Prepare = Callable[[str, str], Work]
"""Group and text of a run -> its work, on the CPU, after a small one has warmed up the libraries."""


def peaks(group: str, works: Mapping[Run, Work], settings: Settings) -> dict[Run, float | None]:
    """MB at the peak of each run above what lay there before; infinite where there is not enough.

    Args:
        group: of rows, which names what prepares the runs in the other process.
        works: by run, whose text says what it does.
        settings: of the benchmark.
    """
    if settings.device.type == "cuda":
        return {run: _peak_of_gpu(work, settings.device) for run, work in works.items()}
    together = [list(works)] if settings.quick else [[run] for run in works]
    return {run: peak for runs in together for run, peak in zip(runs, _peaks_apart(group, runs), strict=True)}


def _peak_of_gpu(work: Work, device: torch.device) -> float | None:
    try:
        work()  # libraries take their workspace, once
        return peak_memory(work, device)
    except torch.OutOfMemoryError:
        return math.inf


def _peaks_apart(group: str, runs: list[Run]) -> list[float | None]:
    """In another process, one after the other."""
    command = [sys.executable, str(ENTRY), "--peak", *(f"{group}/{run}" for run in runs)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode == -signal.SIGKILL:  # the system wanted its memory back
        return [math.inf] * len(runs)
    if ran.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{ran.stderr}")
    found: list[float | None] = json.loads(ran.stdout)
    return found


def print_peaks(texts: Iterable[str], prepare: Prepare) -> None:
    """What the other process does: print the peaks of runs as JSON.

    Args:
        texts: `group/run`.
        prepare: what it does.
    """
    _take_no_more_than_is_free()
    print(json.dumps([_peak(prepare(group, run)) for group, _, run in (text.partition("/") for text in texts)]))


def _take_no_more_than_is_free() -> None:
    """Let this process fail to get memory, rather than the system end any process that it likes."""
    free = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
    resource.setrlimit(resource.RLIMIT_DATA, (1024 * int(free.split()[1]), resource.RLIM_INFINITY))


def _peak(work: Work) -> float | None:
    try:
        return peak_memory(work, torch.device("cpu"))
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        return math.inf
