"""The accelerator that a configuration asks for comes in; how much memory this machine has for it goes out."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

CGROUP = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Room:
    """Memory to work in.

    Args:
        gpu: whether it is that of one GPU.
        total: bytes; None where there is no such device here.
    """

    gpu: bool
    total: int | None

    @property
    def name(self) -> str:
        """`CPU` or `one GPU`."""
        return "one GPU" if self.gpu else "CPU"

    @property
    def where(self) -> str:
        """What has the memory, in a sentence."""
        return "GPU memory" if self.gpu else "this machine's memory"


def rooms(accelerator: str) -> list[Room]:
    """The kinds of device that `trainer.accelerator` may come to: both for `auto`."""
    found = []
    if accelerator not in ("gpu", "cuda"):
        found.append(Room(gpu=False, total=machine_bytes()))
    if accelerator in ("auto", "gpu", "cuda"):
        found.append(Room(gpu=True, total=gpu_bytes()))
    return found


def machine_bytes(cgroup: Path = CGROUP) -> int:
    """Memory of the machine, or of the container or job that this process may not leave, whichever is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = cgroup.read_text().strip() if cgroup.is_file() else "max"
    return min(total, int(limit)) if limit.isdigit() else total


def gpu_bytes() -> int | None:
    """Memory of the first GPU; None where there is none."""
    if not torch.cuda.is_available():
        return None
    return int(torch.cuda.get_device_properties(0).total_memory)
