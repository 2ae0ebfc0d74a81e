"""The image encoder cut in two: canvases go into the frozen part, the trained part goes on with what comes out of it.

What passes the cut changes only with the frozen weights and the canvas, so it can be computed once and kept: the image
embedding where all of the encoder is frozen, the tokens between two blocks where the last blocks are trained.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from sam_seismic.sam import CHANNELS, PATCH, ImageEncoder

HALVES = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}
"""By Lightning's name of a precision: what frozen weights are held in."""


def below(encoder: ImageEncoder, canvas: Tensor, *, blocks: int | None, shown: tuple[int, int] | None = None) -> Tensor:
    """Run the frozen part, in the precision that its weights are held in.

    Args:
        encoder: cut before its block number `blocks`.
        canvas: float[section, 3, height, width].
        blocks: how many are run; None for all and the neck.
        shown: (rows, columns) of pixels outside which all canvases are padding.

    Returns:
        Tokens float[section, h, w, width], or where all is run the embedding float[section, 256, h, w]. No gradient.
    """
    dtype = encoder.pos_embed.dtype
    held = dtype != torch.float32  # then nothing is cast on the way
    mixed = torch.is_autocast_enabled(canvas.device.type) and not held
    with torch.no_grad(), torch.autocast(canvas.device.type, enabled=mixed):
        tokens = encoder.lower(canvas.to(dtype), blocks=blocks, shown=shown)
        return tokens if blocks is not None else encoder.upper(tokens, blocks=encoder.depth)


def above(encoder: ImageEncoder, kept: Tensor, *, blocks: int | None) -> Tensor:
    """Go on where `below` ended.

    Args:
        encoder: the same.
        kept: what `below` gave, in whatever precision it was kept.
        blocks: the same.

    Returns:
        The embedding float32[section, 256, h, w].
    """
    if blocks is None:
        return kept.float()
    return encoder.upper(kept.to(next(encoder.neck.parameters()).dtype), blocks=blocks).float()


def shape_below(encoder: ImageEncoder, canvas_shape: tuple[int, int], *, blocks: int | None) -> tuple[int, int, int]:
    """The shape of what `below` gives for one canvas of (height, width) pixels."""
    h, w = (side // PATCH for side in canvas_shape)
    return (CHANNELS, h, w) if blocks is None else (h, w, encoder.size.width)


def parts_below(encoder: ImageEncoder, blocks: int | None) -> list[nn.Module]:
    """The modules of the frozen part; `pos_embed`, a parameter, belongs to it too."""
    if blocks is None:
        return [encoder.patch_embed, encoder.blocks, encoder.neck]
    return [encoder.patch_embed, encoder.blocks[:blocks]]


def weights_below(encoder: ImageEncoder, blocks: int | None) -> Iterator[tuple[str, Tensor]]:
    """The frozen weights by name, in a fixed order."""
    yield "pos_embed", encoder.pos_embed
    for number, part in enumerate(parts_below(encoder, blocks)):
        for name, tensor in part.state_dict().items():
            yield f"{number}.{name}", tensor


def hold(encoder: ImageEncoder, blocks: int | None, dtype: torch.dtype) -> None:
    """Hold the frozen part in another precision: half takes half the memory, and is not cast with every call."""
    for part in parts_below(encoder, blocks):
        part.to(dtype)
    encoder.pos_embed.data = encoder.pos_embed.data.to(dtype)
    encoder.forget_padding()
