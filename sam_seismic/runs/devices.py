"""The name of a device comes in; the device goes out, where this machine has it."""

import torch

from sam_seismic.errors import UserError
from sam_seismic.runs.slurm_job import SlurmJob

DEVICES = ("cpu", "cuda", "mps")
"""Kinds of device to evaluate and predict on; PyTorch knows others, such as `meta`, which computes nothing."""


def choose_device(name: str, job: SlurmJob | None = None) -> torch.device:
    """A device by name; `auto` takes a GPU where there is one, and each task on a node another one.

    Args:
        name: `auto`, or PyTorch's.
        job: of Slurm, that it is for.

    Raises:
        UserError: there is no such device here, or it computes nothing.
    """
    if name == "auto" and not torch.cuda.is_available():
        return torch.device("cpu")
    if name == "auto" and job is not None and job.tasks_per_node > 1:
        name = f"cuda:{job.local_rank % torch.cuda.device_count()}"  # where each task sees its own only: the one
    if name == "auto":
        name = "cuda"
    fix = "use --device cpu, or leave it out"
    try:
        device = torch.device(name)
        if device.type not in DEVICES:
            raise UserError(problem=f"--device {name}: only {', '.join(DEVICES)} can be used", fix=fix)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(problem=f"--device {name}: {error}", fix=fix) from error
    return device
