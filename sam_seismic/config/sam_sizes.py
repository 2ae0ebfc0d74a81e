"""Dimensions of SAM's image encoders: the configuration validates against them, and `sam` builds networks from them."""

from dataclasses import dataclass

PATCH = 16
"""Side of a patch of SAM in pixels; the sides of a canvas are multiples of it."""
CANVAS = 1024
"""Side of the canvas that SAM was pretrained on, in pixels; SAM has no position embeddings beyond it."""


@dataclass(frozen=True)
class EncoderSize:
    """Dimensions of an image encoder.

    Args:
        width: channels of a token.
        depth: number of blocks.
        heads: attention heads of a block.
        global_blocks: indices of the blocks with attention over the whole canvas; the others use windowed attention.
    """

    width: int
    depth: int
    heads: int
    global_blocks: tuple[int, ...]


SIZES = {
    "vit_t": EncoderSize(width=192, depth=6, heads=3, global_blocks=(2, 5)),  # ours: no published weights
    "vit_b": EncoderSize(width=768, depth=12, heads=12, global_blocks=(2, 5, 8, 11)),
    "vit_l": EncoderSize(width=1024, depth=24, heads=16, global_blocks=(5, 11, 17, 23)),
    "vit_h": EncoderSize(width=1280, depth=32, heads=16, global_blocks=(7, 15, 23, 31)),
}
"""The published sizes, and vit_t for demonstrations and tests."""
