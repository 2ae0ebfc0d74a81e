"""A trained task and a volume come in; what is wanted of the whole goes out, line by line, and can be resumed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sam_seismic.data.dataset import prepare
from sam_seismic.inference.merge import CrosslineProbabilities
from sam_seismic.inference.products import Probabilities, Product
from sam_seismic.survey.images import FolderResult
from sam_seismic.survey.journal import Journal
from sam_seismic.survey.labelled import read_amplitude
from sam_seismic.survey.result import Result, Unfinished
from sam_seismic.survey.volume import Orientation, Section, Volume
from sam_seismic.tasks.facies import FaciesSegmentation

Done = Callable[[int, int], None]
"""Called with (sections finished, sections in all)."""


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
        finished, total = journal.finished, count_sections(volume, orientations)
        try:
            for sections in _batches(volume, orientations, skip=finished, size=batch_size):
                for section, probabilities in zip(sections, predict_sections(task, sections), strict=True):
                    _write(section, probabilities, outputs, kept)
                finished += len(sections)
                journal.advance(finished, files)
                done(finished, total)
        except KeyboardInterrupt:
            journal.catch_up(finished, files)
            raise


def scratch_path(result: Result) -> Path:
    """Where the probabilities of crosslines wait, beside a result."""
    return result.temporary.with_suffix(".merge")


def count_sections(volume: Volume, orientations: Sequence[Orientation]) -> int:
    """Sections that are predicted."""
    return sum(len(volume.lines(orientation)) for orientation in orientations)


def _write(
    section: Section, probabilities: Probabilities, outputs: Sequence[Output], kept: CrosslineProbabilities | None
) -> None:
    for output in outputs:
        if kept is None or output.as_read:
            output.write(section, probabilities)
    if kept is None:
        return
    if section.orientation is Orientation.CROSSLINE:
        kept.put(section, probabilities)
        return
    mean = kept.average(section, probabilities)
    for output in outputs:
        if not output.as_read:
            output.write(section, mean)


def _batches(volume: Volume, orientations: Sequence[Orientation], *, skip: int, size: int) -> Iterator[list[Section]]:
    """The sections of every orientation, some at a time, but for the first ones; crosslines come first.

    The merged inlines are then written one behind the other, as most files keep them.
    """
    for orientation in sorted(orientations):
        lines = volume.lines(orientation).tolist()
        for start in range(min(skip, len(lines)), len(lines), size):
            yield [read_amplitude(volume, orientation, line) for line in lines[start : start + size]]
        skip = max(0, skip - len(lines))


def predict_sections(task: FaciesSegmentation, sections: Sequence[Section]) -> Iterator[Probabilities]:
    """Class probabilities of a few sections of any size that fits the canvas, one after the other."""
    canvases, frames = zip(*(prepare(section, task.card.scale, task.card.inputs) for section in sections), strict=True)
    with torch.inference_mode():
        logits = task(torch.stack(canvases).to(task.device))  # [section, class, height / 4, width / 4]
    for frame, plane in zip(frames, logits, strict=True):
        with torch.inference_mode():
            probabilities = frame.recover(plane).float().softmax(dim=0).cpu().numpy()
        yield probabilities
