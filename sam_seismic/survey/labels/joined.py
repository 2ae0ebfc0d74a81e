"""Several label volumes of one survey come in; their labels together go out, as one volume."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.volume import Section, Volume


class JoinedLabels(Volume):
    """Label volumes laid over one another: a voxel has the label of the first volume that interprets it.

    Args:
        volumes: two or more, all of them on the grid of the survey.
        facies: tells which values mean "not interpreted".
        fill: one of these values.
    """

    def __init__(self, volumes: Sequence[Volume], facies: FaciesTable, fill: int) -> None:
        self.path = volumes[0].path
        self._volumes = tuple(volumes)
        self._facies = facies
        self._fill = fill
        live = np.logical_or.reduce([volume.geometry.live for volume in volumes])  # [inline, crossline]
        grid = volumes[0].geometry
        self._geometry = replace(grid, live=live)

    @property
    def sources(self) -> tuple[Volume, ...]:
        """The volumes as their files hold them."""
        return tuple(source for volume in self._volumes for source in volume.sources)

    @property
    def geometry(self) -> Geometry:
        """The grid of the survey; live where one of the volumes has a trace."""
        return self._geometry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """A type that holds the labels of all."""
        return np.result_type(*(volume.dtype for volume in self._volumes), np.min_scalar_type(self._fill))

    @property
    def encoding(self) -> str:
        """That of each, once."""
        return " and ".join(dict.fromkeys(volume.encoding for volume in self._volumes))

    @property
    def files(self) -> tuple[Path, ...]:
        """Those of all."""
        return tuple(file for volume in self._volumes for file in volume.files)

    @property
    def placement(self) -> str:
        """That of each, in their order."""
        return json.dumps([volume.placement for volume in self._volumes])

    @property
    def notes(self) -> tuple[str, ...]:
        """Those of each with its name, and where they contradict one another."""
        notes = [f"{volume.path.name}: {note}" for volume in self._volumes[1:] for note in volume.notes]
        return (*self._volumes[0].notes, *notes, *self.contradictions)

    @property
    def fast_orientation(self) -> Orientation:
        """That of the first."""
        return self._volumes[0].fast_orientation

    @cached_property
    def contradictions(self) -> tuple[str, ...]:
        """A note for each two volumes that give voxels different labels. Only lines that both hold are read.

        Raises:
            SurveyError: a file is damaged.
        """
        return tuple(note for one, other in combinations(self._volumes, 2) for note in self._contradiction(one, other))

    def section(self, orientation: Orientation, line: int) -> Section:
        """The labels of a line, values [sample, trace]; dead where no volume has a trace.

        Raises:
            SurveyError: the survey has no such line, or a file is damaged.
        """
        values = np.full(
            (self._geometry.samples, len(self._geometry.lines(orientation.across))), self._fill, self.dtype
        )
        live = np.zeros(values.shape[1], np.bool_)  # [trace]
        for volume in reversed(self._volumes):  # the first one is laid on top
            if not volume.live_along(orientation, line).any():
                continue
            section = volume.section(orientation, line)
            here = self._labelled(section)
            values[here] = section.values[here]
            live |= section.live
        return Section(orientation, line, values, live)

    def _labelled(self, section: Section) -> NDArray[np.bool_]:
        """Where a section is interpreted: bool[sample, trace]."""
        return self._facies.holds_labels(section.values) & section.live

    def _contradiction(self, one: Volume, other: Volume) -> list[str]:
        orientation = one.fast_orientation
        axis = 1 if orientation is Orientation.INLINE else 0
        both = (one.geometry.live & other.geometry.live).any(axis=axis)
        differ = shared = 0
        first = None
        for line in self._geometry.lines(orientation)[both].tolist():
            here, there = one.section(orientation, line), other.section(orientation, line)
            common = self._labelled(here) & self._labelled(there)
            odd = int(np.count_nonzero(here.values[common] != there.values[common]))
            first = here.name if odd and first is None else first
            differ, shared = differ + odd, shared + int(np.count_nonzero(common))
        if not differ:
            return []
        return [
            f"{one.path.name} and {other.path.name} differ in {differ:,} of the {shared:,} voxels that both interpret "
            f"(first on {first}): {one.path.name} counts"
        ]
