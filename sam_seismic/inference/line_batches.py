"""The lines of a volume come in; batches of lines go out in writing order, each with the rank that predicts it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.volume import Volume


@dataclass(frozen=True)
class LineBatch:
    """Neighbouring lines of one orientation, which the network predicts together.

    Args:
        orientation: of the lines.
        lines: their numbers.
        first: position of the first line among all lines of the orientation.
        rank: the process that predicts the batch.
        finished: number of sections of the volume that are written after this batch.
    """

    orientation: Orientation
    lines: tuple[int, ...]
    first: int
    rank: int
    finished: int

    @property
    def name(self) -> str:
        """A unique name, valid as a file name."""
        return f"{self.orientation}-{self.first}"


def line_batches(
    volume: Volume, orientations: Sequence[Orientation], *, size: int, ranks: int = 1, finished: int = 0
) -> Iterator[LineBatch]:
    """The batches of a volume that are not finished: first those of crosslines, then those of inlines.

    Inlines come last, so that merged inlines are written one after the other, as most files store them.
    The number of ranks does not change the batches: what the network computes for a section may depend on the other
    sections of its batch.

    Args:
        volume: to predict.
        orientations: one, or both.
        size: lines in a batch.
        ranks: processes that share the batches, in rotation.
        finished: sections that are written already, in whole batches.
    """
    lines_before = 0  # of the orientations before this one
    for orientation in sorted(orientations):
        lines = volume.lines(orientation).tolist()
        for number, first in enumerate(range(0, len(lines), size)):
            in_batch = tuple(lines[first : first + size])
            finished_after = lines_before + first + len(in_batch)
            if finished_after > finished:
                yield LineBatch(orientation, in_batch, first, number % ranks, finished_after)
        lines_before += len(lines)
