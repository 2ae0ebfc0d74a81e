"""SEG-Y files of one survey come in; one volume over the union of their lines goes out."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import AngleUnit
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.segy import SegyTemplate, SegyVolume
from sam_seismic.survey.segy.notes import describe_places
from sam_seismic.survey.several.grid import JointGrid, Placed, joint_grid
from sam_seismic.survey.several.notes import joint_notes
from sam_seismic.survey.several.overlaps import describe_overlaps
from sam_seismic.survey.several.positions import check_positions
from sam_seismic.survey.several.template import joint_template
from sam_seismic.survey.source_facts import SecondReading, SourceFacts
from sam_seismic.survey.volume import Section, Volume

MOST_OPEN = 128
"""Files that are kept open; of more, each is opened for a section and closed again."""


class SegyFiles(Volume):
    """Several SEG-Y files of one survey. A section is read from those files alone that hold its traces.

    A trace that several files hold is read from the first of them in which it is live. Traces that no file holds are
    dead. Where the files begin or end at different times, the samples that one lacks are zero.

    Args:
        volumes: two or more, in their order.
        path: what the volume is called: a folder, a pattern, or the names of the files.
        notes: on how they were opened.

    Raises:
        SurveyError: they are not of one survey.
    """

    def __init__(self, volumes: Sequence[SegyVolume], path: Path, notes: tuple[str, ...] = ()) -> None:
        self.path = path
        self._volumes = tuple(volumes)
        self._grid = joint_grid(volumes)
        self._where = check_positions(volumes, self._grid.geometry)
        self._overlaps = describe_overlaps(volumes, self._grid, self._reader)
        self._opening = notes

    @property
    def by_file(self) -> tuple[SegyVolume, ...]:
        """The files, in their order."""
        return self._volumes

    @property
    def grid(self) -> JointGrid:
        """Where each file lies on the grid of the survey, and which one is read at each place."""
        return self._grid

    @property
    def geometry(self) -> Geometry:
        """The grid over the lines of all files; live where one of them has a live trace."""
        return self._grid.geometry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """A type that holds the samples of all."""
        return np.result_type(*(volume.dtype for volume in self._volumes))

    @property
    def encoding(self) -> str:
        """That of each, once."""
        return " and ".join(dict.fromkeys(volume.encoding for volume in self._volumes))

    @property
    def files(self) -> tuple[Path, ...]:
        """All files, in their order."""
        return tuple(volume.path for volume in self._volumes)

    @property
    def placement(self) -> str:
        """That of each file, and which of them is read at each place."""
        holder = hashlib.blake2b(self._grid.holder.astype("<i2").tobytes(), digest_size=16).hexdigest()
        windows = [[place.samples.start, place.samples.stop] for place in self._grid.placed]
        return json.dumps([[volume.placement for volume in self._volumes], windows, holder])

    @property
    def notes(self) -> tuple[str, ...]:
        """Those of the files, and what they have in common."""
        places = describe_places(self._grid.holder, self.geometry.inlines, self.geometry.crosslines)
        common = (*(() if self._where is None else (self._where,)), *self._overlaps, *self._times(), *places)
        return (*joint_notes(self._volumes), *self._opening, *common)

    @property
    def source_facts(self) -> SourceFacts:
        """What the headers of all say alike; the text header is that of the first file."""
        first, *others = (volume.source_facts for volume in self._volumes)
        same = {
            name
            for name in ("standard", "revision", "byte_order", "inline_byte", "crossline_byte", "length_unit")
            if all(getattr(other, name) == getattr(first, name) for other in others)
        }
        numbered = {"inline_byte", "crossline_byte"} <= same
        return SourceFacts(
            standard=first.standard,
            revision=first.revision if "revision" in same else None,
            byte_order=first.byte_order if "byte_order" in same else None,
            inline_byte=first.inline_byte if numbered else None,
            crossline_byte=first.crossline_byte if numbered else None,
            line_numbers=f"in {self._volumes[0].path.name}: {first.line_numbers}" if numbered else None,
            length_unit=first.length_unit if "length_unit" in same else None,
            text_header=first.text_header,
        )

    @cached_property
    def second_reading(self) -> SecondReading:
        """Whether segyio opens each of the files strictly; else why not the first that it does not."""
        for volume in self._volumes:
            found = volume.second_reading
            if not found.opens:
                return SecondReading(opens=False, why=f"{volume.path.name}: {found.why}")
        return SecondReading(opens=True)

    @property
    def segy_template(self) -> SegyTemplate | None:
        """The headers of all files as those of one; None where they differ so that they cannot stand in one file."""
        return joint_template(self._volumes, self._grid)

    @property
    def fast_orientation(self) -> Orientation:
        """That of the files with most traces."""
        traces: Counter[Orientation] = Counter()
        for volume in self._volumes:
            traces[volume.fast_orientation] += volume.traces
        return traces.most_common(1)[0][0]

    @property
    def angle_unit(self) -> AngleUnit | None:
        """The unit of X and Y where they are angles."""
        return next((volume.angle_unit for volume in self._volumes if volume.coordinate_fields is not None), None)

    def file_of(self, orientation: Orientation, line: int) -> Path:
        """The file that a section is read from; the first one of several.

        Raises:
            SurveyError: there is no such line.
        """
        holders = self._grid.holders(orientation, line)
        return self._volumes[int(holders[holders >= 0].min(initial=len(self._volumes) - 1))].path

    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace]; dead traces are zero.

        Raises:
            SurveyError: there is no such line, or a file was cut since it was opened.
        """
        holders, live = self._grid.holders(orientation, line), self.geometry.live_along(orientation, line)
        numbers = np.unique(holders[live]).tolist()
        if len(numbers) == 1 and self._holds_all(numbers[0], orientation):
            return self._reader(numbers[0]).section(orientation, line)
        values = np.zeros((len(holders), self.geometry.samples), self.dtype)  # [trace, sample]
        for number in numbers:
            place = self._grid.placed[number]
            columns = place.lines(orientation.across)
            mine = holders[columns] == number
            section = self._reader(number).section(orientation, line)
            values[columns[mine], place.samples] = section.values.T[mine]
        return Section(orientation, line, values.T, live)  # [trace, sample] -> [sample, trace], not copied

    def starts_ms(self, orientation: Orientation, line: int) -> NDArray[np.float64] | None:
        """Time at the first sample of the grid of each trace by its own header, ms: float64[trace].

        NaN where there is no trace; None where all traces of the line begin at the start of the grid.
        """
        start, interval = self.geometry.start_ms, self.geometry.sample_interval_ms

        def of_file(volume: SegyVolume, place: Placed) -> NDArray[np.float64] | None:
            own = volume.starts_ms(orientation, line)
            return None if own is None else own - place.samples.start * interval

        return self._along(orientation, line, of_file, start)

    def coordinates(self, orientation: Orientation, line: int) -> NDArray[np.float64] | None:
        """X and Y of the traces of a section in the units of the files: float64[trace, 2].

        NaN where a trace has no position; None where no file of the line holds coordinates.
        """
        return self._along(orientation, line, lambda volume, _: volume.coordinates(orientation, line), np.nan)

    def _along(
        self,
        orientation: Orientation,
        line: int,
        of_file: Callable[[SegyVolume, Placed], NDArray[np.float64] | None],
        default: float,
    ) -> NDArray[np.float64] | None:
        """What the files say of the traces along a line, float64[trace, ...]; None where none says anything.

        Args:
            orientation: of the line.
            line: its number.
            of_file: gives what a file says of its traces along the line.
            default: for traces of files that say nothing.
        """
        holders = self._grid.holders(orientation, line)
        joint: NDArray[np.float64] | None = None
        for number in np.unique(holders[holders >= 0]).tolist():
            place = self._grid.placed[number]
            found = of_file(self._reader(number), place)
            if found is None:
                continue
            if joint is None:
                joint = np.full((len(holders), *found.shape[1:]), default)
                joint[holders < 0] = np.nan
            columns = place.lines(orientation.across)
            mine = holders[columns] == number
            joint[columns[mine]] = found[mine]
        return joint

    def _holds_all(self, number: int, orientation: Orientation) -> bool:
        """Whether a file has all traces and samples that sections of an orientation can have, in the joint type."""
        place, volume = self._grid.placed[number], self._volumes[number]
        traces = len(place.lines(orientation.across)) == len(self.geometry.lines(orientation.across))
        return traces and volume.geometry.samples == self.geometry.samples and volume.dtype == self.dtype

    def _reader(self, number: int) -> SegyVolume:
        """A file to read from, by its number; of many files, one that is closed after use."""
        volume = self._volumes[number]
        return volume if len(self._volumes) <= MOST_OPEN else volume.reopened()

    def _times(self) -> list[str]:
        """A note where a file lacks samples of the time window."""
        short = [
            volume.path.name
            for volume, place in zip(self._volumes, self._grid.placed, strict=True)
            if place.samples != slice(0, self.geometry.samples)
        ]
        if not short:
            return []
        return [
            f"the files are matched by time, {self.geometry.start_ms:g}-{self.geometry.end_ms:g} ms together; the "
            f"samples that a file lacks are zero: {', '.join(short[:3])}{' ...' * (len(short) > 3)}"
        ]
