"""A path, or those of several files, go in, a Volume comes out; a ResultRequest goes in, a Result comes out.

`FORMATS` is the only list of volume formats: a new one is a package beside the others and one entry here.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.several_paths import VolumePath, in_natural_order, is_pattern, matching, name_of, one_or_several
from sam_seismic.files.user_paths import AnyPath, is_there
from sam_seismic.survey.arrays import ArrayVolume, array_result
from sam_seismic.survey.hdf5 import Hdf5Volume, hdf5_result
from sam_seismic.survey.images import FolderVolume, folder_result, holds_sections
from sam_seismic.survey.mdio import MdioVolume
from sam_seismic.survey.result import Result, ResultRequest
from sam_seismic.survey.segy import SegyVolume
from sam_seismic.survey.several import one_segy_result, open_segy_files, segy_files_result
from sam_seismic.survey.volume import Volume


@dataclass(frozen=True)
class VolumeFormat:
    """One way of storing a volume.

    Args:
        name: as messages call it: `SEG-Y`.
        suffixes: endings of its files or folders, in lower case; none: folders of any name.
        open: opens a volume; gets only options that can apply.
        options: fields of ReadOptions that can apply.
        is_folder: whether a volume is a folder of files.
        write: begins a result; None where the format is only read.
        written: endings of results.
        loose_sections: whether it holds sections that need not form a grid; results are written in it only from such.
        guesses_axes: whether the axis order is guessed from the samples unless it is named.
        open_several: opens several files of one survey as one volume, which gets the last argument as its path; None
            where a survey is one file.
        write_several: begins a folder of results, a file for each file of the source.
    """

    name: str
    suffixes: tuple[str, ...]
    open: Callable[[Path, ReadOptions], Volume]
    options: tuple[str, ...] = ()
    is_folder: bool = False
    write: Callable[[ResultRequest], Result] | None = None
    written: tuple[str, ...] = ()
    loose_sections: bool = False
    guesses_axes: bool = False
    open_several: Callable[[Sequence[Path], ReadOptions, Path], Volume] | None = None
    write_several: Callable[[ResultRequest], Result] | None = None

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(self.suffixes)})" if self.suffixes else self.name


TEXTS = (".dat", ".txt", ".csv", ".asc", ".ilclt", ".ilclz", ".xyt", ".irap", ".grd")
"""Endings of horizon files, which are no volumes."""
SEGY_SUFFIXES = (".sgy", ".segy", ".seg")
HDF5_SUFFIXES = (".h5", ".hdf5")
FORMATS: dict[str, VolumeFormat] = {
    "segy": VolumeFormat(
        "SEG-Y",
        SEGY_SUFFIXES,
        lambda path, options: SegyVolume(path, options.segy, null=options.null),
        options=("segy",),
        write=one_segy_result,
        written=SEGY_SUFFIXES,
        open_several=lambda files, options, path: open_segy_files(files, options.segy, null=options.null, path=path),
        write_several=segy_files_result,
    ),
    "hdf5": VolumeFormat(
        "HDF5", HDF5_SUFFIXES, Hdf5Volume, options=("axes", "key"), write=hdf5_result, written=HDF5_SUFFIXES
    ),
    "numpy": VolumeFormat(
        "NumPy arrays",
        (".npy", ".npz"),
        ArrayVolume,
        options=("axes", "key"),
        write=array_result,
        written=(".npy",),
        guesses_axes=True,
    ),
    "mdio": VolumeFormat("MDIO", (".mdio",), MdioVolume, options=("key",), is_folder=True),
    "pictures": VolumeFormat(
        "a folder of il_N / xl_N pictures",
        (),
        lambda path, _: FolderVolume(path),
        is_folder=True,
        write=folder_result,
        written=("",),
        loose_sections=True,
    ),
}
"""All volume formats, by a short name."""


def volume_files(given: VolumePath) -> VolumePath:
    """The files that are meant: those that a pattern matches, or the SEG-Y files in a folder without pictures.

    Raises:
        SurveyError: a pattern matches nothing.
    """
    found = []
    for path in (given,) if isinstance(given, Path) else given:
        if is_pattern(path):
            found += matching(path)
            if not matching(path):
                raise SurveyError(problem=f"{path}: no file has such a name", fix="check the path and the pattern")
        else:
            found += _files_in(path) or [path]
    return one_or_several(found)


def _files_in(folder: Path) -> list[Path]:
    """The files in the folder of a survey of several files, in natural order; empty for other folders and for files."""
    named = {ending for each in FORMATS.values() if each.is_folder for ending in each.suffixes}
    if not is_there(folder) or not folder.is_dir() or folder.suffix.lower() in named or holds_sections(folder):
        return []
    endings = {ending for each in FORMATS.values() if each.open_several for ending in each.suffixes}
    files = [file for file in folder.iterdir() if file.suffix.lower() in endings and file.name[0] != "."]
    return in_natural_order(files)


def format_of(path: VolumePath) -> VolumeFormat:
    """The format of a file or folder, by its ending; a folder whose ending no format names is one of pictures.

    Of a pattern, a folder of SEG-Y files or a list it is that of the files.

    Raises:
        SurveyError: it is missing, its ending is not known, or it is a list of files that are no parts of a survey.
    """
    files = volume_files(path)
    if isinstance(files, Path):
        return _format_of_one(files)
    formats = [_format_of_one(file) for file in files]
    odd = next((at for at, each in enumerate(formats) if each.open_several is None), None)
    if odd is not None:
        several = [each for each in FORMATS.values() if each.open_several is not None]
        raise SurveyError(
            problem=f"{files[odd]}: is {formats[odd].name}; only files of {_either(each.name for each in several)} are "
            "put together as one survey",
            fix="give one volume alone",
        )
    return formats[0]


def _format_of_one(path: Path) -> VolumeFormat:
    if not is_there(path):
        raise SurveyError(problem=f"{path}: there is no such file or folder", fix="check the path")
    ending = path.suffix.lower()
    possible = [each for each in FORMATS.values() if each.is_folder == path.is_dir()]
    for each in sorted(possible, key=lambda each: not each.suffixes):  # those that take any name come last
        if ending in each.suffixes or not each.suffixes:
            return each
    raise SurveyError(
        problem=f"{path}: files that end in {ending or 'nothing'} are not known",
        fix=f"give {_either(FORMATS.values())}"
        + ("; horizons become labels by `sam-seismic labels`, or as data.labels.horizons" if ending in TEXTS else ""),
    )


def open_volume(path: AnyPath | Sequence[AnyPath], options: ReadOptions | None = None) -> Volume:
    """Open a volume of any format.

    Args:
        path: the file or folder; or the SEG-Y files of one survey: a list of them in their order, a pattern such as
            `survey_*.sgy`, or their folder.
        options: facts of the file that are given by the user and not found out.

    Raises:
        SurveyError: it is missing, of no known ending, cannot be read, or an option cannot apply to it.
    """
    given = Path(path) if isinstance(path, str | os.PathLike) else one_or_several([Path(each) for each in path])
    options, files = options or ReadOptions(), volume_files(given)
    found, name = format_of(files), files if isinstance(files, Path) else name_of(given)
    # A null value can stand in any format.
    refused = [
        word
        for field in ReadOptions.model_fields
        if field not in (*found.options, "null")
        for word in _set(options, field)
    ]
    if refused:
        raise SurveyError(
            problem=f"{name}: {', '.join(refused)} cannot apply to {found.name}",
            fix="leave the option out, or check that this is the file you meant",
        )
    if isinstance(files, Path):
        volume = found.open(files, options)
    else:
        assert found.open_several is not None, "format_of refuses other formats"
        volume = found.open_several(files, options, name)
    volume.null = options.null
    return volume


def open_result(request: ResultRequest) -> Result:
    """Begin a result in the format that the ending of its path names; no ending means a folder of sections.

    Raises:
        SurveyError: the path exists, is the source, has no known ending, or the source's sections form no grid.
    """
    path, source = request.path, request.source
    if path.exists() and any(path.samefile(file) for file in {source.path, *source.files} if file.exists()):
        raise SurveyError(problem=f"{path}: is the input itself", fix="choose another name for the output")
    writers: dict[str, Callable[[ResultRequest], Result] | None] = {
        ending: each.write
        for each in FORMATS.values()
        if each.write is not None and (source.loose_sections or not each.loose_sections)
        for ending in each.written
    }
    if files := source.stored.by_file:
        writers[""] = format_of(files[0].path).write_several
    ending = path.suffix.lower()
    if write := writers.get(ending):
        return write(request)
    named = f"end the name in {_either(each for each in writers if each)}"
    if not ending:
        raise SurveyError(
            problem=f"{path}: has no ending; a folder is written only from a folder of sections, or from several files",
            fix=f"{named}, as {path}.sgy",
        )
    or_folder = ", or leave the ending out for a folder" if "" in writers else ""
    raise SurveyError(problem=f"{path}: results cannot be written as {ending}", fix=named + or_folder)


def _set(options: ReadOptions, field: str) -> list[str]:
    """Names of the options of a field that are given: `axes`, `segy.endian`."""
    value = getattr(options, field)
    if isinstance(value, BaseModel):
        return [f"{field}.{name}" for name, inner in value if inner is not None]
    return [] if value is None else [field]


def _either(choices: Iterable[object]) -> str:
    """`a, b or c`."""
    *others, last = map(str, choices)
    return f"{', '.join(others)} or {last}" if others else last
