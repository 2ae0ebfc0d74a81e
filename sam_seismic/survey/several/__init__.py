"""Several SEG-Y files of one survey: opened as one volume; results as one file, or as a file each."""

from sam_seismic.survey.several.opening import open_segy_files
from sam_seismic.survey.several.result import one_segy_result, segy_files_result
from sam_seismic.survey.several.volume import SegyFiles

__all__ = ["SegyFiles", "one_segy_result", "open_segy_files", "segy_files_result"]
