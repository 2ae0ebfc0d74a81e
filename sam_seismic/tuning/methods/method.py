"""What every way of tuning answers: what of an encoder it trains, what stays frozen below, what a checkpoint holds."""

from abc import ABC, abstractmethod

from sam_seismic.config.encoder import EncoderKind
from sam_seismic.sam import BlockEncoder
from sam_seismic.tuning.encoder_cut import EncoderCut, FrozenPrefix


class TuningMethod(ABC):
    """A way of tuning an encoder.

    Args:
        config: its options.
    """

    def __init__(self, config: EncoderKind) -> None:
        self.config = config

    @abstractmethod
    def frozen_prefix(self, encoder: BlockEncoder) -> FrozenPrefix:
        """What of the encoder never changes, counted from the canvas: that much runs once a section."""

    def apply(self, encoder: BlockEncoder) -> EncoderCut:
        """Set which parameters are trained: all above the frozen prefix. A method may add modules of its own first.

        Args:
            encoder: changed in place.
        """
        cut = EncoderCut(encoder, self.frozen_prefix(encoder))
        encoder.requires_grad_(True)
        for part in cut.frozen_modules():
            part.requires_grad_(False)
        encoder.pos_embed.requires_grad_(cut.frozen.empty)
        encoder.checkpointing = bool(self.config.checkpoints)
        return cut

    def saves(self, name: str) -> bool:  # noqa: ARG002  # methods that save less than everything look at it
        """Whether a checkpoint holds a weight of the encoder, by its name in `state_dict()`."""
        return True
