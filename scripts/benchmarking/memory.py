"""Rows of whole trainings: the memory of the process at its peak, or that of a GPU, against what `inspect` foresees."""

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch

from sam_seismic.config import dump_config
from sam_seismic.inspection.request import InspectRequest
from sam_seismic.listener import Silent
from sam_seismic.workflows.inspect import inspect

from .measure import Settings, resident
from .road import Road, made_road
from .rows import Row

LOOKS = 0.02
"""Seconds between two looks at the memory."""


def measure(settings: Settings) -> Iterator[Row]:
    """A row for each size, precision and canvas, of a training with a frozen encoder that fills its store first."""
    for size, layout in settings.sizes.items():
        with made_road(replace(settings, sizes={size: layout})) as road:
            for precision, canvas in itertools.product(settings.precisions, settings.canvases):
                yield _measure(road, canvas=canvas, precision=precision)


def _measure(road: Road, *, canvas: str, precision: str) -> Row:
    config = road.folder / "memory.yaml"
    config.write_text(dump_config(road.config(canvas, precision)))
    # Of the one kind of device that the configuration names.
    (foreseen,) = inspect(InspectRequest(config), Silent()).facts["memory"].values()
    begin = time.perf_counter()
    peak = _peak_of(["train", "--config", str(config), "--output", str(road.new("run"))], road)
    return replace(
        road.row("memory", f"`train`, frozen encoder, {road.inlines} sections", canvas=canvas, precision=precision),
        seconds=time.perf_counter() - begin,
        against="`inspect`",
        memory=peak,
        their_memory=foreseen["training"] / 1e6,
    )


def _peak_of(words: Sequence[str], road: Road) -> float | None:
    """MB at the peak of a command; None: this system does not tell."""
    bytes_of, peak, told = _watch(road.device), 0, road.folder / "memory.log"
    with told.open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "sam_seismic", *words], stdout=log, stderr=log)
    while process.poll() is None:
        peak = max(peak, bytes_of(process.pid))
        time.sleep(LOOKS)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} failed:\n{told.read_text()}")
    return peak / 1e6 if peak else None


def _watch(device: torch.device) -> Callable[[int], int]:
    """What tells the bytes of a process: of a GPU, all that is taken from now on."""
    if device.type != "cuda":
        return _highest
    free_before, _ = torch.cuda.mem_get_info(device)
    return lambda _: free_before - torch.cuda.mem_get_info(device)[0]


def _highest(pid: int) -> int:
    """Bytes that a process had at its peak; 0 where it has just ended, or the system does not tell."""
    try:
        return resident("VmHWM", str(pid))
    except OSError:
        return 0
