"""Base class of networks that consist of an image encoder and a head: canvases come in, facies logits go out."""

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
    """A network whose head reads the embedding of an image encoder; subclasses implement `decode`.

    Args:
        tuning: which part of the encoder is trained.
        image_encoder: the whole encoder.
        head: maps embeddings to logits.
    """

    cut: EncoderCut

    def __init__(self, tuning: EncoderConfig, image_encoder: BlockEncoder, head: nn.Module) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.head = head
        self._method = METHODS[tuning.kind](tuning)
        self.cut = self._method.apply(image_encoder)

    def decode(self, embedding: Tensor, *, patches: tuple[int, int] | None = None) -> Tensor:
        """Embedding float[section, channels, h, w] -> logits, as in `forward`."""
        raise NotImplementedError

    def forward(
        self, canvas: Tensor, *, shown: tuple[int, int] | None = None, patches: tuple[int, int] | None = None
    ) -> Tensor:
        """Canvas float[section, 3, height, width] -> logits float[section, class, h, w]."""
        return self.decode(self.cut.embed(canvas, shown=shown), patches=patches)

    def from_features(self, features: Tensor, *, patches: tuple[int, int] | None = None) -> Tensor:
        """Output of `cut.run_frozen` -> logits float[section, class, h, w]."""
        return self.decode(self.cut.run_trained(features), patches=patches)

    def saves(self, name: str) -> bool:
        """All weights except those of the encoder that the tuning method does not save."""
        prefix = "image_encoder."
        return not name.startswith(prefix) or self._method.saves(name.removeprefix(prefix))

    def parameter_groups(self, learning_rate: float, encoder_rate: float) -> list[tuple[list[nn.Parameter], float]]:
        """The parameters of the head, then those of the encoder."""
        return [
            (list(trainable_parameters(self.head)), learning_rate),
            (list(trainable_parameters(self.image_encoder)), learning_rate * encoder_rate),
        ]

    def set_encoder_precision(self, dtype: torch.dtype) -> None:
        """Convert the whole encoder to another precision, for prediction."""
        if dtype != self.cut.dtype:
            EncoderCut.all_frozen(self.image_encoder).set_precision(dtype)

    def compile_blocks(self) -> None:
        """Compile the blocks of the encoder.

        Raises:
            UserError: there is no compiler on this machine.
        """
        compile_blocks(self.image_encoder)

    def shard(self, mesh: DeviceMesh) -> None:
        """Shard each block, the rest of the encoder, and the head."""
        shard([*self.image_encoder.blocks, self.image_encoder, self.head], mesh)
