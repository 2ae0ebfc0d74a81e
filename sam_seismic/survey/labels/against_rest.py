"""A labelled survey and one of its classes come in; the survey with two classes, `rest` and that one, goes out."""

import json
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.data import REST
from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labelled import LabelledVolume
from sam_seismic.survey.volume import Section, Volume
from sam_seismic.survey.volume_view import VolumeView


def against_rest(volume: LabelledVolume, name: str) -> LabelledVolume:
    """The same survey with the classes `rest` (0) and `name` (1).

    Raises:
        SurveyError: the survey has no class of this name.
    """
    if name not in volume.facies.names:
        raise SurveyError(
            problem=f"data.against_rest: {name}: {volume.amplitude.path} has no such class",
            fix=f"name one of {', '.join(volume.facies.names)}",
        )
    facies = FaciesTable((REST, name))
    labels = None if volume.labels is None else OneAgainstRest(volume.amplitude, volume.labels, volume.facies, name)
    return replace(volume, labels=labels, facies=facies)


class OneAgainstRest(VolumeView):
    """Labels of two classes: 1 for one class of a label volume, 0 for all others, 255 where nothing is interpreted.

    Args:
        survey: the amplitudes.
        labels: the label volume.
        facies: its classes.
        name: the class that becomes 1.
    """

    def __init__(self, survey: Volume, labels: Volume, facies: FaciesTable, name: str) -> None:
        super().__init__(labels)
        self._survey, self._facies = survey, facies
        self._index = facies.names.index(name)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """uint8."""
        return np.dtype(np.uint8)

    @property
    def encoding(self) -> str:
        """As the labels have it, and which class is told from the rest."""
        return f"{self.seen.encoding}, {self._facies.names[self._index]} against the rest"

    @property
    def placement(self) -> str:
        """That of the labels, and the class."""
        return json.dumps([self.seen.placement, self._facies.names[self._index]])

    def section(self, orientation: Orientation, line: int) -> Section:
        """Labels of one line: uint8[sample, trace].

        Raises:
            UnknownLabelsError: a label on a recorded trace is neither a class nor ignored.
            SurveyError: there is no such line, or the file is damaged there.
        """
        section = self.seen.section(orientation, line)
        read = section.live & self._recorded(orientation, line, len(section.live))  # [trace]
        values = np.full(section.shape, IGNORE, np.uint8)  # [sample, trace]
        classes = self._facies.encode(section.values[:, read], f"{self.path}: {section.name}")
        values[:, read] = np.where(classes == IGNORE, IGNORE, classes == self._index)
        return replace(section, values=values)

    def _recorded(self, orientation: Orientation, line: int, traces: int) -> NDArray[np.bool_]:
        """bool[trace]: what stands on a trace without amplitudes is no label. All, where the sizes do not fit yet."""
        live = self._survey.live_along(orientation, line)
        return live if len(live) == traces else np.ones(traces, np.bool_)
