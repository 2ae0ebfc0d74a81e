"""A module comes in; the number of its trainable and frozen parameters goes out."""

from collections.abc import Iterator

from torch import nn


def count_parameters(module: nn.Module) -> tuple[int, int]:
    """Number of (trainable, frozen) parameters."""
    trainable = sum(parameter.numel() for parameter in trainable_parameters(module))
    return trainable, sum(parameter.numel() for parameter in module.parameters()) - trainable


def trainable_parameters(module: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters that receive a gradient."""
    return (parameter for parameter in module.parameters() if parameter.requires_grad)
