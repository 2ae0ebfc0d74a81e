"""A module comes in; how many of its parameters are trained and how many are not goes out."""

from collections.abc import Iterator

from torch import nn


def count_parameters(module: nn.Module) -> tuple[int, int]:
    """(trainable, frozen) parameters."""
    trainable = sum(parameter.numel() for parameter in trainable_parameters(module))
    return trainable, sum(parameter.numel() for parameter in module.parameters()) - trainable


def trainable_parameters(module: nn.Module) -> Iterator[nn.Parameter]:
    """Those that get a gradient."""
    return (parameter for parameter in module.parameters() if parameter.requires_grad)
