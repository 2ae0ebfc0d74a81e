"""Volumes and a checkpoint come in; how their amplitudes differ from those of its training goes out, in words.

Other lines of one survey differ, too, so the bounds below lie outside of what was seen there: of single lines of crops
of Penobscot and F3 and of synthetic surveys, the clip was 0.6 to 1.9 times that of the survey, its median at most 0.04
clips away, and the correlation of their mean trace with that of training lines -0.24 to 1. Within the bounds of scale
and center, a network that scored 0.963 scored at least 0.958.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from sam_seismic.data.amplitude import AmplitudeScale, draw_amplitudes, scale_around, scale_of
from sam_seismic.data.amplitude_distribution import AmplitudeDistribution, MeanTrace
from sam_seismic.inspection.line_choice import LineChoice, choose_lines
from sam_seismic.inspection.number_format import format_amount, format_percent
from sam_seismic.listener import Listener
from sam_seismic.survey.sample_interval import stated_interval_ms
from sam_seismic.survey.volume import Section, Volume
from sam_seismic.tasks.checkpoint import CheckpointMetadata

OTHER_SCALE = 2.0
"""The clip is told from this many times that of the training on, and below the inverse."""
OTHER_CENTER = 0.2
"""The median is told where it lies further from that of the training than this, in clips of the training."""
COARSE, COARSER = 256, 8
"""Different values of an 8-bit volume, which is told where the training lines had so many times as many."""
CLIPPED, MORE_CLIPPED = 0.05, 5
"""Share of clipped samples that is told where it is more than so many times that of the training lines."""
REVERSED = -0.6
"""Correlation of the two mean traces below which the polarity is doubted: the same geology, but for its sign."""
OTHER_INTERVAL = 0.01
"""Relative difference of two sample intervals that is told."""


@dataclass(frozen=True, eq=False)
class MeasuredAmplitudes:
    """Amplitudes of lines that are spread over one or more volumes.

    Args:
        where: the volumes and how many of their lines were looked at.
        scale: their own, of the percentile of the training.
        distribution: of them.
        interval_ms: between samples; None where it is not known.
    """

    where: str
    scale: AmplitudeScale
    distribution: AmplitudeDistribution
    interval_ms: float | None


def measure_amplitudes(volumes: Sequence[Volume], percentile: float) -> MeasuredAmplitudes:
    """Measure the amplitudes of volumes on a fixed choice of their lines; every process finds the same.

    Args:
        volumes: at least one.
        percentile: of |amplitude - center|, which becomes the clip of the scale.

    Raises:
        SurveyError: all amplitudes are the same, or a section cannot be read.
    """
    chosen = [(volume, choose_lines(volume, 0)) for volume in volumes]
    where, mean = [f"{volume.path.name} ({lines})" for volume, lines in chosen], MeanTrace()
    drawn = draw_amplitudes(
        mean.of(chain.from_iterable(_varying(volume, lines) for volume, lines in chosen)),
        ", ".join(f"{volume.path}: the traces of {lines}" for volume, lines in chosen),
        fix="check the file with `sam-seismic inspect`: nothing tells its classes apart",
        volumes=volumes,
    )
    return MeasuredAmplitudes(
        " and ".join(where),
        _own_scale(drawn, percentile),
        AmplitudeDistribution.of(drawn, mean.values),
        stated_interval_ms(volumes[0]),
    )


def compare_amplitudes(
    volumes: Sequence[Volume], metadata: CheckpointMetadata, listener: Listener, *, rescale: bool
) -> AmplitudeScale | None:
    """Tell how the amplitudes of volumes differ from those of a training.

    Args:
        volumes: that the network is given.
        metadata: of its checkpoint.
        listener: is told.
        rescale: scale the amplitudes by their own center and clip.

    Returns:
        The scale to use in place of that of the training; None where it is that one.

    Raises:
        SurveyError: all amplitudes are the same, or a section cannot be read.
    """
    found = measure_amplitudes(volumes, metadata.inputs.clip_percentile)
    for note in differences(found, metadata, rescaled=rescale):
        listener.say(f"note: {note}")
    if not rescale:
        return None
    listener.say(
        f"amplitudes: {describe_scale(found.scale)} of {found.where} becomes [-1, 1], "
        f"as {describe_scale(metadata.scale)} did in the training"
    )
    return found.scale


def differences(found: MeasuredAmplitudes, metadata: CheckpointMetadata, *, rescaled: bool) -> list[str]:
    """What a network that was trained on other amplitudes should not be given without a word.

    Args:
        found: the amplitudes that it is given.
        metadata: of its checkpoint.
        rescaled: whether they are scaled by their own center and clip.
    """
    scale = _of_scale(found.where, found.scale, found.distribution.median, metadata)
    notes = (
        []
        if rescaled or scale is None
        else [f"{scale}. --rescale uses the center and the percentile of the volume itself"]
    )
    if metadata.amplitudes is not None:
        notes += _of_distribution(found.where, found.distribution, metadata.amplitudes)
    notes += _of_interval(found, metadata.sample_interval_ms)
    return notes


def describe_scale(scale: AmplitudeScale) -> str:
    """`0 +- 1.64`."""
    return f"{format_amount(scale.center)} +- {format_amount(scale.clip)}"


def _varying(volume: Volume, lines: LineChoice) -> Iterator[Section]:
    """Sections without constant traces, which are padding, and without traces that are not finite.

    The former stay where a section has no others, so that they are told. The latter are refused where they are used.
    """
    for orientation, line in lines.sections:
        section = volume.section(orientation, line)
        low, high = section.values.min(axis=0), section.values.max(axis=0)  # [trace]
        finite = section.live & np.isfinite(low) & np.isfinite(high)
        varies = finite & (low < high)
        yield replace(section, values=section.values.astype(np.float32), live=varies if varies.any() else finite)


def _own_scale(drawn: NDArray[np.float32], percentile: float) -> AmplitudeScale:
    """As `scale_of`, but for signed amplitudes that do not lie around 0: around their median."""
    scale, median = scale_of(drawn, percentile), float(np.median(drawn))
    return scale if abs(median - scale.center) <= OTHER_CENTER * scale.clip else scale_around(median, drawn, percentile)


def scale_difference(section: Section, metadata: CheckpointMetadata) -> str | None:
    """What is told of one section whose amplitudes have another scale or center than those of a training.

    Args:
        section: that the network is given.
        metadata: of its checkpoint.

    Returns:
        None within the bounds that the lines of one survey keep, and for a section of one value.
    """
    values = section.values[:, section.live]
    drawn = values[np.isfinite(values)].astype(np.float32)
    if not drawn.size or drawn.min() == drawn.max():
        return None
    own = _own_scale(drawn, metadata.inputs.clip_percentile)
    return _of_scale("the section", own, float(np.median(drawn)), metadata)


def _of_scale(where: str, own: AmplitudeScale, own_median: float, metadata: CheckpointMetadata) -> str | None:
    trained = metadata.scale
    ratio = own.clip / trained.clip
    median = trained.center if metadata.amplitudes is None else metadata.amplitudes.median
    shift = abs(own_median - median) / trained.clip
    if 1 / OTHER_SCALE < ratio < OTHER_SCALE and shift <= OTHER_CENTER:
        return None
    percentile = f"{metadata.inputs.clip_percentile:g}th percentile"
    return (
        f"AMPLITUDES UNLIKE THOSE OF THE TRAINING: {where} has {describe_scale(own)} (center, and {percentile} "
        f"of the distance from it), the training had {describe_scale(trained)}; what the network makes of it may mean "
        "nothing"
    )


def _of_distribution(where: str, here: AmplitudeDistribution, trained: AmplitudeDistribution) -> Iterator[str]:
    if here.levels <= min(COARSE, trained.levels / COARSER, here.count / COARSER):
        yield (
            f"{where} holds {here.levels:,} different amplitudes, the training lines {trained.levels:,}: it is stored "
            "in fewer bits"
        )
    if here.clipped > max(CLIPPED, MORE_CLIPPED * trained.clipped):
        yield (
            f"{format_percent(here.clipped)} of the amplitudes of {where} are clipped, of the training lines "
            f"{format_percent(trained.clipped)}: strong reflections have lost their shape"
        )
    if (alike := here.correlation(trained)) < REVERSED:
        yield (
            f"POLARITY REVERSED? The mean trace of {where} looks like that of the training turned upside down "
            f"(correlation {alike:.2f}): if it was recorded or processed so, multiply its amplitudes by -1 first"
        )


def _of_interval(found: MeasuredAmplitudes, trained: float | None) -> Iterator[str]:
    here = found.interval_ms
    if here is None or trained is None or abs(here - trained) <= OTHER_INTERVAL * trained:
        return
    yield (
        f"ANOTHER SAMPLE INTERVAL: {found.where} has {here:g} ms a sample, the network was trained on {trained:g} ms: "
        f"beds look {trained / here:.2g} times as thick to it; resample the volume to {trained:g} ms"
    )
