"""A task and a volume come in; the class probabilities of its sections go out, one batch of lines at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.inference.line_batches import LineBatch, line_batches
from sam_seismic.inference.products import Probabilities
from sam_seismic.inference.sections import SectionBatch, predict_batch, prepare_batch
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labelled import read_amplitude
from sam_seismic.survey.volume import Section, Volume
from sam_seismic.tasks.facies import FaciesSegmentation


@dataclass(frozen=True, eq=False)
class PredictedSection:
    """A section that the network has predicted.

    Args:
        section: its amplitudes.
        probabilities: float32[class, sample, trace].
        batch: that it belongs to.
        ends_batch: whether it is the last section of that batch.
    """

    section: Section
    probabilities: Probabilities
    batch: LineBatch
    ends_batch: bool


@dataclass(frozen=True, eq=False)
class PredictionJob:
    """A volume to predict, and the task that predicts it; every rank has the same one.

    Args:
        task: in eval mode, on the device to use.
        volume: amplitudes.
        orientations: one, or both; the volume has lines of each.
        batch_size: sections that the network predicts together.
        scale: of the amplitudes; None for that of the training.
    """

    task: FaciesSegmentation
    volume: Volume
    orientations: tuple[Orientation, ...]
    batch_size: int
    scale: AmplitudeScale | None = None

    @property
    def facies(self) -> FaciesTable:
        """The classes."""
        return self.task.metadata.facies

    def count(self, orientation: Orientation) -> int:
        """Sections of an orientation that are predicted."""
        return len(self.volume.lines(orientation)) if orientation in self.orientations else 0

    @property
    def sections(self) -> int:
        """Sections that are predicted, of all orientations."""
        return sum(self.count(orientation) for orientation in self.orientations)

    def batches(self, *, ranks: int = 1, finished: int = 0) -> Iterator[LineBatch]:
        """The batches that are not finished, in the order in which they are written; see `line_batches`."""
        return line_batches(self.volume, self.orientations, size=self.batch_size, ranks=ranks, finished=finished)

    def read(self, batch: LineBatch) -> SectionBatch:
        """The amplitudes of a batch, ready for the network.

        Raises:
            SurveyError: an amplitude is not finite, or a section does not fit the canvas.
        """
        transform = self.task.metadata.transform
        if self.scale is not None:
            transform = replace(transform, scale=self.scale)
        sections = [read_amplitude(self.volume, batch.orientation, line) for line in batch.lines]
        return prepare_batch(self.task, sections, transform)

    def predict(self, batch: LineBatch, sections: SectionBatch) -> Iterator[PredictedSection]:
        """The sections of a batch with their class probabilities, one after the other.

        Args:
            batch: the lines.
            sections: what `read` returned for them.
        """
        last = sections.sections[-1]
        for section, probabilities in zip(sections.sections, predict_batch(self.task, sections), strict=True):
            yield PredictedSection(section, probabilities, batch, section is last)
