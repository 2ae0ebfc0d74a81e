"""Classes of sections go in; where each class begins on each trace comes out: one table, or a horizon file a class."""

import csv
from abc import abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import AngleUnit, HorizonFormatName
from sam_seismic.errors import SurveyError
from sam_seismic.files.disk import or_limit, reserve
from sam_seismic.files.fixed_records import Recorded, RecordFile, RecordLayout
from sam_seismic.files.unfinished import Start, remove
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labels.horizon_files import HORIZON_FORMATS, Top
from sam_seismic.survey.result import Result
from sam_seismic.survey.volume import Section, Volume

_ABSENT = -1
"""The first sample of a class that does not occur on a trace."""
_UNITS: dict[AngleUnit | None, str] = {None: "", "arc seconds": "_arcsec", "degrees": "_deg", "DDDMMSS": "_dddmmss"}
"""What the names of the columns of X and Y end in: nothing for lengths."""
_DEAD = -2
"""Stands for the count of transitions on a trace of null values, which gets no row."""
_FIX = "free some disk, or write elsewhere"


def find_tops(classes: NDArray[np.integer], count: int) -> NDArray[np.int32]:
    """The first sample of each class on each trace.

    Args:
        classes: class indices [sample, trace].
        count: how many classes there are.

    Returns:
        int32[trace, class], samples from 0, -1 where the class does not occur.
    """
    tops = np.full((classes.shape[1], count), _ABSENT, np.int32)
    for index in range(count):
        is_class = classes == index  # [sample, trace]
        tops[:, index] = np.where(is_class.any(axis=0), is_class.argmax(axis=0), _ABSENT)
    return tops


def count_out_of_order(classes: NDArray[np.integer]) -> NDArray[np.int32]:
    """Transitions of each trace, going down, from a class to one that stands before it in the list: int32[trace].

    Args:
        classes: class indices [sample, trace].
    """
    return np.asarray((np.diff(classes.astype(np.int16), axis=0) < 0).sum(axis=0), np.int32)


class _Tops(Recorded, Result):
    """Samples at which classes begin, a record a trace, in a scratch file until all sections are written.

    Args:
        path: of the text file that is made of them.
        source: the volume that was predicted: its grid, its coordinates.
        count: samples of each trace that are kept.
        overwrite: whether an existing file may be replaced.
        start: in one go, or resumable.

    Raises:
        SurveyError: the path exists and may not be replaced.
    """

    def __init__(self, path: Path, source: Volume, count: int, *, overwrite: bool, start: Start) -> None:
        super().__init__(path, np.dtype(np.uint8), overwrite=overwrite, start=start)
        self._source, self._grid = source, source.geometry
        self._layout = RecordLayout(np.dtype(np.int32), (count,))
        self._size = self._grid.live.size * self._layout.size

    def open(self) -> None:
        """Create the scratch file.

        Raises:
            SurveyError: the disk is too full for it.
        """
        with self.temporary.open("wb") as file:
            reserve(file, self._size, what=str(self.path), fix=_FIX)
        self.reopen()

    def reopen(self) -> None:
        """Go on with the scratch file that an earlier run left.

        Raises:
            SurveyError: it is not there, or of another size.
        """
        self.open_whole(self.temporary, self._layout, size=self._size)

    def write(self, section: Section) -> None:
        """Take the class indices [sample, trace] of one whole section."""
        inlines, crosslines, _ = self._grid.shape
        position = self._grid.index(section.orientation, section.line)
        if section.orientation is Orientation.INLINE:
            numbers = position * crosslines + np.arange(crosslines)
        else:
            numbers = np.arange(inlines) * crosslines + position
        self.records.write(numbers, self._kept(section.values.astype(np.int16), section.live))

    def publish(self) -> None:
        """Write the text file, give it its name, and remove the scratch file.

        Raises:
            SurveyError: the file cannot be written.
        """
        # Not `whole_file`: this name holds the job's token, by which a later run finds what a kill leaves.
        part = self.temporary.with_suffix(".table")
        records = RecordFile(self.temporary, self._layout)
        try:
            with part.open("w", newline="", encoding="utf-8") as file:
                self._write_text(file, records)
            part.replace(self.path)
        except OSError as error:
            told = f"{self.path}: cannot be written: {error.strerror}"
            raise SurveyError(problem=told, fix=or_limit(error, _FIX)) from error
        finally:
            records.close()
            part.unlink(missing_ok=True)
        remove(self.temporary)

    @abstractmethod
    def _kept(self, classes: NDArray[np.int16], live: NDArray[np.bool_]) -> NDArray[np.int32]:
        """What is kept of class indices [sample, trace], of which `live` [trace] count: int32[trace, count]."""

    @abstractmethod
    def _write_text(self, file: IO[str], records: RecordFile) -> None:
        """Write the text file."""


class HorizonTable(_Tops):
    """Horizons as CSV: a row for each live trace, inline by inline.

    The columns are IL, XL, X and Y (empty where there are no coordinates; X_arcsec, X_deg, ... where they are angles),
    the time in ms of the first sample of each class (empty where the class does not occur; counted from the trace's own
    start where starts differ), and the number of transitions that run against the order of the classes.

    Args:
        path: of the CSV file.
        source: the volume that was predicted: its grid, its coordinates.
        facies: the classes.
        overwrite: whether an existing file may be replaced.
        start: in one go, or resumable.

    Raises:
        SurveyError: the path does not end in .csv, or exists and may not be replaced.
    """

    def __init__(
        self, path: Path, source: Volume, facies: FaciesTable, *, overwrite: bool, start: Start = Start.ONCE
    ) -> None:
        if path.suffix.lower() != ".csv":
            raise SurveyError(problem=f"{path}: horizons are written as CSV", fix="end the name in .csv")
        # One record a trace: the tops of the classes, then the count of transitions out of order.
        super().__init__(path, source, len(facies) + 1, overwrite=overwrite, start=start)
        self.out_of_order: int | None = None
        """Transitions against the order of the classes on all traces, known when the table is written."""
        self._facies = facies

    def _kept(self, classes: NDArray[np.int16], live: NDArray[np.bool_]) -> NDArray[np.int32]:
        tops, disorder = find_tops(classes, len(self._facies)), count_out_of_order(classes)  # [trace, class], [trace]
        disorder[~live] = _DEAD
        return np.concatenate([tops, disorder[:, None]], axis=1)

    def summary(self) -> str:
        """How many transitions run against the order of the classes, in words; known when the table is written."""
        assert self.out_of_order is not None, "asked for when the table is written"
        each = self.out_of_order / max(1, int(self._grid.live.sum()))
        return f"{self.out_of_order:,} transitions to a class that stands earlier in the list, {each:.2g} a trace"

    def _write_text(self, file: IO[str], records: RecordFile) -> None:
        """Write all rows, and count the transitions against the order of the classes."""
        disorder = 0
        table = csv.writer(file, lineterminator="\n")
        unit = _UNITS[self._source.angle_unit]
        table.writerow(
            ["IL", "XL", f"X{unit}", f"Y{unit}", *(f"{name}_ms" for name in self._facies.names), "out_of_order"]
        )
        for line in self._grid.inlines.tolist():
            for row in self._rows(records, line):
                table.writerow(row)
                disorder += int(row[-1])
        self.out_of_order = disorder

    def _rows(self, records: RecordFile, line: int) -> Iterator[list[str]]:
        """The rows of the live traces of an inline."""
        grid = self._grid
        position, crosslines = grid.index(Orientation.INLINE, line), len(grid.crosslines)
        found = records.read(position * crosslines + np.arange(crosslines)).astype(np.int64)  # [trace, class + 1]
        places = self._source.coordinates(Orientation.INLINE, line)  # [trace, 2]
        if places is not None and not np.nan_to_num(places).any():
            places = None  # never filled in
        times = _starts(self._source, line)[:, None] + found[:, :-1] * grid.sample_interval_ms  # [trace, class]
        for trace in np.flatnonzero(grid.live[position] & (found[:, -1] != _DEAD)).tolist():
            known = places is not None and bool(np.isfinite(places[trace]).all())
            place = [f"{value:.10g}" for value in places[trace].tolist()] if places is not None and known else ["", ""]
            tops = [
                "" if sample == _ABSENT else f"{time:.10g}"
                for sample, time in zip(found[trace, :-1].tolist(), times[trace].tolist(), strict=True)
            ]
            yield [str(line), str(int(grid.crosslines[trace])), *place, *tops, str(int(found[trace, -1]))]


def _starts(source: Volume, line: int) -> NDArray[np.float64]:
    """Times of the first samples of an inline, ms: float64[trace]. A trace of a SEG-Y may have a start of its own."""
    starts = source.starts_ms(Orientation.INLINE, line)
    return np.full(len(source.geometry.crosslines), source.geometry.start_ms) if starts is None else starts


class HorizonFile(_Tops):
    """The top of one class as a horizon file, in a format of `HORIZON_FORMATS`.

    Args:
        path: of the file.
        source: the volume that was predicted.
        facies: the classes.
        name: of the class.
        format: of the file.
        places: gives X and Y of all traces, float64[inline, crossline, 2], or None; see `places_of`.
        overwrite: whether an existing file may be replaced.
        start: in one go, or resumable.

    Raises:
        SurveyError: the format cannot hold a surface of this survey, or the path exists and may not be replaced.
    """

    def __init__(
        self,
        path: Path,
        source: Volume,
        facies: FaciesTable,
        *,
        name: str,
        format: HorizonFormatName,
        places: Callable[[], NDArray[np.float64] | None],
        overwrite: bool,
        start: Start = Start.ONCE,
    ) -> None:
        super().__init__(path, source, 1, overwrite=overwrite, start=start)
        self._name, self._index = name, facies.names.index(name)
        self._format, self._places = HORIZON_FORMATS[format], places
        self._format.check(Top(name, self._grid, np.full(self._grid.live.shape, np.nan), places()), path)

    def _kept(self, classes: NDArray[np.int16], live: NDArray[np.bool_]) -> NDArray[np.int32]:
        return find_tops(np.where((classes == self._index) & live, 0, -1), 1)

    def _write_text(self, file: IO[str], records: RecordFile) -> None:
        grid = self._grid
        samples = records.read(np.arange(grid.live.size)).reshape(grid.live.shape).astype(np.float64)
        known = grid.live & (samples != _ABSENT)
        begins = np.stack([_starts(self._source, line) for line in grid.inlines.tolist()])  # [inline, crossline]
        times = np.where(known, begins + samples * grid.sample_interval_ms, np.nan)  # [inline, crossline]
        write = self._format.write
        assert write is not None, "only formats that are written are chosen"
        write(Top(self._name, grid, times, self._places()), file, self.path)
