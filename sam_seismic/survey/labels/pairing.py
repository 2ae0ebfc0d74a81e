"""Two label volumes, truth and prediction, come in; both go out on one grid, with the sections to compare."""

import numpy as np

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.several_paths import VolumePath
from sam_seismic.survey.axis_order import NATURAL
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.formats import format_of, open_volume
from sam_seismic.survey.geometry import Orientation, describe_lines
from sam_seismic.survey.labelled import check_lossless
from sam_seismic.survey.labels.aligned import can_be_aligned, on_grid_of
from sam_seismic.survey.labels.sample_match import describe_times
from sam_seismic.survey.sample_interval import stated_interval_ms
from sam_seismic.survey.volume import Volume


def open_pair(truth_path: VolumePath, prediction_path: VolumePath, read: ReadOptions) -> tuple[Volume, Volume]:
    """Open truth and prediction, each with the reading options that apply to it; the truth on the prediction's grid.

    SEG-Y options apply to each volume that is SEG-Y. Axis order and array name apply only to the truth, because
    predictions of this program are always [inline, crossline, sample].

    A truth of fewer lines, traces or samples is matched by line number and by time; all else is not scored.

    Raises:
        SurveyError: one of them cannot be opened, they have no line in common, or their times do not fit.
    """
    formats = [format_of(path) for path in (truth_path, prediction_path)]
    segy = ["segy" in each.options for each in formats]
    nothing = ReadOptions()
    for_truth = read if segy[0] or not segy[1] else read.model_copy(update={"segy": nothing.segy})
    axes = NATURAL if formats[1].guesses_axes else None
    for_prediction = {"segy": read.segy if segy[1] else nothing.segy, "axes": axes, "key": None, "null": None}
    truth = open_volume(truth_path, for_truth)
    prediction = open_volume(prediction_path, read.model_copy(update=for_prediction))
    for labels in (truth, prediction):
        check_lossless(labels)
    if can_be_aligned(prediction, truth) and _covers(prediction, truth):
        truth = on_grid_of(prediction, truth, IGNORE)
    return truth, prediction


def open_prediction(path: VolumePath, survey: Volume, read: ReadOptions) -> Volume:
    """A prediction on the grid of the survey that it was made of.

    Args:
        path: the predicted labels.
        survey: amplitudes.
        read: the reading options of SEG-Y apply, if it is one.

    Raises:
        SurveyError: it cannot be opened, or lies on another grid.
    """
    form, nothing = format_of(path), ReadOptions()
    options = {
        "segy": read.segy if "segy" in form.options else nothing.segy,
        "axes": NATURAL if form.guesses_axes else None,
        "key": None,
        "null": None,
    }
    prediction = open_volume(path, read.model_copy(update=options))
    check_lossless(prediction)
    if can_be_aligned(survey, prediction):
        return on_grid_of(survey, prediction, IGNORE)
    if not survey.loose_sections and not survey.geometry.same_grid(prediction.geometry):
        raise SurveyError(
            problem=f"{prediction.path} ({_lines_held(prediction)}) and {survey.path} ({_lines_held(survey)}) are not "
            "on one grid",
            fix="score a prediction of the same survey",
        )
    return prediction


def _covers(prediction: Volume, truth: Volume) -> bool:
    """Whether a prediction has all lines of the truth: what was not predicted must not be passed over.

    Raises:
        SurveyError: it has, but not all times.
    """
    if not all(np.isin(truth.lines(each), prediction.lines(each)).all() for each in Orientation):
        return False
    if not truth.loose_sections and not _covers_times(prediction, truth):
        raise SurveyError(
            problem=f"{truth.path}: has {describe_times(truth.geometry)}; {prediction.path} has "
            f"{describe_times(prediction.geometry)}: not all of the truth was predicted",
            fix="score a prediction of the same survey",
        )
    return True


def _covers_times(prediction: Volume, truth: Volume) -> bool:
    """Whether the time window of a prediction holds that of the truth; arrays do not state theirs."""
    if stated_interval_ms(prediction) is None or stated_interval_ms(truth) is None:
        return True
    there, here = truth.geometry, prediction.geometry
    half = here.sample_interval_ms / 2
    return here.start_ms - half <= there.start_ms and there.end_ms <= here.end_ms + half


def sections_to_compare(truth: Volume, prediction: Volume) -> list[tuple[Orientation, int]]:
    """Orientation and line number of the sections to compare; each voxel of a volume is compared once.

    If both are folders, these are all sections; else all inlines, or all crosslines of a folder without inlines.

    Raises:
        SurveyError: truth and prediction have different lines.
    """
    pair = (truth, prediction)
    folders = [volume.loose_sections for volume in pair]
    if all(folders):
        return _sections_of_both(truth, prediction)
    # Traces in a folder of sections have no line numbers, so grids cannot be compared: the lines must be equal.
    if any(folders) or truth.geometry.same_grid(prediction.geometry):
        for orientation in Orientation:
            lines = truth.lines(orientation)
            if len(lines) and np.array_equal(lines, prediction.lines(orientation)):
                return [(orientation, line) for line in _with_truth(truth, orientation)]
    held = [f"{volume.path} ({_lines_held(volume)})" for volume in pair]
    named = ", or name the axis order of the truth with --axes" if truth.axis_order is not None else ""
    raise SurveyError(
        problem=" and ".join(held) + " are not on one grid", fix=f"score a prediction of the same survey{named}"
    )


def _with_truth(truth: Volume, orientation: Orientation) -> list[int]:
    """The lines on which the truth has a trace."""
    lines = truth.lines(orientation)
    if not truth.loose_sections:
        lines = lines[truth.geometry.live.any(axis=1 if orientation is Orientation.INLINE else 0)]
    return [int(line) for line in lines]


def _sections_of_both(truth: Volume, prediction: Volume) -> list[tuple[Orientation, int]]:
    held = [[(o, line) for o in Orientation for line in volume.lines(o).tolist()] for volume in (truth, prediction)]
    if held[0] != held[1]:
        unpaired = ", ".join(f"{o.short} {line}" for o, line in sorted(set(held[0]) ^ set(held[1]))[:5])
        raise SurveyError(
            problem=f"{truth.path} and {prediction.path} do not hold the same sections: {unpaired} only in one of them",
            fix="predict the same sections as the truth has",
        )
    return held[0]


def _lines_held(volume: Volume) -> str:
    if not volume.loose_sections:
        return str(volume.geometry)
    return ", ".join(f"{len(volume.lines(o))} {o}s {describe_lines(volume.lines(o))}" for o in Orientation)
