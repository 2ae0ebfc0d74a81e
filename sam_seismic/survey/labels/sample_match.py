"""Two volumes come in; which sample of the second is at the time of each sample of the first goes out."""

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.sample_interval import stated_interval_ms
from sam_seismic.survey.volume import Volume

SAME = 1e-3
"""Relative difference of two sample intervals, and difference of two times in samples, below which they are equal."""
NONE = -1


def match_samples(survey: Volume, labels: Volume) -> NDArray[np.int64]:
    """Which sample of the labels is nearest in time to each sample of a survey.

    Where one of the two does not state its times, as pictures do not, samples are matched by their number.

    Returns:
        int64[sample of the survey]; NONE outside of the time window of the labels.

    Raises:
        SurveyError: the two time windows do not overlap; both have as many samples, but other intervals; or times are
            not stated, and the numbers of samples differ.
    """
    here = survey.geometry
    if labels.loose_sections:  # their sizes are checked when they are read
        return np.arange(here.samples)
    there = labels.geometry
    if stated_interval_ms(survey) is None or stated_interval_ms(labels) is None:
        if here.samples != there.samples:
            raise SurveyError(
                problem=f"{labels.path}: {there.samples} samples a trace against {here.samples} of {survey.path}, and "
                f"{_untimed(survey, labels)} does not tell the time of its samples",
                fix="give labels with their times (SEG-Y, HDF5), or cut them to the samples of the amplitudes",
            )
        return np.arange(here.samples)
    if here.samples == there.samples and not _same_interval(here, there):
        what = "as many samples of another interval: one of the two is wrong"
        raise _other_times(survey, labels, what, f"sample_interval: {here.sample_interval_ms:g}")
    times = here.start_ms + here.sample_interval_ms * np.arange(here.samples)  # float64[sample], ms
    nearest = np.rint((times - there.start_ms) / there.sample_interval_ms).astype(np.int64)
    inside = (nearest >= 0) & (nearest < there.samples)
    if not inside.any():
        raise _other_times(survey, labels, "the two do not overlap", f"start: {here.start_ms:g}")
    return np.where(inside, nearest, NONE)


def same_times(survey: Volume, labels: Volume) -> bool:
    """Whether two volumes have the same samples; where one does not state its times, whether they have as many."""
    if labels.loose_sections:
        return True
    here, there = survey.geometry, labels.geometry
    if stated_interval_ms(survey) is None or stated_interval_ms(labels) is None:
        return here.samples == there.samples
    shift = abs(here.start_ms - there.start_ms) / here.sample_interval_ms
    return here.samples == there.samples and _same_interval(here, there) and shift <= SAME


def describe_times(geometry: Geometry) -> str:
    """`48 samples every 4 ms, 1000 to 1188 ms`."""
    interval, start, end = geometry.sample_interval_ms, geometry.start_ms, geometry.end_ms
    return f"{geometry.samples} samples every {interval:g} ms, {start:g} to {end:g} ms"


def _same_interval(here: Geometry, there: Geometry) -> bool:
    return abs(here.sample_interval_ms - there.sample_interval_ms) <= SAME * here.sample_interval_ms


def _untimed(survey: Volume, labels: Volume) -> str:
    return str(survey.path if stated_interval_ms(survey) is None else labels.path)


def _other_times(survey: Volume, labels: Volume, what: str, option: str) -> SurveyError:
    return SurveyError(
        problem=f"{labels.path}: its labels have {describe_times(labels.geometry)}; the amplitudes of {survey.path} "
        f"have {describe_times(survey.geometry)}: {what}",
        fix="give labels with the times of the survey; if the headers of a SEG-Y are wrong, give the right times: "
        f"data.read_labels.segy.{option} for the labels, data.read.segy.{option.partition(':')[0]} for the amplitudes",
    )
