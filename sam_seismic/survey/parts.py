"""A data configuration comes in; a Survey goes out: its named parts, each a list of sections of a labelled volume."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import DataConfig, RegionConfig
from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labelled import LabelledVolume, read_amplitude
from sam_seismic.survey.labels.interpreted import describe_interpreted, interpreted_sections
from sam_seismic.survey.opening import open_labelled
from sam_seismic.survey.splits import (
    Region,
    SectionRef,
    block_regions,
    check_apart,
    check_disjoint,
    describe_sections,
    left_out,
    sections_in,
    without_gap,
)
from sam_seismic.survey.volume import Section, Volume

Interpreted = Mapping[Orientation, NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class Part:
    """Sections of one labelled volume that serve one purpose: train, val, test, test1, ...

    Args:
        name: of the purpose.
        volume: that they are read from.
        sections: where they are, cut to the part.
        interpreted: where labels stand in the volume, by orientation bool[line, trace]; None: not looked for.
    """

    name: str
    volume: LabelledVolume
    sections: tuple[SectionRef, ...]
    interpreted: Interpreted | None = None

    def read(self, ref: SectionRef) -> tuple[Section, NDArray[np.uint8]]:
        """Amplitudes and class indices of a section, cut to the part: Section and uint8[sample, trace].

        Raises:
            SurveyError: the file is damaged there, or its labels are none of the classes.
        """
        section, labels = self.volume.section(ref.orientation, ref.line)
        if ref.traces is None:
            return section, labels
        keep = slice(*ref.traces)
        return section.traces(keep), labels[:, keep]

    def amplitude(self, ref: SectionRef) -> Section:
        """Amplitudes of a section alone, as `read` gives them, cut to the part.

        Raises:
            SurveyError: the file is damaged there.
        """
        section = read_amplitude(self.volume.amplitude, ref.orientation, ref.line)
        return section if ref.traces is None else section.traces(slice(*ref.traces))

    def labels(self, ref: SectionRef) -> Section:
        """Class indices of a section alone, as `read` gives them, cut to the part: values uint8[sample, trace].

        Its amplitudes are not read; see `LabelledVolume.label_section`.

        Raises:
            SurveyError: the label file is damaged there, or its labels are none of the classes.
        """
        section = self.volume.label_section(ref.orientation, ref.line)
        return section if ref.traces is None else section.traces(slice(*ref.traces))

    def label_values(self, ref: SectionRef) -> Section:
        """Labels of a section as their file holds them, cut to the part; see `LabelledVolume.label_values`.

        Raises:
            SurveyError: the label file is damaged there.
        """
        section = self.volume.label_values(ref.orientation, ref.line)
        return section if ref.traces is None else section.traces(slice(*ref.traces))

    def section_shape(self, ref: SectionRef) -> tuple[int, int]:
        """(samples, traces) of a section, cut to the part; nothing of it is read.

        Raises:
            SurveyError: there is no such line.
        """
        samples, traces = self.whole_shape(ref)
        return samples, traces if ref.traces is None else len(range(traces)[slice(*ref.traces)])

    def whole_shape(self, ref: SectionRef) -> tuple[int, int]:
        """(samples, traces) of the whole section that a section of the part is cut from; nothing of it is read.

        Raises:
            SurveyError: there is no such line.
        """
        return self.volume.amplitude.section_shape(ref.orientation, ref.line)

    def __str__(self) -> str:
        return f"{self.name}: {describe_sections(self.sections)} of {self.volume.amplitude.path}"


@dataclass(frozen=True, eq=False)
class Survey:
    """What an experiment reads: its parts by name, its classes, and what was assumed about the files."""

    parts: Mapping[str, Part]
    facies: FaciesTable
    notes: tuple[str, ...] = ()

    def named(self, split: str) -> list[Part]:
        """The parts of a split: `test` also gives test1, test2, ...

        Raises:
            SurveyError: there is no such part.
        """
        if split in self.parts:
            return [self.parts[split]]
        found = [part for name, part in self.parts.items() if name.rstrip("0123456789") == split]
        if not found:
            raise SurveyError(
                problem=f"this survey has no split called {split}", fix=f"choose one of {', '.join(self.parts)}"
            )
        return found


def orientations_of(choice: str) -> tuple[Orientation, ...]:
    """`inline`, `crossline` or `both` -> orientations."""
    return tuple(Orientation) if choice == "both" else (Orientation(choice),)


def open_survey(data: DataConfig) -> Survey:
    """Open the volumes of a data configuration and split them into parts.

    Raises:
        SurveyError: a file is missing or cannot be read, amplitudes and labels do not fit, a part would be empty, or
            two folders hold the same section.
    """
    volumes = open_labelled(data)
    interpreted = {name: _interpreted(volume) for name, volume in volumes.items()}
    orientations = orientations_of(data.orientation)
    cut = {} if data.split.folders else _regions(data, volumes["train"], orientations, interpreted["train"])
    sources = dict.fromkeys(cut, volumes["train"]) | volumes
    where = dict.fromkeys(cut, interpreted["train"]) | interpreted
    regions = dict.fromkeys(sources, Region()) | cut
    parts = {
        name: Part(name, volume, _sections(regions[name], volume.amplitude, orientations, where[name]), where[name])
        for name, volume in sources.items()
    }
    slivers = {name: left_out(regions[name], volume.amplitude, orientations) for name, volume in sources.items()}
    for name, part in parts.items():
        if not part.sections:
            raise SurveyError(
                problem=f"the split {name} holds no {' or '.join(orientations)} section of "
                + ": ".join([str(part.volume.amplitude.path), *slivers[name][:1]]),
                fix="widen its region in data.split, or choose another data.orientation",
            )
    notes = [note for volume in volumes.values() for note in volume.notes]
    notes += [note for name, volume in volumes.items() for note in _interpretation_notes(volume, interpreted[name])]
    notes += [f"{name}: {what}" for name, left in slivers.items() for what in left]
    if data.split.folders or not volumes["train"].amplitude.has_grid:
        notes += _loose_notes(data, parts)
    parts["train"] = replace(parts["train"], sections=_thinned(parts["train"].sections, data))
    return Survey(parts, volumes["train"].facies, tuple(dict.fromkeys(notes)))


def _sections(
    region: Region, volume: Volume, orientations: Sequence[Orientation], interpreted: Interpreted | None
) -> tuple[SectionRef, ...]:
    """The sections of a region that hold labels; all of them if none does: the label check tells it."""
    return sections_in(region, volume, orientations, interpreted) or sections_in(region, volume, orientations)


def _interpreted(volume: LabelledVolume) -> Interpreted | None:
    """Where labels stand, by orientation bool[line, trace]; None without labels."""
    if volume.labels is None:
        return None
    return interpreted_sections(volume.amplitude, volume.labels, volume.facies)


def _interpretation_notes(volume: LabelledVolume, interpreted: Interpreted | None) -> list[str]:
    """On how much of a survey is interpreted, unless all of it is."""
    if interpreted is None or volume.labels is None or volume.amplitude.loose_sections:
        return []
    note = describe_interpreted(interpreted[Orientation.INLINE], volume.amplitude, volume.labels)
    return [] if note is None else [f"{volume.labels.path.name}: {note}"]


def _thinned(sections: Sequence[SectionRef], data: DataConfig) -> tuple[SectionRef, ...]:
    """The sections to train on: every n-th of each orientation, counted from its first, or an evenly spaced share."""
    by_orientation = ([ref for ref in sections if ref.orientation is orientation] for orientation in Orientation)
    return tuple(ref for refs in by_orientation for ref in _share(refs[:: data.every], data.share))


def _share(refs: Sequence[SectionRef], share: float) -> list[SectionRef]:
    """A share of some sections, at least one, each in the middle of an interval; the intervals are equally long."""
    count = min(len(refs), max(1, round(share * len(refs))))
    return [refs[(2 * position + 1) * len(refs) // (2 * count)] for position in range(count)]


def _loose_notes(data: DataConfig, parts: Mapping[str, Part]) -> list[str]:
    """Notes on a split of loose sections, between which no regions leave a guard gap.

    Raises:
        SurveyError: two parts hold the same section.
    """
    sections = {name: part.sections for name, part in parts.items()}
    check_disjoint(sections)
    found = without_gap(sections, data.split.guard)
    return [f"the split of these sections has no guard gap: {'; '.join(found)}"] if found else []


def _regions(
    data: DataConfig, volume: LabelledVolume, orientations: Sequence[Orientation], interpreted: Interpreted | None
) -> dict[str, Region]:
    split = data.split
    if split.regions is not None:
        regions = {str(name): _given_region(region) for name, region in split.regions.items()}
        if volume.amplitude.has_grid:
            check_apart(regions)
        return regions
    along = Orientation(split.along or orientations[0])
    # Of the orientation that is read, a folder may hold only some lines of the grid; across it, all lines are cut.
    read = along in orientations
    lines = volume.amplitude.lines(along) if read else volume.amplitude.geometry.lines(along)
    held = lines
    if interpreted is not None and (read or not volume.amplitude.loose_sections):
        held = lines[interpreted[along].any(axis=1)]
    if not len(held):  # which is told when the labels are checked
        held = lines
    test = 0.0 if data.source == "f3" else split.test
    return block_regions(lines, along, val=split.val, test=test, guard=split.guard, interpreted=held)


def _given_region(region: RegionConfig) -> Region:
    return Region(inlines=region.inlines, crosslines=region.crosslines)
