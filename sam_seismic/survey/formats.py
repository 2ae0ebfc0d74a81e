"""A path goes in, a Volume comes out, whatever the format; a ResultRequest goes in, a Result comes out.

`FORMATS` is the only list of volume formats: a new one is a package beside the others and one entry here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.user_paths import AnyPath, is_there
from sam_seismic.survey.arrays import ArrayVolume, array_result
from sam_seismic.survey.hdf5 import Hdf5Volume, hdf5_result
from sam_seismic.survey.images import FolderVolume, folder_result
from sam_seismic.survey.mdio import MdioVolume
from sam_seismic.survey.result import Result, ResultRequest
from sam_seismic.survey.segy import SegyVolume, segy_result
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
        write=segy_result,
        written=SEGY_SUFFIXES,
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


def format_of(path: Path) -> VolumeFormat:
    """The format of a file or folder, by its ending; a folder whose ending no format names is one of pictures.

    Raises:
        SurveyError: it is missing, or its ending is not known.
    """
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


def open_volume(path: AnyPath, options: ReadOptions | None = None) -> Volume:
    """Open a volume of any format.

    Args:
        path: the file or folder.
        options: facts of the file that are given by the user and not found out.

    Raises:
        SurveyError: it is missing, of no known ending, cannot be read, or an option cannot apply to it.
    """
    path, options = Path(path), options or ReadOptions()
    found = format_of(path)
    # A null value can stand in any format.
    given = [
        name
        for field in ReadOptions.model_fields
        if field not in (*found.options, "null")
        for name in _set(options, field)
    ]
    if given:
        raise SurveyError(
            problem=f"{path}: {', '.join(given)} cannot apply to {found.name}",
            fix="leave the option out, or check that this is the file you meant",
        )
    volume = found.open(path, options)
    volume.null = options.null
    return volume


def open_result(request: ResultRequest) -> Result:
    """Begin a result in the format that the ending of its path names; no ending means a folder of sections.

    Raises:
        SurveyError: the path exists, is the source, has no known ending, or the source's sections form no grid.
    """
    path, source = request.path, request.source
    if path.exists() and source.path.exists() and path.samefile(source.path):
        raise SurveyError(problem=f"{path}: is the input itself", fix="choose another name for the output")
    writers = {
        ending: each.write
        for each in FORMATS.values()
        if each.write is not None and (source.loose_sections or not each.loose_sections)
        for ending in each.written
    }
    ending = path.suffix.lower()
    if ending in writers:
        return writers[ending](request)
    named = f"end the name in {_either(each for each in writers if each)}"
    if not ending:
        raise SurveyError(
            problem=f"{path}: has no ending; a folder of sections is written only from a folder of sections",
            fix=f"{named}, as {path}.sgy",
        )
    or_folder = ", or leave the ending out for a folder of sections" if "" in writers else ""
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
