"""A volume of any format comes in, and a chunked HDF5 copy goes out; or such a copy, and the original SEG-Y."""

from dataclasses import dataclass, field
from pathlib import Path

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.several_paths import VolumePath, name_of
from sam_seismic.files.unfinished import check_output
from sam_seismic.listener import Listener
from sam_seismic.survey.formats import FORMATS, open_volume
from sam_seismic.survey.hdf5 import write_hdf5, write_segy_of
from sam_seismic.survey.volume import Volume

_HDF5, _SEGY = FORMATS["hdf5"].suffixes, FORMATS["segy"].suffixes


@dataclass(frozen=True)
class ConvertRequest:
    """What to convert.

    Args:
        volume: SEG-Y, npy, a folder of sections, or HDF5; or the SEG-Y files of one survey.
        output: HDF5 file to write, or a SEG-Y file if the volume is HDF5.
        read: how to open the volume.
        overwrite: replace an existing output.
        resume: continue an interrupted run.
    """

    volume: VolumePath
    output: Path
    read: ReadOptions = field(default_factory=ReadOptions)
    overwrite: bool = False
    resume: bool = False


def convert(request: ConvertRequest, listener: Listener) -> Path:
    """Copy a volume, compare the copy sample by sample, and return its path.

    Raises:
        UserError: the volume cannot be read, or the output cannot be written.
    """
    volume = open_source(request)
    for note in volume.notes:
        listener.say(f"note: {note}")
    if volume.by_file and volume.segy_template is None:
        listener.say(
            "note: the files differ in what is one in a SEG-Y file (byte order, samples, header bytes): the copy holds "
            "their lines, times and samples, and neither headers nor coordinates"
        )

    def progress(done: int, total: int) -> None:
        listener.progress("convert", done, total)

    given = {"overwrite": request.overwrite, "resume": request.resume}
    if _restores_segy(request):
        write_segy_of(volume, request.output, **given, progress=progress)
    else:
        write_hdf5(volume, request.output, **given, read=request.read, progress=progress)
    return request.output


def open_source(request: ConvertRequest) -> Volume:
    """Check the output, and open the volume to copy. Nothing is written.

    Raises:
        SurveyError: the output has a wrong suffix or exists already, or the volume cannot be read.
    """
    if request.output.suffix.lower() not in _HDF5 and not _restores_segy(request):
        raise SurveyError(
            problem=f"{request.output}: convert writes HDF5, and SEG-Y from HDF5",
            fix=f"end the output in {' or '.join(_HDF5)}",
        )
    if not request.resume:  # a run to resume may have been killed after it renamed the finished file
        check_output(request.output, overwrite=request.overwrite)
    if request.read.null is not None:
        raise SurveyError(
            problem=f"{name_of(request.volume)}: --null cannot apply to convert, which copies every sample as it is",
            fix="leave it out here, and give it where the copy is read",
        )
    return open_volume(request.volume, request.read)


def _restores_segy(request: ConvertRequest) -> bool:
    """Whether SEG-Y is written from HDF5."""
    source = request.volume
    return request.output.suffix.lower() in _SEGY and isinstance(source, Path) and source.suffix.lower() in _HDF5
