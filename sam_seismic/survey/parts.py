"""A data configuration comes in; a Survey goes out: its named parts, each a list of sections of a labelled volume."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import DataConfig, ReadOptions, RegionConfig
from sam_seismic.errors import SurveyError
from sam_seismic.survey.catalog import f3, seam_ai
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.images import FolderVolume
from sam_seismic.survey.labelled import LabelledVolume, labelled
from sam_seismic.survey.splits import (
    Region,
    SectionRef,
    block_regions,
    check_apart,
    describe_sections,
    sections_in,
)
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.survey.volume import Orientation, Section


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
        SurveyError: a file is missing or cannot be read, amplitudes and labels do not fit, or a part would be empty.
    """
    volumes = _open_volumes(data)
    orientations = orientations_of(data.orientation)
    if data.split.folders:
        regions = {name: Region() for name in volumes}
        sources = volumes
    else:
        regions = _regions(data, volumes["train"], orientations)
        apart = {name: volume for name, volume in volumes.items() if name != "train"}
        sources = dict.fromkeys(regions, volumes["train"]) | apart
    parts = {
        name: Part(name, volume, sections_in(regions.get(name, Region()), volume.amplitude, orientations))
        for name, volume in sources.items()
    }
    parts["train"] = Part("train", parts["train"].volume, parts["train"].sections[:: data.every])
    for name, part in parts.items():
        if not part.sections:
            raise SurveyError(
                problem=f"the split {name} holds no {data.orientation} section of {part.volume.amplitude.path}",
                fix="widen its region in data.split, or choose another data.orientation",
            )
    notes = tuple(dict.fromkeys(note for volume in volumes.values() for note in volume.notes))
    return Survey(parts, volumes["train"].facies, notes)


def _open_volumes(data: DataConfig) -> dict[str, LabelledVolume]:
    """Labelled volumes by name; `train` is always there."""
    if data.source == "f3":
        assert data.root is not None, "config checks it"
        return f3(data.root)
    if data.source == "seam_ai":
        assert data.root is not None, "config checks it"
        return {"train": seam_ai(data.root, data.read)["train"]}
    if data.source == "synthetic":
        return {"train": model_survey(data.synthetic.shape, data.synthetic.seed).labelled()}
    return _open_files(data)


def _open_files(data: DataConfig) -> dict[str, LabelledVolume]:
    assert data.amplitude is not None, "config checks it"
    assert data.labels is not None, "config checks it"
    assert data.classes is not None, "config checks it"
    facies = FaciesTable(data.classes, data.label_values or (), data.ignore_values)
    if not data.split.folders:
        labels = open_volume(data.labels, data.read_labels or _as_amplitude(data.read))
        return {"train": labelled(open_volume(data.amplitude, data.read), labels, facies)}
    names = [name for name in ("train", "val", "test") if (data.amplitude / name).is_dir()]
    if not {"train", "val"} <= set(names):
        raise SurveyError(
            problem=f"{data.amplitude}: split.folders needs the subfolders train and val, found {names or 'none'}",
            fix="move the sections into such subfolders, or remove data.split.folders",
        )
    return {
        name: labelled(FolderVolume(data.amplitude / name), FolderVolume(data.labels / name), facies) for name in names
    }


def _as_amplitude(read: ReadOptions) -> ReadOptions:
    """How to open labels that came from the same program as the amplitudes: their sample format is their own."""
    return read.model_copy(update={"segy": read.segy.model_copy(update={"format": None})})


def _regions(data: DataConfig, volume: LabelledVolume, orientations: Sequence[Orientation]) -> dict[str, Region]:
    split = data.split
    if split.regions is not None:
        regions = {str(name): _given_region(region) for name, region in split.regions.items()}
        check_apart(regions)
        return regions
    along = Orientation(split.along)
    if len(orientations) == 1 and along is not orientations[0]:
        raise SurveyError(
            problem=f"data.split.along: {along} cuts no blocks out of {orientations[0]} sections alone",
            fix=f"set data.split.along: {orientations[0]}, or data.orientation: both",
        )
    test = 0.0 if data.source == "f3" else split.test
    return block_regions(volume.amplitude.lines(along), along, val=split.val, test=test, guard=split.guard)


def _given_region(region: RegionConfig) -> Region:
    return Region(inlines=region.inlines, crosslines=region.crosslines)
