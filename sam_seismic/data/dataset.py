"""Sections of a survey's parts come in; samples go out, each with its canvas or with stored features of it."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sam_seismic.data.augment import UNCHANGED, Augmentation, Variant
from sam_seismic.data.batches import Batch, CanvasBatch, EmbeddingBatch, Sample
from sam_seismic.data.canvas import CanvasTransform, frame_of
from sam_seismic.errors import UserError
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.parts import Part
from sam_seismic.survey.splits import SectionRef


@dataclass(frozen=True, eq=False)
class SectionVariant:
    """One variant of one section of a part."""

    part: Part
    ref: SectionRef
    variant: Variant = UNCHANGED


@dataclass(frozen=True, order=True)
class SectionIndex:
    """The index of a sample in a data set.

    Augmentation depends only on the seed and this index, so it is the same in any worker process and resumed run.

    Args:
        section: position in the data set.
        epoch: counted from 0.
        counts: whether its labels are used; if not, the section only fills a batch.
    """

    section: int
    epoch: int = 0
    counts: bool = True


StoredEmbeddings = Callable[[SectionVariant], Tensor]
"""Reads features of a variant of a section from the embedding store; they replace its canvas.

Raises:
    UserError: the variant is not stored.
"""


class SectionDataset(Dataset[Sample | UserError]):
    """The sections of one or more parts; a section that cannot be read gives its error instead.

    Args:
        parts: what to read.
        transform: from amplitudes to canvases.
        seed: of the augmentation; None for none (validation, test).
        stored: reads stored features in place of canvases; None without a store.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        transform: CanvasTransform,
        *,
        seed: int | None,
        stored: StoredEmbeddings | None = None,
    ) -> None:
        self._sections = [(part, ref) for part in parts for ref in part.sections]
        self._transform = transform
        inputs = transform.inputs
        self._augmentation = (
            None if seed is None else Augmentation(inputs.flip, inputs.jitter, inputs.jittered_copies, seed)
        )
        self._stored = stored

    @property
    def batch_kind(self) -> type[Batch]:
        """The type of batch that its samples form."""
        return CanvasBatch if self._stored is None else EmbeddingBatch

    def __len__(self) -> int:
        return len(self._sections)

    def __getitem__(self, index: SectionIndex) -> Sample | UserError:
        part, ref = self._sections[index.section]
        drawn = UNCHANGED if self._augmentation is None else self._augmentation.draw(index.section, index.epoch)
        which = SectionVariant(part, ref, drawn)
        try:
            if self._stored is None:
                sample = sample_of(which, self._transform)
            else:
                sample = stored_sample(which, self._transform, self._stored)
        except UserError as error:
            return error
        return sample if index.counts else replace(sample, labels=torch.full_like(sample.labels, IGNORE))

    def name_of(self, index: SectionIndex) -> str:
        """A section in words, for messages."""
        part, ref = self._sections[index.section]
        return f"{ref.name} of {part.volume.amplitude.path}"

    def variants(self) -> list[SectionVariant]:
        """All variants of all sections."""
        return [
            SectionVariant(part, ref, variant)
            for position, (part, ref) in enumerate(self._sections)
            for variant in ([UNCHANGED] if self._augmentation is None else self._augmentation.variants(position))
        ]

    def groups(self) -> list[Hashable]:
        """A group for each section. Sections of one group have canvases of one size and can be encoded together."""
        return [(id(part), ref.orientation, ref.traces) for part, ref in self._sections]


def sample_of(which: SectionVariant, transform: CanvasTransform) -> Sample:
    """Read a section and place a variant of it on its canvas.

    Raises:
        SurveyError: the section cannot be read, or does not fit the canvas.
    """
    section, labels = which.part.read(which.ref)
    canvas, frame = transform.canvas(section, which.variant)
    return Sample(canvas, frame, torch.from_numpy(which.variant.labels(labels)), which.ref)


def stored_sample(which: SectionVariant, transform: CanvasTransform, stored: StoredEmbeddings) -> Sample:
    """Read the labels of a section, and the stored features of a variant of it.

    Raises:
        UserError: the variant is not stored, or its labels cannot be read.
    """
    found = which.part.labels(which.ref)
    frame = frame_of(found.shape, transform.inputs, found.whole_shape)
    labels = torch.from_numpy(which.variant.labels(found.values.astype(np.uint8, copy=False)))
    return Sample(stored(which), frame, labels, which.ref)
