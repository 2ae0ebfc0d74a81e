"""What image encoders of blocks, one after the other, have in common: each can be run in two parts."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class BlockEncoder(nn.Module, ABC):
    """Patches and positions, then blocks, then a neck; whoever divides it runs `lower`, then `upper`."""

    patch_embed: nn.Module
    pos_embed: nn.Parameter
    blocks: nn.ModuleList
    neck: nn.Module

    checkpointing: bool = False
    """Whether a block's activations are computed again for the backward pass rather than kept."""

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
            shown: (rows, columns) of pixels outside which all canvases are padding, zeros: the same numbers come out
                with less work where an encoder knows how. None: not known.

        Returns:
            float[B, channels, H/16, W/16].

        Raises:
            UserError: the canvas has another size.
        """
        return self.upper(self.lower(x, shown=shown), blocks=self.depth)

    @abstractmethod
    def lower(self, x: Tensor, *, blocks: int | None = None, shown: tuple[int, int] | None = None) -> Tensor:
        """The first part of `forward`: tokens after the first `blocks` blocks, or after all; `upper` goes on with them.

        Args:
            x, shown: as of `forward`.
            blocks: how many blocks are run; None for all.

        Returns:
            float[B, H/16, W/16, width].
        """

    @abstractmethod
    def upper(self, tokens: Tensor, *, blocks: int) -> Tensor:
        """The rest of `forward`.

        Args:
            tokens: float[B, h, w, width], after the first `blocks` blocks.
            blocks: how many blocks have been run.

        Returns:
            float[B, channels, h, w].
        """

    def _run(self, tokens: Tensor, first: int, last: int) -> Tensor:
        """Blocks from `first` to just before `last`: float[B, h, w, width] -> the same shape."""
        for block in self.blocks[first:last]:
            if self.checkpointing and torch.is_grad_enabled():
                tokens = checkpoint(block, tokens, use_reentrant=False)
            else:
                tokens = block(tokens)
        return tokens

    def forget_padding(self) -> None:
        """Forget what was computed ahead from weights; to be called when they were changed past PyTorch, by `.data`."""
