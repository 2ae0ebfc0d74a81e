"""Amplitudes and their labels go in; sections with class indices come out, checked to fit each other."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.images import FolderVolume, pair
from sam_seismic.survey.volume import Orientation, Section, Volume

NAME_AXES = (
    "name the axis order of each array: data.read.axes for the amplitudes, data.read_labels.axes for the labels, or "
    "read_labels: {} where the labels name their lines themselves"
)


@dataclass(frozen=True, eq=False)
class LabelledVolume:
    """A survey with its interpretation; made by `labelled`, which checks that the two fit.

    Args:
        amplitude: what was recorded.
        labels: what was interpreted, on the same grid; None when no labels were published.
        facies: the classes.
        together: what was assumed about one file because of the other.
    """

    amplitude: Volume
    labels: Volume | None
    facies: FaciesTable
    together: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed about either file, each with its name."""
        volumes = [volume for volume in (self.amplitude, self.labels) if volume is not None]
        return (*(f"{volume.path.name}: {note}" for volume in volumes for note in volume.notes), *self.together)

    def section(self, orientation: Orientation, line: int) -> tuple[Section, NDArray[np.uint8]]:
        """Amplitudes of a line, and uint8[sample, trace] class indices; dead and unlabelled voxels are IGNORE.

        Raises:
            SurveyError: the volume has no labels or no such line, an amplitude is not finite, or a label is no class.
        """
        if self.labels is None:
            raise SurveyError(
                problem=f"{self.amplitude.path}: has no labels to train on or to score",
                fix="predict it instead, or choose a labelled volume",
            )
        amplitude = read_amplitude(self.amplitude, orientation, line)
        labels = self.labels.section(orientation, line)
        if labels.shape != amplitude.shape:
            raise _misfit(self.amplitude, self.labels, f"{amplitude.name} {amplitude.shape}", f"{labels.shape}")
        # A dead trace of a label file holds no label values at all, so only live ones are held against the classes.
        live = amplitude.live & labels.live  # [trace]
        indices = np.full(labels.shape, IGNORE, dtype=np.uint8)  # [sample, trace]
        indices[:, live] = self.facies.encode(labels.values[:, live], f"{self.labels.path}: {labels.name}")
        return amplitude, indices


def labelled(amplitude: Volume, labels: Volume | None, facies: FaciesTable) -> LabelledVolume:
    """Join amplitudes and labels.

    Raises:
        SurveyError: they do not have the same lines and samples, or a section has no partner.
    """
    if isinstance(amplitude, FolderVolume) and isinstance(labels, FolderVolume):
        pair(amplitude, labels)
    elif labels is not None and not amplitude.geometry.same_grid(labels.geometry):
        sizes = amplitude.geometry.shape, labels.geometry.shape
        turned = sizes[0] != sizes[1] and sorted(sizes[0]) == sorted(sizes[1])
        raise _misfit(amplitude, labels, str(amplitude.geometry), str(labels.geometry), turned=turned)
    return LabelledVolume(amplitude, labels, facies)


def read_amplitude(volume: Volume, orientation: Orientation, line: int) -> Section:
    """A section with float32 amplitudes, all of them finite.

    Raises:
        SurveyError: there is no such line, or it holds values that are not finite.
    """
    section = volume.section(orientation, line)
    values = section.values.astype(np.float32)  # [sample, trace]
    strange = int(np.count_nonzero(~np.isfinite(values[:, section.live])))
    if strange:
        raise SurveyError(
            problem=f"{volume.path}: {section.name} has {strange} samples that are not finite (NaN or infinite)",
            fix="mute or interpolate them in the survey; a trace that was never recorded belongs left out of the file",
        )
    return replace(section, values=values)


def _misfit(
    amplitude: Volume, labels: Volume, amplitude_grid: str, label_grid: str, *, turned: bool = False
) -> SurveyError:
    """The error of labels on another grid; `turned` where that has the same sizes in another order."""
    return SurveyError(
        problem=f"{labels.path}: its labels do not lie on the grid of the amplitudes: "
        f"{label_grid} against {amplitude_grid} of {amplitude.path}",
        fix=NAME_AXES if turned else "give labels of the same survey, cut to the same lines and samples",
    )
