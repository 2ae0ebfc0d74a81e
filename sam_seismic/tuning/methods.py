"""How much of SAM is trained: a method's name comes in for the encoder and the decoder, gradients are set."""

from torch import nn

from sam_seismic.sam import ImageEncoder


def apply_method(part: nn.Module, method: str) -> None:
    """Freeze a part of the network, or let all of it train.

    Args:
        part: the module, changed in place.
        method: `frozen` or `full`; the configuration has checked it.
    """
    assert method in ("frozen", "full"), method
    part.requires_grad_(method == "full")


def train_above(encoder: ImageEncoder, blocks: int | None) -> None:
    """Freeze the first blocks of the image encoder, with patches and positions, and let what follows train.

    Args:
        encoder: changed in place.
        blocks: how many are frozen; None for all of them and the neck; 0 for nothing at all.
    """
    encoder.requires_grad_(blocks == 0)
    if blocks:
        encoder.blocks[blocks:].requires_grad_(True)
        encoder.neck.requires_grad_(True)


def count_parameters(module: nn.Module) -> tuple[int, int]:
    """(trainable, frozen) parameters."""
    trainable = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    return trainable, sum(parameter.numel() for parameter in module.parameters()) - trainable
