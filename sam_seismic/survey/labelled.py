"""Amplitudes and their labels go in; sections with class indices come out, checked to fit each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labels.aligned import can_be_aligned, on_grid_of
from sam_seismic.survey.labels.joined import JoinedLabels
from sam_seismic.survey.null_values import HUGE_NULL, is_huge_null
from sam_seismic.survey.volume import Section, Volume

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
        return (*(_with_name(note, volume) for volume in volumes for note in volume.notes), *self.together)

    def section(self, orientation: Orientation, line: int) -> tuple[Section, NDArray[np.uint8]]:
        """Amplitudes of a line, and uint8[sample, trace] class indices; dead and unlabelled voxels are IGNORE.

        Raises:
            SurveyError: the volume has no labels or no such line, an amplitude is not finite, or a label is no class.
        """
        labels = self._interpreted()
        amplitude = read_amplitude(self.amplitude, orientation, line)
        return amplitude, self._encode(labels.section(orientation, line), amplitude.shape, amplitude.live)

    def label_section(self, orientation: Orientation, line: int) -> Section:
        """Class indices of a line alone, without reading its amplitudes: values uint8[sample, trace].

        They are those that `section` gives, and `live` is that of the amplitudes. An amplitude that is not finite is
        not found this way.

        Raises:
            SurveyError: the volume has no labels or no such line, or a label is no class.
        """
        labels = self._interpreted().section(orientation, line)
        live = self.amplitude.live_along(orientation, line)
        return replace(labels, values=self._encode(labels, (labels.shape[0], len(live)), live), live=live)

    def label_values(self, orientation: Orientation, line: int) -> Section:
        """Labels of a line as their file holds them: values [sample, trace]; `live` where both files have the trace.

        Raises:
            SurveyError: the volume has no labels or no such line.
        """
        labels = self._interpreted().section(orientation, line)
        live = self.amplitude.live_along(orientation, line)
        return replace(labels, live=self._both_live(labels, (labels.shape[0], len(live)), live))

    def _interpreted(self) -> Volume:
        if self.labels is None:
            raise SurveyError(
                problem=f"{self.amplitude.path}: has no labels to train on or to score",
                fix="predict it instead, or choose a labelled volume",
            )
        return self.labels

    def _encode(self, labels: Section, shape: tuple[int, int], recorded: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Label values as read -> class indices uint8[sample, trace]; `shape` and `recorded` are of the amplitudes."""
        live = self._both_live(labels, shape, recorded)
        indices = np.full(labels.shape, IGNORE, dtype=np.uint8)  # [sample, trace]
        where = f"{self._interpreted().path}: {labels.name}"
        indices[:, live] = self.facies.encode(labels.values[:, live], where)
        return indices

    def _both_live(self, labels: Section, shape: tuple[int, int], recorded: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """bool[trace]: traces with label values; a dead trace of a label file holds none. Arguments as of `_encode`."""
        if labels.shape != shape:
            raise _misfit(self.amplitude, self._interpreted(), f"{labels.name} {shape}", f"{labels.shape}")
        return recorded & labels.live


def labelled(amplitude: Volume, labels: Volume | Sequence[Volume] | None, facies: FaciesTable) -> LabelledVolume:
    """Join amplitudes and labels.

    Labels that state their line numbers may lie on a grid of their own: they are matched by line number and by time,
    and all else is not interpreted. Several label volumes are laid over one another, the first one on top.

    Raises:
        SurveyError: they have no line in common, their times do not fit, or they differ in size where line numbers or
            times are not stated; or several folders of loose sections are given for loose amplitudes.
    """
    if labels is None:
        return LabelledVolume(amplitude, labels, facies)
    if isinstance(labels, Volume):
        return _of_one(amplitude, labels, facies)
    if len(labels) == 1:
        return _of_one(amplitude, labels[0], facies)
    if amplitude.loose_sections:
        raise SurveyError(
            problem=f"{amplitude.path}: sections in a folder have their labels in one folder, not in {len(labels)}",
            fix="put the pictures of all labels into one folder",
        )
    filled, fill = facies.with_fill()
    aligned = [_of_one(amplitude, each, filled).labels for each in labels]
    joined = JoinedLabels([each for each in aligned if each is not None], filled, fill)
    return LabelledVolume(amplitude, joined, filled)


def _of_one(amplitude: Volume, labels: Volume, facies: FaciesTable) -> LabelledVolume:
    """Amplitudes and one label volume; errors as of `labelled`."""
    check_lossless(labels)
    if amplitude.loose_sections and labels.loose_sections:
        return LabelledVolume(amplitude, labels, facies, tuple(check_partners(amplitude, labels)))
    if not can_be_aligned(amplitude, labels):
        if not amplitude.geometry.same_grid(labels.geometry):
            raise _other_grid(amplitude, labels)
        return LabelledVolume(amplitude, labels, facies)
    filled, fill = facies.with_fill()
    aligned = on_grid_of(amplitude, labels, fill)
    return LabelledVolume(amplitude, aligned, facies if aligned is labels else filled)


def _with_name(note: str, volume: Volume) -> str:
    """A note with the name of its file, which notes on one of several files have already."""
    named = tuple(f"{name}: " for file in volume.files for name in (file.name, file))
    return note if note.startswith(named) else f"{volume.path.name}: {note}"


def check_lossless(labels: Volume) -> None:
    """Refuse labels whose values are only near those that were stored.

    Raises:
        SurveyError: they are JPEG pictures.
    """
    if labels.lossy:
        raise SurveyError(
            problem=f"{labels.path}: holds JPEG pictures, which change label values along the borders of classes",
            fix="save the labels as PNG",
        )


def check_partners(amplitude: Volume, labels: Volume) -> list[str]:
    """Check that each section of labels has amplitudes of the same size; sections may lack labels.

    Returns:
        Notes: how many sections have no labels.

    Raises:
        SurveyError: labels have no amplitudes, none have, or they differ in size; the first of them are named.
    """
    images, interpreted = _sections(amplitude), _sections(labels)
    lacking = [labels.file_of(*section).name for section in interpreted if section not in set(images)]
    if lacking:
        raise SurveyError(
            problem=f"{amplitude.path}: lacks the partners of {len(lacking)} sections of {labels.path}: "
            f"{_listed(lacking)}",
            fix="add the missing files, or remove the labels without a partner",
        )
    shapes = {each: (amplitude.section_shape(*each), labels.section_shape(*each)) for each in interpreted}
    odd = [
        f"{amplitude.file_of(*section).name} {shape} against {label_shape}"
        for section, (shape, label_shape) in shapes.items()
        if shape != label_shape
    ]
    if odd:
        raise SurveyError(
            problem=f"{amplitude.path} and {labels.path} differ in size (samples, traces): {_listed(odd)}",
            fix="cut labels and images to the same lines and samples",
        )
    if len(interpreted) == len(images):
        return []
    return [f"{labels.path}: labels of {len(interpreted)} of the {len(images)} sections: the rest is not interpreted"]


def _sections(volume: Volume) -> list[tuple[Orientation, int]]:
    """Orientation and line of each section that can be read: inlines first, ascending."""
    return [(orientation, line) for orientation in Orientation for line in volume.lines(orientation).tolist()]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def read_amplitude(volume: Volume, orientation: Orientation, line: int) -> Section:
    """A section with float32 amplitudes, all of them finite.

    Raises:
        SurveyError: there is no such line, or it holds values that are not finite.
    """
    section = volume.section(orientation, line)
    return as_amplitude(section, f"{volume.path}: {section.name}")


def as_amplitude(section: Section, where: str) -> Section:
    """A section with its amplitudes as float32, all of them finite.

    Args:
        section: as read.
        where: the file and section, for the message.

    Raises:
        SurveyError: it holds values that are not finite.
    """
    with np.errstate(over="ignore"):
        values = section.values.astype(np.float32)  # [sample, trace]
    if not values.size or max(-values.min(), values.max()) < HUGE_NULL / 2:  # NaN is not
        return replace(section, values=values)
    live = values[:, section.live]
    strange = ~np.isfinite(live)
    if strange.any():
        raise SurveyError(
            problem=f"{where} has {np.count_nonzero(strange)} samples that are not finite (NaN or infinite)",
            fix=f"mute or interpolate them in the survey, or let them be zero: {name_null(live[strange][0])}",
        )
    if (huge := is_huge_null(live)).any():
        raise SurveyError(
            problem=f"{where} has {np.count_nonzero(huge)} samples of {live[huge][0]:g}, a null value, between "
            "amplitudes",
            fix=f"let them be zero: {name_null(live[huge][0])}",
        )
    return replace(section, values=values)


def _other_grid(amplitude: Volume, labels: Volume) -> SurveyError:
    sizes = amplitude.geometry.shape, labels.geometry.shape
    turned = sizes[0] != sizes[1] and sorted(sizes[0]) == sorted(sizes[1])
    return _misfit(amplitude, labels, str(amplitude.geometry), str(labels.geometry), turned=turned)


def name_null(value: float) -> str:
    """How a null value is named: `--null 1e+30 (YAML: data.read.null: 1.0e+30)`."""
    if not math.isfinite(value):
        return "--null nan (YAML: data.read.null: .nan)"
    digits = f"{value:.7g}"
    yaml = digits if "e" not in digits or "." in digits else digits.replace("e", ".0e")
    return f"--null {digits} (YAML: data.read.null: {yaml})"


def _misfit(
    amplitude: Volume, labels: Volume, amplitude_grid: str, label_grid: str, *, turned: bool = False
) -> SurveyError:
    """The error of labels on another grid; `turned` where that has the same sizes in another order."""
    return SurveyError(
        problem=f"{labels.path}: its labels do not lie on the grid of the amplitudes: "
        f"{label_grid} against {amplitude_grid} of {amplitude.path}",
        fix=NAME_AXES if turned else "give labels of the same survey, cut to the same lines and samples",
    )
