"""A label volume with lines, traces or samples of its own comes in; labels on the grid of the survey go out."""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation, describe_lines
from sam_seismic.survey.labels.sample_match import NONE, describe_times, match_samples, same_times
from sam_seismic.survey.volume import Section, Volume
from sam_seismic.survey.volume_view import FilesView

KEPT = 64
"""Sections of a folder that are kept in memory, of which crosslines are put together."""


class AlignedLabels(FilesView):
    """Labels on the grid of a survey, matched by line number and by time; elsewhere nothing is interpreted.

    Traces that the labels do not have are dead. Samples outside of their time window hold `fill`. Sections of a folder
    have no line numbers along the section: they must have as many traces as the survey.

    Args:
        survey: the amplitudes, which lie on a grid.
        labels: a volume that states its line numbers, or a folder of sections.
        fill: a label value that means "not interpreted".

    Raises:
        SurveyError: the two have no line in common, or their times do not fit.
    """

    def __init__(self, survey: Volume, labels: Volume, fill: int) -> None:
        super().__init__(labels)
        self._survey = survey.path
        self._fill = fill
        self._samples = match_samples(survey, labels)  # int64[sample of the survey]
        grid = survey.geometry
        live = _coverage(grid, labels)
        if not live.any():
            raise SurveyError(
                problem=f"{labels.path}: has no line in common with {survey.path}: {_lines(labels)} against {grid}",
                fix="give labels of the same survey; if they are, name the bytes of the line numbers: "
                "data.read_labels.segy.inline_byte, data.read_labels.segy.crossline_byte",
            )
        self._geometry = replace(grid, live=live)
        self._note = _describe(survey, labels)
        self._section_of = lru_cache(KEPT)(labels.section)

    def __getstate__(self) -> dict[str, object]:
        """Pickled without the sections that are kept in memory."""
        return {name: value for name, value in self.__dict__.items() if name != "_section_of"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._section_of = lru_cache(KEPT)(self.seen.section)

    @property
    def geometry(self) -> Geometry:
        """The grid of the survey; live is where the labels have a trace."""
        return self._geometry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the labels, or a wider one that can hold the fill value."""
        return np.result_type(self.seen.dtype, np.min_scalar_type(self._fill))

    @property
    def placement(self) -> str:
        """That of the labels, and which of their samples are read."""
        return json.dumps([self.seen.placement, self._samples.tolist()])

    @property
    def notes(self) -> tuple[str, ...]:
        """Those of the labels, and on which lines and samples of the survey they are."""
        return (*self.seen.notes, self._note)

    def file_of(self, orientation: Orientation, line: int) -> Path:
        """The file of the labels of a line; of a line without its own, the file or folder of all."""
        held = line in self.seen.lines(orientation)
        return self.seen.file_of(orientation, line) if held else self.path

    def section(self, orientation: Orientation, line: int) -> Section:
        """The labels of a line of the survey, values [sample, trace]; dead where the labels have no trace.

        Raises:
            SurveyError: the survey has no such line, a section of a folder has another size, or a file is damaged.
        """
        live = self._geometry.live_along(orientation, line)  # [trace of the survey]
        values = np.full((self._geometry.samples, len(live)), self._fill, self.dtype)  # [sample, trace]
        live = live.copy()
        if not live.any():
            return Section(orientation, line, values, live)
        if line in self.seen.lines(orientation):
            found = self.seen.section(orientation, line)
            here, there = self._common(orientation, found)
            taken, recorded = found.values[:, there], found.live[there]
        else:
            here, taken = self._gathered(orientation, line)
            recorded = np.ones(len(here), np.bool_)
        inside = self._samples != NONE
        values[np.ix_(inside, here)] = taken[self._samples[inside]]
        live[here] &= recorded
        return Section(orientation, line, values, live)

    def _common(self, orientation: Orientation, found: Section) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of the traces that the survey and a section of the labels share, in either: int64[trace] each."""
        across = self._geometry.lines(orientation.across)
        if self.seen.loose_sections:
            self._check_size(found, len(across))
            return np.arange(len(across)), np.arange(len(across))
        _, here, there = np.intersect1d(
            across, self.seen.geometry.lines(orientation.across), assume_unique=True, return_indices=True
        )
        return here, there

    def _gathered(self, orientation: Orientation, line: int) -> tuple[NDArray[np.int64], NDArray[np.generic]]:
        """A section that crosses those of a folder: positions of its traces, and their values [sample, trace]."""
        position = self._geometry.index(orientation, line)
        held = np.intersect1d(self.seen.lines(orientation.across), self._geometry.lines(orientation.across))
        columns = []
        for each in held.tolist():
            found = self._section_of(orientation.across, each)
            self._check_size(found, len(self._geometry.lines(orientation)))
            columns.append(found.values[:, position])
        return np.searchsorted(self._geometry.lines(orientation.across), held), np.stack(columns, axis=1)

    def _check_size(self, found: Section, traces: int) -> None:
        """Refuse a section of a folder that has other traces or samples than those of the survey."""
        samples = len(self._samples)
        if found.shape != (samples, traces):
            raise SurveyError(
                problem=f"{self.seen.file_of(found.orientation, found.line)}: {found.shape[0]} rows and "
                f"{found.shape[1]} columns, but an {found.orientation} of {self._survey} has {samples} samples and "
                f"{traces} traces",
                fix="save the picture with a row for each sample and a column for each trace of the section",
            )


def can_be_aligned(survey: Volume, labels: Volume) -> bool:
    """Whether labels on another grid than a survey can be matched: both state their lines, or the names of files do."""
    if survey.loose_sections:
        return False
    return labels.loose_sections or (survey.axis_order is None and labels.axis_order is None)


def on_grid_of(survey: Volume, labels: Volume, fill: int) -> Volume:
    """Labels on the grid of a survey; the same labels if they lie on it already. Arguments and errors as of the class.

    Only for what `can_be_aligned`.
    """
    if not labels.loose_sections and survey.geometry.same_grid(labels.geometry) and same_times(survey, labels):
        return labels
    return AlignedLabels(survey, labels, fill)


def _describe(survey: Volume, labels: Volume) -> str:
    """On which lines and samples of a survey there are labels: a note."""
    parts = []
    for orientation in Orientation:
        lines = survey.geometry.lines(orientation)
        if labels.loose_sections and not len(labels.lines(orientation)):
            continue
        common = np.intersect1d(lines, labels.lines(orientation))
        outside = len(labels.lines(orientation)) - len(common)
        told = f"{len(common)} of {len(lines)} {orientation}s ({describe_lines(common)})"
        parts.append(told + (f"; {outside} more are not in the survey" if outside else ""))
    if not same_times(survey, labels):
        parts.append(f"matched by time: {describe_times(labels.geometry)} against {describe_times(survey.geometry)}")
    return f"labels on {', '.join(parts)}: the rest is not interpreted"


def _coverage(grid: Geometry, labels: Volume) -> NDArray[np.bool_]:
    """bool[inline, crossline] of the survey: where the labels have a trace."""
    if labels.loose_sections:
        inlines, crosslines = (np.isin(grid.lines(each), labels.lines(each)) for each in Orientation)
        return (inlines[:, None] | crosslines[None]) & grid.live
    live = np.zeros_like(grid.live)
    own = labels.geometry
    _, here, there = np.intersect1d(grid.inlines, own.inlines, assume_unique=True, return_indices=True)
    _, across, own_across = np.intersect1d(grid.crosslines, own.crosslines, assume_unique=True, return_indices=True)
    live[np.ix_(here, across)] = own.live[np.ix_(there, own_across)]
    return live


def _lines(labels: Volume) -> str:
    if not labels.loose_sections:
        return str(labels.geometry)
    held = [(orientation, labels.lines(orientation)) for orientation in Orientation]
    return ", ".join(
        f"{len(lines)} {orientation}s {describe_lines(lines)}" for orientation, lines in held if len(lines)
    )
