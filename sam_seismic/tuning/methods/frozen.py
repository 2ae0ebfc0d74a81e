"""`encoder: frozen`: no part of the encoder is trained."""

from sam_seismic.sam import BlockEncoder
from sam_seismic.tuning.encoder_cut import FrozenPrefix
from sam_seismic.tuning.methods.method import TuningMethod


class Frozen(TuningMethod):
    """The whole encoder is frozen."""

    def frozen_prefix(self, encoder: BlockEncoder) -> FrozenPrefix:
        """The whole encoder, so that its embedding can be stored."""
        return FrozenPrefix(encoder.depth, neck=True)
