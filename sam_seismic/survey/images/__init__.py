"""Folders of section images <-> numpy: il_N / xl_N as PNG or TIFF, with labels beside them."""

from sam_seismic.survey.images.folder import FolderVolume, holds_sections, parts
from sam_seismic.survey.images.result import FolderResult, folder_result

__all__ = ["FolderResult", "FolderVolume", "folder_result", "holds_sections", "parts"]
