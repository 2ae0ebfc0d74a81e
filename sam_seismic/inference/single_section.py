"""A trained task and one section come in; its class probabilities and the label value of each voxel go out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.inference.outputs import FLOAT_NULL, label_null, label_type
from sam_seismic.inference.products import Facies, Probabilities
from sam_seismic.inference.section_outputs import check_no_overflow
from sam_seismic.inference.sections import predict_sections
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labelled import as_amplitude
from sam_seismic.survey.volume import Section
from sam_seismic.tasks.facies import FaciesSegmentation


@dataclass(frozen=True, eq=False)
class SectionPrediction:
    """The prediction of one section. Dead traces hold the same values as in the output volumes.

    Args:
        names: of the classes, in their order along the first axis of `probabilities`.
        probabilities: float32[class, sample, trace], summing to 1 over the classes; -1 on dead traces.
        facies: int16[sample, trace], the label value of the most probable class; `null` on dead traces.
        null: a value that no class has: -1 unless a class has it.
    """

    names: tuple[str, ...]
    probabilities: Probabilities
    facies: NDArray[np.int16]
    null: int


def predict_section(task: FaciesSegmentation, section: Section) -> SectionPrediction:
    """Predict one section, of any size that fits the canvas.

    Raises:
        SurveyError: an amplitude is not finite, or the section does not fit the canvas.
        UserError: the network overflows.
    """
    table = task.metadata.facies
    (probabilities,) = predict_sections(task, [as_amplitude(section, section.name)])  # [class, sample, trace]
    check_no_overflow(section, probabilities)
    facies = Facies(table).of(probabilities).astype(np.int16)  # [sample, trace]
    null = label_null(table, label_type(table))
    probabilities[:, :, ~section.live] = FLOAT_NULL
    facies[:, ~section.live] = null
    return SectionPrediction(table.names, probabilities, facies, null)


def as_section(values: NDArray[np.generic]) -> Section:
    """Amplitudes [sample, trace] of any real type as a section, all of whose traces count as live.

    Raises:
        SurveyError: the array has other axes, is empty, or holds values that are not finite numbers.
    """
    if values.ndim != 2 or 0 in values.shape or values.dtype.kind not in "iuf":
        raise SurveyError(
            problem=f"an array of shape {values.shape} and type {values.dtype} is no section",
            fix="give amplitudes [sample, trace], the sample axis down; a volume is opened from its file",
        )
    section = Section(Orientation.INLINE, 0, values, np.ones(values.shape[1], np.bool_))
    return as_amplitude(section, f"the array of shape {values.shape}")
