"""A tensor or an object of each process of a distributed training comes in; all get their sum, or all of them."""

from typing import Any, TypeVar, cast

import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function

T = TypeVar("T")


def sum_over_processes(x: Tensor) -> Tensor:
    """Sum of a tensor over all processes; the tensor itself without distributed training.

    A loss that is computed from such sums is the loss over the data of all processes, with the same value on each. Its
    gradients are correct after distributed training has averaged them over the processes.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return x
    total: Tensor = _Sum.apply(x)  # type: ignore[no-untyped-call]
    return total


def objects_of_processes(here: T) -> list[T]:
    """The object of each process, in the order of ranks; that of this process without distributed training.

    This is a collective operation: all processes call it at the same point.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return [here]
    found: list[T | None] = [None] * dist.get_world_size()
    dist.all_gather_object(found, here)
    return cast(list[T], found)


class _Sum(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004  # part of the interface
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        # Distributed training averages the gradients afterwards, which divides by this number.
        return gradient * dist.get_world_size()


def peer_is_lost(error: RuntimeError) -> bool:
    """Whether an error means that another process has ended during a collective operation."""
    # gloo, the backend on CPUs, has no exception class of its own.
    return isinstance(error, dist.DistError) or "gloo" in str(error)
