"""The image encoder, a ViTDet: a canvas goes in, an embedding a sixteenth of its height and width comes out.

Sources: Kirillov et al. 2023, "Segment Anything", appendix A; Li et al. 2022, "Exploring Plain Vision Transformer
Backbones for Object Detection" (windows, neck); Li et al. 2022, "MViTv2" (decomposed relative positions).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from sam_seismic.errors import UserError
from sam_seismic.sam.layers import FeedForward, LayerNorm2d

PATCH = 16
"""Pixels along the side of a patch."""
GRID = 64
"""Patches along the side of the canvas that SAM was pretrained on."""
CANVAS = PATCH * GRID
"""Pixels along that side: the largest canvas, since the tables of positions end there."""
WINDOW = 14
"""Patches along the side of an attention window."""
CHANNELS = 256
"""Channels of the image embedding, and of every prompt."""


@dataclass(frozen=True)
class EncoderSize:
    """What sets one image encoder apart from another.

    Args:
        width: channels of a token.
        depth: number of blocks.
        heads: attention heads of a block.
        global_blocks: the blocks that attend over the whole canvas; the others attend within windows.
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


class PatchEmbed(nn.Module):
    """Each patch of the canvas becomes one token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=PATCH, stride=PATCH)

    def forward(self, x: Tensor) -> Tensor:
        """float[B, 3, H, W] -> float[B, h, w, width]."""
        tokens: Tensor = self.proj(x)
        return tokens.permute(0, 2, 3, 1)  # [B, h, w, width]


class Attention(nn.Module):
    """Multi-head attention with a decomposed relative position as bias.

    Args:
        width: channels of a token.
        heads: attention heads.
        side: the longest side, in tokens, that its tables of relative positions reach over.
    """

    def __init__(self, width: int, heads: int, *, side: int) -> None:
        super().__init__()
        assert width % heads == 0, f"{width} channels cannot be shared by {heads} heads"
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, width // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, width // heads))

    def forward(self, x: Tensor) -> Tensor:
        """float[B, h, w, C] -> float[B, h, w, C]."""
        b, h, w, c = x.shape
        qkv = self.qkv(x).reshape(b, h * w, 3, self.heads, c // self.heads)  # [B, h*w, 3, heads, d]
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # [B, heads, h*w, d] each
        bias = self._position_bias(q, h, w)
        attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)  # [B, heads, h*w, d]
        out: Tensor = self.proj(attended.transpose(1, 2).reshape(b, h, w, c))  # [B, h, w, C]
        return out

    def _position_bias(self, q: Tensor, h: int, w: int) -> Tensor:
        """What is added to the scores for where a key lies from its query: float[B, heads, h*w, h*w]."""
        b, heads, _, d = q.shape
        q = q.reshape(b, heads, h, w, d)  # [B, heads, h, w, d]
        down = torch.einsum("bnhwd,hkd->bnhwk", q, relative_positions(self.rel_pos_h, h))  # [B, heads, h, w, h]
        right = torch.einsum("bnhwd,wkd->bnhwk", q, relative_positions(self.rel_pos_w, w))  # [B, heads, h, w, w]
        bias = down.unsqueeze(-1) + right.unsqueeze(-2)  # [B, heads, h, w, h, w]
        return bias.reshape(b, heads, h * w, h * w).to(q.dtype)  # [B, heads, h*w, h*w]


def relative_positions(table: Tensor, side: int) -> Tensor:
    """The row of a table of relative positions for each query and key along one axis.

    The table is cropped around its centre, never interpolated: two tokens so many patches apart look up the same row
    whatever the canvas.

    Args:
        table: float[2 * longest - 1, d]; its centre is the distance 0.
        side: tokens along the axis, at most `longest`.

    Returns:
        float[query, key, d].
    """
    steps = torch.arange(side, device=table.device)
    return table[steps[:, None] - steps[None, :] + len(table) // 2]  # [side, side, d]


class Block(nn.Module):
    """A transformer block that attends over the whole canvas, or within windows.

    Args:
        width: channels of a token.
        heads: attention heads.
        windowed: whether it attends within windows.
    """

    def __init__(self, width: int, heads: int, *, windowed: bool) -> None:
        super().__init__()
        self.windowed = windowed
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads, side=WINDOW if windowed else GRID)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = FeedForward(width, 4 * width, activation=nn.GELU())

    def forward(self, x: Tensor) -> Tensor:
        """float[B, h, w, C] -> float[B, h, w, C]."""
        x = x + self._attend(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out

    def _attend(self, x: Tensor) -> Tensor:
        """float[B, h, w, C] -> float[B, h, w, C]."""
        if not self.windowed:
            whole: Tensor = self.attn(x)
            return whole
        _, h, w, _ = x.shape
        windows = self.attn(cut_windows(x))  # [B * windows, 14, 14, C]
        return join_windows(windows, h, w)  # [B, h, w, C]


def cut_windows(x: Tensor) -> Tensor:
    """Tokens -> the windows they lie in, the last ones filled up with zeros.

    The zeros come after the norm, so they are attended to like tokens: SAM was pretrained that way.

    Args:
        x: float[B, h, w, C].

    Returns:
        float[B * rows * columns, 14, 14, C].
    """
    b, h, w, c = x.shape
    rows, columns = -(-h // WINDOW), -(-w // WINDOW)
    x = functional.pad(x, (0, 0, 0, columns * WINDOW - w, 0, rows * WINDOW - h))  # [B, rows * 14, columns * 14, C]
    x = x.reshape(b, rows, WINDOW, columns, WINDOW, c)  # [B, rows, 14, columns, 14, C]
    return x.transpose(2, 3).reshape(-1, WINDOW, WINDOW, c)  # [B * rows * columns, 14, 14, C]


def join_windows(windows: Tensor, h: int, w: int) -> Tensor:
    """The way back from `cut_windows`: float[B * rows * columns, 14, 14, C] -> float[B, h, w, C]."""
    rows, columns = -(-h // WINDOW), -(-w // WINDOW)
    x = windows.reshape(-1, rows, columns, WINDOW, WINDOW, windows.shape[-1])  # [B, rows, columns, 14, 14, C]
    x = x.transpose(2, 3).flatten(3, 4).flatten(1, 2)  # [B, rows * 14, columns * 14, C]
    return x[:, :h, :w]  # [B, h, w, C]


class ImageEncoder(nn.Module):
    """The image encoder of SAM for any canvas up to the square one that it was pretrained on.

    Tables of positions are cropped, never interpolated: a small canvas sees what the top left of the square one sees.
    """

    def __init__(self, size: EncoderSize) -> None:
        super().__init__()
        self.size = size
        self.patch_embed = PatchEmbed(size.width)
        self.pos_embed = nn.Parameter(torch.zeros(1, GRID, GRID, size.width))
        self.blocks = nn.ModuleList(
            Block(size.width, size.heads, windowed=number not in size.global_blocks) for number in range(size.depth)
        )
        self.neck = nn.Sequential(
            nn.Conv2d(size.width, CHANNELS, kernel_size=1, bias=False),
            LayerNorm2d(CHANNELS),
            nn.Conv2d(CHANNELS, CHANNELS, kernel_size=3, padding=1, bias=False),
            LayerNorm2d(CHANNELS),
        )
        self._initialise()

    def _initialise(self) -> None:
        """Random weights to train from, as in ViT; relative positions start at zero and convolutions as in PyTorch."""
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Embed canvases.

        Args:
            x: float[B, 3, H, W], normalised; H and W are multiples of 16 and at most 1024.

        Returns:
            float[B, 256, H/16, W/16].

        Raises:
            UserError: the canvas has another size.
        """
        check_canvas(x.shape[-2], x.shape[-1])
        x = self.patch_embed(x)  # [B, h, w, width]
        x = x + self.pos_embed[:, : x.shape[1], : x.shape[2]]
        for block in self.blocks:
            x = block(x)
        embedding: Tensor = self.neck(x.permute(0, 3, 1, 2))  # [B, 256, h, w]
        return embedding


def check_canvas(height: int, width: int) -> None:
    """Refuse a canvas that the encoder has no positions for.

    Raises:
        UserError: a side is no multiple of 16, or longer than 1024.
    """
    if all(0 < side <= CANVAS and side % PATCH == 0 for side in (height, width)):
        return
    raise UserError(
        problem=f"SAM cannot see a canvas of {height} x {width} pixels",
        fix=f"make both sides multiples of {PATCH} and at most {CANVAS}: pad, resize or tile the section",
    )
