"""A task and a part of a survey come in; the class probabilities that `predict` would deliver for its sections go out.

Each section is predicted whole, as in a prediction of the volume, and then cut to the part. Where the part holds both
orientations, the mean of inline and crossline is delivered too, which is what a predicted volume stores.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, TypeVar

from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.background import PREFETCHED_BATCHES, Prefetch
from sam_seismic.inference.line_batches import LineBatch
from sam_seismic.inference.merge import WaitingCrosslines, as_stored
from sam_seismic.inference.prediction_job import PredictionJob
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


def sections_to_predict(part: Part) -> int:
    """Number of sections that the network predicts for a part."""
    return sum(len(lines) for lines in _lines(part).values())


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
    refs = {(ref.orientation, ref.line): ref for ref in part.sections}
    lines = _lines(part)
    orientations = tuple(orientation for orientation in sorted(Orientation) if lines[orientation])
    job = PredictionJob(task, part.volume.amplitude, orientations, batch_size, scale)
    order = (batch for orientation in orientations for batch in _batches(orientation, lines[orientation], batch_size))
    prepared = (
        (
            batch,
            job.read(batch),
            {line: beside(part, ref) for line in batch.lines if (ref := refs.get((batch.orientation, line)))},
        )
        for batch in order
    )
    with TemporaryDirectory(prefix="sam-seismic-") as folder:
        crosslines = _crosslines_through(part, len(task.metadata.facies), Path(folder))
        with (
            nullcontext() if crosslines is None else crosslines.scratch,
            Prefetch(prepared, capacity=PREFETCHED_BATCHES) as ahead,
        ):
            for batch, sections, more in ahead:
                for predicted in job.predict(batch, sections):
                    section, probabilities = predicted.section, predicted.probabilities  # [class, sample, trace]
                    check_no_overflow(section, probabilities)
                    if crosslines is not None and section.orientation is Orientation.CROSSLINE:
                        crosslines.put(section, probabilities)
                    ref = refs.get((section.orientation, section.line))
                    if ref is not None:
                        cut = probabilities[:, :, slice(*ref.traces or (None,))]
                        direction = Direction(section.orientation)
                        yield DeliveredSection(part, ref, direction, crosslines is None, cut, more[section.line])
                        if crosslines is not None and section.orientation is Orientation.INLINE:
                            merged = crosslines.merged(section, cut)
                            yield DeliveredSection(part, ref, Direction.MERGED, True, merged, more[section.line])


@dataclass(frozen=True, eq=False)
class _CrosslinesThrough:
    """The predicted crosslines that cross the inlines of a part.

    Args:
        scratch: their probabilities.
        rows: positions of the part's inlines among all inlines.
        columns: numbers of the crosslines that they hold.
    """

    scratch: WaitingCrosslines
    rows: tuple[int, ...]
    columns: frozenset[int]

    def put(self, section: Section, probabilities: Probabilities) -> None:
        """Store what is predicted for a crossline, float32[class, sample, trace], if it crosses the part's inlines."""
        if section.line in self.columns:
            self.scratch.put(section, as_stored(probabilities[:, :, list(self.rows)]))

    def merged(self, section: Section, probabilities: Probabilities) -> Probabilities:
        """Mean of an inline, cut to the part, and of the crosslines through it: float32[class, sample, trace]."""
        return self.scratch.average(section, probabilities.copy())


def _crosslines_through(part: Part, classes: int, folder: Path) -> _CrosslinesThrough | None:
    """Where the crosslines that cross a part's inlines wait; None where they are not merged."""
    if Direction.MERGED not in delivered_directions(part):
        return None
    grid = part.volume.amplitude.geometry
    lines, columns = _lines_of(part, Orientation.INLINE), grid.crosslines[_window(part)]
    scratch = WaitingCrosslines(
        folder / "crosslines",
        Geometry.complete(lines, columns, grid.samples),
        classes,
        fix="set TMPDIR to a folder on a larger disk, or score fewer lines",
    )
    rows = tuple(grid.index(Orientation.INLINE, line) for line in lines)
    return _CrosslinesThrough(scratch, rows, frozenset(columns.tolist()))


def _window(part: Part) -> slice:
    """The run of traces of the part's inlines: all lie in one region, so it is the same for each."""
    return slice(*next(ref.traces for ref in part.sections if ref.orientation is Orientation.INLINE) or (None,))


def _lines_of(part: Part, orientation: Orientation) -> list[int]:
    """The lines of a part of an orientation, ascending."""
    return sorted(ref.line for ref in part.sections if ref.orientation is orientation)


def _lines(part: Part) -> dict[Orientation, list[int]]:
    """The lines to predict: those of the part, and where both orientations are merged, all crosslines through it."""
    lines = {orientation: set(_lines_of(part, orientation)) for orientation in Orientation}
    if Direction.MERGED in delivered_directions(part):
        lines[Orientation.CROSSLINE] |= set(part.volume.amplitude.geometry.crosslines[_window(part)].tolist())
    return {orientation: sorted(numbers) for orientation, numbers in lines.items()}


def _batches(orientation: Orientation, lines: Sequence[int], size: int) -> Iterator[LineBatch]:
    for first in range(0, len(lines), size):
        in_batch = tuple(lines[first : first + size])
        yield LineBatch(orientation, in_batch, first, rank=0, finished=first + len(in_batch))
