"""The trained parts of a network go in; each process keeps a share of their weights, gradients and optimizer state."""

from collections.abc import Sequence

from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard


def shard(modules: Sequence[nn.Module], mesh: DeviceMesh) -> None:
    """Share the parameters of modules out over processes, in place; doing it again changes nothing.

    A process holds its share, and while a module is computed the whole of that module. From now on each must be called
    as a module, which gathers the parameters that it uses.

    Args:
        modules: the innermost first; a module takes what those before it have left.
        mesh: the processes, in one dimension.
    """
    for module in modules:
        if not is_sharded(module):
            fully_shard(module, mesh=mesh)


def is_sharded(module: nn.Module) -> bool:
    """Whether other processes hold a part of its parameters."""
    return isinstance(module, FSDPModule)
