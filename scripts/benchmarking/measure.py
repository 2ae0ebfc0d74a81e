"""Work goes in, what it takes comes out: seconds in turns, arithmetic, memory at the peak, the machine's own limit."""

import ctypes
import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

from sam_seismic.sam import SIZES, EncoderSize

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
TINY = EncoderSize(width=32, depth=2, heads=1, global_blocks=(1,))
EVERY_SIZE = {**SIZES, "tiny": TINY}

Work = Callable[[], Any]


@dataclass(frozen=True)
class Settings:
    """What a run of the benchmark is about.

    Args:
        device: to measure on.
        rounds: in which all that is compared takes turns.
        sizes: of the image encoder, by name.
        precisions: names of PRECISIONS.
        canvases: that whole commands are run with.
        batches: sections at a time.
        matrix: rows of the square matrices whose product is the limit.
        quick: tiny, to see that it runs.
        memory: the precisions that memory is measured in, too.
    """

    device: torch.device
    rounds: int
    sizes: Mapping[str, EncoderSize]
    precisions: tuple[str, ...]
    canvases: tuple[str, ...]
    batches: tuple[int, ...]
    matrix: int
    quick: bool
    memory: tuple[str, ...]


class Clock:
    """Notes when how many sections are done."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, int]] = []

    def note(self, done: int) -> None:
        """So many are done now."""
        self.heard.append((time.perf_counter(), done))

    @property
    def each(self) -> float:
        """Seconds for a section, from the first batch to the last."""
        (start, first), (end, last) = self.heard[0], self.heard[-1]
        return (end - start) / (last - first)


def timed(works: Mapping[str, Work], settings: Settings) -> dict[str, float]:
    """Median seconds of each work. All take turns in each round, and another one begins; each ran once before."""
    names = list(works)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(settings.rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            _finish(settings.device)
            begin = time.perf_counter()
            works[name]()
            _finish(settings.device)
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(found) for name, found in times.items()}


def _finish(device: torch.device) -> None:
    """Wait until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matrix_product(settings: Settings, precision: str) -> tuple[Work, float]:
    """A product of two square matrices, the most arithmetic a number; and how much, FLOP."""
    side = settings.matrix
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(side, side, generator=generator).to(settings.device, PRECISIONS[precision]) for _ in range(2))
    return lambda: torch.mm(a, b), 2.0 * side**3


def counted(work: Work) -> tuple[Any, float]:
    """What a work gives, and the FLOP that it really did: products of matrices, attention and convolutions."""

    def of_attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
        return sdpa_flop_count(query, key, value)

    def of_its_gradient(gradient: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
        return sdpa_backward_flop_count(gradient, query, key, value)

    # PyTorch counts attention on a GPU; on the CPU it has another name, which its counter does not know.
    more = {
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: of_attention,
        torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: of_its_gradient,
    }
    with FlopCounterMode(display=False, custom_mapping=more) as counter:
        out = work()
    return out, float(counter.get_total_flops())


def peak_memory(work: Work, device: torch.device) -> float | None:
    """MB at the peak above what lay there before; weights and input lie there. None: this system does not tell."""
    gc.collect()
    if device.type == "cuda":
        _finish(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        _finish(device)
        return (torch.cuda.max_memory_allocated(device) - before) / 1e6
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what was freed but kept would not show when it is used again
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the highest mark falls to what is resident now
    except OSError:
        return None
    work()
    return (resident("VmHWM") - before) / 1e6


def resident(name: str, process: str = "self") -> int:
    """Bytes of a process, from Linux.

    Args:
        name: `VmRSS`, now, or `VmHWM`, at the peak.
        process: its number; this one.

    Raises:
        OSError: this system does not tell, or the process has ended.
    """
    status = Path(f"/proc/{process}/status")
    for line in status.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    raise OSError(f"{status} has no {name}")


def largest_difference(ours: Tensor, theirs: Tensor) -> float:
    """Between numbers of the same place."""
    assert ours.shape == theirs.shape, f"{ours.shape} against {theirs.shape}"
    return float((ours.float() - theirs.float()).abs().max())
