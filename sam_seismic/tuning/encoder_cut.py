"""An image encoder split into a frozen and a trained part: canvases -> features -> embeddings.

The features, which are the output of the frozen part, depend only on the frozen weights and the canvas, so they can be
computed once and stored. They are the image embedding where the whole encoder is frozen, and the tokens between two
blocks where the last blocks are trained.
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
    """The first layers of an encoder, which are frozen.

    Args:
        blocks: number of frozen blocks. From 1 on the patch embedding and the positions are frozen, too; 0 freezes
            nothing.
        neck: whether the neck is frozen too, and with it the whole encoder.
    """

    blocks: int = 0
    neck: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing is frozen."""
        return self.blocks == 0


@dataclass(frozen=True, eq=False)
class EncoderCut:
    """An image encoder, split after its frozen prefix.

    Args:
        encoder: the whole encoder.
        frozen: the prefix that is frozen.
    """

    encoder: BlockEncoder
    frozen: FrozenPrefix

    @classmethod
    def all_frozen(cls, encoder: BlockEncoder) -> "EncoderCut":
        """Treat the whole encoder as frozen: for running it without gradients."""
        return cls(encoder, FrozenPrefix(encoder.depth, neck=True))

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the frozen part's weights, in which it also computes."""
        return self.encoder.pos_embed.dtype

    @property
    def device(self) -> torch.device:
        """Device of the encoder."""
        return self.encoder.pos_embed.device

    def embed(self, canvas: Tensor, *, shown: tuple[int, int] | None = None) -> Tensor:
        """Canvas float[section, 3, height, width] -> embedding float[section, channels, h, w].

        Args:
            canvas: one or more sections.
            shown: (rows, columns) of pixels outside which all canvases are padding, if known.
        """
        if not self.frozen.empty:
            return self.run_trained(self.run_frozen(canvas, shown=shown))
        # FSDP gathers the parameters of a sharded encoder only when the module itself is called.
        if torch.is_grad_enabled() or is_sharded(self.encoder):
            embedding: Tensor = self.encoder(canvas)
            return embedding
        return EncoderCut.all_frozen(self.encoder).embed(canvas, shown=shown)

    def run_frozen(self, canvas: Tensor, *, shown: tuple[int, int] | None = None) -> Tensor:
        """Run the frozen part, in the precision of its weights, without gradients.

        Args:
            canvas: float[section, 3, height, width].
            shown: (rows, columns) of pixels outside which all canvases are padding.

        Returns:
            The features: tokens float[section, h, w, width], or the embedding float[section, channels, h, w] if the
            neck is frozen, too.
        """
        half = self.dtype != torch.float32  # then autocast is not needed
        mixed = torch.is_autocast_enabled(canvas.device.type) and not half
        with torch.no_grad(), torch.autocast(canvas.device.type, enabled=mixed):
            tokens = self.encoder.lower(canvas.to(self.dtype), blocks=self.frozen.blocks, shown=shown)
            return self.encoder.upper(tokens, blocks=self.encoder.depth) if self.frozen.neck else tokens

    def run_trained(self, features: Tensor) -> Tensor:
        """Run the trained part on the output of the frozen part.

        Args:
            features: output of `run_frozen`, in any precision.

        Returns:
            The embedding float32[section, channels, h, w].
        """
        if self.frozen.neck:
            return features.float()
        trained = next(self.encoder.neck.parameters()).dtype
        return self.encoder.upper(features.to(trained), blocks=self.frozen.blocks).float()

    def feature_shape(self, canvas_shape: tuple[int, int]) -> tuple[int, int, int]:
        """Shape of the features of one canvas of (height, width) pixels."""
        h, w = (side // PATCH for side in canvas_shape)
        return (self.encoder.channels, h, w) if self.frozen.neck else (h, w, self.encoder.width)

    def frozen_modules(self) -> list[nn.Module]:
        """The modules of the frozen part; it also includes `pos_embed`, which is a parameter."""
        if self.frozen.empty:
            return []
        parts = [self.encoder.patch_embed, self.encoder.blocks[: self.frozen.blocks]]
        return [*parts, self.encoder.neck] if self.frozen.neck else parts

    def frozen_weights(self) -> Iterator[tuple[str, Tensor]]:
        """(name, frozen weight) in a fixed order."""
        if self.frozen.empty:
            return
        yield "pos_embed", self.encoder.pos_embed
        for number, part in enumerate(self.frozen_modules()):
            for name, tensor in part.state_dict().items():
                yield f"{number}.{name}", tensor

    def set_precision(self, dtype: torch.dtype) -> None:
        """Convert the weights of the frozen part; half precision saves memory and the casts of autocast."""
        if self.frozen.empty:
            return
        for part in self.frozen_modules():
            part.to(dtype)
        self.encoder.pos_embed.data = self.encoder.pos_embed.data.to(dtype)
        self.encoder.clear_padding_cache()
