"""Modules come in; their weights, gradients and optimizer state are sharded over the processes with FSDP."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor


def shard(modules: Sequence[nn.Module], mesh: DeviceMesh) -> None:
    """Shard the parameters of modules over processes, in place; modules that are already sharded are not changed.

    Each process stores its shard; all parameters of a module are in its memory only while that module runs. Afterwards
    the modules must be run by calling them, since FSDP gathers the parameters in that call.

    Args:
        modules: inner modules before the modules that contain them; a module shards the parameters that the ones
            before it did not.
        mesh: the processes, as a mesh of one dimension.
    """
    for module in modules:
        if not is_sharded(module):
            fully_shard(module, mesh=mesh)


def is_sharded(module: nn.Module) -> bool:
    """Whether the parameters of a module are sharded over processes."""
    return isinstance(module, FSDPModule)


def local_part(tensor: Tensor) -> Tensor:
    """The shard of a tensor that this process stores; the tensor itself if it is not sharded."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
