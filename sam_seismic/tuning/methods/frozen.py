"""`encoder: frozen`: nothing of the encoder is trained."""

from sam_seismic.sam import BlockEncoder
from sam_seismic.tuning.encoder_cut import FrozenPrefix
from sam_seismic.tuning.methods.method import TuningMethod


class Frozen(TuningMethod):
    """All of it is frozen."""

    def frozen_prefix(self, encoder: BlockEncoder) -> FrozenPrefix:
        """The whole encoder: its embedding can be kept."""
        return FrozenPrefix(encoder.depth, neck=True)
