"""The names of a device and of a precision come in; a torch device, and an encoder in that precision, go out."""

from typing import Literal

import torch

from sam_seismic.errors import UserError
from sam_seismic.runs.slurm_job import SlurmJob
from sam_seismic.sam import ImageEncoder
from sam_seismic.tuning.cut import hold

DEVICES = ("cpu", "cuda", "mps")
"""Types of device to compute on. PyTorch has others, such as `meta`, which computes nothing."""
Precision = Literal["32", "bf16", "16"]
"""Precision of the image encoder in evaluation and prediction; decoder, logits and probabilities are always float32."""
_FIX = "use --device cpu, or leave it out"
_HALVES = {"bf16": torch.bfloat16, "16": torch.float16}


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


def hold_encoder(encoder: ImageEncoder, precision: Precision) -> None:
    """Convert an image encoder to a precision, and have it compute in that; 16 bits take half the memory of 32.

    Args:
        encoder: of a task that is not trained.
        precision: `32` changes nothing.
    """
    if precision != "32":
        hold(encoder, None, _HALVES[precision])
