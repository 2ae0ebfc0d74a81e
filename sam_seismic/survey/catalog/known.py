"""A name of a published survey goes in; what a user must know to get it, and each of its files, come out."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sam_seismic.errors import SurveyError
from sam_seismic.survey import catalog
from sam_seismic.survey.facies import FaciesTable


@dataclass(frozen=True)
class KnownFile:
    """A published file.

    Args:
        file: its name below the survey's folder.
        form: npy, npz or segy; zip for an archive of all files.
        volume: train, test1 or test2; archive.
        labels: whether it holds labels.
        shape: [inline, crossline, sample] of its volume.
        axes: order of the axes as stored; not used for SEG-Y, whose headers say it.
        key: the array of an .npz.
        dtype: of the array, where it is the same in all copies.
    """

    file: str
    form: str
    volume: str
    labels: bool
    shape: tuple[int, int, int]
    axes: str = "inline,crossline,sample"
    key: str | None = None
    dtype: str | None = None

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """The shape in the order of the file's axes."""
        sizes = dict(zip(("inline", "crossline", "sample"), self.shape, strict=True))
        return tuple(sizes[axis] for axis in self.axes.split(","))


@dataclass(frozen=True)
class Archive:
    """All files of a survey in one, at a public address."""

    file: str
    address: str
    md5: str
    size_bytes: int


@dataclass(frozen=True)
class PublishedSurvey:
    """A published survey.

    Args:
        name: as `data.source` has it.
        title: what it is.
        page: where it is published.
        licence: under which terms.
        archive: what `fetch` downloads, its size and MD5; None where a program cannot download the files.
        unpacked_bytes: size of the samples in one form.
        facies: the classes.
        splits: those that `eval --split` can score when all files are there.
        amplitude: largest absolute amplitude of the training volume, about.
        files: all published files.
    """

    name: str
    title: str
    page: str
    licence: str
    archive: Archive | None
    unpacked_bytes: int
    facies: FaciesTable
    splits: tuple[str, ...]
    amplitude: float
    files: tuple[KnownFile, ...]

    @property
    def config(self) -> str:
        """The configuration that trains on it."""
        return f"configs/{self.name}.yaml"

    @property
    def how(self) -> str:
        """How to get its files."""
        return f"sam-seismic data fetch {self.name}" if self.archive else f"get the published files: {self.page}"

    def folder(self, root: Path) -> Path:
        """Where the files lie below the folder that the user gives."""
        return catalog.f3_folder(root) if self.name == "f3" else root

    def next_command(self, root: Path) -> str:
        """What to do when the files are there."""
        return f"sam-seismic train --config {self.config} --set data.root={root}"


def known_surveys() -> dict[str, PublishedSurvey]:
    """All published surveys that are known, by name."""
    return {survey.name: survey for survey in (_f3(), _seam_ai())}


def known_survey(name: str) -> PublishedSurvey:
    """A published survey by its name.

    Raises:
        SurveyError: none is known by that name.
    """
    surveys = known_surveys()
    if name not in surveys:
        raise SurveyError(
            problem=f"no published survey is known as {name!r}", fix=f"choose one of {', '.join(surveys)}"
        )
    return surveys[name]


def _f3() -> PublishedSurvey:
    files = tuple(
        KnownFile(file, "npy", volume, labels, known.shape, dtype="uint8" if labels else "float64")
        for volume, known in catalog.F3_VOLUMES.items()
        for file, labels in zip(known.files, (False, True), strict=True)
    )
    return PublishedSurvey(
        name="f3",
        title="F3 facies benchmark (Alaudah et al. 2019): F3 block, Dutch North Sea",
        page=catalog.F3_RECORD,
        licence="survey: CC BY-SA 3.0 (dGB Earth Sciences, TNO); labels: see the page of the record",
        archive=Archive(
            file=catalog.F3_ARCHIVE,
            address=f"{catalog.F3_RECORD}/files/{catalog.F3_ARCHIVE}",
            md5=catalog.F3_MD5,
            size_bytes=catalog.F3_ARCHIVE_BYTES,
        ),
        unpacked_bytes=sum(math.prod(known.shape) * (1 if known.labels else 8) for known in files),
        facies=catalog.F3_FACIES,
        splits=("train", "val", "test1", "test2"),
        amplitude=1.0,
        files=files,
    )


def _seam_ai() -> PublishedSurvey:
    files = tuple(file for volume in catalog.SEAM_AI_VOLUMES for file in _seam_ai_files(volume))
    arrays = [known for known in files if known.form == "npz"]
    return PublishedSurvey(
        name="seam_ai",
        title="SEAM AI facies challenge (SEG 2020): Parihaka, offshore New Zealand",
        page=catalog.SEAM_AI_PAGE,
        licence="the rules of the challenge, to be accepted on its page",
        archive=None,
        unpacked_bytes=sum(math.prod(known.shape) * (1 if known.labels else 4) for known in arrays),
        facies=catalog.SEAM_AI_FACIES,
        splits=("train", "val", "test"),
        amplitude=5200.0,
        files=files,
    )


def _seam_ai_files(volume: str) -> Iterator[KnownFile]:
    known = catalog.SEAM_AI_VOLUMES[volume]
    axes = catalog.SEAM_AI_AXES.axes
    assert axes is not None, "the order of the .npz form is known"
    for labels, file in enumerate(known.segy):
        yield KnownFile(file, "segy", volume, bool(labels), known.shape)
    for labels, (file, key) in enumerate(known.npz):
        yield KnownFile(file, "npz", volume, bool(labels), known.shape, axes=axes, key=key)
