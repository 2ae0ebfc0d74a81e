"""Sections of a part come in, canvases with their frames and labels go out, one at a time or as a batch."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from sam_seismic.config import InputConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.augment import AS_IT_IS, Augmentation, Variant
from sam_seismic.data.channels import to_channels
from sam_seismic.data.frame import Frame
from sam_seismic.errors import UserError
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.volume import Section


@dataclass(frozen=True)
class Sample:
    """One section, ready for the network.

    Args:
        image: its canvas float32[3, height, width], or what is kept of it in place of that.
        frame: how the section sits on the canvas.
        labels: uint8[sample, trace], class indices; IGNORE where nothing is trained or scored.
        name: `IL 100`.
    """

    image: Tensor
    frame: Frame
    labels: Tensor
    name: str


@dataclass(frozen=True)
class Batch:
    """A few samples; sections and canvases may differ in size.

    Args:
        images, frames, labels, names: one a section, as in Sample.
        kept: whether the images are what is kept of canvases, not canvases.
    """

    images: tuple[Tensor, ...]
    frames: tuple[Frame, ...]
    labels: tuple[Tensor, ...]
    names: tuple[str, ...]
    kept: bool = False

    @classmethod
    def collate(cls, samples: Sequence[Sample], *, kept: bool = False) -> Self:
        """Samples -> batch, in their order."""
        return cls(
            images=tuple(sample.image for sample in samples),
            frames=tuple(sample.frame for sample in samples),
            labels=tuple(sample.labels for sample in samples),
            names=tuple(sample.name for sample in samples),
            kept=kept,
        )

    def to(self, device: torch.device, non_blocking: bool = False) -> Self:  # Lightning's call
        """The same batch on a device; Lightning calls this."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Self:
        """The same batch in page-locked memory; PyTorch's loader calls this."""
        return self._each(lambda tensor: tensor.pin_memory())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        images, labels = tuple(map(change, self.images)), tuple(map(change, self.labels))
        return replace(self, images=images, labels=labels)

    def __len__(self) -> int:
        return len(self.frames)


def collate(samples: Sequence[Sample | UserError], *, kept: bool = False) -> Batch | UserError:
    """Samples -> batch; the first error among them, if any, in its place."""
    failed = next((sample for sample in samples if isinstance(sample, UserError)), None)
    if failed is not None:
        return failed
    return Batch.collate([sample for sample in samples if isinstance(sample, Sample)], kept=kept)


def prepare(section: Section, scale: AmplitudeScale, inputs: InputConfig) -> tuple[Tensor, Frame]:
    """Amplitudes of a section -> canvas float32[3, height, width] and its frame: the road that train and predict share.

    Raises:
        SurveyError: the section does not fit the canvas.
    """
    frame = frame_of(section, inputs)
    return on_canvas(scale.apply(section.values), frame), frame


def frame_of(section: Section, inputs: InputConfig) -> Frame:
    """How a section sits on the canvas.

    Raises:
        SurveyError: it does not fit.
    """
    return fitted(section.shape, inputs, section.whole_shape)


def fitted(shape: tuple[int, int], inputs: InputConfig, whole_shape: tuple[int, int] | None = None) -> Frame:
    """How a section of (samples, traces), perhaps cut from a whole one, sits on the canvas.

    Raises:
        SurveyError: it does not fit.
    """
    return Frame.fitted(shape, fit=inputs.fit, side=inputs.side, canvas=inputs.canvas, whole_shape=whole_shape)


def check_sections_fit(survey: Survey, inputs: InputConfig) -> None:
    """Refuse sections that do not fit the canvas before anything is trained; no section is read for it.

    Raises:
        SurveyError: a section is larger than the canvas.
    """
    for part in survey.parts.values():
        shapes = dict.fromkeys((part.section_shape(ref), part.whole_shape(ref)) for ref in part.sections)
        for shape, whole_shape in shapes:
            fitted(shape, inputs, whole_shape)


def on_canvas(amplitude: NDArray[np.float32], frame: Frame) -> Tensor:
    """float32[sample, trace] in [-1, 1] -> canvas float32[3, height, width]."""
    return frame.place(to_channels(torch.from_numpy(np.ascontiguousarray(amplitude))))


Kept = Callable[[Part, SectionRef, Variant], Tensor]
"""Gives what is kept of a variant of a section in place of its canvas.

Raises:
    UserError: nothing is kept of it.
"""


class SectionDataset(Dataset[Sample | UserError]):
    """The sections of one or more parts; the error in place of a section that cannot be read.

    An index names a section and an epoch at once, `epoch * len(dataset) + section`: augmentation then depends on
    nothing but the seed and the index, in whichever worker process or resumed run it is drawn. The complement of an
    index, `~index`, names the same section without any label: it fills a batch, and counts for nothing.

    Args:
        parts: what to read.
        scale: of the amplitudes, fitted on the training part.
        inputs: canvas and augmentation.
        seed: of the augmentation; None for none (validation, test).
        kept: where the canvases are not needed, since something made of them is kept.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        scale: AmplitudeScale,
        inputs: InputConfig,
        *,
        seed: int | None,
        kept: Kept | None = None,
    ) -> None:
        self._sections = [(part, ref) for part in parts for ref in part.sections]
        self._scale = scale
        self._inputs = inputs
        self._augmentation = (
            None if seed is None else Augmentation(inputs.flip, inputs.jitter, inputs.jittered_copies, seed)
        )
        self._kept = kept

    @property
    def kept(self) -> bool:
        """Whether its samples have, in place of canvases, what is kept of them."""
        return self._kept is not None

    def __len__(self) -> int:
        return len(self._sections)

    def __getitem__(self, index: int) -> Sample | UserError:
        epoch, position = divmod(max(index, ~index), len(self))
        part, ref = self._sections[position]
        variant = AS_IT_IS if self._augmentation is None else self._augmentation.draw(position, epoch)
        try:
            if self._kept is not None:
                sample = kept_sample(part, ref, variant, self._inputs, self._kept)
            else:
                sample = sample_of(part, ref, variant, self._scale, self._inputs)
        except UserError as error:
            return error
        return sample if index >= 0 else replace(sample, labels=torch.full_like(sample.labels, IGNORE))

    def variants(self) -> list[tuple[Part, SectionRef, Variant]]:
        """Every variant of every section that can be asked for."""
        return [
            (part, ref, variant)
            for position, (part, ref) in enumerate(self._sections)
            for variant in ([AS_IT_IS] if self._augmentation is None else self._augmentation.all_of(position))
        ]

    def groups(self) -> list[Hashable]:
        """One a section: those of equal ones have canvases of one size, and can be encoded together."""
        return [(id(part), ref.orientation, ref.traces) for part, ref in self._sections]


def sample_of(part: Part, ref: SectionRef, variant: Variant, scale: AmplitudeScale, inputs: InputConfig) -> Sample:
    """Read a section and place a variant of it on its canvas.

    Raises:
        SurveyError: the section cannot be read, or does not fit the canvas.
    """
    section, labels = part.read(ref)
    canvas, frame = _canvas_of(section, variant, scale, inputs)
    return Sample(canvas, frame, torch.from_numpy(variant.labels(labels)), ref.name)


def canvas_of(
    part: Part, ref: SectionRef, variant: Variant, scale: AmplitudeScale, inputs: InputConfig
) -> tuple[Tensor, Frame]:
    """The canvas of `sample_of` and its frame, without reading the labels.

    Raises:
        SurveyError: the section cannot be read, or does not fit the canvas.
    """
    return _canvas_of(part.amplitude(ref), variant, scale, inputs)


def _canvas_of(section: Section, variant: Variant, scale: AmplitudeScale, inputs: InputConfig) -> tuple[Tensor, Frame]:
    frame = frame_of(section, inputs)
    return on_canvas(variant.amplitude(scale.apply(section.values)), frame), frame


def kept_sample(part: Part, ref: SectionRef, variant: Variant, inputs: InputConfig, kept: Kept) -> Sample:
    """Read the labels of a section and what is kept of a variant of it.

    Raises:
        UserError: nothing is kept of it, or its labels cannot be read.
    """
    found = part.labels(ref)
    frame = fitted(found.shape, inputs, found.whole_shape)
    labels = torch.from_numpy(variant.labels(found.values.astype(np.uint8, copy=False)))
    return Sample(kept(part, ref, variant), frame, labels, ref.name)
