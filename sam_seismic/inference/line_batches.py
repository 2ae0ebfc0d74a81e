"""The lines of a volume come in, batches go out in the order in which they are written, each with its process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sam_seismic.survey.volume import Orientation, Volume


@dataclass(frozen=True)
class LineBatch:
    """A batch of neighbouring lines.

    Args:
        orientation: of them.
        lines: their numbers.
        first: position of the first one among the lines of that orientation.
        process: that predicts them.
        finished: sections of the job that are written when it is.
    """

    orientation: Orientation
    lines: tuple[int, ...]
    first: int
    process: int
    finished: int

    @property
    def name(self) -> str:
        """A name of its own, for a file."""
        return f"{self.orientation}-{self.first}"


def line_batches(
    volume: Volume, orientations: Sequence[Orientation], *, size: int, processes: int = 1, skip: int = 0
) -> Iterator[LineBatch]:
    """The sections of every orientation, some at a time, but for the first ones; crosslines come first.

    The merged inlines are then written one behind the other, as most files keep them. The batches are the same ones
    however many processes share them: what the network makes of a section may depend on those beside it.

    Args:
        volume: to predict.
        orientations: one, or both.
        size: sections at a time.
        processes: that take turns.
        skip: sections that are finished, in whole batches.
    """
    before = 0
    for orientation in sorted(orientations):
        lines = volume.lines(orientation).tolist()
        for number, first in enumerate(range(0, len(lines), size)):
            some = tuple(lines[first : first + size])
            finished = before + first + len(some)
            if finished > skip:
                yield LineBatch(orientation, some, first, number % processes, finished)
        before += len(lines)


def count_sections(volume: Volume, orientations: Sequence[Orientation]) -> int:
    """Sections that are predicted."""
    return sum(len(volume.lines(orientation)) for orientation in orientations)
