"""Sections of amplitudes come in, canvases for the network go out; train and predict share this transform."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sam_seismic.config import InputConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.augment import UNCHANGED, Variant
from sam_seismic.data.channels import to_channels
from sam_seismic.data.frame import Frame
from sam_seismic.survey.parts import Survey
from sam_seismic.survey.volume import Section


@dataclass(frozen=True)
class CanvasTransform:
    """Transforms amplitudes into a canvas.

    Args:
        scale: of the amplitudes, fitted on the training part.
        inputs: size of the canvas and fit.
    """

    scale: AmplitudeScale
    inputs: InputConfig

    def frame(self, section: Section) -> Frame:
        """How a section, which may be cut from a whole one, sits on its canvas.

        Raises:
            SurveyError: it does not fit.
        """
        return frame_of(section.shape, self.inputs, section.whole_shape)

    def canvas(self, section: Section, variant: Variant = UNCHANGED) -> tuple[Tensor, Frame]:
        """Canvas float32[3, height, width] of a variant of a section, and its frame.

        Raises:
            SurveyError: the section does not fit the canvas.
        """
        frame = self.frame(section)
        return on_canvas(variant.amplitude(self.scale.apply(section.values)), frame), frame


def frame_of(shape: tuple[int, int], inputs: InputConfig, whole_shape: tuple[int, int] | None = None) -> Frame:
    """How a section of (samples, traces), which may be cut from a whole one, sits on its canvas.

    Raises:
        SurveyError: it does not fit.
    """
    return Frame.fitted(shape, fit=inputs.fit, side=inputs.side, canvas=inputs.canvas, whole_shape=whole_shape)


def describe_canvas(inputs: InputConfig) -> str:
    """`1024 x 1024, fit: pad` or `tight, at most 1024 pixels, fit: pad`."""
    size = f"{inputs.side} x {inputs.side}" if inputs.canvas == "square" else f"tight, at most {inputs.side} pixels"
    return f"{size}, fit: {inputs.fit}"


def on_canvas(amplitude: NDArray[np.float32], frame: Frame) -> Tensor:
    """float32[sample, trace] in [-1, 1] -> canvas float32[3, height, width]."""
    return frame.place(to_channels(torch.from_numpy(np.ascontiguousarray(amplitude))))


def check_sections_fit(survey: Survey, inputs: InputConfig) -> None:
    """Refuse sections that do not fit the canvas before training starts, without reading any section.

    Raises:
        SurveyError: a section is larger than the canvas.
    """
    for part in survey.parts.values():
        shapes = dict.fromkeys((part.section_shape(ref), part.whole_shape(ref)) for ref in part.sections)
        for shape, whole_shape in shapes:
            frame_of(shape, inputs, whole_shape)
