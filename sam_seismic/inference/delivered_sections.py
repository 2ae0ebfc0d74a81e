"""A task and a part of a survey come in; the class probabilities that `predict` would deliver for its sections go out.

Each section is predicted whole, as in a prediction of the volume, and then cut to the part. Where the part holds both
orientations, the mean of inline and crossline is delivered too, which is what a predicted volume stores.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

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
from sam_seismic.survey.volume import Section
from sam_seismic.tasks.facies import FaciesSegmentation

Beside = TypeVar("Beside")
"""What is read beside the amplitudes of a section: its truth, for instance."""


class Direction(StrEnum):
    """Which prediction of a voxel is meant: along its inline, along its crossline, or the mean of both."""

    INLINE = "inline"
    CROSSLINE = "crossline"
    MERGED = "merged"


@dataclass(frozen=True, eq=False)
class DeliveredSection(Generic[Beside]):
    """What is predicted for a section of a part.

    Args:
        part: of the survey.
        ref: the section; an inline where it is merged.
        direction: which prediction it is.
        is_final: whether a predicted volume, or folder of sections, would store it.
        probabilities: float32[class, sample, trace], of the traces that lie in the part.
        beside: what was read beside it.
    """

    part: Part
    ref: SectionRef
    direction: Direction
    is_final: bool
    probabilities: Probabilities
    beside: Beside


def delivered_directions(part: Part) -> tuple[Direction, ...]:
    """The predictions that a part has; the last one is what a predicted volume stores."""
    orientations = {ref.orientation for ref in part.sections}
    held = [Direction(orientation) for orientation in Orientation if orientation in orientations]
    merged = len(held) > 1 and not part.volume.amplitude.loose_sections
    return (*held, Direction.MERGED) if merged else tuple(held)


def delivered_sections(
    task: FaciesSegmentation,
    part: Part,
    *,
    batch_size: int,
    beside: Callable[[Part, SectionRef], Beside],
    scale: AmplitudeScale | None = None,
) -> Iterator[DeliveredSection[Beside]]:
    """Predict the sections of a part, first its crosslines, then its inlines, each alone and then merged.

    Args:
        task: in eval mode, on the device to use.
        part: what is scored.
        batch_size: sections that the network predicts together.
        beside: reads more of a section of the part; called on the thread that reads ahead.
        scale: of the amplitudes; None for that of the training.

    Raises:
        SurveyError: an amplitude is not finite, a section does not fit the canvas, or the disk is full.
        UserError: the probabilities are not finite.
    """
    refs = _by_line(part)
    lines = _lines(part)
    orientations = tuple(orientation for orientation in sorted(Orientation) if lines[orientation])
    job = PredictionJob(task, part.volume.amplitude, orientations, batch_size, scale)
    order = (batch for orientation in orientations for batch in _batches(orientation, lines[orientation], batch_size))
    prepared = ((batch, job.read(batch), {ref: beside(part, ref) for ref in _refs_of(batch, refs)}) for batch in order)
    with TemporaryDirectory(prefix="sam-seismic-") as folder:
        crosslines = _crosslines_through(part, len(task.metadata.facies), Path(folder))
        with (
            nullcontext() if crosslines is None else crosslines.scratch,
            Prefetch(prepared, capacity=PREFETCHED_BATCHES) as ahead,
        ):
            for batch, sections, more in ahead:
                for predicted in job.predict(batch, sections):
                    check_no_overflow(predicted.section, predicted.probabilities)
                    here = refs.get((predicted.section.orientation, predicted.section.line), [])
                    for ref, direction, cut in _deliver(predicted, here, crosslines):
                        final = crosslines is None or direction is Direction.MERGED
                        yield DeliveredSection(part, ref, direction, final, cut, more[ref])


def _deliver(
    predicted: PredictedSection, refs: Sequence[SectionRef], crosslines: "_CrosslinesThrough | None"
) -> Iterator[tuple[SectionRef, Direction, Probabilities]]:
    """What a predicted section gives for the pieces of it that belong to the part: itself, and merged if an inline."""
    section, probabilities = predicted.section, predicted.probabilities  # [class, sample, trace]
    if crosslines is not None and section.orientation is Orientation.CROSSLINE:
        crosslines.put(section, probabilities)
    for ref in refs:
        yield ref, Direction(section.orientation), probabilities[:, :, slice(*ref.traces or (None,))]
    if crosslines is not None and section.orientation is Orientation.INLINE:
        merged = crosslines.merged(section, probabilities)
        for ref in refs:
            yield ref, Direction.MERGED, merged[:, :, crosslines.of(ref)]


@dataclass(frozen=True, eq=False)
class _CrosslinesThrough:
    """The predicted crosslines that cross the inlines of a part.

    Args:
        scratch: their probabilities.
        rows: positions of the part's inlines among all inlines.
        columns: positions of the crosslines that they hold, ascending: int64[column].
    """

    scratch: WaitingCrosslines
    rows: tuple[int, ...]
    columns: NDArray[np.int64]

    def put(self, section: Section, probabilities: Probabilities) -> None:
        """Store what is predicted for a crossline, float32[class, sample, trace], if it crosses the part's inlines."""
        if section.line in self.scratch.geometry.crosslines:
            self.scratch.put(section, as_stored(probabilities[:, :, list(self.rows)]))

    def merged(self, section: Section, probabilities: Probabilities) -> Probabilities:
        """Mean of an inline and of the crosslines through it: float32[class, sample, column]."""
        return self.scratch.average(section, probabilities[:, :, self.columns])

    def of(self, ref: SectionRef) -> NDArray[np.bool_]:
        """The columns that a piece of an inline holds: bool[column]."""
        first, past = ref.traces or (0, int(self.columns[-1]) + 1)
        return (self.columns >= first) & (self.columns < past)


def _crosslines_through(part: Part, classes: int, folder: Path) -> _CrosslinesThrough | None:
    """Where the crosslines that cross a part's inlines wait; None where they are not merged."""
    if Direction.MERGED not in delivered_directions(part):
        return None
    grid, lines, columns = part.volume.amplitude.geometry, _lines_of(part, Orientation.INLINE), _columns(part)
    scratch = WaitingCrosslines(
        folder / "crosslines",
        Geometry.complete(lines, grid.crosslines[columns], grid.samples),
        classes,
        fix="set TMPDIR to a folder on a larger disk, or score fewer lines",
    )
    rows = tuple(grid.index(Orientation.INLINE, line) for line in lines)
    return _CrosslinesThrough(scratch, rows, columns)


def _columns(part: Part) -> NDArray[np.int64]:
    """Positions of the crosslines that the part's inlines hold, ascending: int64[column]."""
    held = np.zeros(len(part.volume.amplitude.geometry.crosslines), np.bool_)
    for ref in part.sections:
        if ref.orientation is Orientation.INLINE:
            held[slice(*ref.traces or (None,))] = True
    return np.flatnonzero(held)


def _by_line(part: Part) -> dict[tuple[Orientation, int], list[SectionRef]]:
    """The pieces of each section that belong to a part."""
    found: dict[tuple[Orientation, int], list[SectionRef]] = {}
    for ref in part.sections:
        found.setdefault((ref.orientation, ref.line), []).append(ref)
    return found


def _refs_of(batch: LineBatch, refs: Mapping[tuple[Orientation, int], list[SectionRef]]) -> Iterator[SectionRef]:
    """The pieces of the sections of a batch that belong to the part."""
    for line in batch.lines:
        yield from refs.get((batch.orientation, line), [])


def _lines_of(part: Part, orientation: Orientation) -> list[int]:
    """The lines of a part of an orientation, ascending."""
    return sorted({ref.line for ref in part.sections if ref.orientation is orientation})


def _lines(part: Part) -> dict[Orientation, list[int]]:
    """The lines to predict: those of the part, and where both orientations are merged, all crosslines through it."""
    lines = {orientation: set(_lines_of(part, orientation)) for orientation in Orientation}
    if Direction.MERGED in delivered_directions(part):
        lines[Orientation.CROSSLINE] |= set(part.volume.amplitude.geometry.crosslines[_columns(part)].tolist())
    return {orientation: sorted(numbers) for orientation, numbers in lines.items()}


def _batches(orientation: Orientation, lines: Sequence[int], size: int) -> Iterator[LineBatch]:
    for first in range(0, len(lines), size):
        in_batch = tuple(lines[first : first + size])
        yield LineBatch(orientation, in_batch, first, rank=0, finished=first + len(in_batch))
