"""Interface of tuning methods: which part of an encoder is trained, and which weights a checkpoint saves."""

from abc import ABC, abstractmethod

from sam_seismic.config.encoder import EncoderKind
from sam_seismic.sam import BlockEncoder
from sam_seismic.tuning.encoder_cut import EncoderCut, FrozenPrefix


class TuningMethod(ABC):
    """A method of tuning an encoder.

    Args:
        config: options of the method.
    """

    def __init__(self, config: EncoderKind) -> None:
        self.config = config

    @abstractmethod
    def frozen_prefix(self, encoder: BlockEncoder) -> FrozenPrefix:
        """The first layers of the encoder that stay frozen; their output is the same in every epoch."""

    def apply(self, encoder: BlockEncoder) -> EncoderCut:
        """Make all parameters after the frozen prefix trainable. A method that adds modules overrides this.

        Args:
            encoder: modified in place.
        """
        cut = EncoderCut(encoder, self.frozen_prefix(encoder))
        encoder.requires_grad_(True)
        for part in cut.frozen_modules():
            part.requires_grad_(False)
        encoder.pos_embed.requires_grad_(cut.frozen.empty)
        encoder.checkpointing = bool(self.config.checkpoints)
        return cut

    def saves(self, name: str) -> bool:  # noqa: ARG002  # for methods that do not save all weights
        """Whether a checkpoint holds the weight of the encoder with this name in `state_dict()`."""
        return True
