"""A data configuration comes in; its volumes with their labels go out, opened but not divided into parts."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sam_seismic.config import DataConfig, InterpretationConfig, ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.several_paths import VolumePath
from sam_seismic.survey.amplitudes import as_amplitudes
from sam_seismic.survey.axis_order import NATURAL
from sam_seismic.survey.catalog import f3, seam_ai
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.formats import format_of, open_volume
from sam_seismic.survey.labelled import NAME_AXES, LabelledVolume, labelled
from sam_seismic.survey.labels.against_rest import against_rest
from sam_seismic.survey.labels.interpretation import labelled_by
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.survey.volume import Volume


def open_labelled(data: DataConfig) -> dict[str, LabelledVolume]:
    """Open the labelled volumes of a data configuration, by name; `train` is always there.

    Raises:
        SurveyError: a file is missing or cannot be read, amplitudes and labels do not fit, or the class that
            `data.against_rest` names does not exist.
    """
    volumes = _open(data)
    if data.against_rest is None:
        return volumes
    return {name: against_rest(volume, data.against_rest) for name, volume in volumes.items()}


def _open(data: DataConfig) -> dict[str, LabelledVolume]:
    """The labelled volumes with all their classes."""
    if data.source == "f3":
        assert data.root is not None, "config checks it"
        return f3(data.root)
    if data.source == "seam_ai":
        assert data.root is not None, "config checks it"
        return seam_ai(data.root, data.read)
    if data.source == "synthetic":
        return {"train": model_survey(data.synthetic.shape, data.synthetic.seed).labelled()}
    return _open_files(data)


def _open_files(data: DataConfig) -> dict[str, LabelledVolume]:
    assert data.amplitude is not None, "config checks it"
    assert data.labels is not None, "config checks it"
    facies = facies_of(data)
    if isinstance(data.labels, InterpretationConfig):
        return {"train": labelled_by(open_volume(data.amplitude, data.read), data.labels, facies)}
    listed = data.labels if isinstance(data.labels, tuple) else (data.labels,)
    if not data.split.folders:
        return {"train": _open_pair(data.amplitude, listed, data, facies)}
    assert isinstance(data.amplitude, Path), "config checks it"
    parts = {name: data.amplitude / name for name in ("train", "val", "test") if (data.amplitude / name).is_dir()}
    if not {"train", "val"} <= set(parts):
        raise SurveyError(
            problem=f"{data.amplitude}: split.folders needs the subfolders train and val, "
            f"found {', '.join(parts) or 'neither'}",
            fix="move the sections into such subfolders, or remove data.split.folders",
        )
    return {name: _open_pair(folder, [each / name for each in listed], data, facies) for name, folder in parts.items()}


def _open_pair(path: VolumePath, labels: Sequence[Path], data: DataConfig, facies: FaciesTable) -> LabelledVolume:
    """Open amplitudes and their labels.

    Raises:
        SurveyError: see `_open_labels` and `labelled`.
    """
    amplitude = as_amplitudes(open_volume(path, data.read))
    opened = [_open_labels(each, amplitude, data) for each in labels]
    joined = labelled(amplitude, [volume for volume, _ in opened], facies)
    return replace(joined, together=(*joined.together, *(note for _, note in opened if note is not None)))


def _open_labels(labels_path: Path, amplitude: Volume, data: DataConfig) -> tuple[Volume, str | None]:
    """Open labels, with a note on their axis order: an array of labels does not show which of its axes is time.

    Raises:
        SurveyError: the axis order that was guessed for the amplitudes is not that of the labels, and two axes have
            the same size: a wrong guess would not be noticed, and transposed labels would be trained on.
    """
    path = amplitude.path
    named = data.read_labels or _as_amplitude(data.read)
    read_labels = _in_the_same_order(named, labels_path, amplitude)
    labels = open_volume(labels_path, read_labels)
    order = read_labels.axes or NATURAL
    guessed = amplitude.axis_order
    if guessed is not None and data.read.axes is None and guessed != order:
        shape = amplitude.geometry.shape
        if len(set(shape)) < len(shape):
            raise SurveyError(
                problem=f"{path}: is read as {guessed}, which was guessed, and its labels {labels_path} as "
                f"{order}; the shape {shape} does not tell whether that is right",
                fix=NAME_AXES,
            )
    if read_labels == named:
        return labels, None
    return labels, (
        f"{labels_path.name}: read as {order}, the axis order of {path.name}; name it with data.read_labels.axes"
    )


def _in_the_same_order(read: ReadOptions, path: Path, amplitude: Volume) -> ReadOptions:
    """Reading options for labels: in an array whose axes nobody names, the axis order of the amplitudes."""
    if amplitude.axis_order is None or read.axes is not None or not format_of(path).guesses_axes:
        return read
    return read.model_copy(update={"axes": amplitude.axis_order})


def facies_of(data: DataConfig) -> FaciesTable:
    """The classes of a user's own survey."""
    assert data.classes is not None, "config checks it"
    values = data.label_values or tuple(range(len(data.classes)))
    usual = () if IGNORE in values else (IGNORE,)
    ignored: tuple[float, ...] = usual if data.ignore_values is None else data.ignore_values
    null = None if data.read_labels is None else data.read_labels.null
    return FaciesTable(data.classes, values, ignored if null is None else (*ignored, null))


def _as_amplitude(read: ReadOptions) -> ReadOptions:
    """Reading options for labels where none are given: those of the amplitudes without sample format and null value."""
    return read.model_copy(update={"segy": read.segy.model_copy(update={"format": None}), "null": None})
