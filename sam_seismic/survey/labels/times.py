"""Times of a file, in its own unit and direction, come in; how they are read as ms of the volume goes out."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import TimeUnit
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.labels.horizon_files.picks import MILLISECONDS

_FEWEST_INSIDE = 0.5
"""Smallest share of the times of a file that must lie within those of the volume."""


@dataclass(frozen=True)
class TimeReading:
    """How the times of a file are read.

    Args:
        unit: of the times.
        upward: whether deeper times are more negative.
        inside: share of the times that lie within those of the volume.
    """

    unit: TimeUnit
    upward: bool
    inside: float

    def milliseconds(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Times of the file -> ms, downwards; same shape."""
        return np.asarray(times * MILLISECONDS[self.unit] * (-1 if self.upward else 1), np.float64)

    def __str__(self) -> str:
        return f"{self.unit}, {'upwards' if self.upward else 'downwards'}"


def find_reading(
    times: NDArray[np.float64], grid: Geometry, where: str, *, unit: TimeUnit | None, upward: bool | None
) -> TimeReading:
    """The unit and direction in which the times of a file lie within those of a volume.

    Of several units in which most times lie in the volume, it is the largest one: in a smaller one, all picks would lie
    in the first samples. A file whose deepest picks lie below the volume is no reason to take a smaller one.

    Args:
        times: of the file, finite.
        grid: of the volume.
        where: the file, for the message.
        unit: as declared, or as the file says; None: found out.
        upward: as declared; None: found out.

    Raises:
        SurveyError: in no unit and direction do most of the times lie within those of the volume.
    """
    units: tuple[TimeUnit, ...] = ("s", "ms", "us") if unit is None else (unit,)
    directions = (False, True) if upward is None else (upward,)
    readings = [TimeReading(*each, 0.0) for each in product(units, directions)]
    found = []
    for reading in readings:
        inside = within(reading.milliseconds(times), grid)
        found.append(TimeReading(reading.unit, reading.upward, float(inside.mean())))
    fitting = [reading for reading in found if reading.inside >= _FEWEST_INSIDE]
    if not fitting:
        end = grid.start_ms + (grid.samples - 1) * grid.sample_interval_ms
        given = [f"as {readings[0]}"] if len(readings) == 1 else ["in s, ms or us, up or down"]
        raise SurveyError(
            problem=f"{where}: its times {times.min():g} to {times.max():g} lie outside those of the volume, "
            f"{grid.start_ms:g} to {end:g} ms, {given[0]}",
            fix="check that the file belongs to this volume; or say how to read it: --unit s, ms or us, and --upward "
            "where deeper is more negative (in the YAML: unit, upward)",
        )
    largest = [reading for reading in fitting if reading.unit == fitting[0].unit]
    return max(largest, key=lambda reading: reading.inside)  # of equal ones the first: downwards


def within(times: NDArray[np.float64], grid: Geometry) -> NDArray[np.bool_]:
    """Which times, in ms, lie within those of a volume, with half a sample to spare: bool, same shape."""
    end = grid.start_ms + (grid.samples - 1) * grid.sample_interval_ms
    half = grid.sample_interval_ms / 2
    return np.asarray((times >= grid.start_ms - half) & (times <= end + half), np.bool_)
