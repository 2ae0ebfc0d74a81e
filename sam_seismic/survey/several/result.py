"""Sections of a survey of several SEG-Y files go in; a SEG-Y for each of them comes out, or one for all."""

import os
from collections.abc import Sequence
from pathlib import Path

from sam_seismic.errors import SurveyError
from sam_seismic.files.unfinished import resume_error
from sam_seismic.survey.result import Result, ResultRequest
from sam_seismic.survey.segy import SegyResult, segy_result
from sam_seismic.survey.several.grid import Placed
from sam_seismic.survey.several.template import differences
from sam_seismic.survey.several.volume import SegyFiles
from sam_seismic.survey.volume import Section


class SegyFilesResult(Result):
    """A folder with a SEG-Y file for each file of the source: its name, headers, trace order and byte order.

    A trace that several files hold is written to each of them.

    Args:
        request: what is asked for.
        source: the files that it is shaped like.

    Raises:
        SurveyError: the folder exists and may not be replaced, holds other files, or a file of the source.
    """

    def __init__(self, request: ResultRequest, source: SegyFiles) -> None:
        names = unique_names(source.files)
        _check_replaceable(request.path, names, source.files)
        super().__init__(
            request.path, request.dtype, overwrite=request.overwrite, start=request.start, null=request.null
        )
        self._source = source
        self._results = [
            SegyResult(
                self.temporary / name,
                request.dtype,
                source=volume,
                overwrite=True,
                note=request.note,
                form=request.form,
                start=request.start,
                null=request.null,
            )
            for name, volume in zip(names, source.by_file, strict=True)
        ]

    def open(self) -> None:
        """Create the folder, and in it all files with their headers."""
        self.temporary.mkdir()
        for result in self._results:
            result.open()

    def reopen(self) -> None:
        """Go on with the folder that an earlier run left.

        Raises:
            SurveyError: it is not there, or a file in it is missing or shorter.
        """
        if not self.temporary.is_dir():
            raise resume_error(self.temporary)
        for result in self._results:
            result.reopen()

    def write(self, section: Section) -> None:
        """Write the traces of a section to the files that hold them.

        Raises:
            SurveyError: the section is not one of this grid, or a value has no place in the format.
        """
        self._source.geometry.index(section.orientation, section.line)  # refuses a line that no file has
        for volume, place, result in zip(self._source.by_file, self._source.grid.placed, self._results, strict=True):
            if (volume.lines(section.orientation) == section.line).any():
                result.write(_cut(section, place))

    def sync(self) -> None:
        """Return when all that was written is on the disk."""
        for result in self._results:
            result.sync()

    def close(self) -> None:
        """Close all files; a second time does nothing."""
        for result in self._results:
            result.close()

    def publish(self) -> None:
        """Give the files and the folder their final names, once segyio has read in each file what was meant."""
        for result in self._results:
            if result.temporary.exists():  # an earlier run may have been killed between two of them
                result.publish()
        super().publish()


def _cut(section: Section, place: Placed) -> Section:
    """The traces and samples of a section that a file holds."""
    columns = place.lines(section.orientation.across)
    values = section.values[place.samples, columns]  # [sample, trace]
    return Section(section.orientation, section.line, values, section.live[columns])


def segy_files_result(request: ResultRequest) -> SegyFilesResult:
    """A folder of SEG-Y files as it is asked for."""
    source = request.source.stored
    assert isinstance(source, SegyFiles), "asked for of a survey of several files"
    return SegyFilesResult(request, source)


def one_segy_result(request: ResultRequest) -> SegyResult:
    """A single SEG-Y file as it is asked for; of several files, with the headers of all.

    Raises:
        SurveyError: the source is several files that differ in what is the same in all traces of a file.
    """
    source = request.source.stored
    if isinstance(source, SegyFiles) and (differ := differences(source.by_file)):
        raise SurveyError(
            problem=f"{request.path}: the {len(source.files)} files of {source.path} differ in {', '.join(differ)}: "
            "one SEG-Y file cannot keep their headers",
            fix=f"leave the ending out for a folder with a file for each of them: {request.path.with_suffix('')}",
        )
    return segy_result(request)


def unique_names(files: Sequence[Path]) -> list[str]:
    """The names of files in one folder: their own, or with their folders where two have the same."""
    names = [file.name for file in files]
    if len(set(names)) == len(names):
        return names
    absolute = [file.absolute() for file in files]
    common = Path(os.path.commonpath(absolute))
    return ["_".join(file.relative_to(common).parts) for file in absolute]


def _check_replaceable(path: Path, names: Sequence[str], files: Sequence[Path]) -> None:
    """Refuse to replace anything but such files: overwriting removes all that the folder holds."""
    if not path.exists():
        return
    if not path.is_dir():
        raise SurveyError(
            problem=f"{path}: is a file, the output is a folder of SEG-Y files", fix="choose another name"
        )
    here = path.resolve()
    if inside := next((file for file in files if here in file.resolve().parents), None):
        raise SurveyError(problem=f"{path}: holds the input {inside.name}", fix="choose another name for the output")
    if strange := sorted(file.name for file in path.iterdir() if file.name not in names):
        raise SurveyError(
            problem=f"{path}: holds more than the files of a result ({strange[0]}), so it is not replaced",
            fix="choose another name",
        )
