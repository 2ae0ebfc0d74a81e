"""The configured accelerator comes in; the memory that this machine has for it goes out."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

CGROUP = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class DeviceMemory:
    """Memory of a device.

    Args:
        gpu: whether the device is one GPU; else the CPU.
        total: bytes; None if this machine has no such device.
    """

    gpu: bool
    total: int | None

    @property
    def name(self) -> str:
        """`CPU` or `one GPU`."""
        return "one GPU" if self.gpu else "CPU"

    @property
    def where(self) -> str:
        """Name of the memory, as part of a sentence."""
        return "GPU memory" if self.gpu else "this machine's memory"


def device_memories(accelerator: str) -> list[DeviceMemory]:
    """The devices that `trainer.accelerator` may select: both CPU and GPU for `auto`."""
    found = []
    if accelerator not in ("gpu", "cuda"):
        found.append(DeviceMemory(gpu=False, total=machine_bytes()))
    if accelerator in ("auto", "gpu", "cuda"):
        found.append(DeviceMemory(gpu=True, total=gpu_bytes()))
    return found


def machine_bytes(cgroup: Path = CGROUP) -> int:
    """Memory of the machine, or the limit of the container or job of this process if that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = cgroup.read_text().strip() if cgroup.is_file() else "max"
    return min(total, int(limit)) if limit.isdigit() else total


def gpu_bytes() -> int | None:
    """Memory of the first GPU; None without a GPU."""
    if not torch.cuda.is_available():
        return None
    return int(torch.cuda.get_device_properties(0).total_memory)
