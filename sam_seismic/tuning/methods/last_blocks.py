"""`encoder: {kind: last_blocks, blocks: n}`: the last n blocks and the neck are trained."""

from sam_seismic.config.encoder import LastBlocksEncoder
from sam_seismic.sam import BlockEncoder
from sam_seismic.tuning.encoder_cut import FrozenPrefix
from sam_seismic.tuning.methods.method import TuningMethod


class LastBlocks(TuningMethod):
    """The patch embedding, the positions and the first blocks are frozen."""

    config: LastBlocksEncoder

    def frozen_prefix(self, encoder: BlockEncoder) -> FrozenPrefix:
        """All blocks before the trained ones."""
        return FrozenPrefix(encoder.depth - self.config.blocks)
