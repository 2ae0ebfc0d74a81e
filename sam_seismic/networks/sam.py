"""SAM's image encoder, its empty prompt and a class head as one network."""

from pathlib import Path
from typing import Self

from torch import Tensor

from sam_seismic.config import SamConfig
from sam_seismic.networks.encoder_network import EncoderNetwork
from sam_seismic.networks.heads import HEADS
from sam_seismic.networks.heads.head import Head
from sam_seismic.sam import Sam, build_sam
from sam_seismic.sam.weights import official_path


class SamNetwork(EncoderNetwork):
    """SAM with a class head; no prompt is needed.

    The prompt encoder stays frozen; how much of the image encoder and of the mask decoder is trained, the configuration
    says. What is new in the head is always trained.

    Args:
        config: its options.
        sam: its parts are taken over, not copied.
        classes: how many facies.
    """

    head: Head

    def __init__(self, config: SamConfig, sam: Sam, classes: int) -> None:
        super().__init__(config.encoder, sam.image_encoder, HEADS[config.head.kind](config.head, sam, classes))
        self.prompt_encoder = sam.prompt_encoder.requires_grad_(False)
        self.head.train_decoder(config.decoder == "full")

    @classmethod
    def create(cls, config: SamConfig, classes: int, *, weights: Path | None = None, drawn: bool = True) -> Self:
        """SAM from a weights file, or with random weights."""
        sam = build_sam(config.size, weights) if drawn else Sam(config.size, random=False)
        return cls(config, sam, classes)

    @classmethod
    def weights_file(cls, config: SamConfig) -> Path | None:
        """The file that was given, or the official one of its size; None for `weights: random`.

        Raises:
            WeightsError: no file is given, and the official one is not in the weights folder.
        """
        if config.weights is None:
            return official_path(config.size)
        return config.weights if isinstance(config.weights, Path) else None

    @property
    def stride(self) -> int:
        """That of the head."""
        return self.head.stride

    def decode(self, embedding: Tensor, *, patches: tuple[int, int] | None = None) -> Tensor:
        """Embedding float[section, 256, h, w] -> logits float[section, class, h, w] of the head's stride."""
        grid = (embedding.shape[-2], embedding.shape[-1])
        _, dense_prompt = self.prompt_encoder(grid=grid)  # [1, 256, h, w]
        dense_pe = self.prompt_encoder.dense_pe(grid)  # [1, 256, h, w]
        logits: Tensor = self.head(embedding, dense_pe, dense_prompt, patches=patches)
        return logits
