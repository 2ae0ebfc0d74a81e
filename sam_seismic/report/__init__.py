"""Sections, scores and metrics come in; PNG pictures and metrics.json go out."""

from sam_seismic.report.animation import write_animation
from sam_seismic.report.distribution import AmplitudeCounts, LabelCounts
from sam_seismic.report.film import FilmFigure, FilmSection, write_frame
from sam_seismic.report.legend import facies_legend
from sam_seismic.report.letters import note_on_labels
from sam_seismic.report.ruler import Ruler
from sam_seismic.report.scores import confusion_picture
from sam_seismic.report.section import section_picture
from sam_seismic.report.training import learning_curve
from sam_seismic.report.volume import volume_picture

__all__ = [
    "AmplitudeCounts",
    "FilmFigure",
    "FilmSection",
    "LabelCounts",
    "Ruler",
    "confusion_picture",
    "facies_legend",
    "learning_curve",
    "note_on_labels",
    "section_picture",
    "volume_picture",
    "write_animation",
    "write_frame",
]
