"""Classes of sections go in, a table of horizons comes out: where each class begins on each trace, as CSV."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.files.disk import or_limit, reserve
from sam_seismic.files.fixed_records import Recorded, RecordFile, RecordLayout
from sam_seismic.files.unfinished import Start, remove
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.result import Result
from sam_seismic.survey.volume import Section, Volume

_ABSENT = -1
"""The first sample of a class that does not occur on a trace."""
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


class HorizonTable(Recorded, Result):
    """Horizons as CSV: a row for each live trace, inline by inline.

    The columns are IL, XL, X and Y (empty where the survey has no coordinates), the time in ms of the first sample of
    each class (empty where the class does not occur), and the number of transitions that run against the order of the
    classes. Until all sections are written, the samples are kept in a scratch file.

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
        super().__init__(path, np.dtype(np.uint8), overwrite=overwrite, start=start)
        self.out_of_order: int | None = None
        """Transitions against the order of the classes on all traces, known when the table is written."""
        self._source, self._facies = source, facies
        self._grid = source.geometry
        # One record a trace: the tops of the classes, then the count of transitions out of order.
        self._layout = RecordLayout(np.dtype(np.int32), (len(facies) + 1,))
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
        classes = section.values.astype(np.int16)  # [sample, trace]
        tops, disorder = find_tops(classes, len(self._facies)), count_out_of_order(classes)  # [trace, class], [trace]
        disorder[~section.live] = _DEAD
        inlines, crosslines, _ = self._grid.shape
        position = self._grid.index(section.orientation, section.line)
        if section.orientation is Orientation.INLINE:
            numbers = position * crosslines + np.arange(crosslines)
        else:
            numbers = np.arange(inlines) * crosslines + position
        self.records.write(numbers, np.concatenate([tops, disorder[:, None]], axis=1))

    def publish(self) -> None:
        """Write the table, give it its name, and remove the scratch file.

        Raises:
            SurveyError: the table cannot be written.
        """
        # Not `whole_file`: this name holds the job's token, by which a later run finds what a kill leaves.
        part = self.temporary.with_suffix(".table")
        try:
            with part.open("w", newline="", encoding="utf-8") as file:
                self.out_of_order = self._write_table(file)
            part.replace(self.path)
        except OSError as error:
            told = f"{self.path}: cannot be written: {error.strerror}"
            raise SurveyError(problem=told, fix=or_limit(error, _FIX)) from error
        finally:
            part.unlink(missing_ok=True)
        remove(self.temporary)

    def summary(self) -> str:
        """How many transitions run against the order of the classes, in words; known when the table is written."""
        assert self.out_of_order is not None, "asked for when the table is written"
        each = self.out_of_order / max(1, int(self._grid.live.sum()))
        return f"{self.out_of_order:,} transitions to a class that stands earlier in the list, {each:.2g} a trace"

    def _write_table(self, file: IO[str]) -> int:
        """Write all rows, and count the transitions against the order of the classes."""
        disorder = 0
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["IL", "XL", "X", "Y", *(f"{name}_ms" for name in self._facies.names), "out_of_order"])
        records = RecordFile(self.temporary, self._layout)
        try:
            for line in self._grid.inlines.tolist():
                for row in self._rows(records, line):
                    table.writerow(row)
                    disorder += int(row[-1])
        finally:
            records.close()
        return disorder

    def _rows(self, records: RecordFile, line: int) -> Iterator[list[str]]:
        """The rows of the live traces of an inline."""
        grid = self._grid
        position, crosslines = grid.index(Orientation.INLINE, line), len(grid.crosslines)
        found = records.read(position * crosslines + np.arange(crosslines)).astype(np.int64)  # [trace, class + 1]
        places = self._source.coordinates(Orientation.INLINE, line)  # [trace, 2]
        if places is not None and not np.nan_to_num(places).any():
            places = None  # header fields that were never filled in
        times = grid.start_ms + found[:, :-1] * grid.sample_interval_ms  # [trace, class]
        for trace in np.flatnonzero(grid.live[position] & (found[:, -1] != _DEAD)).tolist():
            place = ["", ""] if places is None else [f"{value:.10g}" for value in places[trace].tolist()]
            tops = [
                "" if sample == _ABSENT else f"{time:.10g}"
                for sample, time in zip(found[trace, :-1].tolist(), times[trace].tolist(), strict=True)
            ]
            yield [str(line), str(int(grid.crosslines[trace])), *place, *tops, str(int(found[trace, -1]))]
