"""How much of SAM is trained: a method's name comes in for the encoder and the decoder, gradients are set."""

from torch import nn

METHODS = ("frozen", "full")


def apply_method(part: nn.Module, method: str) -> None:
    """Freeze a part of the network, or let all of it train.

    Args:
        part: the module, changed in place.
        method: one of METHODS; the configuration has checked it.
    """
    assert method in METHODS, method
    part.requires_grad_(method == "full")


def count_parameters(module: nn.Module) -> tuple[int, int]:
    """(trainable, frozen) parameters."""
    trainable = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    return trainable, sum(parameter.numel() for parameter in module.parameters()) - trainable
