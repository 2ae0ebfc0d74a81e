"""Base class of image encoders that are a sequence of blocks: canvases go in, embeddings come out."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class BlockEncoder(nn.Module, ABC):
    """Patch embedding and positions, then blocks, then a neck. It can be run in two parts: `lower`, then `upper`."""

    patch_embed: nn.Module
    pos_embed: nn.Parameter
    blocks: nn.ModuleList
    neck: nn.Module

    checkpointing: bool = False
    """Whether activations of blocks are recomputed in the backward pass instead of stored."""

    @property
    def depth(self) -> int:
        """Number of blocks."""
        return len(self.blocks)

    @property
    @abstractmethod
    def width(self) -> int:
        """Channels of a token."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Channels of the embedding."""

    def forward(self, x: Tensor, *, shown: tuple[int, int] | None = None) -> Tensor:
        """Embed canvases.

        Args:
            x: float[B, 3, H, W], normalised; H and W are multiples of 16 and at most 1024.
            shown: (rows, columns) of pixels outside which all canvases are padding with zeros, if known. An encoder may
                use it to skip work; the result is the same.

        Returns:
            float[B, channels, H/16, W/16].

        Raises:
            UserError: the encoder does not support this canvas size.
        """
        return self.upper(self.lower(x, shown=shown), blocks=self.depth)

    @abstractmethod
    def lower(self, x: Tensor, *, blocks: int | None = None, shown: tuple[int, int] | None = None) -> Tensor:
        """The first part of `forward`: tokens after the first `blocks` blocks, the input of `upper`.

        Args:
            x, shown: as in `forward`.
            blocks: number of blocks to run; None for all.

        Returns:
            float[B, H/16, W/16, width].
        """

    @abstractmethod
    def upper(self, tokens: Tensor, *, blocks: int) -> Tensor:
        """The rest of `forward`.

        Args:
            tokens: float[B, h, w, width], output of `lower`.
            blocks: number of blocks that `lower` has run.

        Returns:
            float[B, channels, h, w].
        """

    def _run(self, tokens: Tensor, first: int, last: int) -> Tensor:
        """Run blocks `first` to `last` - 1: float[B, h, w, width] -> float[B, h, w, width]."""
        for block in self.blocks[first:last]:
            if self.checkpointing and torch.is_grad_enabled():
                tokens = checkpoint(block, tokens, use_reentrant=False)
            else:
                tokens = block(tokens)
        return tokens

    def clear_padding_cache(self) -> None:
        """Delete cached results that depend on weights; call this after a change of weights through `.data`."""
