"""A data configuration comes in; its opened volumes go out, with the places of their labels and the axis to split."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import DataConfig
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labelled import LabelledVolume
from sam_seismic.survey.labels.interpreted import interpreted_sections
from sam_seismic.survey.opening import open_labelled

Interpreted = Mapping[Orientation, NDArray[np.bool_]]


@dataclass(frozen=True)
class Axis:
    """The lines that are cut into blocks: of which orientation, all of them, and the interpreted ones; int32[line]."""

    along: Orientation
    every: NDArray[np.int32]
    held: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class OpenedSurvey:
    """The labelled volumes of a configuration by name, and where labels stand in each."""

    volumes: Mapping[str, LabelledVolume]
    interpreted: Mapping[str, Interpreted | None]

    @classmethod
    def of(cls, data: DataConfig) -> "OpenedSurvey":
        """Open the volumes; errors as of `open_labelled`."""
        volumes = open_labelled(data)
        return cls(volumes, {name: _interpreted(volume) for name, volume in volumes.items()})

    def axis(self, data: DataConfig) -> Axis:
        """The axis that `data.split` cuts into blocks."""
        volume, interpreted = self.volumes["train"], self.interpreted["train"]
        along = Orientation(data.split.along or ("inline" if data.orientation == "both" else data.orientation))
        # Of the orientation that is read, a folder may hold only some lines of the grid; across it, all lines are cut.
        read = data.orientation in ("both", along.value)
        lines = volume.amplitude.lines(along) if read else volume.amplitude.geometry.lines(along)
        held = lines
        if interpreted is not None and (read or not volume.amplitude.loose_sections):
            held = lines[interpreted[along].any(axis=1)]
        return Axis(along, lines, held if len(held) else lines)  # no labels are told when they are checked


def _interpreted(volume: LabelledVolume) -> Interpreted | None:
    """Where labels stand, by orientation bool[line, trace]; None without labels."""
    if volume.labels is None:
        return None
    return interpreted_sections(volume.amplitude, volume.labels, volume.facies)
