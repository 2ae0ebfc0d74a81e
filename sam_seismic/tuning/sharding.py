"""The trained parts of a network go in; each process keeps a share of their weights, gradients and optimizer state."""

from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard

from sam_seismic.sam import ImageEncoder


def shard(encoder: ImageEncoder, decoder: nn.Module, mesh: DeviceMesh) -> None:
    """Share the parameters out over processes, in place; doing it again changes nothing.

    A process holds its share, and while a block is computed the whole of that block. From now on both parts must be
    called as modules, which gathers the parameters that they use.

    Args:
        encoder: all of it trained.
        decoder: what follows it.
        mesh: the processes, in one dimension.
    """
    if is_sharded(encoder):
        return
    for block in encoder.blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(encoder, mesh=mesh)  # patches, positions and neck
    fully_shard(decoder, mesh=mesh)


def is_sharded(module: nn.Module) -> bool:
    """Whether other processes hold a part of its parameters."""
    return isinstance(module, FSDPModule)
