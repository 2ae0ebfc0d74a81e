"""A folder goes in; a check of each file of a published survey comes out: ok, missing, or how it differs."""

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.catalog.known import KnownFile, PublishedSurvey, known_survey
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation

ARCHIVE = "zip"
"""The form of an archive of all files."""
LOOKED_AT = 25
"""Planes of an array, or inlines of a SEG-Y file, whose values are looked at, spread evenly."""
FACTOR = 10.0
"""Amplitudes whose maximum differs from the published one by more than this factor have been rescaled."""
DAMAGED = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged array can raise."""


@dataclass(frozen=True)
class FileCheck:
    """The result of checking one published file.

    Args:
        known: the file.
        path: where it was looked for.
        size_bytes: its length; None where it is missing.
        problems: how it differs from the published file, each with both values.
    """

    known: KnownFile
    path: Path
    size_bytes: int | None
    problems: tuple[str, ...] = ()

    @property
    def here(self) -> bool:
        """Whether there is a file of that name."""
        return self.size_bytes is not None

    @property
    def status(self) -> str:
        """`ok`, `missing` or `differs`."""
        return "missing" if not self.here else "differs" if self.problems else "ok"


@dataclass(frozen=True)
class Verification:
    """What a folder holds of a published survey."""

    survey: PublishedSurvey
    root: Path
    files: tuple[FileCheck, ...]

    @property
    def chosen(self) -> tuple[FileCheck, ...]:
        """The files of each form of which one file is there; all files where none is."""
        forms = {check.known.form for check in self.files if check.here} - {ARCHIVE}
        return tuple(check for check in self.files if not forms or check.known.form in {*forms, ARCHIVE})

    @property
    def volumes(self) -> tuple[str, ...]:
        """Volumes of which all files of one form are there and as published."""
        return tuple(dict.fromkeys(volume for volume, checks in self._forms() if all(c.status == "ok" for c in checks)))

    def raise_for_fault(self) -> None:
        """Refuse a folder that cannot be trained on, or in which a file differs.

        Raises:
            SurveyError: it names the files.
        """
        wrong = [check for check in self.files if check.problems]
        whole = {volume for volume, checks in self._forms() if all(check.here for check in checks)}
        lacking = [
            check.known.file
            for volume, checks in self._forms()
            if volume not in whole and any(check.here for check in checks)
            for check in checks
            if not check.here
        ]
        how = self.survey.how
        if wrong:
            told = "; ".join(f"{check.path}: {', '.join(check.problems)}" for check in wrong)
            raise SurveyError(problem=told, fix=how)
        if lacking:
            raise SurveyError(problem=f"{self.root}: lacks {', '.join(lacking)}", fix=how)
        if "train" not in whole:
            raise SurveyError(problem=f"{self.root}: lacks the training volume of {self.survey.name}", fix=how)

    def _forms(self) -> Iterator[tuple[str, list[FileCheck]]]:
        """Each volume in each of its published forms, with the files of that form."""
        forms: dict[tuple[str, str], list[FileCheck]] = {}
        for check in self.files:
            if check.known.form == ARCHIVE:
                continue
            forms.setdefault((check.known.volume, check.known.form), []).append(check)
        for (volume, _), checks in forms.items():
            yield volume, checks


def verify(name: str, root: Path, *, progress: Callable[[int, int], None] | None = None) -> Verification:
    """Compare the files of a folder with what was published.

    Each must have the published shape and type; an .npy the length that follows from them, an .npz its checksums;
    labels must be classes, and amplitudes finite and of the published order of magnitude, on lines spread over the
    volume. An archive that lies beside them must have the published checksum.

    Args:
        name: of the survey.
        root: the folder that `data.root` would name.
        progress: called with the number of files that are done, and of all.

    Raises:
        SurveyError: there is no such survey or folder.
    """
    survey = known_survey(name)
    if not root.is_dir():
        raise SurveyError(problem=f"{root}: there is no such folder", fix="check the path")
    folder = survey.folder(root)
    places = [(known, folder / known.file) for known in survey.files]
    if survey.archive is not None and (root / survey.archive.file).is_file():
        places.append((KnownFile(survey.archive.file, ARCHIVE, "all", False, (0, 0, 0)), root / survey.archive.file))
    checks = []
    for known, path in places:
        checks.append(check_file(survey, known, path))
        if progress is not None:
            progress(len(checks), len(places))
    return Verification(survey, root, tuple(checks))


def check_file(survey: PublishedSurvey, known: KnownFile, path: Path) -> FileCheck:
    """Compare one file with what was published."""
    if not path.is_file():
        return FileCheck(known, path, None)
    size = path.stat().st_size
    try:
        problems = _PROBLEMS_OF[known.form](survey, known, path)
    except SurveyError as error:
        problems = [error.problem.removeprefix(f"{path}: ")]
    except DAMAGED as error:
        problems = [f"cannot be read: {error}"]
    return FileCheck(known, path, size, tuple(problems))


def _array_problems(survey: PublishedSurvey, known: KnownFile, path: Path) -> list[str]:
    with path.open("rb") as file:
        shape, dtype, fortran = _read_header(file)
        start, size = file.tell(), path.stat().st_size
        wanted = start + int(np.prod(shape)) * dtype.itemsize
        if problems := _form_problems(known, shape, dtype):
            return problems
        if size != wanted:
            return [f"has {size:,} bytes; {wanted:,} follow from its shape and type"]
        planes = _planes(shape, fortran)
        plane = (wanted - start) // planes
        values = _Values(survey, known, path)
        for position in _spread(planes):
            file.seek(start + position * plane)
            values.look(np.frombuffer(file.read(plane), dtype))
    return values.problems()


def _npz_problems(survey: PublishedSurvey, known: KnownFile, path: Path) -> list[str]:
    """The whole member is read, a plane at a time: at its end the archive's own checksum is compared."""
    values = _Values(survey, known, path)
    with zipfile.ZipFile(path) as archive:
        arrays = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        if known.key not in arrays:
            return [f"holds the arrays {', '.join(arrays) or 'none'}; published was {known.key}"]
        with archive.open(f"{known.key}.npy") as member:
            shape, dtype, fortran = _read_header(member)
            if problems := _form_problems(known, shape, dtype):
                return problems
            planes = _planes(shape, fortran)
            plane = int(np.prod(shape)) * dtype.itemsize // planes
            looked = set(_spread(planes))
            for position in range(planes):
                samples = _read_fully(member, plane)
                if len(samples) < plane:
                    return [f"its array ends in plane {position} of {planes}"]
                if position in looked:
                    values.look(np.frombuffer(samples, dtype))
            if member.read(1):
                return ["holds more samples than its header says"]
    return values.problems()


def _segy_problems(survey: PublishedSurvey, known: KnownFile, path: Path) -> list[str]:
    volume = open_volume(path)
    shape = volume.geometry.shape
    if sorted(shape) != sorted(known.shape):  # which axis is the inline one is for the headers to say
        return [f"has the shape {shape} [inline, crossline, sample]; published was {known.shape}"]
    values = _Values(survey, known, path)
    inlines = volume.lines(Orientation.INLINE)
    for position in _spread(len(inlines)):
        section = volume.section(Orientation.INLINE, int(inlines[position]))
        values.look(section.values[:, section.live])
    return values.problems()


def _archive_problems(survey: PublishedSurvey, _: KnownFile, path: Path) -> list[str]:
    assert survey.archive is not None, "the file has its name"
    size = path.stat().st_size
    if size != survey.archive.size_bytes:
        return [f"has {size:,} bytes; published were {survey.archive.size_bytes:,}"]
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    return [] if found == survey.archive.md5 else [f"has the MD5 {found}; published was {survey.archive.md5}"]


_PROBLEMS_OF = {"npy": _array_problems, "npz": _npz_problems, "segy": _segy_problems, ARCHIVE: _archive_problems}


class _Values:
    """Collects the labels or the largest amplitude of a file."""

    def __init__(self, survey: PublishedSurvey, known: KnownFile, path: Path) -> None:
        self._survey, self._known, self._path = survey, known, path
        self._strange, self._largest = 0, 0.0
        self._labels: set[float] = set()

    def look(self, values: NDArray[np.generic]) -> None:
        """Take a plane of values into account, of any shape."""
        if self._known.labels:
            self._labels |= set(np.unique(values).tolist())
            return
        finite = np.isfinite(values)
        self._strange += int(values.size - np.count_nonzero(finite))
        self._largest = max(self._largest, float(np.abs(values[finite]).max(initial=0)))

    def problems(self) -> list[str]:
        """What is wrong with them."""
        if self._known.labels:
            try:
                self._survey.facies.encode(np.array(sorted(self._labels)), str(self._path))
            except SurveyError as error:
                return [error.problem.removeprefix(f"{self._path}: ")]
            return []
        if self._strange:
            return [f"{self._strange:,} samples of the lines looked at are not finite"]
        usual = self._survey.amplitude
        if not usual / FACTOR <= self._largest <= usual * FACTOR:
            return [f"amplitudes reach {self._largest:g} on the lines looked at; published ones about {usual:g}"]
        return []


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic], bool]:
    """Shape, type and whether the first axis runs fastest; the stream stands at the samples afterwards."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return shape, dtype, fortran


def _form_problems(known: KnownFile, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> list[str]:
    problems = []
    if shape != known.stored_shape:
        problems.append(f"has the shape {shape}; published was {known.stored_shape} [{known.axes}]")
    if known.dtype is not None and dtype.newbyteorder("=") != np.dtype(known.dtype):
        problems.append(f"holds {dtype}; published was {known.dtype}")
    elif dtype.kind not in ("iuf" if known.labels else "f"):
        problems.append(f"holds {dtype}; published were {'whole numbers' if known.labels else 'floats'}")
    return problems


def _planes(shape: tuple[int, ...], fortran: bool) -> int:
    """The length of the axis that runs slowest."""
    return shape[-1] if fortran else shape[0]


def _spread(count: int) -> list[int]:
    """Some positions, the first and the last among them."""
    return sorted({round(position) for position in np.linspace(0, count - 1, min(count, LOOKED_AT))})


def _read_fully(file: IO[bytes], size: int) -> bytes:
    """As many bytes as there are, `size` at most: a compressed stream gives them in pieces."""
    pieces, left = [], size
    while left and (piece := file.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
