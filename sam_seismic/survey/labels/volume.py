"""Surfaces and bodies on a survey come in; a Volume of labels on the survey's grid goes out, made line by line."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labels.bodies import Body
from sam_seismic.survey.labels.order import ABSENT
from sam_seismic.survey.volume import Section, Volume


class InterpretedVolume(Volume):
    """Labels between surfaces and inside bodies: 0, 1, 2, ... in the order of `class_names`; 255: not interpreted.

    Args:
        files: that it is made from; the first one names it in messages.
        geometry: the grid of the survey.
        tops: int32[surface, inline, crossline], the first sample of each surface, from top to bottom; ABSENT
            where it is not picked.
        bodies: that are laid over the surfaces.
        class_names: one a class.
        above: whether all above the first surface is a class.
        below: whether all below the last surface is a class.
        notes: what was left out or assumed.
        kept: bool[inline, crossline], where labels are wanted; None for everywhere.
    """

    def __init__(  # noqa: PLR0913  # each is one fact of the labels
        self,
        files: Sequence[Path],
        geometry: Geometry,
        *,
        tops: NDArray[np.int32],
        bodies: Sequence[Body],
        class_names: Sequence[str],
        above: bool,
        below: bool,
        notes: Sequence[str] = (),
        kept: NDArray[np.bool_] | None = None,
    ) -> None:
        self.path = files[0]
        self.class_names = tuple(class_names)
        self._files, self._geometry, self._notes = tuple(files), geometry, tuple(notes)
        self._tops, self._bodies, self._above, self._below = tops, tuple(bodies), above, below
        self._kept = kept

    @property
    def geometry(self) -> Geometry:
        """The grid of the survey."""
        return self._geometry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """uint8."""
        return np.dtype(np.uint8)

    @property
    def encoding(self) -> str:
        """`from horizons and bodies`."""
        return "from horizons and bodies"

    @property
    def files(self) -> tuple[Path, ...]:
        """All horizon files and files of bodies."""
        return self._files

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out or assumed."""
        return self._notes

    @property
    def made_from(self) -> tuple[NDArray[np.generic], ...]:
        """All that its samples are made from."""
        kept = () if self._kept is None else (self._kept,)
        return (self._tops, *(body.spans for body in self._bodies), *kept)

    def only(self, kept: NDArray[np.bool_]) -> "InterpretedVolume":
        """The same labels where `kept` bool[inline, crossline] says so, and not interpreted elsewhere."""
        return InterpretedVolume(
            self._files,
            self._geometry,
            tops=self._tops,
            bodies=self._bodies,
            class_names=self.class_names,
            above=self._above,
            below=self._below,
            notes=self._notes,
            kept=kept,
        )

    def section(self, orientation: Orientation, line: int) -> Section:
        """Labels of one line: uint8[sample, trace]; dead traces are zero."""
        grid = self._geometry
        position = grid.index(orientation, line)
        at: tuple[slice | int, ...] = (position,) if orientation is Orientation.INLINE else (slice(None), position)
        live = grid.live[at]
        values = self._between(self._tops[(slice(None), *at)])  # [sample, trace]
        fixed, running = (0, 1) if orientation is Orientation.INLINE else (1, 0)
        first = len(self.class_names) - len(self._bodies)
        for label, body in enumerate(self._bodies, start=first):
            for span in body.spans[body.spans[:, fixed] == position].tolist():
                values[span[2] : span[3], span[running]] = label
        if self._kept is not None:
            values[:, ~self._kept[at]] = IGNORE
        values[:, ~live] = 0
        return Section(orientation, line, values, live)

    def _between(self, tops: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Labels between surfaces: int32[surface, trace] -> uint8[sample, trace]."""
        samples = np.arange(self._geometry.samples, dtype=np.int32)[:, None]
        values = np.full((self._geometry.samples, tops.shape[1]), IGNORE, np.uint8)
        if not len(tops):
            return values
        start, end = np.zeros_like(tops[:1]), np.full_like(tops[:1], self._geometry.samples)
        bounds = np.concatenate([start[: self._above], tops, end[: self._below]])  # [bound, trace]
        for label, (upper, lower) in enumerate(pairwise(bounds)):
            both = (upper != ABSENT) & (lower != ABSENT)
            values[(samples >= upper) & (samples < lower) & both] = label
        return values
