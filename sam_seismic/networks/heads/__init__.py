"""From SAM's embedding to one logit plane a class: one file a head, listed here by the word that the YAML has."""

from sam_seismic.networks.heads.head import Head
from sam_seismic.networks.heads.tokens import TokenHead

HEADS: dict[str, type[Head]] = {
    "tokens": TokenHead,
}
"""By `model.head.kind`."""

__all__ = ["HEADS", "Head"]
