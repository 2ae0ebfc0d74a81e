"""SEG-Y: any post-stack dialect -> Volume; a result shaped like its source; plain files from a grid."""

from sam_seismic.config.choices import FormatName
from sam_seismic.survey.segy.reader import SegyVolume
from sam_seismic.survey.segy.template import SegyTemplate
from sam_seismic.survey.segy.writer import SegyResult, segy_result, write_segy

__all__ = ["FormatName", "SegyResult", "SegyTemplate", "SegyVolume", "segy_result", "write_segy"]
