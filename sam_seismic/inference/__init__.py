"""Whole-volume prediction: sections are streamed, orientations merged, and what users want of them written down."""

from sam_seismic.inference.products import Confidence, Entropy, Facies, FaciesIndex, Probability, Product
from sam_seismic.inference.sections import predict_sections
from sam_seismic.inference.volume import Output, predict_volume

__all__ = [
    "Confidence",
    "Entropy",
    "Facies",
    "FaciesIndex",
    "Output",
    "Probability",
    "Product",
    "predict_sections",
    "predict_volume",
]
