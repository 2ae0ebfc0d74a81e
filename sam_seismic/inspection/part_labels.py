"""A part of a survey comes in; the label values of its sections go out, from no more sections than are needed."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np

from sam_seismic.inspection.class_shares import spread_sections
from sam_seismic.inspection.labels import count_nulls, count_values
from sam_seismic.listener import Listener
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.parts import Part
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.volume import Volume


@dataclass(frozen=True)
class PartLabels:
    """The labels of the sections of a part that were read.

    Args:
        facies: the classes.
        voxels: number of voxels by label value.
        labelled: the sections that hold a voxel of a class.
        nulls: number of voxels by the name of a null value that is neither a class nor ignored by name: NaN, ...
    """

    facies: FaciesTable
    voxels: Mapping[int, int] = field(default_factory=dict)
    labelled: tuple[SectionRef, ...] = ()
    nulls: Mapping[str, int] = field(default_factory=dict)

    @property
    def absent(self) -> tuple[int, ...]:
        """Label values of the classes without a voxel, in the order of the classes."""
        return tuple(value for value in self.facies.values if not self.voxels.get(value))

    @property
    def ignored(self) -> tuple[int, ...]:
        """Whole numbers that occur in the label files and mean "not interpreted", ascending."""
        return tuple(sorted(int(value) for value in self.facies.ignored if self.voxels.get(value)))  # type: ignore[call-overload]


def read_part_labels(
    part: Part,
    listener: Listener,
    *,
    until: Callable[[PartLabels], bool],
    sections: Sequence[SectionRef] | None = None,
) -> PartLabels:
    """Count the labels of a part, section by section, until they are known well enough.

    Sections far apart are read first, so that a few of them show all classes of most surveys.

    Args:
        part: with labels.
        listener: told of progress.
        until: whether what was counted so far is enough.
        sections: to read, in this order; None for all of the part.

    Raises:
        SurveyError: the part has no labels, or the labels of a section cannot be read or are none of the classes.
    """
    found = PartLabels(part.volume.facies)
    chosen = _far_apart_first(part) if sections is None else sections
    for done, ref in enumerate(chosen, start=1):
        found = _with_section(found, part, ref)
        if until(found):
            break
        listener.progress(f"check labels of {part.name}", done, len(chosen))
    return found


def _with_section(found: PartLabels, part: Part, ref: SectionRef) -> PartLabels:
    """The counts with those of one more section."""
    section = part.label_values(ref)
    assert part.volume.labels is not None, "they were read"
    where = f"{part.volume.labels.path}: {section.name}"
    counts = count_values(section, where, found.facies)
    nulls = Counter(found.nulls) + count_nulls(section, found.facies)
    found.facies.encode(np.array(list(counts), np.int64), where)  # refuses values that are none of the classes
    for value in _filled_in(part.volume.labels, ref, counts.keys() & set(found.facies.ignored)):
        del counts[value]
    interpreted = any(value in found.facies.values for value in counts)
    voxels = dict(Counter(found.voxels) + Counter(counts))
    return PartLabels(found.facies, voxels, found.labelled + ((ref,) if interpreted else ()), dict(nulls))


def _filled_in(labels: Volume, ref: SectionRef, values: AbstractSet[float]) -> set[int]:
    """Those of some label values of a section that its files do not hold: they stand where these have no label."""
    if labels.sources == (labels,) or not values:
        return set()
    held: set[float] = set()
    for source in labels.sources:
        if ref.line in source.lines(ref.orientation):
            held |= set(np.unique(source.section(ref.orientation, ref.line).values).tolist())
    return {int(value) for value in values if value not in held}


def _far_apart_first(part: Part) -> list[SectionRef]:
    """All sections of a part: a few evenly spaced ones first, and of both orientations the faster one first."""
    fast = part.volume.amplitude.fast_orientation
    first = spread_sections(part)
    others = set(part.sections) - set(first)
    rest = [ref for ref in part.sections if ref in others]
    return [
        *sorted(first, key=lambda ref: ref.orientation is not fast),
        *sorted(rest, key=lambda ref: ref.orientation is not fast),
    ]
