"""A task and a part of a survey come in; the class probabilities that `predict` would deliver for its sections go out.

Each section is predicted whole, as in a prediction of the volume, and then cut to the part. Where the part holds both
orientations, the mean of inline and crossline is delivered too, which is what a predicted volume stores.
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.background import PREFETCHED_BATCHES, Prefetch
from sam_seismic.inference.line_batches import LineBatch
from sam_seismic.inference.merge import WaitingCrosslines, as_stored
from sam_seismic.inference.prediction_job import PredictedSection, PredictionJob
from sam_seismic.inference.products import Probabilities
from sam_seismic.inference.section_outputs import check_no_overflow
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.parts import Part
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tasks.facies import FaciesSegmentation


class Direction(StrEnum):
    """Which prediction of a voxel is meant: along its inline, along its crossline, or the mean of both."""

    INLINE = "inline"
    CROSSLINE = "crossline"
    MERGED = "merged"


@dataclass(frozen=True, eq=False)
class DeliveredSection:
    """What is predicted for a section of a part.

    Args:
        part: of the survey.
        ref: the section; an inline where it is merged.
        direction: which prediction it is.
        probabilities: float32[class, sample, trace], of the traces that lie in the part.
    """

    part: Part
    ref: SectionRef
    direction: Direction
    probabilities: Probabilities


def delivered_directions(part: Part) -> tuple[Direction, ...]:
    """The predictions that a part has; the last one is what a predicted volume stores."""
    orientations = {ref.orientation for ref in part.sections}
    held = [Direction(orientation) for orientation in Orientation if orientation in orientations]
    merged = len(held) > 1 and not part.volume.amplitude.loose_sections
    return (*held, Direction.MERGED) if merged else tuple(held)


def sections_to_predict(part: Part) -> int:
    """Number of sections that the network predicts for a part."""
    return sum(len(lines) for lines in _lines(part).values())


def delivered_sections(
    task: FaciesSegmentation, part: Part, *, batch_size: int, scale: AmplitudeScale | None = None
) -> Iterator[DeliveredSection]:
    """Predict the sections of a part, first its crosslines, then its inlines, each alone and then merged.

    Args:
        task: in eval mode, on the device to use.
        part: what is scored.
        batch_size: sections that the network predicts together.
        scale: of the amplitudes; None for that of the training.

    Raises:
        SurveyError: an amplitude is not finite, a section does not fit the canvas, or the disk is full.
        UserError: the probabilities are not finite.
    """
    with TemporaryDirectory(prefix="sam-seismic-") as folder:
        crosslines = _crosslines_through(part, len(task.metadata.facies), Path(folder))
        with nullcontext() if crosslines is None else crosslines.scratch:
            for predicted in _predicted(task, part, batch_size, scale):
                yield from _delivered(part, predicted, crosslines)


@dataclass(frozen=True, eq=False)
class _CrosslinesThrough:
    """The predicted crosslines that cross the inlines of a part.

    Args:
        scratch: their probabilities.
        rows: positions of the part's inlines among all inlines.
        columns: run of the crosslines that the part's inlines hold.
    """

    scratch: WaitingCrosslines
    rows: tuple[int, ...]
    columns: slice


def _crosslines_through(part: Part, classes: int, folder: Path) -> _CrosslinesThrough | None:
    if Direction.MERGED not in delivered_directions(part):
        return None
    grid, inlines = part.volume.amplitude.geometry, _refs(part, Orientation.INLINE)
    lines = np.array(sorted(inlines), np.int32)
    columns = _window(part)
    through = Geometry.complete(lines, grid.crosslines[columns], grid.samples)
    scratch = WaitingCrosslines(
        folder / "crosslines", through, classes, fix="set TMPDIR to a folder on a larger disk, or score fewer lines"
    )
    rows = tuple(grid.index(Orientation.INLINE, line) for line in sorted(inlines))
    return _CrosslinesThrough(scratch, rows, columns)


def _window(part: Part) -> slice:
    """The run of traces of the part's inlines: all lie in one region, so it is the same for each."""
    return slice(*next(iter(_refs(part, Orientation.INLINE).values())).traces or (None,))


def _refs(part: Part, orientation: Orientation) -> dict[int, SectionRef]:
    """The sections of an orientation, by line."""
    return {ref.line: ref for ref in part.sections if ref.orientation is orientation}


def _lines(part: Part) -> dict[Orientation, list[int]]:
    """The lines to predict: those of the part, and where both orientations are merged, all crosslines through it."""
    lines = {orientation: set(_refs(part, orientation)) for orientation in Orientation}
    if Direction.MERGED in delivered_directions(part):
        lines[Orientation.CROSSLINE] |= set(part.volume.amplitude.geometry.crosslines[_window(part)].tolist())
    return {orientation: sorted(numbers) for orientation, numbers in lines.items()}


def _predicted(
    task: FaciesSegmentation, part: Part, batch_size: int, scale: AmplitudeScale | None
) -> Iterator[PredictedSection]:
    """The whole sections of a part, crosslines first, while a thread reads the next ones."""
    lines = _lines(part)
    orientations = tuple(orientation for orientation in sorted(Orientation) if lines[orientation])
    job = PredictionJob(task, part.volume.amplitude, orientations, batch_size, scale)
    order = (batch for orientation in orientations for batch in _batches(orientation, lines[orientation], batch_size))
    with Prefetch(((batch, job.read(batch)) for batch in order), capacity=PREFETCHED_BATCHES) as ahead:
        for batch, sections in ahead:
            yield from job.predict(batch, sections)


def _batches(orientation: Orientation, lines: Sequence[int], size: int) -> Iterator[LineBatch]:
    for first in range(0, len(lines), size):
        in_batch = tuple(lines[first : first + size])
        yield LineBatch(orientation, in_batch, first, rank=0, finished=first + len(in_batch))


def _delivered(
    part: Part, predicted: PredictedSection, crosslines: _CrosslinesThrough | None
) -> Iterator[DeliveredSection]:
    """What a predicted section is scored as: itself where it is one of the part, and merged where it is an inline."""
    section, probabilities = predicted.section, predicted.probabilities  # [class, sample, trace]
    check_no_overflow(section, probabilities)
    ref = _refs(part, section.orientation).get(section.line)
    if crosslines is not None and section.orientation is Orientation.CROSSLINE:
        here = part.volume.amplitude.geometry.index(Orientation.CROSSLINE, section.line)
        if here in range(*crosslines.columns.indices(len(part.volume.amplitude.geometry.crosslines))):
            crosslines.scratch.put(section, as_stored(probabilities[:, :, list(crosslines.rows)]))
    if ref is None:
        return
    cut = probabilities[:, :, slice(*ref.traces or (None,))]
    yield DeliveredSection(part, ref, Direction(section.orientation), cut)
    if crosslines is not None and section.orientation is Orientation.INLINE:
        merged = crosslines.scratch.average(section, np.ascontiguousarray(cut).copy())
        yield DeliveredSection(part, ref, Direction.MERGED, merged)
