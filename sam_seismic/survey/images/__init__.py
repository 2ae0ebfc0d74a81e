"""Folders of section images <-> numpy: il_N / xl_N as PNG or TIFF, with labels beside them."""

from sam_seismic.survey.images.folder import FolderVolume, pair, parts
from sam_seismic.survey.images.result import FolderResult

__all__ = ["FolderResult", "FolderVolume", "pair", "parts"]
