"""`encoder: full`: the whole encoder is trained."""

from sam_seismic.sam import BlockEncoder
from sam_seismic.tuning.encoder_cut import FrozenPrefix
from sam_seismic.tuning.methods.method import TuningMethod


class Full(TuningMethod):
    """Nothing is frozen."""

    def frozen_prefix(self, encoder: BlockEncoder) -> FrozenPrefix:  # noqa: ARG002
        """An empty prefix."""
        return FrozenPrefix()
