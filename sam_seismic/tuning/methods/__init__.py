"""Tuning methods, which set what part of an encoder is trained: one file each, listed here by their YAML name."""

from sam_seismic.tuning.methods.frozen import Frozen
from sam_seismic.tuning.methods.full import Full
from sam_seismic.tuning.methods.last_blocks import LastBlocks
from sam_seismic.tuning.methods.method import TuningMethod

METHODS: dict[str, type[TuningMethod]] = {
    "frozen": Frozen,
    "last_blocks": LastBlocks,
    "full": Full,
}
"""By `model.encoder.kind`; `model.decoder` has `frozen` and `full`."""

__all__ = ["METHODS", "TuningMethod"]
