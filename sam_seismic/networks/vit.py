"""A plain vision transformer: canvases come in, one logit for each class and pixel goes out.

Source: Dosovitskiy et al. 2021, "An Image Is Worth 16x16 Words". Here a batch norm normalises the canvas, and a linear
head maps each token to the logits of its 16 x 16 pixels.
"""

from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's convention
from torch import Tensor, nn

from sam_seismic.config import VitConfig
from sam_seismic.config.sam_sizes import CANVAS, PATCH
from sam_seismic.networks.encoder_network import EncoderNetwork
from sam_seismic.sam import BlockEncoder

GRID = CANVAS // PATCH
"""Patches along the side of the largest canvas."""


class VitBlock(nn.Module):
    """A pre-norm transformer block: attention over all tokens, then a feed-forward layer, both with residuals.

    Args:
        config: width, heads and dropout.
    """

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        width = config.width
        self.norm1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, config.heads, dropout=config.dropout, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(4 * width, width),
            nn.Dropout(config.dropout),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """float[B, h, w, width] -> the same shape."""
        x = tokens.flatten(1, 2)  # [B, h * w, width]
        normed = self.norm1(x)
        x = x + self.attn(normed, normed, normed, need_weights=False)[0]
        x = x + self.mlp(self.norm2(x))  # [B, h * w, width]
        out: Tensor = x.view_as(tokens)
        return out


class VitEncoder(BlockEncoder):
    """Batch norm, patch embedding, learned positions, blocks, and a final layer norm.

    A smaller canvas uses the top left part of the position table.

    Args:
        config: width, depth, heads and dropout.
    """

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self._width = config.width
        self.patch_embed = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, config.width, kernel_size=PATCH, stride=PATCH))
        self.pos_embed = nn.Parameter(torch.zeros(1, GRID, GRID, config.width))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        self.blocks = nn.ModuleList(VitBlock(config) for _ in range(config.depth))
        self.neck = nn.LayerNorm(config.width)

    @property
    def width(self) -> int:
        """Channels of a token."""
        return self._width

    @property
    def channels(self) -> int:
        """Channels of the embedding, as many as of a token."""
        return self._width

    def lower(self, x: Tensor, *, blocks: int | None = None, shown: tuple[int, int] | None = None) -> Tensor:  # noqa: ARG002
        """Tokens float[B, H/16, W/16, width] after the first `blocks` blocks."""
        tokens = self.patch_embed(x).permute(0, 2, 3, 1)  # [B, h, w, width]
        tokens = tokens + self.pos_embed[:, : tokens.shape[1], : tokens.shape[2]]
        return self._run(tokens, 0, self.depth if blocks is None else blocks)

    def upper(self, tokens: Tensor, *, blocks: int) -> Tensor:
        """Tokens after the first `blocks` blocks -> float[B, width, h, w]."""
        normed: Tensor = self.neck(self._run(tokens, blocks, self.depth))
        return normed.permute(0, 3, 1, 2)  # [B, width, h, w]


class PatchHead(nn.Linear):
    """A linear layer that maps a token to the class logits of all pixels of its patch.

    Args:
        width: channels of a token.
        classes: number of facies.
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__(width, classes * PATCH * PATCH)

    def forward(self, embedding: Tensor) -> Tensor:
        """float[B, width, h, w] -> logits float[B, class, 16 * h, 16 * w]."""
        planes = super().forward(embedding.permute(0, 2, 3, 1))  # [B, h, w, class * 16 * 16]
        return F.pixel_shuffle(planes.permute(0, 3, 1, 2), PATCH)  # [B, class, 16 * h, 16 * w]


class VitNetwork(EncoderNetwork):
    """The ViT encoder with a linear head; it starts from random weights.

    Args:
        config: options of the network.
        classes: number of facies.
    """

    def __init__(self, config: VitConfig, classes: int) -> None:
        super().__init__(config.encoder, VitEncoder(config), PatchHead(config.width, classes))

    @classmethod
    def create(cls, config: VitConfig, classes: int, *, weights: Path | None = None, initialise: bool = True) -> Self:  # noqa: ARG003
        """A network with random weights; `initialise` is ignored, since the network is small."""
        assert weights is None, "VitConfig has no key for a weights file"
        return cls(config, classes)

    @property
    def stride(self) -> int:
        """One logit for each pixel."""
        return 1

    def train(self, mode: bool = True) -> Self:
        """Set the mode of trained modules; frozen modules stay in evaluation mode (dropout, batch norm statistics)."""
        super().train(mode)
        for part in self.cut.frozen_modules():
            part.eval()
        return self

    def decode(self, embedding: Tensor, *, patches: tuple[int, int] | None = None) -> Tensor:
        """Embedding float[section, width, h, w] -> logits float[section, class, 16 * rows, 16 * columns]."""
        rows, columns = patches or (embedding.shape[-2], embedding.shape[-1])
        logits: Tensor = self.head(embedding[:, :, :rows, :columns])
        return logits
