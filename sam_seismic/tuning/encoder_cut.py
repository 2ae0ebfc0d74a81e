"""An image encoder in two parts: canvases go into the frozen part, the trained part goes on with what comes out of it.

What passes the cut changes only with the frozen weights and the canvas, so it can be computed once and kept: the image
embedding where all of the encoder is frozen, the tokens between two blocks where the last blocks are trained.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sam_seismic.config.sam_sizes import PATCH
from sam_seismic.sam import BlockEncoder
from sam_seismic.tuning.sharding import is_sharded


@dataclass(frozen=True)
class FrozenPrefix:
    """How much of an encoder is frozen, counted from the canvas.

    Args:
        blocks: frozen blocks; patches and positions are frozen with the first of them. 0: nothing is frozen.
        neck: whether what follows the blocks is frozen too, so that all of the encoder is.
    """

    blocks: int = 0
    neck: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing is frozen."""
        return self.blocks == 0


@dataclass(frozen=True, eq=False)
class EncoderCut:
    """An image encoder, cut above its frozen prefix.

    Args:
        encoder: all of it.
        frozen: how much of it is frozen.
    """

    encoder: BlockEncoder
    frozen: FrozenPrefix

    @classmethod
    def above_all(cls, encoder: BlockEncoder) -> "EncoderCut":
        """As if all of the encoder were frozen: for whoever runs it without gradients."""
        return cls(encoder, FrozenPrefix(encoder.depth, neck=True))

    @property
    def dtype(self) -> torch.dtype:
        """Type that the frozen part is held in, and computes in."""
        return self.encoder.pos_embed.dtype

    @property
    def device(self) -> torch.device:
        """Where the encoder lies."""
        return self.encoder.pos_embed.device

    def embed(self, canvas: Tensor, *, shown: tuple[int, int] | None = None) -> Tensor:
        """Canvas float[section, 3, height, width] -> embedding float[section, channels, h, w].

        Args:
            canvas: of one or more sections.
            shown: (rows, columns) of pixels outside which all canvases are padding, where that is known.
        """
        if not self.frozen.empty:
            return self.above(self.below(canvas, shown=shown))
        # A sharded encoder gathers its parameters when it is called as a module.
        if torch.is_grad_enabled() or is_sharded(self.encoder):
            embedding: Tensor = self.encoder(canvas)
            return embedding
        return EncoderCut.above_all(self.encoder).embed(canvas, shown=shown)

    def below(self, canvas: Tensor, *, shown: tuple[int, int] | None = None) -> Tensor:
        """Run the frozen part, in the precision that its weights are held in.

        Args:
            canvas: float[section, 3, height, width].
            shown: (rows, columns) of pixels outside which all canvases are padding.

        Returns:
            Tokens float[section, h, w, width], or where the neck is frozen too the embedding float[section, channels,
            h, w]. No gradient.
        """
        held = self.dtype != torch.float32  # then nothing is cast on the way
        mixed = torch.is_autocast_enabled(canvas.device.type) and not held
        with torch.no_grad(), torch.autocast(canvas.device.type, enabled=mixed):
            tokens = self.encoder.lower(canvas.to(self.dtype), blocks=self.frozen.blocks, shown=shown)
            return self.encoder.upper(tokens, blocks=self.encoder.depth) if self.frozen.neck else tokens

    def above(self, kept: Tensor) -> Tensor:
        """Go on where `below` ended.

        Args:
            kept: what `below` gave, in whatever precision it was stored.

        Returns:
            The embedding float32[section, channels, h, w].
        """
        if self.frozen.neck:
            return kept.float()
        trained = next(self.encoder.neck.parameters()).dtype
        return self.encoder.upper(kept.to(trained), blocks=self.frozen.blocks).float()

    def kept_shape(self, canvas_shape: tuple[int, int]) -> tuple[int, int, int]:
        """The shape of what `below` gives for one canvas of (height, width) pixels."""
        h, w = (side // PATCH for side in canvas_shape)
        return (self.encoder.channels, h, w) if self.frozen.neck else (h, w, self.encoder.width)

    def frozen_modules(self) -> list[nn.Module]:
        """The modules of the frozen part; `pos_embed`, a parameter, belongs to it too."""
        if self.frozen.empty:
            return []
        parts = [self.encoder.patch_embed, self.encoder.blocks[: self.frozen.blocks]]
        return [*parts, self.encoder.neck] if self.frozen.neck else parts

    def frozen_weights(self) -> Iterator[tuple[str, Tensor]]:
        """The frozen weights by name, in a fixed order."""
        if self.frozen.empty:
            return
        yield "pos_embed", self.encoder.pos_embed
        for number, part in enumerate(self.frozen_modules()):
            for name, tensor in part.state_dict().items():
                yield f"{number}.{name}", tensor

    def hold(self, dtype: torch.dtype) -> None:
        """Hold the frozen part in another precision: half takes half the memory, and is not cast with every call."""
        if self.frozen.empty:
            return
        for part in self.frozen_modules():
            part.to(dtype)
        self.encoder.pos_embed.data = self.encoder.pos_embed.data.to(dtype)
        self.encoder.forget_padding()
