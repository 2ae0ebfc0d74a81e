"""A task and an amplitude volume come in; sections are predicted, merged and written to the outputs."""

from sam_seismic.inference.prediction_job import PredictionJob
from sam_seismic.inference.products import Confidence, Entropy, Facies, FaciesIndex, Probability, Product
from sam_seismic.inference.rank_exchange import RankExchange
from sam_seismic.inference.section_outputs import Output
from sam_seismic.inference.sections import predict_sections
from sam_seismic.inference.volume import predict_share, predict_volume, scratch_path

__all__ = [
    "Confidence",
    "Entropy",
    "Facies",
    "FaciesIndex",
    "Output",
    "PredictionJob",
    "Probability",
    "Product",
    "RankExchange",
    "predict_sections",
    "predict_share",
    "predict_volume",
    "scratch_path",
]
