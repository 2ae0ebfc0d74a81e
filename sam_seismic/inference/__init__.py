"""Whole-volume prediction: sections are streamed, orientations merged, and what users want of them written down."""

from sam_seismic.inference.line_batches import count_sections
from sam_seismic.inference.products import Confidence, Entropy, Facies, FaciesIndex, Probability, Product
from sam_seismic.inference.rank_exchange import RankExchange
from sam_seismic.inference.section_outputs import Output
from sam_seismic.inference.sections import predict_sections
from sam_seismic.inference.volume import predict_share, predict_volume, scratch_path, share_of

__all__ = [
    "Confidence",
    "Entropy",
    "Facies",
    "FaciesIndex",
    "Output",
    "Probability",
    "Product",
    "RankExchange",
    "count_sections",
    "predict_sections",
    "predict_share",
    "predict_volume",
    "scratch_path",
    "share_of",
]
