"""A volume of any format comes in, an HDF5 volume of blocks goes out; and of such a one the SEG-Y that it came from."""

from dataclasses import dataclass, field
from pathlib import Path

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.unfinished import check_output
from sam_seismic.listener import Listener
from sam_seismic.survey.formats import FORMATS, open_volume
from sam_seismic.survey.hdf5 import write_hdf5, write_segy_of


@dataclass(frozen=True)
class ConvertRequest:
    """What to copy and where.

    Args:
        volume: SEG-Y, npy, a folder of sections, or HDF5.
        output: HDF5 file to write; SEG-Y where the volume is HDF5.
        read: how to open the volume.
        overwrite: replace an existing output.
        resume: go on with what an earlier run finished.
    """

    volume: Path
    output: Path
    read: ReadOptions = field(default_factory=ReadOptions)
    overwrite: bool = False
    resume: bool = False


def convert(request: ConvertRequest, listener: Listener) -> Path:
    """Copy a volume, compare the copy sample by sample, and return its path.

    Raises:
        UserError: the volume cannot be read, or the output cannot be written.
    """
    segy, hdf5 = FORMATS["segy"].suffixes, FORMATS["hdf5"].suffixes
    ending = request.output.suffix.lower()
    back = ending in segy and request.volume.suffix.lower() in hdf5
    if ending not in hdf5 and not back:
        raise SurveyError(
            problem=f"{request.output}: convert writes HDF5, and SEG-Y from HDF5",
            fix=f"end the output in {' or '.join(hdf5)}",
        )
    if not request.resume:  # an earlier run may have been killed when it gave the file its name
        check_output(request.output, overwrite=request.overwrite)
    volume = open_volume(request.volume, request.read)
    for note in volume.notes:
        listener.say(f"note: {note}")

    def progress(done: int, total: int) -> None:
        listener.progress("convert", done, total)

    given = {"overwrite": request.overwrite, "resume": request.resume}
    if back:
        write_segy_of(volume, request.output, **given, progress=progress)
    else:
        write_hdf5(volume, request.output, **given, read=request.read, progress=progress)
    return request.output
