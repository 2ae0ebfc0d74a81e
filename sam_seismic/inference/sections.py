"""A trained task and a few sections come in; the class probabilities of each go out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from sam_seismic.data.batches import CanvasBatch
from sam_seismic.inference.products import Probabilities
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.volume import Section
from sam_seismic.tasks.facies import FaciesSegmentation


@dataclass(frozen=True, eq=False)
class SectionBatch:
    """Sections that are read and ready for the network.

    Args:
        sections: in order.
        canvases: of the same sections; on their way to a GPU in page-locked memory.
    """

    sections: tuple[Section, ...]
    canvases: CanvasBatch


def prepare_batch(task: FaciesSegmentation, sections: Sequence[Section]) -> SectionBatch:
    """A few sections on their canvases.

    Raises:
        SurveyError: a section does not fit the canvas.
    """
    transform = task.metadata.transform
    placed = [transform.canvas(section) for section in sections]
    batch = CanvasBatch(
        images=tuple(canvas for canvas, _ in placed),
        frames=tuple(frame for _, frame in placed),
        refs=tuple(SectionRef(section.orientation, section.line) for section in sections),
    )
    return SectionBatch(tuple(sections), batch.pin_memory() if _on_gpu(task) else batch)


def predict_batch(task: FaciesSegmentation, batch: SectionBatch) -> Iterator[Probabilities]:
    """Class probabilities of the sections of a batch, one after the other."""
    with torch.inference_mode():
        logits = task.section_logits(batch.canvases.to(task.device, non_blocking=_on_gpu(task)))
    for section in logits:
        with torch.inference_mode():
            probabilities = section.softmax(dim=0).cpu().numpy()  # [class, sample, trace]
        yield probabilities


def predict_sections(task: FaciesSegmentation, sections: Sequence[Section]) -> Iterator[Probabilities]:
    """Class probabilities of a few sections of any size that fits the canvas, one after the other."""
    return predict_batch(task, prepare_batch(task, sections))


def _on_gpu(task: FaciesSegmentation) -> bool:
    return task.device.type == "cuda"
