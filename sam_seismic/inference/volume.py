"""A trained task and a volume come in; what is wanted of the whole goes out, line by line, and can be resumed.

While the network is at a batch, the next ones are read on one thread, and those before it are written on another.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sam_seismic.data.overlap import BATCHES_AHEAD, Ahead, Behind
from sam_seismic.errors import UserError
from sam_seismic.inference.merge import CrosslineProbabilities
from sam_seismic.inference.products import Probabilities, Product
from sam_seismic.inference.sections import SectionBatch, predict_batch, prepare_batch
from sam_seismic.survey.images import FolderResult
from sam_seismic.survey.journal import Journal
from sam_seismic.survey.labelled import read_amplitude
from sam_seismic.survey.result import Result, Unfinished
from sam_seismic.survey.volume import Orientation, Section, Volume
from sam_seismic.tasks.facies import FaciesSegmentation

Done = Callable[[int, int], None]
"""Called with (sections written, sections in all), on the calling thread."""


@dataclass(frozen=True, eq=False)
class Output:
    """A result and what it gets of the probabilities of each section."""

    result: Result
    product: Product

    @property
    def as_read(self) -> bool:
        """Whether it keeps each section as it was predicted: a folder has a place for either orientation."""
        return isinstance(self.result, FolderResult)

    def write(self, section: Section, probabilities: Probabilities) -> None:
        """Write what it gets of the float32[class, sample, trace] of a section."""
        values = self.product.of(probabilities).astype(self.result.dtype, copy=False)
        self.result.write(replace(section, values=values))


def predict_volume(
    task: FaciesSegmentation,
    volume: Volume,
    orientations: Sequence[Orientation],
    outputs: Sequence[Output],
    *,
    journal: Journal,
    batch_size: int,
    done: Done,
) -> None:
    """Predict every line of a volume, or those that an earlier run left, and write them down.

    With both orientations each voxel gets the mean of its inline and its crossline probabilities. A folder of sections
    keeps each section as it was predicted instead: its sections need not form a grid.

    Args:
        task: in eval mode, on the device to use.
        volume: amplitudes.
        orientations: one, or both; the volume has lines of each.
        outputs: open results.
        journal: open, of as many steps as `count_sections` says; told of each batch.
        batch_size: sections at a time.
        done: told of progress.

    Raises:
        SurveyError: the amplitudes are not finite, a section does not fit the canvas, or the disk is full.
        UserError: the network overflows.
    """
    merges = len(orientations) > 1 and not all(output.as_read for output in outputs)
    files: list[Unfinished] = [output.result for output in outputs]
    with ExitStack() as stack:
        kept = None
        if merges:
            kept = CrosslineProbabilities(
                scratch_path(outputs[0].result), volume.geometry, len(task.card.facies), start=journal.start
            )
            files.append(stack.enter_context(kept))
        writer, total = _Writer(outputs, kept, journal, files), count_sections(volume, orientations)
        batches = _batches(task, volume, orientations, skip=journal.finished, size=batch_size)
        try:
            with Behind(writer.take, room=max(2, batch_size)) as behind, Ahead(batches, room=BATCHES_AHEAD) as ahead:
                finished = journal.finished
                for batch in ahead:
                    before, finished = finished, finished + len(batch.sections)
                    last = batch.sections[-1]
                    for section, probabilities in zip(batch.sections, predict_batch(task, batch), strict=True):
                        behind.put(_Predicted(section, probabilities, finished if section is last else before))
                    done(writer.finished, total)
            done(writer.finished, total)
        except KeyboardInterrupt:
            journal.catch_up(writer.finished, files)
            raise


def scratch_path(result: Result) -> Path:
    """Where the probabilities of crosslines wait, beside a result."""
    return result.temporary.with_suffix(".merge")


def count_sections(volume: Volume, orientations: Sequence[Orientation]) -> int:
    """Sections that are predicted."""
    return sum(len(volume.lines(orientation)) for orientation in orientations)


@dataclass(frozen=True, eq=False)
class _Predicted:
    """A section on its way to the results.

    Args:
        section: as read.
        probabilities: float32[class, sample, trace].
        finished: sections of the job, in whole batches, that are finished when it is written.
    """

    section: Section
    probabilities: Probabilities
    finished: int


class _Writer:
    """Writes sections in their order, and tells the journal of each batch.

    Args:
        outputs: open results.
        kept: where crosslines wait for the inlines through them; None where nothing is merged.
        journal: open.
        files: all that the job fills.
    """

    def __init__(
        self,
        outputs: Sequence[Output],
        kept: CrosslineProbabilities | None,
        journal: Journal,
        files: Sequence[Unfinished],
    ) -> None:
        self.finished = journal.finished
        """Sections of the job that are written, in whole batches: a resumed run makes the same ones."""
        self._outputs, self._kept, self._journal, self._files = outputs, kept, journal, files

    def take(self, predicted: _Predicted) -> None:
        """Write a section; at the end of a batch tell the journal.

        Raises:
            UserError: the network gave no numbers for it; they would become the first class.
        """
        if not np.isfinite(predicted.probabilities.sum()):
            raise UserError(
                problem=f"{predicted.section.name}: the network overflows, and gives no numbers for it",
                fix="--precision bf16 or 32 in place of 16; with these the checkpoint itself is damaged",
            )
        self._write(predicted.section, predicted.probabilities)
        if predicted.finished > self.finished:
            self.finished = predicted.finished
            self._journal.advance(self.finished, self._files)

    def _write(self, section: Section, probabilities: Probabilities) -> None:
        kept = self._kept
        for output in self._outputs:
            if kept is None or output.as_read:
                output.write(section, probabilities)
        if kept is None:
            return
        if section.orientation is Orientation.CROSSLINE:
            kept.put(section, probabilities)
            return
        mean = kept.average(section, probabilities)
        for output in self._outputs:
            if not output.as_read:
                output.write(section, mean)


def _batches(
    task: FaciesSegmentation, volume: Volume, orientations: Sequence[Orientation], *, skip: int, size: int
) -> Iterator[SectionBatch]:
    """The sections of every orientation, some at a time, but for the first ones; crosslines come first.

    The merged inlines are then written one behind the other, as most files keep them.
    """
    for orientation in sorted(orientations):
        lines = volume.lines(orientation).tolist()
        for start in range(min(skip, len(lines)), len(lines), size):
            yield prepare_batch(
                task, [read_amplitude(volume, orientation, line) for line in lines[start : start + size]]
            )
        skip = max(0, skip - len(lines))
