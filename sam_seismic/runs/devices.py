"""The name of a device comes in; the device goes out, where this machine has it."""

import torch

from sam_seismic.config import Config
from sam_seismic.errors import UserError
from sam_seismic.runs.slurm_job import SlurmJob

DEVICES = ("cpu", "cuda", "mps")
"""Types of device to compute on. PyTorch has others, such as `meta`, which computes nothing."""
_FIX = "use --device cpu, or leave it out"


def choose_device(name: str, job: SlurmJob | None = None) -> torch.device:
    """The device to compute on. `auto` is a GPU if there is one; each task on a node gets a GPU of its own.

    Args:
        name: `auto`, or a name of PyTorch's.
        job: the Slurm job that this process is a task of.

    Raises:
        UserError: this machine has no such device, or PyTorch cannot compute on it.
    """
    if name == "auto" and not torch.cuda.is_available():
        return torch.device("cpu")
    if name == "auto" and job is not None and job.tasks_per_node > 1:
        name = f"cuda:{job.local_rank % torch.cuda.device_count()}"  # 0 if each task sees only its own GPU
    if name == "auto":
        name = "cuda"
    device = parse_device(name)
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(problem=f"--device {name}: {error}", fix=_FIX) from error
    return device


def parse_device(name: str) -> torch.device:
    """A device by PyTorch's name, which this machine need not have.

    Raises:
        UserError: PyTorch knows no such device, or cannot compute on it.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(problem=f"--device {name}: {error}", fix=_FIX) from error
    if device.type not in DEVICES:
        raise UserError(problem=f"--device {name}: only {', '.join(DEVICES)} can be used", fix=_FIX)
    return device


def device_name(config: Config) -> str:
    """The device that a training with this configuration computes on."""
    if config.trainer.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = f"{torch.get_num_threads()} threads"
    return f"mps, {threads}" if config.trainer.accelerator == "mps" else f"cpu, {threads}"
