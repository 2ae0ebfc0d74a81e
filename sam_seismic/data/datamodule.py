"""A data configuration comes in, Lightning's loaders of batches go out."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import lightning
import numpy as np

from sam_seismic.config import DataConfig, InputConfig, SplitConfig
from sam_seismic.config.choices import OrientationChoice
from sam_seismic.data.amplitude import AmplitudeScale, fit_scale
from sam_seismic.data.dataset import Kept, SectionDataset
from sam_seismic.data.loader import SectionLoader, SharedBatches
from sam_seismic.survey.parts import Part, Survey, open_survey

SCALE_SECTIONS = 64
"""Sections, evenly spread over the training part, that the amplitude scale is fitted on."""


class SeismicDataModule(lightning.LightningDataModule):
    """Sections of a survey as batches on the canvas.

    Args:
        data: the survey and its split.
        inputs: scaling, canvas and augmentation.
        batch_size: sections a batch, on each process of a distributed training.
        seed: of the order of training sections and their augmentation.
        scale: of the amplitudes; None fits it on the training part.

    Raises:
        SurveyError: the survey cannot be opened, or does not hold what the configuration asks for.
    """

    def __init__(
        self,
        data: DataConfig,
        inputs: InputConfig,
        *,
        batch_size: int = 2,
        seed: int = 0,
        scale: AmplitudeScale | None = None,
    ) -> None:
        super().__init__()
        self.survey: Survey = open_survey(data)
        self.inputs = inputs
        self.scale = scale or fit_to_part(self.survey.parts["train"], inputs.clip_percentile)
        self._batch_size = batch_size
        self._workers = data.workers
        self._seed = seed
        self.kept: Kept | None = None
        """What is kept of the canvases, once there is something; test sections are always encoded anew."""

    def dataset(self, split: str) -> SectionDataset:
        """The sections of a split; those of `train` augmented."""
        seed = self._seed if split == "train" else None
        kept = self.kept if split in ("train", "val") else None
        return SectionDataset(self.survey.named(split), self.scale, self.inputs, seed=seed, kept=kept)

    def train_dataloader(self) -> SectionLoader:
        """Training sections, augmented, in a new order each epoch."""
        return self._loader(self.dataset("train"), self._seed)

    def val_dataloader(self) -> SectionLoader:
        """Validation sections in the order of their lines."""
        return self._loader(self.dataset("val"))

    def test_dataloader(self) -> SectionLoader:
        """All test sections in the order of their lines."""
        return self.split_dataloader("test")

    def split_dataloader(self, split: str) -> SectionLoader:
        """Sections of a split, as they are, in the order of their lines."""
        return self._loader(SectionDataset(self.survey.named(split), self.scale, self.inputs, seed=None))

    def _loader(self, dataset: SectionDataset, seed: int | None = None) -> SectionLoader:
        share = (self.trainer.global_rank, self.trainer.world_size) if self.trainer is not None else (0, 1)
        batches = SharedBatches(dataset.groups(), self._batch_size, seed=seed, share=share)
        return SectionLoader(dataset, batches, workers=self._workers)


class PublishedDataModule(SeismicDataModule):
    """A published survey, found by its file names; its two presets follow.

    Args:
        root: folder of the published files.
        inputs: scaling, canvas and augmentation.
        orientation: `inline`, `crossline` or `both`.
        split: of the labelled volume; None for the usual blocks.
        batch_size: sections a batch.
        seed: of the order of training sections and their augmentation.
    """

    source: ClassVar[Literal["f3", "seam_ai"]]

    def __init__(
        self,
        root: Path,
        inputs: InputConfig | None = None,
        *,
        orientation: OrientationChoice = "both",
        split: SplitConfig | None = None,
        batch_size: int = 2,
        seed: int = 0,
    ) -> None:
        data = DataConfig(source=self.source, root=root, orientation=orientation, split=split or SplitConfig())
        super().__init__(data, inputs or InputConfig(), batch_size=batch_size, seed=seed)


class F3DataModule(PublishedDataModule):
    """The F3 facies benchmark (Alaudah et al. 2019): its training volume cut into train and val, its tests apart.

    The root holds `train/` and `test_once/`, or is their parent; the split has no `test`.
    """

    source = "f3"


class SeamAIDataModule(PublishedDataModule):
    """The SEAM AI (Parihaka) facies challenge of 2020: its labelled volume cut into train, val and test.

    The root holds the published SEG-Y or npz files.
    """

    source = "seam_ai"


def fit_to_part(part: Part, percentile: float) -> AmplitudeScale:
    """The amplitude scale of a part, from sections spread evenly over it."""
    chosen = _spread(len(part.sections), SCALE_SECTIONS)
    sections = (part.read(part.sections[position])[0] for position in chosen)
    return fit_scale(sections, percentile, str(part.volume.amplitude.path))


def _spread(count: int, most: int) -> Sequence[int]:
    return [int(position) for position in np.unique(np.linspace(0, count - 1, min(count, most)).round())]
