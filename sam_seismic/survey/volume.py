"""Volume and Section: a volume is read one section at a time, on the grid that its geometry describes."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import AngleUnit
from sam_seismic.errors import NoGridError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.source_facts import SecondReading, SourceFacts

if TYPE_CHECKING:  # the package of SEG-Y imports this module
    from sam_seismic.survey.segy.template import SegyTemplate


@dataclass(frozen=True, eq=False)
class Section:
    """A 2D slice of a volume.

    Args:
        orientation: which way it is cut.
        line: its line number.
        values: [sample, trace], sample axis down; float32 amplitudes or integer labels.
        live: bool[trace], which traces were recorded.
        cut_from: number of traces of the section that this one was cut from; None where it is whole.
    """

    orientation: Orientation
    line: int
    values: NDArray[np.generic]
    live: NDArray[np.bool_]
    cut_from: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(samples, traces)."""
        samples, traces = self.values.shape
        return samples, traces

    @property
    def name(self) -> str:
        """`IL 100` or `XL 1001`."""
        return f"{self.orientation.short} {self.line}"

    @property
    def whole_shape(self) -> tuple[int, int]:
        """(samples, traces) of the whole section in its volume."""
        samples, traces = self.shape
        return samples, self.cut_from or traces

    def traces(self, keep: slice) -> "Section":
        """The same section, cut to a run of its traces."""
        return replace(self, values=self.values[:, keep], live=self.live[keep], cut_from=self.whole_shape[1])


class Volume(ABC):
    """Amplitudes or labels of a survey, opened lazily: a section is read from disk when it is asked for.

    A volume can be pickled and used after a fork: what it opens is opened again in each process.
    """

    path: Path
    null: float | None = None
    """A value that the user named to mean "nothing"; `AmplitudeVolume` heeds it, and so does who reads labels."""

    @property
    def stored(self) -> "Volume":
        """The volume with the samples of its file; `AmplitudeVolume` gives them without null values."""
        return self

    @property
    def null_notes(self) -> tuple[str, ...]:
        """What was found of null values so far; nothing in a volume that does not look for them."""
        return ()

    @property
    @abstractmethod
    def geometry(self) -> Geometry:
        """The grid.

        Raises:
            NoGridError: its sections do not form one grid (only folders of sections can be like that).
        """

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the samples that `section` gives."""

    @property
    @abstractmethod
    def encoding(self) -> str:
        """How the samples are stored, in the format's own words: `IBM float (1)`, `float64`, `PNG 8 bit`."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What it is read from, files or whole folders; nothing for a volume in memory."""
        return (self.path,)

    @property
    def sources(self) -> "tuple[Volume, ...]":
        """The volumes as their files hold them; others than this where it puts them on the grid of a survey."""
        return (self,)

    @property
    def by_file(self) -> "tuple[Volume, ...]":
        """The volume of each file, where it is put together from several files of one survey; else nothing."""
        return ()

    @property
    def placement(self) -> str:
        """Which samples of its files are read, and in which order; it can change with the reading options."""
        return ""

    @property
    def made_from(self) -> tuple[NDArray[np.generic], ...]:
        """All that its samples are made from, where that is smaller than they are; nothing for samples of a file."""
        return ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed or looked odd when the volume was opened; empty when nothing was."""
        return ()

    @property
    def source_facts(self) -> SourceFacts:
        """What its file says of how it was written."""
        return SourceFacts()

    @property
    def angle_unit(self) -> AngleUnit | None:
        """The unit of `coordinates` where they are angles; None where they are lengths, or there are none."""
        return None

    @property
    def second_reading(self) -> SecondReading | None:
        """What segyio makes of the file; None where it is no SEG-Y."""
        return None

    @property
    def segy_template(self) -> "SegyTemplate | None":
        """The headers and trace order that SEG-Y results get; None where it holds none of a SEG-Y file.

        Raises:
            SurveyError: what it holds of them is damaged.
        """
        return None

    @property
    def fast_orientation(self) -> Orientation:
        """The orientation whose sections are read faster; all sections of it can be read."""
        return Orientation.INLINE

    @property
    def loose_sections(self) -> bool:
        """Whether it is a set of sections, some or all of which need not lie on one grid."""
        return False

    @property
    def lossy(self) -> bool:
        """Whether its values are only near those that were stored, so that they can be no labels."""
        return False

    @property
    def axis_order(self) -> str | None:
        """The axis order that was named or guessed for an array; None where the format says what its axes are."""
        return None

    @property
    def has_grid(self) -> bool:
        """Whether its sections lie on one grid; only loose sections may have none."""
        try:
            return min(self.geometry.shape) > 0
        except NoGridError:
            return False

    def lines(self, orientation: Orientation) -> NDArray[np.int32]:
        """Numbers of the lines that can be read whole, ascending: int32[line]."""
        return self.geometry.lines(orientation)

    def live_along(self, orientation: Orientation, line: int) -> NDArray[np.bool_]:
        """Which traces of a section were recorded, as in `section`, but without reading samples: bool[trace].

        Raises:
            SurveyError: there is no such line.
        """
        return self.geometry.live_along(orientation, line)

    def section_shape(self, orientation: Orientation, line: int) -> tuple[int, int]:
        """(samples, traces) of a section, without reading samples.

        Raises:
            SurveyError: there is no such line.
        """
        return self.geometry.samples, len(self.live_along(orientation, line))

    def file_of(self, orientation: Orientation, line: int) -> Path:  # noqa: ARG002
        """The file that a section is read from.

        Raises:
            SurveyError: there is no such line.
        """
        return self.path

    @abstractmethod
    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace]; dead traces are zero.

        Raises:
            SurveyError: there is no such line, or the file is damaged there.
        """

    def starts_ms(self, orientation: Orientation, line: int) -> NDArray[np.float64] | None:  # noqa: ARG002
        """Time of the first sample of each trace of a section, ms: float64[trace]; None: that of the grid."""
        return None

    def coordinates(self, orientation: Orientation, line: int) -> NDArray[np.float64] | None:  # noqa: ARG002
        """X and Y of the traces of a section in the units of the file: float64[trace, 2].

        NaN where a trace has no position; None where the file holds no coordinates.
        """
        return None
