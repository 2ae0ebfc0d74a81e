"""The names of a device and of a precision come in; the device goes out, and the encoder is held in the precision."""

from typing import Literal

import torch

from sam_seismic.errors import UserError
from sam_seismic.runs.slurm_job import SlurmJob
from sam_seismic.sam import ImageEncoder
from sam_seismic.tuning.cut import hold

DEVICES = ("cpu", "cuda", "mps")
"""Kinds of device to evaluate and predict on; PyTorch knows others, such as `meta`, which computes nothing."""
Precision = Literal["32", "bf16", "16"]
"""What the image encoder is held in to evaluate and predict; decoder, logits and probabilities are float32 always."""
_HALVES = {"bf16": torch.bfloat16, "16": torch.float16}


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


def hold_encoder(encoder: ImageEncoder, precision: Precision) -> None:
    """Hold all of an image encoder in a precision, and compute in it: half of it takes half the memory.

    Args:
        encoder: of a task that is not trained any more.
        precision: `32` leaves it as it is.
    """
    if precision != "32":
        hold(encoder, None, _HALVES[precision])
