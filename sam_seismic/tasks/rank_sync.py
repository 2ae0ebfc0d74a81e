"""A tensor of each process of a distributed training comes in, their sum goes out, on all of them."""

from typing import Any

import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function


def over_processes(x: Tensor) -> Tensor:
    """The sum over all processes; the tensor itself where there is one only.

    A loss of such sums is the same on every process, and that of all their data together. Its gradients are right once
    they were averaged over the processes, which distributed training does.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return x
    total: Tensor = _Sum.apply(x)  # type: ignore[no-untyped-call]
    return total


class _Sum(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004  # part of the interface
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        # The mean that is taken later divides by their number.
        return gradient * dist.get_world_size()


def peer_is_lost(error: RuntimeError) -> bool:
    """Whether an error says that another process has ended in the middle of something that all do together."""
    # gloo, which works on CPUs, has no error of its own.
    return isinstance(error, dist.DistError) or "gloo" in str(error)
