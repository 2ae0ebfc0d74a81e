"""The name of a device comes in, the device goes out, if this machine has it."""

import torch

from sam_seismic.errors import UserError

DEVICES = ("cpu", "cuda", "mps")
"""Kinds of device to evaluate and predict on; PyTorch knows others, such as `meta`, which computes nothing."""


def choose_device(name: str) -> torch.device:
    """A device by name; `auto` takes a GPU where there is one.

    Raises:
        UserError: there is no such device here, or it computes nothing.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    fix = "use --device cpu, or leave it out"
    try:
        device = torch.device(name)
        if device.type not in DEVICES:
            raise UserError(problem=f"--device {name}: only {', '.join(DEVICES)} can be used", fix=fix)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(problem=f"--device {name}: {error}", fix=fix) from error
    return device
