"""A data configuration comes in, Lightning's loaders of batches go out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import lightning
import numpy as np

from sam_seismic.config import DataConfig, InputConfig
from sam_seismic.data.amplitude import AmplitudeScale, draw_training_amplitudes, scale_of
from sam_seismic.data.amplitude_distribution import AmplitudeDistribution, MeanTrace
from sam_seismic.data.canvas import CanvasTransform
from sam_seismic.data.dataset import SectionDataset, StoredEmbeddings
from sam_seismic.data.loader import SectionLoader, SharedBatches, Waiting
from sam_seismic.errors import ConfigError
from sam_seismic.survey.parts import Part, Survey, open_survey

SCALE_SECTIONS = 64
"""Number of sections, evenly spread over the training part, that the amplitude scale is fitted on."""


class SeismicDataModule(lightning.LightningDataModule):
    """Sections of a survey as batches on the canvas.

    Args:
        data: the survey and its split; or the folder of a published survey, which is read in both orientations.
        inputs: scaling, canvas and augmentation; None for the defaults.
        batch_size: sections a batch, on each process of a distributed training.
        seed: of the order of training sections and their augmentation.
        scale: of the amplitudes; None fits it on the training part.

    Raises:
        SurveyError: the survey cannot be opened, or does not hold what the configuration asks for.
    """

    published: ClassVar[Literal["f3", "seam_ai"] | None] = None
    """The `data.source` of a class that accepts a folder alone."""

    def __init__(
        self,
        data: DataConfig | Path,
        inputs: InputConfig | None = None,
        *,
        batch_size: int = 2,
        seed: int = 0,
        scale: AmplitudeScale | None = None,
    ) -> None:
        super().__init__()
        data, inputs = self._known(data), inputs or InputConfig()
        self.survey: Survey = open_survey(data)
        self.distribution: AmplitudeDistribution | None = None
        """That of the training amplitudes; None where the scale was given."""
        if scale is None:
            found = fit_amplitudes_on_part(self.survey.parts["train"], inputs.clip_percentile)
            scale, self.distribution = found.scale, found.distribution
        self.transform = CanvasTransform(scale, inputs)
        self._batch_size = batch_size
        self._workers = data.workers
        self._seed = seed
        self.stored: StoredEmbeddings | None = None
        """Reads stored features of train and val sections; None without a store and before it is filled."""
        self.waiting: Waiting | None = None
        """The context in which loaders that are made from now on wait for a section, see SectionLoader."""

    def _known(self, data: DataConfig | Path) -> DataConfig:
        if isinstance(data, DataConfig):
            return data
        if self.published is None:
            raise ConfigError(
                problem=f"{data}: a folder alone does not say which classes its labels hold",
                fix="give a DataConfig, or F3DataModule or SeamAIDataModule the folder of that survey",
            )
        return DataConfig(source=self.published, root=data, orientation="both")

    def dataset(self, split: str) -> SectionDataset:
        """The sections of a split; only those of `train` are augmented."""
        seed = self._seed if split == "train" else None
        stored = self.stored if split in ("train", "val") else None
        return SectionDataset(self.survey.named(split), self.transform, seed=seed, stored=stored)

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
        """Sections of a split, without augmentation, in the order of their lines."""
        return self._loader(SectionDataset(self.survey.named(split), self.transform, seed=None))

    def _loader(self, dataset: SectionDataset, seed: int | None = None) -> SectionLoader:
        share = (self.trainer.global_rank, self.trainer.world_size) if self.trainer is not None else (0, 1)
        batches = SharedBatches(dataset.groups(), self._batch_size, seed=seed, share=share)
        return SectionLoader(dataset, batches, workers=self._workers, waiting=self.waiting)


class F3DataModule(SeismicDataModule):
    """The F3 facies benchmark (Alaudah et al. 2019): its training volume is split into train and val.

    A folder holds `train/` and `test_once/`, or is their parent.
    """

    published = "f3"


class SeamAIDataModule(SeismicDataModule):
    """The SEAM AI (Parihaka) facies challenge of 2020: its labelled volume is split into train, val and test.

    A folder holds the published SEG-Y or npz files.
    """

    published = "seam_ai"


DATA_MODULES: dict[str, type[SeismicDataModule]] = {
    "files": SeismicDataModule,
    "synthetic": SeismicDataModule,
    "f3": F3DataModule,
    "seam_ai": SeamAIDataModule,
}
"""Data modules by `data.source`."""


def data_module(
    data: DataConfig, inputs: InputConfig, *, batch_size: int, seed: int = 0, scale: AmplitudeScale | None = None
) -> SeismicDataModule:
    """The data module of a configuration; arguments and errors as of SeismicDataModule."""
    return DATA_MODULES[data.source](data, inputs, batch_size=batch_size, seed=seed, scale=scale)


@dataclass(frozen=True)
class TrainingAmplitudes:
    """What is found out about the amplitudes of the training part, and travels in the checkpoint.

    Args:
        scale: fitted on them.
        distribution: of them.
    """

    scale: AmplitudeScale
    distribution: AmplitudeDistribution


def fit_amplitudes_on_part(part: Part, percentile: float) -> TrainingAmplitudes:
    """Scale and distribution of the amplitudes of a part, from sections spread evenly over it.

    Raises:
        SurveyError: they are all the same, or a section cannot be read.
    """
    chosen, mean = _spread(len(part.sections), SCALE_SECTIONS), MeanTrace()
    sections = (part.amplitude(part.sections[position]) for position in chosen)
    drawn = draw_training_amplitudes(mean.of(sections), str(part.volume.amplitude.path), part.volume.amplitude)
    return TrainingAmplitudes(scale_of(drawn, percentile), AmplitudeDistribution.of(drawn, mean.values))


def _spread(count: int, most: int) -> Sequence[int]:
    return [int(position) for position in np.unique(np.linspace(0, count - 1, min(count, most)).round())]
