"""A task and a few sections come in; the class probabilities of each section go out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from sam_seismic.data.batches import CanvasBatch
from sam_seismic.data.canvas import CanvasTransform
from sam_seismic.inference.products import Probabilities
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.volume import Section
from sam_seismic.tasks.facies import FaciesSegmentation


@dataclass(frozen=True, eq=False)
class SectionBatch:
    """Sections on their canvases, ready for the network.

    Args:
        sections: as they were read.
        canvases: one a section; in page-locked memory where the network is on a GPU.
    """

    sections: tuple[Section, ...]
    canvases: CanvasBatch


def prepare_batch(
    task: FaciesSegmentation, sections: Sequence[Section], transform: CanvasTransform | None = None
) -> SectionBatch:
    """Place sections on their canvases.

    Args:
        task: that predicts them.
        sections: amplitudes.
        transform: from amplitudes to canvases; None for that of the training.

    Raises:
        SurveyError: a section does not fit the canvas.
    """
    transform = transform or task.metadata.transform
    placed = [transform.canvas(section) for section in sections]
    batch = CanvasBatch(
        images=tuple(canvas for canvas, _ in placed),
        frames=tuple(frame for _, frame in placed),
        refs=tuple(SectionRef(section.orientation, section.line) for section in sections),
    )
    return SectionBatch(tuple(sections), batch.pin_memory() if _on_gpu(task) else batch)


def predict_batch(task: FaciesSegmentation, batch: SectionBatch) -> Iterator[Probabilities]:
    """Class probabilities float32[class, sample, trace] of each section of a batch, one after the other."""
    with torch.inference_mode():
        logits = task.section_logits(batch.canvases.to(task.device, non_blocking=_on_gpu(task)))
    for section in logits:
        with torch.inference_mode():
            probabilities = section.softmax(dim=0).cpu().numpy()  # [class, sample, trace]
        yield probabilities


def predict_sections(task: FaciesSegmentation, sections: Sequence[Section]) -> Iterator[Probabilities]:
    """Class probabilities float32[class, sample, trace] of a few sections that fit the canvas, one after the other."""
    return predict_batch(task, prepare_batch(task, sections))


def _on_gpu(task: FaciesSegmentation) -> bool:
    return task.device.type == "cuda"
