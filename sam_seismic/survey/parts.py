"""A data configuration comes in; a Survey goes out: its named parts, each a list of sections of a labelled volume."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import DataConfig, RegionConfig
from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.folds import FoldRule, folds_of
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labelled import LabelledVolume, read_amplitude
from sam_seismic.survey.labels.interpreted import describe_interpreted
from sam_seismic.survey.opened import Interpreted, OpenedSurvey
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

    @property
    def read_in_training(self) -> tuple[str, ...]:
        """The parts that a training reads in every epoch: train and, unless a fold is too small for it, val."""
        return tuple(name for name in ("train", "val") if name in self.parts)

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
        SurveyError: a file is missing or cannot be read, amplitudes and labels do not fit, a part would be empty, two
            folders hold the same section, or the configuration describes all folds of a cross-validation.
    """
    if data.split.has_all_folds:
        raise SurveyError(
            problem=f"data.split.folds: {data.split.folds} describes a network a fold, and one is needed here",
            fix="name one of the folds: --set data.split.fold=1",
        )
    return _split(data, OpenedSurvey.of(data))


def open_folds(data: DataConfig) -> tuple[Survey, ...]:
    """The survey of each fold of a cross-validation; its volumes are opened once.

    Raises:
        SurveyError: as of `open_survey`, or there are too few interpreted lines for the folds.
    """
    opened = OpenedSurvey.of(data)
    lines = opened.axis(data)
    return tuple(_split(data.of_fold(number), opened) for number in range(1, _rule(data).count(lines.held) + 1))


def _split(data: DataConfig, opened: OpenedSurvey) -> Survey:
    """The survey with its parts; errors as of `open_survey`."""
    volumes, interpreted = opened.volumes, opened.interpreted
    orientations = orientations_of(data.orientation)
    cut = {} if data.split.folders else _regions(data, opened)
    sources = dict.fromkeys(cut, volumes["train"]) | dict(volumes)
    where = dict.fromkeys(cut, interpreted["train"]) | dict(interpreted)
    regions = dict.fromkeys(sources, (Region(),)) | cut
    parts = {
        name: Part(name, volume, _sections(regions[name], volume.amplitude, orientations, where[name]), where[name])
        for name, volume in sources.items()
    }
    slivers = {name: _left_out(regions[name], volume.amplitude, orientations) for name, volume in sources.items()}
    for name, part in parts.items():
        if not part.sections:
            raise SurveyError(
                problem=f"the split {name} holds no {' or '.join(orientations)} section of "
                + ": ".join([str(part.volume.amplitude.path), *slivers[name][:1]]),
                fix="set a smaller data.split.folds or a larger data.split.val, or choose another data.orientation"
                if data.split.folds is not None
                else "widen its region in data.split, or choose another data.orientation",
            )
    notes = [note for volume in volumes.values() for note in volume.notes]
    notes += [note for name, volume in volumes.items() for note in _interpretation_notes(volume, interpreted[name])]
    notes += [f"{name}: {what}" for name, left in slivers.items() for what in left]
    if data.split.folders or not volumes["train"].amplitude.has_grid:
        notes += _loose_notes(data, parts)
    if "val" not in parts:
        notes.append(_unvalidated(data))
    parts["train"] = replace(parts["train"], sections=_thinned(parts["train"].sections, data))
    return Survey(parts, volumes["train"].facies, tuple(dict.fromkeys(notes)))


def _unvalidated(data: DataConfig) -> str:
    """A note on a fold without validation lines."""
    why = "data.split.val: 0" if not data.split.val else f"fold {data.split.fold} has too few lines for validation"
    return f"{why}: it trains for all of train.epochs, and best.ckpt holds the weights after the last one"


def _sections(
    regions: Sequence[Region], volume: Volume, orientations: Sequence[Orientation], interpreted: Interpreted | None
) -> tuple[SectionRef, ...]:
    """The sections of some regions that hold labels; all of them if none does: the label check tells it."""
    for held in (interpreted, None):
        refs = [ref for region in regions for ref in sections_in(region, volume, orientations, held)]
        if refs:
            return tuple(sorted(refs, key=lambda ref: (tuple(Orientation).index(ref.orientation), ref.line)))
    return ()


def _left_out(regions: Sequence[Region], volume: Volume, orientations: Sequence[Orientation]) -> list[str]:
    return [what for region in regions for what in left_out(region, volume, orientations)]


def _interpretation_notes(volume: LabelledVolume, interpreted: Interpreted | None) -> list[str]:
    """On how much of a survey is interpreted, unless all of it is."""
    if interpreted is None or volume.labels is None or volume.amplitude.loose_sections:
        return []
    note = describe_interpreted(interpreted[Orientation.INLINE], volume.amplitude, volume.labels)
    return [] if note is None else [f"{volume.labels.path.name}: {note}"]


def _thinned(sections: Sequence[SectionRef], data: DataConfig) -> tuple[SectionRef, ...]:
    """The sections to train on: of every n-th line of each orientation, counted from its first, an even share."""
    by_orientation = ([ref for ref in sections if ref.orientation is orientation] for orientation in Orientation)
    kept = [
        (refs, set(_share(sorted({ref.line for ref in refs})[:: data.every], data.share))) for refs in by_orientation
    ]
    return tuple(ref for refs, lines in kept for ref in refs if ref.line in lines)


def _share(lines: Sequence[int], share: float) -> list[int]:
    """A share of some lines, at least one, each in the middle of an interval; the intervals are equally long."""
    count = min(len(lines), max(1, round(share * len(lines))))
    return [lines[(2 * position + 1) * len(lines) // (2 * count)] for position in range(count)]


def _loose_notes(data: DataConfig, parts: Mapping[str, Part]) -> list[str]:
    """Notes on a split of loose sections, between which no regions leave a guard gap.

    Raises:
        SurveyError: two parts hold the same section.
    """
    sections = {name: part.sections for name, part in parts.items()}
    check_disjoint(sections)
    found = without_gap(sections, data.split.guard)
    return [f"the split of these sections has no guard gap: {'; '.join(found)}"] if found else []


def _rule(data: DataConfig) -> FoldRule:
    assert data.split.folds is not None, "only a cross-validation has folds"
    return FoldRule(data.split.folds, data.split.val, data.split.guard)


def _regions(data: DataConfig, opened: OpenedSurvey) -> dict[str, tuple[Region, ...]]:
    """The rectangles of each part that is cut from the volume to train on."""
    split, volume = data.split, opened.volumes["train"]
    if split.regions is not None:
        regions = {str(name): _given_region(region) for name, region in split.regions.items()}
        if volume.amplitude.has_grid:
            check_apart(regions)
        return {name: (region,) for name, region in regions.items()}
    axis = opened.axis(data)
    if split.folds is None:
        test = 0.0 if data.source == "f3" else split.test
        blocks = block_regions(
            axis.every, axis.along, val=split.val, test=test, guard=split.guard, interpreted=axis.held
        )
        return {name: (region,) for name, region in blocks.items()}
    assert split.fold is not None, "checked by open_survey"
    folds = folds_of(axis.every, axis.held, axis.along, _rule(data))
    if split.fold > len(folds):
        raise SurveyError(
            problem=f"data.split.fold: {split.fold} is more than the {len(folds)} folds of this survey",
            fix=f"choose 1 to {len(folds)}, or leave data.split.fold out to train all of them",
        )
    return folds[split.fold - 1].regions(axis.along)


def _given_region(region: RegionConfig) -> Region:
    return Region(inlines=region.inlines, crosslines=region.crosslines)
