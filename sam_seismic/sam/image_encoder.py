"""The image encoder, a ViTDet: a canvas goes in, an embedding a sixteenth of its height and width comes out.

Sources: Kirillov et al. 2023, "Segment Anything", appendix A; Li et al. 2022, "Exploring Plain Vision Transformer
Backbones for Object Detection" (windows, neck); Li et al. 2022, "MViTv2" (decomposed relative positions).
"""

from typing import Any, Self

import torch
from torch import Tensor, nn

from sam_seismic.config.sam_sizes import CANVAS, PATCH, EncoderSize
from sam_seismic.errors import UserError
from sam_seismic.sam.attention import WINDOW, Attention
from sam_seismic.sam.block_encoder import BlockEncoder
from sam_seismic.sam.layers import FeedForward, LayerNorm2d

GRID = CANVAS // PATCH
"""Patches along the side of the canvas that SAM was pretrained on."""
TOKENS_AT_A_TIME = 1024
"""Tokens whose feed-forward layers run at a time on the CPU. Measured: 12 MB of ViT-B."""
CHANNELS = 256
"""Channels of the image embedding, and of every prompt."""


class PatchEmbed(nn.Module):
    """Each patch of the canvas becomes one token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=PATCH, stride=PATCH)

    def forward(self, x: Tensor) -> Tensor:
        """float[B, 3, H, W] -> float[B, h, w, width]."""
        tokens: Tensor = self.proj(x)
        return tokens.permute(0, 2, 3, 1).contiguous()  # [B, h, w, width]: every layer after it reads token by token


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
        self.attn = Attention(width, heads, side=WINDOW if windowed else GRID, windowed=windowed)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = FeedForward(width, 4 * width, activation=nn.GELU())

    def forward(self, x: Tensor) -> Tensor:
        """float[B, h, w, C] -> float[B, h, w, C]."""
        x = x + self.attn(self.norm1(x))
        if torch.is_grad_enabled() or x.is_cuda:
            out: Tensor = x + self.mlp(self.norm2(x))
            return out
        # What is four times as wide as the tokens stays in the processor's cache, and in memory that is used again.
        tokens = x.view(-1, x.shape[-1])  # [B * h * w, C]
        for start in range(0, len(tokens), TOKENS_AT_A_TIME):
            some = tokens[start : start + TOKENS_AT_A_TIME]
            some += self.mlp(self.norm2(some))
        return x


class ImageEncoder(BlockEncoder):
    """The image encoder of SAM for any canvas up to the square one that it was pretrained on.

    Tables of positions are cropped, never interpolated: a small canvas sees what the top left of the square one sees.

    Args:
        size: width, depth and the like.
        random: with random weights to train from; else they are to be loaded.
    """

    def __init__(self, size: EncoderSize, *, random: bool = True) -> None:
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
        self._padding = RememberedPadding()
        if random:
            self._initialise()

    def _initialise(self) -> None:
        """Random weights to train from, as in ViT; relative positions start at zero and convolutions as in PyTorch."""
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    @property
    def width(self) -> int:
        """Channels of a token."""
        return self.size.width

    @property
    def channels(self) -> int:
        """Channels of the embedding."""
        return CHANNELS

    def lower(self, x: Tensor, *, blocks: int | None = None, shown: tuple[int, int] | None = None) -> Tensor:
        """Tokens float[B, H/16, W/16, width] after the first `blocks` blocks; padding is skipped where they are frozen.

        Raises:
            UserError: the canvas has another size than SAM can see.
        """
        check_canvas_sides(x.shape[-2], x.shape[-1])
        last = self.depth if blocks is None else blocks
        start = 0
        first = min((last, *self.size.global_blocks))
        if shown is not None and not torch.is_grad_enabled() and self._padding.may_serve(self, first):
            tokens, start = self._skip_padding(x, shown, first), first
        else:
            tokens = self._embed(x)
        return self._run(tokens, start, last)

    def upper(self, tokens: Tensor, *, blocks: int) -> Tensor:
        """Tokens after the first `blocks` blocks -> float[B, 256, h, w]."""
        tokens = self._run(tokens, blocks, self.depth)
        embedding: Tensor = self.neck(tokens.permute(0, 3, 1, 2))  # [B, 256, h, w]
        return embedding

    def _embed(self, x: Tensor) -> Tensor:
        """float[B, 3, H, W] -> float[B, h, w, width]."""
        tokens: Tensor = self.patch_embed(x)
        return tokens + self.pos_embed[:, : tokens.shape[1], : tokens.shape[2]]

    def forget_padding(self) -> None:
        """Remember nothing of empty canvases: for whoever changes frozen weights past PyTorch, through `.data`."""
        self._padding = RememberedPadding()

    def _apply(self, *args: Any, **kwargs: Any) -> Self:
        """What `to`, `float`, `cuda` and their like call: the weights become others."""
        self.forget_padding()
        return super()._apply(*args, **kwargs)  # type: ignore[no-untyped-call, no-any-return]

    def _skip_padding(self, x: Tensor, shown: tuple[int, int], blocks: int) -> Tensor:
        """Tokens after the first blocks, none of which attends over the whole canvas: float[B, h, w, width].

        Until then a window that shows only padding knows nothing of the section: its tokens are those of an empty
        canvas, which are remembered.
        """
        h, w = x.shape[-2] // PATCH, x.shape[-1] // PATCH
        rows, columns = (-(-side // (PATCH * WINDOW)) * WINDOW for side in shown)
        rows, columns = min(rows, h), min(columns, w)
        tokens = self._run(self._embed(x[..., : rows * PATCH, : columns * PATCH]), 0, blocks)
        if (rows, columns) == (h, w):
            return tokens
        empty = self._padding.get(self, x, blocks)  # [1, h, w, width]
        tokens_of_all = empty.repeat(len(x), 1, 1, 1)  # [B, h, w, width]
        tokens_of_all[:, :rows, :columns] = tokens
        return tokens_of_all


class RememberedPadding:
    """The tokens of an empty canvas, made once for each canvas and precision until weights change."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[list[nn.Parameter], Tensor]] = {}

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """A copy of an encoder begins with none."""
        return type(self), ()

    def may_serve(self, encoder: ImageEncoder, blocks: int) -> bool:
        """Whether it can be told that the weights have not changed: those that are trained change unseen.

        PyTorch counts the changes of each tensor, but not those by a fused optimizer, nor any in inference mode.
        """
        return not any(each.requires_grad or each.is_inference() for each in self._weights(encoder, blocks))

    def get(self, encoder: ImageEncoder, x: Tensor, blocks: int) -> Tensor:
        """Tokens float[1, h, w, width] after the first blocks, as an encoder makes them of a canvas of zeros.

        Args:
            encoder: whose blocks these are.
            x: float[B, 3, H, W], of the canvas, type and device that are meant.
            blocks: how many, none of which attends over the whole canvas.
        """
        weights = self._weights(encoder, blocks)
        state = tuple((id(each), each._version) for each in weights)
        autocast = torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else None
        key = (tuple(x.shape[-2:]), x.dtype, x.device, autocast, blocks, state)
        if (known := self._known.get(key)) is not None:
            return known[1]
        tokens = encoder.lower(torch.zeros_like(x[:1]), blocks=blocks)
        # One canvas and precision a run is usual. With the weights, so that no others can take their ids.
        self._known = {key: (weights, tokens)}
        return tokens

    @staticmethod
    def _weights(encoder: ImageEncoder, blocks: int) -> list[nn.Parameter]:
        return [*encoder.patch_embed.parameters(), encoder.pos_embed, *encoder.blocks[:blocks].parameters()]


def check_canvas_sides(height: int, width: int) -> None:
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
