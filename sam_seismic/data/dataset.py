"""Sections of a part come in, canvases with their frames and labels go out, one at a time or as a batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from sam_seismic.config import InputConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.augment import augment
from sam_seismic.data.channels import to_channels
from sam_seismic.data.frame import Frame
from sam_seismic.errors import UserError
from sam_seismic.survey.parts import Part
from sam_seismic.survey.volume import Section


@dataclass(frozen=True)
class Sample:
    """One section, ready for the network.

    Args:
        canvas: float32[3, height, width].
        frame: how the section sits on it.
        labels: uint8[sample, trace], class indices; IGNORE where nothing is trained or scored.
        name: `IL 100`.
    """

    canvas: Tensor
    frame: Frame
    labels: Tensor
    name: str


@dataclass(frozen=True)
class Batch:
    """Samples of one canvas size; the sections on them may differ in size.

    Args:
        canvas: float32[section, 3, height, width].
        frames, labels, names: one a section.
    """

    canvas: Tensor
    frames: tuple[Frame, ...]
    labels: tuple[Tensor, ...]
    names: tuple[str, ...]

    @classmethod
    def collate(cls, samples: Sequence[Sample]) -> Self:
        """Samples -> batch, in their order."""
        return cls(
            canvas=torch.stack([sample.canvas for sample in samples]),  # [section, 3, height, width]
            frames=tuple(sample.frame for sample in samples),
            labels=tuple(sample.labels for sample in samples),
            names=tuple(sample.name for sample in samples),
        )

    def to(self, device: torch.device, non_blocking: bool = False) -> Self:  # Lightning's call
        """The same batch on a device; Lightning calls this."""
        labels = tuple(label.to(device, non_blocking=non_blocking) for label in self.labels)
        return type(self)(self.canvas.to(device, non_blocking=non_blocking), self.frames, labels, self.names)

    def pin_memory(self) -> Self:
        """The same batch in page-locked memory; PyTorch's loader calls this."""
        labels = tuple(label.pin_memory() for label in self.labels)
        return type(self)(self.canvas.pin_memory(), self.frames, labels, self.names)

    def __len__(self) -> int:
        return len(self.frames)


def collate(samples: Sequence[Sample | UserError]) -> Batch | UserError:
    """Samples -> batch; the first error among them, if any, in its place."""
    failed = next((sample for sample in samples if isinstance(sample, UserError)), None)
    if failed is not None:
        return failed
    return Batch.collate([sample for sample in samples if isinstance(sample, Sample)])


class SectionLoader(DataLoader[Batch]):
    """A loader that raises what reading a section raised, as it was raised, whether worker processes read or not.

    PyTorch makes the exceptions of its workers anew from their text alone, which loses a problem and its fix.
    """

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # Lightning asks for no more than an iterator
        """Batches, as `collate` makes them.

        Raises:
            UserError: a section cannot be read.
        """
        for batch in super().__iter__():
            if isinstance(batch, UserError):
                raise batch
            yield batch


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
    return Frame.fitted(section.shape, fit=inputs.fit, side=inputs.side, whole_shape=section.whole_shape)


def on_canvas(amplitude: NDArray[np.float32], frame: Frame) -> Tensor:
    """float32[sample, trace] in [-1, 1] -> canvas float32[3, height, width]."""
    return frame.place(to_channels(torch.from_numpy(np.ascontiguousarray(amplitude))))


class SectionDataset(Dataset[Sample | UserError]):
    """The sections of one or more parts; the error in place of a section that cannot be read.

    An index names a section and an epoch at once, `epoch * len(dataset) + section`: augmentation then depends on
    nothing but the seed and the index, in whichever worker process or resumed run it is drawn.

    Args:
        parts: what to read.
        scale: of the amplitudes, fitted on the training part.
        inputs: canvas and augmentation.
        seed: of the augmentation; None for none (validation, test).
    """

    def __init__(self, parts: Sequence[Part], scale: AmplitudeScale, inputs: InputConfig, *, seed: int | None) -> None:
        self._sections = [(part, ref) for part in parts for ref in part.sections]
        self._scale = scale
        self._inputs = inputs
        self._seed = seed

    def __len__(self) -> int:
        return len(self._sections)

    def __getitem__(self, index: int) -> Sample | UserError:
        try:
            return self._read(index)
        except UserError as error:
            return error

    def _read(self, index: int) -> Sample:
        epoch, position = divmod(index, len(self))
        part, ref = self._sections[position]
        section, labels = part.read(ref)
        amplitude = self._scale.apply(section.values)
        if self._seed is not None:
            rng = np.random.default_rng([self._seed, epoch, position])
            amplitude, labels = augment(amplitude, labels, rng, flip=self._inputs.flip, jitter=self._inputs.jitter)
        frame = frame_of(section, self._inputs)
        return Sample(on_canvas(amplitude, frame), frame, torch.from_numpy(labels), ref.name)


class EpochSampler(Sampler[int]):
    """A new order each epoch that depends on the seed and the epoch only, so that a resumed run goes on with it.

    It yields indices as SectionDataset takes them.
    """

    def __init__(self, sections: int, seed: int) -> None:
        self._sections = sections
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._sections

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng([self._seed, self._epoch]).permutation(self._sections)
        return iter((self._epoch * self._sections + order).tolist())
