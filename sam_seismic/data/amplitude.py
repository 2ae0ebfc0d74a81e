"""Amplitudes of any survey come in, values in [-1, 1] go out, by one scale for the whole survey.

The scale is fitted on the training lines only and saved in the checkpoint. A scale for each section would hide
amplitude differences between sections, and a scale fitted on test lines would leak information.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.volume import Section, Volume

VOXELS_A_SECTION = 20_000
"""Amplitudes sampled from each section for the percentile: enough for a stable 99.5th."""


@dataclass(frozen=True)
class AmplitudeScale:
    """Symmetric clip and scale.

    Args:
        center: the amplitude that means "no reflection": 0, or the median where the data have no negative values
            (8-bit pictures of sections).
        clip: distance from the center, in the survey's units, that becomes 1.
    """

    center: float
    clip: float

    def apply(self, values: NDArray[np.generic]) -> NDArray[np.float32]:
        """Amplitudes of any shape -> float32 in [-1, 1], with the same sign."""
        scaled: NDArray[np.float32] = (values.astype(np.float32) - np.float32(self.center)) / np.float32(self.clip)
        return np.clip(scaled, -1.0, 1.0, out=scaled)


def fit_scale(sections: Iterable[Section], percentile: float, where: str) -> AmplitudeScale:
    """Fit the scale on training sections.

    Args:
        sections: amplitudes [sample, trace]; dead traces are ignored.
        percentile: of |amplitude - center|, which becomes the clip.
        where: name of the volume, for the error message.

    Raises:
        SurveyError: all amplitudes are the same, or there is no live trace.
    """
    return scale_of(draw_training_amplitudes(sections, where), percentile)


def draw_training_amplitudes(
    sections: Iterable[Section], where: str, volume: Volume | None = None
) -> NDArray[np.float32]:
    """Amplitudes spread evenly over training sections: float32[amplitude]; arguments and errors as of `fit_scale`.

    `volume` is that of the sections, whose null values an error names.
    """
    return draw_amplitudes(
        sections,
        f"{where}: the training lines",
        fix="check the file with `sam-seismic inspect`, or choose other lines in data.split",
        volumes=() if volume is None else (volume,),
    )


def draw_amplitudes(
    sections: Iterable[Section], what: str, *, fix: str, volumes: Sequence[Volume] = ()
) -> NDArray[np.float32]:
    """Amplitudes spread evenly over sections: float32[amplitude].

    Args:
        sections: amplitudes [sample, trace]; dead traces are left out.
        what: the volume and what of it these are, for the message.
        fix: what to do where they say nothing.
        volumes: of the sections, whose null values an error names.

    Raises:
        SurveyError: all amplitudes are the same, or nothing is alive.
    """
    drawn = []
    for section in sections:
        alive = section.values[:, section.live].ravel()
        step = max(1, alive.size // VOXELS_A_SECTION)
        # An odd step shares no factor with the usual trace counts, so it does not sample one trace only.
        drawn.append(alive[:: step + 1 - step % 2].astype(np.float32))
    amplitudes = np.concatenate(drawn) if drawn else np.empty(0, np.float32)
    if amplitudes.size == 0 or amplitudes.min() == amplitudes.max():
        nulls = "".join(f" ({note.partition(': ')[2]})" for volume in volumes for note in volume.null_notes)
        held = f"no live trace{nulls}" if amplitudes.size == 0 else f"only the amplitude {amplitudes[0]:g}"
        raise SurveyError(problem=f"{what} hold {held}", fix=fix)
    return amplitudes


def scale_of(amplitudes: NDArray[np.float32], percentile: float) -> AmplitudeScale:
    """The scale of a survey.

    Args:
        amplitudes: float32[amplitude], not all the same.
        percentile: of |amplitude - center|, which becomes the clip.
    """
    return scale_around(0.0 if amplitudes.min() < 0 else float(np.median(amplitudes)), amplitudes, percentile)


def scale_around(center: float, amplitudes: NDArray[np.float32], percentile: float) -> AmplitudeScale:
    """The scale of a survey whose center is known; other arguments as of `scale_of`."""
    distance = np.abs(amplitudes - center)
    # With mostly zeros (a strong mute) the percentile can be 0; then use the largest amplitude.
    return AmplitudeScale(center, float(np.percentile(distance, percentile)) or float(distance.max()))
