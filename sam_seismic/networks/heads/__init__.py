"""Class heads on SAM's image embedding: one file for each kind, listed here by its YAML name."""

from sam_seismic.networks.heads.head import Head
from sam_seismic.networks.heads.tokens import TokenHead

HEADS: dict[str, type[Head]] = {
    "tokens": TokenHead,
}
"""By `model.head.kind`."""

__all__ = ["HEADS", "Head"]
