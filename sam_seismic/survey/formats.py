"""A path goes in, a Volume comes out, whatever the format; results go out in the format that their ending names."""

from pathlib import Path

import numpy as np

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.unfinished import Start
from sam_seismic.survey.arrays import ArrayResult, ArrayVolume
from sam_seismic.survey.hdf5 import Hdf5Result, Hdf5Volume
from sam_seismic.survey.images import FolderResult, FolderVolume
from sam_seismic.survey.mdio import MdioVolume
from sam_seismic.survey.result import Result
from sam_seismic.survey.segy import FormatName, SegyResult, SegyVolume, Template, template_of
from sam_seismic.survey.volume import Geometry, Volume

SEGY = (".sgy", ".segy", ".seg")
HDF5 = (".h5", ".hdf5")
ARRAYS = (".npy", ".npz")
MDIO = (".mdio",)
READABLE = (
    "give SEG-Y (.sgy, .segy, .seg), HDF5 (.h5, .hdf5), NumPy (.npy, .npz), MDIO (.mdio) "
    "or a folder of il_N / xl_N pictures"
)


def open_volume(path: Path, options: ReadOptions | None = None) -> Volume:
    """Open a volume by its ending; a folder is a folder of sections, but for one that ends in .mdio.

    Args:
        path: the file or folder.
        options: what to believe instead of finding it out.

    Raises:
        SurveyError: it is missing, of no known ending, cannot be read, or an option cannot apply to it.
    """
    options = options or ReadOptions()
    ending = path.suffix.lower()
    if not path.exists():
        raise SurveyError(problem=f"{path}: there is no such file or folder", fix="check the path")
    if path.is_dir() and ending in MDIO:
        _refuse(path, options, segy="MDIO")
        return MdioVolume(path, options)
    if path.is_dir():
        _refuse(path, options, segy="a folder of pictures", arrays="a folder of pictures")
        return FolderVolume(path)
    if ending in SEGY:
        _refuse(path, options, arrays="SEG-Y")
        return SegyVolume(path, options.segy)
    if ending in HDF5:
        _refuse(path, options, segy="HDF5")
        return Hdf5Volume(path, options)
    if ending in ARRAYS:
        _refuse(path, options, segy="NumPy arrays")
        return ArrayVolume(path, options)
    raise SurveyError(problem=f"{path}: files that end in {ending or 'nothing'} are not known", fix=READABLE)


def open_result(  # each is one fact of the file
    path: Path,
    source: Volume,
    *,
    dtype: np.dtype[np.generic],
    overwrite: bool,
    note: str,
    form: FormatName | None = None,
    start: Start = Start.ONCE,
    null: float = 0,
) -> Result:
    """A result on the grid of a source; the ending of the path names the format, none means a folder of sections.

    SEG-Y from a SEG-Y source, or one that keeps the headers of one, gets its headers and its trace order; from other
    sources it gets headers made for the grid.

    Args:
        path: where the result goes.
        source: the volume that it was made from.
        dtype: type of the samples.
        overwrite: whether an existing file may be replaced.
        note: a line on where the samples come from, kept where the format has a place for it (SEG-Y, HDF5).
        form: how SEG-Y stores the samples; None for the format that holds the type exactly.
        start: in one go, or resumable.
        null: what places without a live trace get; a folder of sections has its own.

    Raises:
        SurveyError: the path exists, is the source, has no known ending, or the source's sections form no grid.
    """
    if path.exists() and source.path.exists() and path.samefile(source.path):
        raise SurveyError(problem=f"{path}: is the input itself", fix="choose another name for the output")
    ending = path.suffix.lower()
    if ending in SEGY:
        shape = _segy_shape(source)
        return SegyResult(path, dtype, source=shape, overwrite=overwrite, note=note, form=form, start=start, null=null)
    if ending in HDF5:
        return Hdf5Result(path, dtype, geometry=source.geometry, overwrite=overwrite, note=note, start=start, null=null)
    if ending == ".npy":
        return ArrayResult(path, dtype, geometry=source.geometry, overwrite=overwrite, start=start, null=null)
    if ending == "" and isinstance(source, FolderVolume):
        return FolderResult(path, dtype, overwrite=overwrite, start=start)
    if ending == "":
        raise SurveyError(
            problem=f"{path}: has no ending; a folder of sections is written only from a folder of sections",
            fix=f"end the name in .sgy, .h5 or .npy, as {path}.sgy",
        )
    raise SurveyError(
        problem=f"{path}: results cannot be written as {ending}",
        fix="end the name in .sgy, .segy, .seg, .h5, .hdf5 or .npy"
        + (", or leave the ending out for a folder of sections" if isinstance(source, FolderVolume) else ""),
    )


def _segy_shape(source: Volume) -> Template | Geometry:
    """What a SEG-Y made from a source is shaped like: the SEG-Y that it is, or that it keeps the headers of."""
    if isinstance(source, SegyVolume):
        return template_of(source)
    kept = source.template if isinstance(source, Hdf5Volume) else None
    return kept or source.geometry


def _refuse(path: Path, options: ReadOptions, *, segy: str = "", arrays: str = "") -> None:
    """Refuse options of other formats.

    Args:
        path: for the message.
        options: as given.
        segy: the format, where SEG-Y options cannot apply to it.
        arrays: the format, where the options of arrays cannot apply to it.
    """
    given = [f"segy.{name}" for name, value in options.segy if segy and value is not None]
    given += [name for name in ("axes", "key") if arrays and getattr(options, name) is not None]
    if given:
        raise SurveyError(
            problem=f"{path}: {', '.join(given)} cannot apply to {segy or arrays}",
            fix="leave the option out, or check that this is the file you meant",
        )
