"""A volume of any format comes in, a chunked HDF5 volume goes out."""

from dataclasses import dataclass, field
from pathlib import Path

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.formats import HDF5, open_volume
from sam_seismic.survey.hdf5 import write_hdf5
from sam_seismic.survey.result import check_output
from sam_seismic.workflows.listener import Listener


@dataclass(frozen=True)
class ConvertRequest:
    """What to copy and where.

    Args:
        volume: SEG-Y, npy or another HDF5 layout.
        output: HDF5 file to write.
        read: how to open the volume.
        overwrite: replace an existing output.
    """

    volume: Path
    output: Path
    read: ReadOptions = field(default_factory=ReadOptions)
    overwrite: bool = False


def convert(request: ConvertRequest, listener: Listener) -> Path:
    """Copy a volume, compare the copy sample by sample, and return its path.

    Raises:
        UserError: the volume cannot be read, or the output cannot be written.
    """
    if request.output.suffix.lower() not in HDF5:
        raise SurveyError(
            problem=f"{request.output}: convert writes HDF5", fix=f"end the output in {' or '.join(HDF5)}"
        )
    check_output(request.output, overwrite=request.overwrite)
    volume = open_volume(request.volume, request.read)
    for note in volume.notes:
        listener.say(f"note: {note}")
    write_hdf5(
        volume,
        request.output,
        overwrite=request.overwrite,
        progress=lambda done, total: listener.progress("convert", done, total),
    )
    return request.output
