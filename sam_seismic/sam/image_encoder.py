"""The image encoder, a ViTDet: canvases float[B, 3, H, W] go in, embeddings float[B, 256, H/16, W/16] come out.

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
"""Patches along the side of the square canvas that SAM was pretrained on."""
TOKEN_CHUNK_SIZE = 1024
"""Tokens per call of a feed-forward layer on the CPU: 12 MB of hidden activations in ViT-B. Found by measurement."""
CHANNELS = 256
"""Channels of the image embedding and of prompt tokens."""


class PatchEmbed(nn.Module):
    """A convolution that maps each patch of 16 x 16 pixels to one token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=PATCH, stride=PATCH)

    def forward(self, x: Tensor) -> Tensor:
        """float[B, 3, H, W] -> float[B, h, w, width]."""
        tokens: Tensor = self.proj(x)
        return tokens.permute(0, 2, 3, 1).contiguous()  # [B, h, w, width], in the order in which later layers read it


class Block(nn.Module):
    """A pre-norm transformer block with attention over the whole canvas, or within windows.

    Args:
        width: channels of a token.
        heads: number of attention heads.
        windowed: whether attention is limited to windows.
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
        # The hidden activations, four times as wide as the tokens, then fit the CPU cache and reuse one allocation.
        tokens = x.view(-1, x.shape[-1])  # [B * h * w, C]
        for start in range(0, len(tokens), TOKEN_CHUNK_SIZE):
            chunk = tokens[start : start + TOKEN_CHUNK_SIZE]
            chunk += self.mlp(self.norm2(chunk))
        return x


class ImageEncoder(BlockEncoder):
    """The image encoder of SAM for any canvas up to the square one that it was pretrained on.

    Position tables are cropped, never interpolated: a smaller canvas has the positions of the top left part of the
    square one.

    Args:
        size: width, depth, heads and global blocks.
        random: whether to draw random weights to train from; False if all weights are loaded afterwards.
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
        self._padding_cache = PaddingCache()
        if random:
            self._initialise()

    def _initialise(self) -> None:
        """Draw random weights as in ViT; relative positions stay zero, convolutions keep PyTorch's initialisation."""
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
        """Canvases float[B, 3, H, W] -> tokens float[B, H/16, W/16, width] after the first `blocks` blocks.

        With `shown`, and without gradients, frozen blocks before the first global one skip windows of padding.

        Raises:
            UserError: a side of the canvas is not a multiple of 16, or is longer than 1024.
        """
        check_canvas_sides(x.shape[-2], x.shape[-1])
        last = self.depth if blocks is None else blocks
        start = 0
        first = min((last, *self.size.global_blocks))
        if shown is not None and not torch.is_grad_enabled() and self._padding_cache.is_reliable(self, first):
            tokens, start = self._skip_padding(x, shown, first), first
        else:
            tokens = self._embed(x)
        return self._run(tokens, start, last)

    def upper(self, tokens: Tensor, *, blocks: int) -> Tensor:
        """Tokens float[B, h, w, width] after the first `blocks` blocks -> embedding float[B, 256, h, w]."""
        tokens = self._run(tokens, blocks, self.depth)
        embedding: Tensor = self.neck(tokens.permute(0, 3, 1, 2))  # [B, 256, h, w]
        return embedding

    def _embed(self, x: Tensor) -> Tensor:
        """float[B, 3, H, W] -> float[B, h, w, width]."""
        tokens: Tensor = self.patch_embed(x)
        return tokens + self.pos_embed[:, : tokens.shape[1], : tokens.shape[2]]

    def clear_padding_cache(self) -> None:
        """Delete the cached tokens of padding; call this after a change of frozen weights through `.data`."""
        self._padding_cache = PaddingCache()

    def _apply(self, *args: Any, **kwargs: Any) -> Self:
        """Called by `to`, `float`, `cuda` and similar methods, which change the weights."""
        self.clear_padding_cache()
        return super()._apply(*args, **kwargs)  # type: ignore[no-untyped-call, no-any-return]

    def _skip_padding(self, x: Tensor, shown: tuple[int, int], blocks: int) -> Tensor:
        """Tokens float[B, h, w, width] after the first blocks, all of which are windowed.

        Windowed blocks pass no information between windows, so the tokens of a window that has only padding are those
        of an empty canvas. These are cached.
        """
        h, w = x.shape[-2] // PATCH, x.shape[-1] // PATCH
        rows, columns = (-(-side // (PATCH * WINDOW)) * WINDOW for side in shown)
        rows, columns = min(rows, h), min(columns, w)
        tokens = self._run(self._embed(x[..., : rows * PATCH, : columns * PATCH]), 0, blocks)
        if (rows, columns) == (h, w):
            return tokens
        empty = self._padding_cache.get(self, x, blocks)  # [1, h, w, width]
        tokens_of_all = empty.repeat(len(x), 1, 1, 1)  # [B, h, w, width]
        tokens_of_all[:, :rows, :columns] = tokens
        return tokens_of_all


class PaddingCache:
    """Cache of the tokens of an empty canvas, for the last canvas size, precision and weights."""

    def __init__(self) -> None:
        self._entries: dict[Any, tuple[list[nn.Parameter], Tensor]] = {}

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """The cache of a copied or pickled encoder is empty."""
        return type(self), ()

    def is_reliable(self, encoder: ImageEncoder, blocks: int) -> bool:
        """Whether a change of the weights of the first blocks would be detected.

        PyTorch counts the changes of each tensor, but not those by a fused optimizer, nor those in inference mode.
        """
        return not any(each.requires_grad or each.is_inference() for each in self._weights(encoder, blocks))

    def get(self, encoder: ImageEncoder, x: Tensor, blocks: int) -> Tensor:
        """Tokens float[1, h, w, width] of a canvas of zeros after the first blocks.

        Args:
            encoder: the encoder that owns this cache.
            x: float[B, 3, H, W]; its canvas size, dtype and device are used.
            blocks: number of blocks to run; all of them are windowed.
        """
        weights = self._weights(encoder, blocks)
        state = tuple((id(each), each._version) for each in weights)
        autocast = torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else None
        key = (tuple(x.shape[-2:]), x.dtype, x.device, autocast, blocks, state)
        if (entry := self._entries.get(key)) is not None:
            return entry[1]
        tokens = encoder.lower(torch.zeros_like(x[:1]), blocks=blocks)
        # One entry, since a run usually has one canvas size and precision. It holds the weights so that their ids stay
        # unique.
        self._entries = {key: (weights, tokens)}
        return tokens

    @staticmethod
    def _weights(encoder: ImageEncoder, blocks: int) -> list[nn.Parameter]:
        return [*encoder.patch_embed.parameters(), encoder.pos_embed, *encoder.blocks[:blocks].parameters()]


def check_canvas_sides(height: int, width: int) -> None:
    """Check that the encoder has positions for a canvas of this size.

    Raises:
        UserError: a side is not a multiple of 16, or is longer than 1024.
    """
    if all(0 < side <= CANVAS and side % PATCH == 0 for side in (height, width)):
        return
    raise UserError(
        problem=f"SAM cannot encode a canvas of {height} x {width} pixels",
        fix=f"make both sides multiples of {PATCH} and at most {CANVAS}: pad, resize or tile the section",
    )
