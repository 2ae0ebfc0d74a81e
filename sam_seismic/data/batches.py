"""Single sections that are ready for the network come in; batches of canvases or of embeddings go out."""

from abc import ABC
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from sam_seismic.data.frame import Frame
from sam_seismic.errors import UserError
from sam_seismic.survey.splits import SectionRef


@dataclass(frozen=True)
class Sample:
    """One section, ready for the network.

    Args:
        image: its canvas float32[3, height, width], or stored features of the canvas.
        frame: how the section sits on the canvas.
        labels: uint8[sample, trace], class indices; IGNORE where nothing is trained or scored.
        ref: orientation and line of the section.
    """

    image: Tensor
    frame: Frame
    labels: Tensor
    ref: SectionRef


@dataclass(frozen=True)
class Batch(ABC):
    """Several sections; they and their canvases may differ in size.

    Args:
        images, frames, refs, labels: one for each section, as in Sample; no labels for prediction.
    """

    images: tuple[Tensor, ...]
    frames: tuple[Frame, ...]
    refs: tuple[SectionRef, ...]
    labels: tuple[Tensor, ...] = ()

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Self:
        """Samples -> batch, in their order."""
        return cls(
            images=tuple(sample.image for sample in samples),
            frames=tuple(sample.frame for sample in samples),
            refs=tuple(sample.ref for sample in samples),
            labels=tuple(sample.labels for sample in samples),
        )

    def to(self, device: torch.device, non_blocking: bool = False) -> Self:
        """The same batch on a device; Lightning calls this."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Self:
        """The same batch in page-locked memory; PyTorch's loader calls this."""
        return self._each(lambda tensor: tensor.pin_memory())

    def share_memory(self) -> Self:
        """The same batch in shared memory, where other processes read it without a copy.

        Raises:
            RuntimeError: there is not enough shared memory.
        """
        return self._each(lambda tensor: tensor.share_memory_())  # type: ignore[no-untyped-call]

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        images, labels = tuple(map(change, self.images)), tuple(map(change, self.labels))
        return replace(self, images=images, labels=labels)

    def __len__(self) -> int:
        return len(self.frames)


class CanvasBatch(Batch):
    """A batch whose images are canvases float32[3, height, width]."""


class EmbeddingBatch(Batch):
    """A batch whose images are stored features of canvases: float16, of shape `EncoderCut.feature_shape`."""


def collate(samples: Sequence[Sample | UserError], kind: type[Batch]) -> Batch | UserError:
    """Samples -> batch of a kind, or the first error among them."""
    failed = next((sample for sample in samples if isinstance(sample, UserError)), None)
    if failed is not None:
        return failed
    return kind.of([sample for sample in samples if isinstance(sample, Sample)])
