"""The folder of a published survey goes in; its labelled volumes come out, checked against what was published."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.amplitudes import as_amplitudes
from sam_seismic.survey.arrays import ArrayVolume
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.labelled import LabelledVolume, labelled
from sam_seismic.survey.volume import Volume

F3_RECORD = "https://zenodo.org/records/3755060"
F3_ARCHIVE = "data.zip"
F3_ARCHIVE_BYTES = 1_051_449_986
F3_MD5 = "bc5932279831a95c0b244fd765376d85"
F3_HELP = (
    f"sam-seismic data fetch f3, or download {F3_ARCHIVE} (md5 {F3_MD5}) from {F3_RECORD} and unpack it; "
    "give the folder as data.root"
)
F3_FACIES = FaciesTable(("upper_ns", "middle_ns", "lower_ns", "rijnland_chalk", "scruff", "zechstein"))
"""Upper, middle and lower North Sea groups, Rijnland and Chalk groups, Scruff, Zechstein: top to bottom."""
F3_INTERVAL_MS = 4.0

SEAM_AI_PAGE = "https://www.aicrowd.com/challenges/seismic-facies-identification-challenge"
SEAM_AI_HELP = (
    f"get the files of the SEAM AI facies challenge ({SEAM_AI_PAGE}), TrainingData_Image.segy and "
    "TrainingData_Labels.segy or data_train.npz and labels_train.npz, and give their folder as data.root"
)
SEAM_AI_FACIES = FaciesTable(
    (
        "basement_other",
        "slope_mudstone_a",
        "mass_transport_deposit",
        "slope_mudstone_b",
        "slope_valley",
        "submarine_canyon_system",
    ),
    values=(1, 2, 3, 4, 5, 6),
)
SEAM_AI_AXES = ReadOptions(axes="sample,crossline,inline")
"""Axis order of the .npz form."""


@dataclass(frozen=True)
class F3Volume:
    """A pair of files of the F3 facies benchmark (Alaudah et al. 2019).

    Args:
        files: amplitudes and labels, below the folder that was published as `data`.
        shape: [inline, crossline, sample].
        first_inline, first_crossline: line numbers where the arrays begin.
    """

    files: tuple[str, str]
    shape: tuple[int, int, int]
    first_inline: int
    first_crossline: int


@dataclass(frozen=True)
class SeamAIVolume:
    """Files of the SEAM AI challenge, which was published in two forms.

    Args:
        segy: amplitudes and, where published, labels.
        npz: the same, each with the name of its array.
        shape: [inline, crossline, sample].
    """

    segy: tuple[str, ...]
    npz: tuple[tuple[str, str], ...]
    shape: tuple[int, int, int]


F3_VOLUMES = {
    "train": F3Volume(("train/train_seismic.npy", "train/train_labels.npy"), (401, 701, 255), 300, 300),
    "test1": F3Volume(("test_once/test1_seismic.npy", "test_once/test1_labels.npy"), (200, 701, 255), 100, 300),
    "test2": F3Volume(("test_once/test2_seismic.npy", "test_once/test2_labels.npy"), (601, 200, 255), 100, 1001),
}
SEAM_AI_VOLUMES = {
    "train": SeamAIVolume(
        ("TrainingData_Image.segy", "TrainingData_Labels.segy"),
        (("data_train.npz", "data"), ("labels_train.npz", "labels")),
        (590, 782, 1006),
    ),
    "test1": SeamAIVolume(("TestData_Image1.segy",), (("data_test_1.npz", "data"),), (251, 782, 1006)),
    "test2": SeamAIVolume(("TestData_Image2.segy",), (("data_test_2.npz", "data"),), (841, 334, 1006)),
}


def f3(root: Path, *, needed: Iterable[str] = ("train",)) -> dict[str, LabelledVolume]:
    """The volumes of the F3 facies benchmark that are present: train, test1, test2.

    Args:
        root: the folder of the published archive, or the `data` folder in it.
        needed: volumes that must be there. Others are left out when both their files are missing.

    Raises:
        SurveyError: files are missing, all of which are named, or are not what was published.
    """
    folder = f3_folder(root)
    missing = _missing(folder, {name: known.files for name, known in F3_VOLUMES.items()}, needed)
    if missing:
        raise _incomplete("F3", root, missing, F3_HELP)
    return {
        name: _open_f3(folder, known)
        for name, known in F3_VOLUMES.items()
        if all((folder / file).is_file() for file in known.files)
    }


def f3_folder(root: Path) -> Path:
    """The folder of `train` and `test_once`: the one given, or the `data` folder in it, as the archive has it."""
    inner = root / "data"
    return inner if (inner / "train").is_dir() or (inner / "test_once").is_dir() else root


def _open_f3(folder: Path, known: F3Volume) -> LabelledVolume:
    options = ReadOptions(axes="inline,crossline,sample")
    amplitude, labels = (
        ArrayVolume(
            folder / file,
            options,
            first_inline=known.first_inline,
            first_crossline=known.first_crossline,
            sample_interval_ms=F3_INTERVAL_MS,
        )
        for file in known.files
    )
    _check_published(amplitude, known.shape, "f", F3_HELP)
    _check_published(labels, known.shape, "iu", F3_HELP)
    return labelled(amplitude, labels, F3_FACIES)


def seam_ai(
    root: Path, options: ReadOptions | None = None, *, needed: Iterable[str] = ("train",)
) -> dict[str, LabelledVolume]:
    """Volumes of the SEAM AI (Parihaka) facies challenge: train, and test1, test2, which have no labels.

    Args:
        root: the folder of the files; SEG-Y is taken where both forms are there.
        options: how to open the SEG-Y form; the .npz form is known and takes none.
        needed: the volumes to open, each in either form; the others are not looked at.

    Raises:
        SurveyError: files are missing, or are not what was published, or an option cannot apply.
    """
    options = options or ReadOptions()
    wanted = {name: SEAM_AI_VOLUMES[name] for name in needed}
    missing = _missing(root, {name: _chosen_form(root, known) for name, known in wanted.items()}, wanted)
    if missing:
        raise _incomplete("SEAM AI", root, missing, SEAM_AI_HELP)
    return {name: _open_seam_ai(root, known, options) for name, known in wanted.items()}


def _chosen_form(root: Path, known: SeamAIVolume) -> tuple[str, ...]:
    """The files of the form of which more are present; SEG-Y where both have as many."""
    forms = (known.segy, tuple(file for file, _ in known.npz))
    return max(forms, key=lambda files: sum((root / file).is_file() for file in files))


def _open_seam_ai(root: Path, known: SeamAIVolume, options: ReadOptions) -> LabelledVolume:
    is_segy = _chosen_form(root, known) == known.segy
    volumes = _open_segy(root, known, options) if is_segy else _open_npz(root, known, options)
    amplitude, labels = volumes[0], volumes[1] if len(volumes) == 2 else None
    # Published traces are trained on and scored as they are, so that scores can be compared, unless a null is named.
    amplitude = amplitude if options.null is None else as_amplitudes(amplitude)
    # Of the arrays the inline axis is known; of SEG-Y the headers say which lines are inlines.
    _check_published(amplitude, known.shape, "f", SEAM_AI_HELP, ordered=not is_segy)
    if labels is not None:
        # Some copies hold the label values as floats; the classes are checked section by section.
        _check_published(labels, known.shape, "iuf", SEAM_AI_HELP, ordered=not is_segy)
    return labelled(amplitude, labels, SEAM_AI_FACIES)


def _open_segy(root: Path, known: SeamAIVolume, options: ReadOptions) -> list[Volume]:
    return [open_volume(root / file, options) for file in known.segy]


def _open_npz(root: Path, known: SeamAIVolume, options: ReadOptions) -> list[Volume]:
    if options != ReadOptions():
        raise SurveyError(
            problem=f"{root / known.npz[0][0]}: data.read cannot apply to the .npz files of SEAM AI, which are known",
            fix="remove data.read",
        )
    return [ArrayVolume(root / file, SEAM_AI_AXES.model_copy(update={"key": key})) for file, key in known.npz]


def _missing(folder: Path, files: dict[str, tuple[str, ...]], needed: Iterable[str]) -> list[str]:
    """Missing files of volumes that are needed, or of which another file is there."""
    names = set(needed)
    missing = []
    for name, its in files.items():
        lacking = [file for file in its if not (folder / file).is_file()]
        if lacking and (name in names or len(lacking) < len(its)):
            missing += lacking
    return missing


def _incomplete(survey: str, root: Path, missing: list[str], how: str) -> SurveyError:
    return SurveyError(problem=f"{root}: lacks files of {survey}: {', '.join(missing)}", fix=how)


def _check_published(
    volume: Volume, shape: tuple[int, int, int], kinds: str, how: str, *, ordered: bool = True
) -> None:
    """Refuse a volume of another size or kind of number than was published."""
    found = volume.geometry.shape
    fits = found == shape if ordered else sorted(found) == sorted(shape)
    if not fits or np.dtype(volume.dtype).kind not in kinds:
        wanted = {"f": "floats", "iu": "integers"}.get(kinds, "numbers")
        raise SurveyError(
            problem=f"{volume.path}: holds {volume.dtype} {found} [inline, crossline, sample]; "
            f"published were {wanted} {shape}",
            fix=f"use the published file: {how}",
        )
