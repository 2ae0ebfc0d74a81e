"""A data configuration comes in; a Survey goes out: its named parts, each a list of sections of a labelled volume."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import DataConfig, InterpretationConfig, ReadOptions, RegionConfig
from sam_seismic.errors import SurveyError
from sam_seismic.survey.amplitudes import as_amplitudes
from sam_seismic.survey.axis_order import NATURAL
from sam_seismic.survey.catalog import f3, seam_ai
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.formats import format_of, open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labelled import NAME_AXES, LabelledVolume, labelled, read_amplitude
from sam_seismic.survey.labels.interpretation import labelled_by
from sam_seismic.survey.labels.interpreted import describe_interpreted, interpreted_sections
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
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.survey.volume import Section, Volume

Interpreted = Mapping[Orientation, NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class Part:
    """Sections of one labelled volume that serve one purpose: train, val, test, test1, ..."""

    name: str
    volume: LabelledVolume
    sections: tuple[SectionRef, ...]

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
    volumes = _open_volumes(data)
    interpreted = {name: _interpreted(volume) for name, volume in volumes.items()}
    orientations = orientations_of(data.orientation)
    cut = {} if data.split.folders else _regions(data, volumes["train"], orientations, interpreted["train"])
    sources = dict.fromkeys(cut, volumes["train"]) | volumes
    where = dict.fromkeys(cut, interpreted["train"]) | interpreted
    regions = dict.fromkeys(sources, Region()) | cut
    parts = {
        name: Part(name, volume, _sections(regions[name], volume.amplitude, orientations, where[name]))
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
    parts["train"] = replace(parts["train"], sections=_every(parts["train"].sections, data.every))
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


def _every(sections: Sequence[SectionRef], step: int) -> tuple[SectionRef, ...]:
    """Every n-th section of each orientation, counted from its first."""
    by_orientation = ([ref for ref in sections if ref.orientation is orientation] for orientation in Orientation)
    return tuple(ref for refs in by_orientation for ref in refs[::step])


def _loose_notes(data: DataConfig, parts: Mapping[str, Part]) -> list[str]:
    """Notes on a split of loose sections, between which no regions leave a guard gap.

    Raises:
        SurveyError: two parts hold the same section.
    """
    sections = {name: part.sections for name, part in parts.items()}
    check_disjoint(sections)
    found = without_gap(sections, data.split.guard)
    return [f"the split of these sections has no guard gap: {'; '.join(found)}"] if found else []


def _open_volumes(data: DataConfig) -> dict[str, LabelledVolume]:
    """Labelled volumes by name; `train` is always there."""
    if data.source == "f3":
        assert data.root is not None, "config checks it"
        return f3(data.root)
    if data.source == "seam_ai":
        assert data.root is not None, "config checks it"
        return seam_ai(data.root, data.read)
    if data.source == "synthetic":
        return {"train": model_survey(data.synthetic.shape, data.synthetic.seed).labelled()}
    return _open_files(data)


def _open_files(data: DataConfig) -> dict[str, LabelledVolume]:
    assert data.amplitude is not None, "config checks it"
    assert data.labels is not None, "config checks it"
    facies = facies_of(data)
    if isinstance(data.labels, InterpretationConfig):
        return {"train": labelled_by(open_volume(data.amplitude, data.read), data.labels, facies)}
    folders = {"train": Path()}
    if data.split.folders:
        folders = {name: Path(name) for name in ("train", "val", "test") if (data.amplitude / name).is_dir()}
        if not {"train", "val"} <= set(folders):
            raise SurveyError(
                problem=f"{data.amplitude}: split.folders needs the subfolders train and val, "
                f"found {', '.join(folders) or 'neither'}",
                fix="move the sections into such subfolders, or remove data.split.folders",
            )
    listed = data.labels if isinstance(data.labels, tuple) else (data.labels,)
    return {
        name: _open_pair(data.amplitude / folder, [each / folder for each in listed], data, facies)
        for name, folder in folders.items()
    }


def _open_pair(path: Path, labels: Sequence[Path], data: DataConfig, facies: FaciesTable) -> LabelledVolume:
    """Open amplitudes and their labels.

    Raises:
        SurveyError: see `_open_labels` and `labelled`.
    """
    amplitude = as_amplitudes(open_volume(path, data.read))
    opened = [_open_labels(each, amplitude, data) for each in labels]
    joined = labelled(amplitude, [volume for volume, _ in opened], facies)
    return replace(joined, together=(*joined.together, *(note for _, note in opened if note is not None)))


def _open_labels(labels_path: Path, amplitude: Volume, data: DataConfig) -> tuple[Volume, str | None]:
    """Open labels, with a note on their axis order: an array of labels does not show which of its axes is time.

    Raises:
        SurveyError: the axis order that was guessed for the amplitudes is not that of the labels, and two axes have
            the same size: a wrong guess would not be noticed, and transposed labels would be trained on.
    """
    path = amplitude.path
    named = data.read_labels or _as_amplitude(data.read)
    read_labels = _in_the_same_order(named, labels_path, amplitude)
    labels = open_volume(labels_path, read_labels)
    order = read_labels.axes or NATURAL
    guessed = amplitude.axis_order
    if guessed is not None and data.read.axes is None and guessed != order:
        shape = amplitude.geometry.shape
        if len(set(shape)) < len(shape):
            raise SurveyError(
                problem=f"{path}: is read as {guessed}, which was guessed, and its labels {labels_path} as "
                f"{order}; the shape {shape} does not tell whether that is right",
                fix=NAME_AXES,
            )
    if read_labels == named:
        return labels, None
    return labels, (
        f"{labels_path.name}: read as {order}, the axis order of {path.name}; name it with data.read_labels.axes"
    )


def _in_the_same_order(read: ReadOptions, path: Path, amplitude: Volume) -> ReadOptions:
    """Reading options for labels: in an array whose axes nobody names, the axis order of the amplitudes."""
    if amplitude.axis_order is None or read.axes is not None or not format_of(path).guesses_axes:
        return read
    return read.model_copy(update={"axes": amplitude.axis_order})


def facies_of(data: DataConfig) -> FaciesTable:
    """The classes of a user's own survey."""
    assert data.classes is not None, "config checks it"
    values = data.label_values or tuple(range(len(data.classes)))
    usual = () if IGNORE in values else (IGNORE,)
    ignored: tuple[float, ...] = usual if data.ignore_values is None else data.ignore_values
    null = None if data.read_labels is None else data.read_labels.null
    return FaciesTable(data.classes, values, ignored if null is None else (*ignored, null))


def _as_amplitude(read: ReadOptions) -> ReadOptions:
    """Reading options for labels where none are given: those of the amplitudes without sample format and null value."""
    return read.model_copy(update={"segy": read.segy.model_copy(update={"format": None}), "null": None})


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
