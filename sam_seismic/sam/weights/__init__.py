"""Weights files: the published files and their folder; functions to fetch, verify and load them."""

from sam_seismic.downloads import Progress
from sam_seismic.sam.weights.content import WeightsContent
from sam_seismic.sam.weights.download import download, fetch
from sam_seismic.sam.weights.load import Verified, load_weights, read_weights, verify
from sam_seismic.sam.weights.official import (
    OFFICIAL,
    OfficialWeights,
    file_hash,
    official_path,
    official_weights,
    weights_folder,
)
from sam_seismic.sam.weights.plain import read_plain

__all__ = [
    "OFFICIAL",
    "OfficialWeights",
    "Progress",
    "Verified",
    "WeightsContent",
    "download",
    "fetch",
    "file_hash",
    "load_weights",
    "official_path",
    "official_weights",
    "read_plain",
    "read_weights",
    "verify",
    "weights_folder",
]
