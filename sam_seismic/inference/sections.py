"""A task and a few sections come in; the class probabilities of each section go out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sam_seismic.data.dataset import prepare
from sam_seismic.data.frame import Frame
from sam_seismic.inference.products import Probabilities
from sam_seismic.survey.volume import Section
from sam_seismic.tasks.facies import FaciesSegmentation


@dataclass(frozen=True, eq=False)
class SectionBatch:
    """Sections on their canvases, ready for the network.

    Args:
        sections: as they were read.
        canvases: one a section, float32[3, height, width]; in page-locked memory where the network is on a GPU.
        frames: one a section, how it sits on its canvas.
    """

    sections: tuple[Section, ...]
    canvases: tuple[Tensor, ...]
    frames: tuple[Frame, ...]


def prepare_batch(task: FaciesSegmentation, sections: Sequence[Section]) -> SectionBatch:
    """Place sections on their canvases.

    Raises:
        SurveyError: a section does not fit the canvas.
    """
    placed = [prepare(section, task.metadata.scale, task.metadata.inputs) for section in sections]
    on_gpu = task.device.type == "cuda"
    canvases = tuple(canvas.pin_memory() if on_gpu else canvas for canvas, _ in placed)
    return SectionBatch(tuple(sections), canvases, tuple(frame for _, frame in placed))


def predict_batch(task: FaciesSegmentation, batch: SectionBatch) -> Iterator[Probabilities]:
    """Class probabilities float32[class, sample, trace] of each section of a batch, one after the other."""
    on_gpu = task.device.type == "cuda"
    with torch.inference_mode():
        canvases = [canvas.to(task.device, non_blocking=on_gpu) for canvas in batch.canvases]
        logits = task.logits_of(canvases, batch.frames)
    for section in logits:
        with torch.inference_mode():
            probabilities = section.softmax(dim=0).cpu().numpy()  # [class, sample, trace]
        yield probabilities


def predict_sections(task: FaciesSegmentation, sections: Sequence[Section]) -> Iterator[Probabilities]:
    """Class probabilities float32[class, sample, trace] of a few sections that fit the canvas, one after the other."""
    return predict_batch(task, prepare_batch(task, sections))
