"""SAM with a class head: canvases come in, one plane of logits for each class goes out."""

from pathlib import Path
from typing import Self

from torch import Tensor

from sam_seismic.config import SamConfig
from sam_seismic.networks.encoder_network import EncoderNetwork
from sam_seismic.networks.heads import HEADS
from sam_seismic.networks.heads.head import Head
from sam_seismic.sam import Sam, load_sam
from sam_seismic.sam.weights import official_path, read_weights


class SamNetwork(EncoderNetwork):
    """SAM's image encoder and a class head on SAM's mask decoder, without prompts.

    The prompt encoder is frozen and encodes the empty prompt. The configuration sets how much of the image encoder and
    of the mask decoder is trained. The new parameters of the head are always trained.

    Args:
        config: options of the network.
        sam: its modules are used without copying.
        classes: number of facies.
    """

    head: Head

    def __init__(self, config: SamConfig, sam: Sam, classes: int) -> None:
        super().__init__(config.encoder, sam.image_encoder, HEADS[config.head.kind](config.head, sam, classes))
        self.prompt_encoder = sam.prompt_encoder.requires_grad_(False)
        self.head.train_decoder(config.decoder == "full")

    @classmethod
    def create(cls, config: SamConfig, classes: int, *, weights: Path | None = None, initialise: bool = True) -> Self:
        """SAM from a weights file, or with random weights."""
        if weights is None or not initialise:
            return cls(config, Sam(config.size, random=initialise), classes)
        sam, content = load_sam(config.size, weights)
        network = cls(config, sam, classes)
        network.notes = tuple(content.notes())
        return network

    @classmethod
    def weights_file(cls, config: SamConfig) -> Path | None:
        """The configured file, or the official one of this size; None for `weights: random`, and beside `init_from`.

        Raises:
            WeightsError: no file is configured, and the official one is not in the weights folder.
        """
        if config.weights is None:
            return official_path(config.size) if config.init_from is None else None
        return config.weights if isinstance(config.weights, Path) else None

    @classmethod
    def weights_notes(cls, config: SamConfig, *, values: bool = True) -> list[str]:
        """As `weights verify` finds them."""
        path = cls.weights_file(config)
        return [] if path is None else read_weights(path, config.size, values=values).content.notes()

    @property
    def stride(self) -> int:
        """Stride of the head."""
        return self.head.stride

    def decode(self, embedding: Tensor, *, patches: tuple[int, int] | None = None) -> Tensor:
        """Embedding float[section, 256, h, w] -> logits float[section, class, h', w'] with the head's stride."""
        grid = (embedding.shape[-2], embedding.shape[-1])
        _, dense_prompt = self.prompt_encoder(grid=grid)  # [1, 256, h, w]
        dense_pe = self.prompt_encoder.dense_pe(grid)  # [1, 256, h, w]
        logits: Tensor = self.head(embedding, dense_pe, dense_prompt, patches=patches)
        return logits
