"""A network of an image encoder of blocks and a head: how it is cut, held in half precision, sharded and compiled."""

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh

from sam_seismic.config.encoder import EncoderConfig
from sam_seismic.networks.network import Network
from sam_seismic.sam import BlockEncoder
from sam_seismic.tuning.compiling import compile_blocks
from sam_seismic.tuning.encoder_cut import EncoderCut
from sam_seismic.tuning.methods import METHODS
from sam_seismic.tuning.parameters import trainable_parameters
from sam_seismic.tuning.sharding import shard


class EncoderNetwork(Network):
    """A network whose head reads the embedding of an image encoder; `decode` must be written.

    Args:
        tuning: what of the encoder is trained.
        image_encoder: all of it.
        head: what follows.
    """

    cut: EncoderCut

    def __init__(self, tuning: EncoderConfig, image_encoder: BlockEncoder, head: nn.Module) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.head = head
        self._method = METHODS[tuning.kind](tuning)
        self.cut = self._method.apply(image_encoder)

    def decode(self, embedding: Tensor, *, patches: tuple[int, int] | None = None) -> Tensor:
        """Embedding float[section, channels, h, w] -> logits, as of `forward`."""
        raise NotImplementedError

    def forward(
        self, canvas: Tensor, *, shown: tuple[int, int] | None = None, patches: tuple[int, int] | None = None
    ) -> Tensor:
        """Canvas float[section, 3, height, width] -> logits float[section, class, h, w]."""
        return self.decode(self.cut.embed(canvas, shown=shown), patches=patches)

    def from_kept(self, kept: Tensor, *, patches: tuple[int, int] | None = None) -> Tensor:
        """What `cut.below` gave -> logits float[section, class, h, w]."""
        return self.decode(self.cut.above(kept), patches=patches)

    def saves(self, name: str) -> bool:
        """All but what the tuning method leaves out of the encoder."""
        prefix = "image_encoder."
        return not name.startswith(prefix) or self._method.saves(name.removeprefix(prefix))

    def rate_groups(self, learning_rate: float, encoder_rate: float) -> list[tuple[list[nn.Parameter], float]]:
        """The head, then the encoder."""
        return [
            (list(trainable_parameters(self.head)), learning_rate),
            (list(trainable_parameters(self.image_encoder)), learning_rate * encoder_rate),
        ]

    def hold_encoder(self, dtype: torch.dtype) -> None:
        """Hold all of the encoder in another precision, to predict."""
        if dtype != self.cut.dtype:
            EncoderCut.above_all(self.image_encoder).hold(dtype)

    def compile_blocks(self) -> None:
        """Compile the blocks of the encoder.

        Raises:
            UserError: there is no compiler on this machine.
        """
        compile_blocks(self.image_encoder)

    def shard(self, mesh: DeviceMesh) -> None:
        """Share out each block, the rest of the encoder and the head."""
        shard([*self.image_encoder.blocks, self.image_encoder, self.head], mesh)
