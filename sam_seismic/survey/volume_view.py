"""A volume comes in; bases of volumes that show it otherwise go out: what they do not replace is that of the volume.

What `Volume` gets anew is forwarded here, or named in the test of this file as what no view has of another volume.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import AngleUnit
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.source_facts import SecondReading, SourceFacts
from sam_seismic.survey.volume import Section, Volume

if TYPE_CHECKING:
    from sam_seismic.survey.segy.template import SegyTemplate


class FilesView(Volume):
    """A volume with the files of another one and what is known of these, on a grid of its own.

    Args:
        seen: the volume whose files it reads.
    """

    def __init__(self, seen: Volume) -> None:
        self.seen = seen
        self.path = seen.path

    @property
    def null_notes(self) -> tuple[str, ...]:
        """What was found of null values so far."""
        return self.seen.null_notes

    @property
    def encoding(self) -> str:
        """How the samples are stored."""
        return self.seen.encoding

    @property
    def files(self) -> tuple[Path, ...]:
        """What it is read from."""
        return self.seen.files

    @property
    def sources(self) -> tuple[Volume, ...]:
        """The volumes as their files hold them."""
        return self.seen.sources

    @property
    def placement(self) -> str:
        """Which samples of its files are read, and in which order."""
        return self.seen.placement

    @property
    def made_from(self) -> tuple[NDArray[np.generic], ...]:
        """What its samples are computed from."""
        return self.seen.made_from

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed when it was opened."""
        return self.seen.notes

    @property
    def source_facts(self) -> SourceFacts:
        """What its file says of how it was written."""
        return self.seen.source_facts

    @property
    def second_reading(self) -> SecondReading | None:
        """What segyio makes of the file."""
        return self.seen.second_reading

    @property
    def fast_orientation(self) -> Orientation:
        """The orientation whose sections are read faster."""
        return self.seen.fast_orientation

    @property
    def lossy(self) -> bool:
        """Whether its values are only near those that were stored."""
        return self.seen.lossy


class VolumeView(FilesView):
    """A volume that shows another one on the same grid; a kind of it replaces `section`, and what else differs.

    Args:
        seen: the other volume.
    """

    @property
    def geometry(self) -> Geometry:
        """The grid; `live` is where the file has a trace."""
        return self.seen.geometry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the samples that `section` gives."""
        return self.seen.dtype

    @property
    def angle_unit(self) -> AngleUnit | None:
        """The unit of coordinates that are angles."""
        return self.seen.angle_unit

    @property
    def by_file(self) -> tuple[Volume, ...]:
        """The volume of each file, where it is put together from several."""
        return self.seen.by_file

    @property
    def segy_template(self) -> "SegyTemplate | None":
        """The headers that SEG-Y results get."""
        return self.seen.segy_template

    @property
    def loose_sections(self) -> bool:
        """Whether it is a set of sections that need not lie on one grid."""
        return self.seen.loose_sections

    @property
    def axis_order(self) -> str | None:
        """The axis order that was named or guessed for an array."""
        return self.seen.axis_order

    def lines(self, orientation: Orientation) -> NDArray[np.int32]:
        """Numbers of the lines that can be read whole, ascending: int32[line]."""
        return self.seen.lines(orientation)

    def live_along(self, orientation: Orientation, line: int) -> NDArray[np.bool_]:
        """Which traces of a section were recorded: bool[trace]."""
        return self.seen.live_along(orientation, line)

    def section_shape(self, orientation: Orientation, line: int) -> tuple[int, int]:
        """(samples, traces) of a section, without reading samples."""
        return self.seen.section_shape(orientation, line)

    def file_of(self, orientation: Orientation, line: int) -> Path:
        """The file that a section is read from."""
        return self.seen.file_of(orientation, line)

    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace]."""
        return self.seen.section(orientation, line)

    def starts_ms(self, orientation: Orientation, line: int) -> NDArray[np.float64] | None:
        """Times of the first samples of a section, ms: float64[trace]; None where they do not differ."""
        return self.seen.starts_ms(orientation, line)

    def coordinates(self, orientation: Orientation, line: int) -> NDArray[np.float64] | None:
        """X and Y of the traces of a section: float64[trace, 2]."""
        return self.seen.coordinates(orientation, line)
