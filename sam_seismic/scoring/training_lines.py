"""The training part of a survey comes in; how far from it a section lies, and what its labels say there, go out.

These are the guesses that an interpreter makes without looking at the amplitudes: copy the nearest interpreted line, or
interpolate between those on both sides. A network that learns only as much is not needed.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sam_seismic.scoring.interpolation import BoundaryFields, blend, boundary_fields
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.parts import Part
from sam_seismic.survey.splits import SectionRef

SECTIONS_HELD = 64
"""Label sections of training lines that are held in memory."""


@dataclass(frozen=True, eq=False)
class NeighbourGuess:
    """What the training lines say of a section of another part.

    Args:
        distance: float64[trace], lines between a trace and the nearest training trace; 0 on a training trace.
        nearest: uint8[sample, trace], labels of the nearest training trace; IGNORE where it is not interpreted.
        interpolated: uint8[sample, trace], class boundaries moved linearly between the training lines on both sides;
            with none on one side, as `nearest`.
    """

    distance: NDArray[np.float64]
    nearest: NDArray[np.uint8]
    interpolated: NDArray[np.uint8]


class TrainingLines(ABC):
    """The labels of the training part, asked for by the sections of other parts."""

    @abstractmethod
    def offset(self, part: Part, ref: SectionRef) -> NDArray[np.float64] | None:
        """Inlines and crosslines between each trace of a section and the nearest training trace.

        Returns:
            float64[trace, (inlines, crosslines)], not negative; None where no training line can be compared with it.
        """

    def distance(self, part: Part, ref: SectionRef) -> NDArray[np.float64] | None:
        """Lines between each trace of a section and the nearest training trace: float64[trace]; None as of `offset`."""
        offset = self.offset(part, ref)
        return None if offset is None else np.hypot(*offset.T)

    @abstractmethod
    def guess(self, part: Part, ref: SectionRef) -> NeighbourGuess | None:
        """What the training lines say of a section; None where no training line can be compared with it."""


def training_lines(train: Part, order: Sequence[int]) -> TrainingLines:
    """The training lines of a survey on a grid, or of loose sections.

    Args:
        train: the training part.
        order: all class indices from top to bottom, by which layers are interpolated.
    """
    if train.volume.amplitude.loose_sections:
        return LooseTrainingLines(train, order)
    return GridTrainingLines(train, order)


class _LabelSections:
    """Label sections of a part, the last few of them held in memory."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._held: OrderedDict[tuple[Orientation, int], NDArray[np.uint8]] = OrderedDict()

    def __call__(self, orientation: Orientation, line: int) -> NDArray[np.uint8]:
        """Class indices of a whole section: uint8[sample, trace]."""
        key = (orientation, line)
        if key not in self._held:
            self._held[key] = self._part.volume.label_section(orientation, line).values.astype(np.uint8, copy=False)
            if len(self._held) > SECTIONS_HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(key)
        return self._held[key]


class GridTrainingLines(TrainingLines):
    """Training lines of a survey whose traces lie on a grid; distances count lines of either orientation.

    The nearest training trace is the nearest on the map, with one line as the unit of both axes. To interpolate, the
    nearest training traces of the same crossline on both sides, and of the same inline on both sides, are blended by
    the inverse of their distances.

    Args:
        train: its sections, and the labels on them.
        order: all class indices from top to bottom.
    """

    def __init__(self, train: Part, order: Sequence[int]) -> None:
        self._train, self._order = train, tuple(order)
        self._sections = _LabelSections(train)
        self._grid = train.volume.amplitude.geometry
        self._units = [_unit(self._grid.lines(orientation)) for orientation in Orientation]
        self._trained = trained_traces(train)  # bool[inline, crossline]
        rows, columns = np.nonzero(self._trained)
        self._places = np.stack([rows, columns], axis=1)  # int64[training trace, (inline, crossline)]
        self._tree = cKDTree(self._on_map(self._grid.inlines[rows], self._grid.crosslines[columns]))
        self._blended: tuple[bytes, list[BoundaryFields]] | None = None

    def offset(self, part: Part, ref: SectionRef) -> NDArray[np.float64] | None:
        """Inlines and crosslines to the nearest training trace: float64[trace, 2]; None for another grid."""
        if not self._comparable(part):
            return None
        points = self._points(part, ref)
        return np.asarray(np.abs(points - np.asarray(self._tree.data)[self._tree.query(points)[1]]))

    def guess(self, part: Part, ref: SectionRef) -> NeighbourGuess | None:
        """What the training lines say of a section; None where it lies on another grid."""
        if not self._comparable(part):
            return None
        distance, at = self._tree.query(self._points(part, ref))
        nearest = self._labels(self._places[at])  # [sample, trace]
        sides, weights = self._sides(part, ref)
        has_both = ((weights[:2] > 0).all(axis=0)) | ((weights[2:] > 0).all(axis=0))
        interpolated = nearest.copy()
        if has_both.any():
            fields = self._boundary_fields(sides, weights > 0)
            blended = blend(fields, weights, self._order)  # [sample, trace]
            interpolated[:, has_both] = blended[:, has_both]
        return NeighbourGuess(np.asarray(distance), nearest, interpolated)

    def _comparable(self, part: Part) -> bool:
        """Whether the line numbers and samples of a part are those of the training."""
        here, there = self._train.volume.amplitude, part.volume.amplitude
        if part.volume is self._train.volume:
            return True
        numbered = not there.loose_sections and here.axis_order is None and there.axis_order is None
        return numbered and here.geometry.samples == there.geometry.samples

    def _on_map(self, inlines: NDArray[np.int32], crosslines: NDArray[np.int32]) -> NDArray[np.float64]:
        """Line numbers -> float64[trace, (inline, crossline)] in lines."""
        return np.stack([inlines / self._units[0], crosslines / self._units[1]], axis=1)

    def _numbers(self, part: Part, ref: SectionRef) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Inline and crossline numbers of the traces of a section: int32[trace] each."""
        across = part.volume.amplitude.geometry.lines(ref.orientation.across)[slice(*ref.traces or (None,))]
        along = np.full_like(across, ref.line)
        return (along, across) if ref.orientation is Orientation.INLINE else (across, along)

    def _points(self, part: Part, ref: SectionRef) -> NDArray[np.float64]:
        return self._on_map(*self._numbers(part, ref))

    def _sides(self, part: Part, ref: SectionRef) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Training traces on four sides of each trace, and the inverse of their distances.

        Returns:
            int64[side, trace, (inline, crossline)] positions, and float64[side, trace]; 0 where there is none. The
            sides are: lower and higher inlines, lower and higher crosslines.
        """
        numbers = self._numbers(part, ref)
        places = np.zeros((4, len(numbers[0]), 2), np.int64)
        weights = np.zeros((4, len(numbers[0])))
        for trace, pair in enumerate(zip(*(each.tolist() for each in numbers), strict=True)):
            for axis in (0, 1):
                lines = self._grid.lines(tuple(Orientation)[axis])
                other = self._grid.lines(tuple(Orientation)[1 - axis])
                at = int(np.searchsorted(other, pair[1 - axis]))
                if at == len(other) or other[at] != pair[1 - axis]:
                    continue
                held = np.flatnonzero(self._trained[:, at] if axis == 0 else self._trained[at])
                after = int(np.searchsorted(lines[held], pair[axis]))
                for side, position in ((0, after - 1), (1, after)):
                    if 0 <= position < len(held):
                        place = int(held[position])
                        gap = abs(int(lines[place]) - pair[axis]) / self._units[axis]
                        places[2 * axis + side, trace] = (place, at) if axis == 0 else (at, place)
                        weights[2 * axis + side, trace] = 1 / max(gap, 1e-6)
        return places, weights

    def _boundary_fields(self, sides: NDArray[np.int64], given: NDArray[np.bool_]) -> list[BoundaryFields]:
        """The boundaries of the labels of each side; those of the last call are kept.

        Between two training lines, all lines have the same traces on their sides.
        """
        key = sides.tobytes() + given.tobytes()
        if self._blended is None or self._blended[0] != key:
            fields = []
            for places, known in zip(sides, given, strict=True):
                labels = np.full((self._grid.samples, len(places)), IGNORE, np.uint8)  # [sample, trace]
                if known.any():
                    labels[:, known] = self._labels(places[known])
                fields.append(boundary_fields(labels, self._order))
            self._blended = (key, fields)
        return self._blended[1]

    def _labels(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Labels of training traces int64[trace, (inline, crossline)]: uint8[sample, trace]."""
        labels = np.empty((self._grid.samples, len(places)), np.uint8)
        axis = 0 if len(np.unique(places[:, 0])) <= len(np.unique(places[:, 1])) else 1
        orientation = tuple(Orientation)[axis]
        for position in np.unique(places[:, axis]):
            here = places[:, axis] == position
            section = self._sections(orientation, int(self._grid.lines(orientation)[position]))
            labels[:, here] = section[:, places[here, 1 - axis]]
        return labels


class LooseTrainingLines(TrainingLines):
    """Training sections that lie on no common grid: those of the same orientation and size are compared.

    Args:
        train: its sections, and the labels on them.
        order: all class indices from top to bottom.
    """

    def __init__(self, train: Part, order: Sequence[int]) -> None:
        self._train, self._order = train, tuple(order)
        self._sections = _LabelSections(train)

    def offset(self, part: Part, ref: SectionRef) -> NDArray[np.float64] | None:
        """Difference of the line numbers to the nearest training section: float64[trace, 2]; None: none is as large."""
        lines = self._lines(part, ref)
        if not len(lines):
            return None
        offset = np.zeros((part.section_shape(ref)[1], 2))
        offset[:, tuple(Orientation).index(ref.orientation)] = np.abs(lines - ref.line).min()
        return offset

    def guess(self, part: Part, ref: SectionRef) -> NeighbourGuess | None:
        """What the nearest training sections say of a section; None where none has its orientation and size."""
        lines, distance = self._lines(part, ref), self.distance(part, ref)
        if distance is None:
            return None
        nearest = self._labels(ref, int(lines[np.abs(lines - ref.line).argmin()]))
        below, above = lines[lines < ref.line], lines[lines > ref.line]
        if not (len(below) and len(above)) or not distance.any():
            return NeighbourGuess(distance, nearest, nearest)
        sides = (int(below.max()), int(above.min()))
        fields = [boundary_fields(self._labels(ref, line), self._order) for line in sides]
        weights = np.array([[1 / abs(line - ref.line)] * len(distance) for line in sides])  # [side, trace]
        return NeighbourGuess(distance, nearest, blend(fields, weights, self._order))

    def _lines(self, part: Part, ref: SectionRef) -> NDArray[np.int64]:
        """Line numbers of the training sections that have the orientation and size of a section: int64[line]."""
        shape = part.whole_shape(ref)
        return np.array(
            [
                each.line
                for each in self._train.sections
                if each.orientation is ref.orientation and self._train.whole_shape(each) == shape
            ],
            np.int64,
        )

    def _labels(self, ref: SectionRef, line: int) -> NDArray[np.uint8]:
        return self._sections(ref.orientation, line)[:, slice(*ref.traces or (None,))]


def trained_traces(train: Part) -> NDArray[np.bool_]:
    """Where the training part of a survey on a grid holds labels: bool[inline, crossline]."""
    volume = train.volume
    grid, marked = volume.amplitude.geometry, np.zeros(volume.amplitude.geometry.live.shape, np.bool_)
    for ref in train.sections:
        at, run = grid.index(ref.orientation, ref.line), slice(*ref.traces or (None,))
        if ref.orientation is Orientation.INLINE:
            marked[at, run] = True
        else:
            marked[run, at] = True
    if train.interpreted is not None:
        marked &= train.interpreted[Orientation.INLINE]
    return marked & grid.live


def _unit(lines: NDArray[np.int32]) -> int:
    """Smallest step of line numbers; 1 where there are no two lines."""
    return int(np.diff(lines.astype(np.int64)).min()) if len(lines) > 1 else 1
