"""Labels that cannot be trained on or scored are refused before any work, and the fix that is named works."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam_seismic.config import DataConfig
from sam_seismic.errors import SurveyError
from sam_seismic.inspection.label_check import ScoredLabels, check_scored_labels, check_training_labels
from sam_seismic.inspection.part_labels import read_part_labels
from sam_seismic.listener import Silent
from sam_seismic.survey.catalog import F3_VOLUMES, F3Volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.hdf5 import write_hdf5
from sam_seismic.survey.images import FolderResult
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import open_survey
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import SyntheticSurvey, model_survey
from sam_seismic.survey.volume import Section

SHAPE = (24, 20, 18)
SPLIT = {"along": "inline", "val": 0.15, "test": 0.15, "guard": 1}
"""Of 24 inlines: 0-13 train, 15-18 val, 20-23 test."""
REGIONS = {"regions": {"train": {"inlines": [0, 13]}, "val": {"inlines": [15, 18]}, "test": {"inlines": [20, 23]}}}
"""The same, whichever lines are interpreted."""


def three_classes() -> np.ndarray:
    """Every section holds the classes 0, 1 and 2: uint8[inline, crossline, sample]."""
    return np.broadcast_to(np.arange(SHAPE[2], dtype=np.uint8) // 6, SHAPE).copy()


def only_in(lines: slice) -> np.ndarray:
    """Class 2 lies on these inlines only."""
    labels = three_classes()
    elsewhere = np.ones(SHAPE[0], bool)
    elsewhere[lines] = False
    labels[elsewhere] = np.minimum(labels[elsewhere], 1)
    return labels


def unlabelled(lines: slice) -> np.ndarray:
    labels = three_classes()
    labels[lines] = 255
    return labels


def mask() -> np.ndarray:
    """The usual picture of a body: 255 inside, 0 outside."""
    return np.where(three_classes() == 0, 0, 255).astype(np.uint8)


def config(folder: Path, labels: np.ndarray, **data: Any) -> DataConfig:
    np.save(folder / "amplitude.npy", np.random.default_rng(0).normal(size=SHAPE).astype(np.float32))
    np.save(folder / "labels.npy", labels)
    files = {"amplitude": folder / "amplitude.npy", "labels": folder / "labels.npy", "classes": ["a", "b", "c"]}
    return DataConfig.model_validate(files | {"read": {"axes": "inline,crossline,sample"}, "split": SPLIT} | data)


def checked(data: DataConfig, **options: Any) -> tuple[str, ...]:
    return check_training_labels(open_survey(data), data, Silent(), **options)


def refused(data: DataConfig) -> SurveyError:
    with pytest.raises(SurveyError) as told:
        checked(data)
    return told.value


def with_settings(data: DataConfig, fix: str) -> DataConfig:
    """The configuration with every `data.key: value` of a fix, of its first alternative."""
    fix, _, _ = fix.partition("; else ")
    settings = {key: json.loads(value) for key, value in re.findall(r"data\.(\w+): (\[[^]]*\]|\d+)", fix)}
    assert settings, fix
    return DataConfig.model_validate(data.model_dump(exclude_unset=True) | settings)


def scored(data: DataConfig, split: str) -> ScoredLabels:
    survey = open_survey(data)
    return check_scored_labels(survey, survey.named(split), data, Silent())


def test_labels_of_all_classes_are_trained_on_without_a_word(tmp_path: Path):
    assert checked(config(tmp_path, three_classes())) == ()


@pytest.mark.follows("inspection/label_fixes.py", "choose lines for {} in data.split.regions that hold some: {}")
def test_a_class_first_met_in_test_is_refused_and_can_be_left_out(tmp_path: Path):
    data = config(tmp_path, only_in(slice(20, 24)))
    error = refused(data)
    assert "labels.npy: the training lines hold no voxel of class c (label value 2)" in error.problem
    assert "14 inlines 0-13" in error.problem
    assert "data.split.regions that hold some: inlines 20-23" in error.fix
    smaller = with_settings(data, error.fix)
    assert (smaller.classes, smaller.ignore_values) == (("a", "b"), (2, 255))
    assert checked(smaller) == ()
    assert scored(smaller, "test") == ScoredLabels((), ())  # whose voxels of class c are left out
    regions = {"train": {"inlines": [18, 23]}, "val": {"inlines": [0, 12]}}
    assert checked(config(tmp_path, only_in(slice(20, 24)), split={"regions": regions})) == ()


def test_a_class_in_the_middle_is_left_out_with_the_label_values_of_the_others(tmp_path: Path):
    labels = three_classes()
    labels[labels == 1] = 2
    data = config(tmp_path, labels)
    error = refused(data)
    assert error.fix == 'leave the class out: data.classes: ["a", "c"], data.label_values: [0, 2]'
    assert checked(with_settings(data, error.fix)) == ()


@pytest.mark.parametrize("more", [{}, {"ignore_values": [255]}], ids=["usual", "named"])
def test_a_mask_of_0_and_255_is_refused_with_its_label_values(tmp_path: Path, more: dict[str, Any]):
    """255 would be "not interpreted", and a network that knows nothing would score 1.000."""
    data = config(tmp_path, mask(), classes=["background", "salt"], **more)
    error = refused(data)
    assert "no voxel of class salt (label value 1)" in error.problem
    assert "255 occurs, too, and means not interpreted" in error.problem
    assert "if 255 is salt, give data.label_values: [0, 255]" in error.fix
    assert checked(with_settings(data, error.fix)) == ()
    with pytest.raises(SurveyError, match="so the score would be that of a single class") as told:
        scored(data, "test")
    assert scored(with_settings(data, told.value.fix), "test") == ScoredLabels((), ())


@pytest.mark.parametrize("masked", [True, False])
def test_a_value_is_advised_as_a_class_only_if_the_label_file_holds_it(tmp_path: Path, masked: bool):
    """Labels of a time window: 255 also stands where they have none, and only a mask of 0 and 255 may mean a body."""
    data = config(tmp_path, three_classes(), classes=["background", "salt"], read={})
    survey = Geometry.complete(range(SHAPE[0]), range(SHAPE[1]), SHAPE[2])
    window = Geometry.complete(range(SHAPE[0]), range(SHAPE[1]), SHAPE[2] - 2)
    labels = mask()[..., :-2] if masked else np.zeros(window.shape, np.uint8)
    write_segy(tmp_path / "a.sgy", np.load(tmp_path / "amplitude.npy"), survey)
    write_segy(tmp_path / "l.sgy", labels.astype(np.int16), window, format="int16")
    error = refused(data.model_copy(update={"amplitude": tmp_path / "a.sgy", "labels": (tmp_path / "l.sgy",)}))
    assert "no voxel of class salt" in error.problem
    assert ("if 255 is salt" in error.fix) == masked


@pytest.mark.follows("inspection/label_fixes.py", "name a label volume of this survey that has some in data.labels")
def test_one_value_everywhere_has_no_other_fix_than_other_labels(tmp_path: Path):
    error = refused(config(tmp_path, np.zeros(SHAPE, np.uint8)))
    assert "the classes b (1), c (2), so they would never be predicted" in error.problem
    assert error.fix == "name a label volume of this survey that has some in data.labels"
    assert checked(config(tmp_path, three_classes())) == ()


@pytest.mark.follows("inspection/label_fixes.py", "take {} out of data.ignore_values, and name it as a class")
def test_labels_that_are_all_ignored(tmp_path: Path):
    """By a list of the user: as a class, the value is trained on."""
    labels = three_classes()
    data = config(tmp_path, labels, classes=["d", "e"], label_values=[7, 8], ignore_values=[0, 1, 2])
    assert refused(data).fix == "take 0, 1, 2 out of data.ignore_values, and name it as a class"
    settings = {"classes": ["a", "b", "c"], "label_values": [0, 1, 2], "ignore_values": []}
    assert checked(data.model_copy(update=settings)) == ()


@pytest.mark.follows(
    "inspection/label_fixes.py", "choose another data.synthetic.seed, or a larger data.synthetic.shape"
)
def test_a_modelled_survey_that_lacks_a_class(monkeypatch: pytest.MonkeyPatch):
    """None is known: here small ones of one seed lack their salt."""

    def without_salt(shape: tuple[int, int, int], seed: int) -> SyntheticSurvey:
        survey = model_survey(shape, seed)
        return replace(survey, labels=survey.labels.clip(max=4)) if (shape[0], seed) == (32, 1) else survey

    def modelled(inlines: int, seed: int) -> DataConfig:
        synthetic = {"shape": (inlines, 32, 32), "seed": seed}
        return DataConfig.model_validate({"source": "synthetic", "synthetic": synthetic, "split": SPLIT})

    monkeypatch.setattr("sam_seismic.survey.opening.model_survey", without_salt)
    assert refused(modelled(32, 1)).fix == "choose another data.synthetic.seed, or a larger data.synthetic.shape"
    assert checked(modelled(32, 2)) == ()
    assert checked(modelled(40, 1)) == ()


def test_a_published_survey_that_lacks_a_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """No split would help; what is fetched instead has all classes."""
    known = {"train": F3Volume(F3_VOLUMES["train"].files, SHAPE, 300, 300)}
    monkeypatch.setattr("sam_seismic.survey.catalog.F3_VOLUMES", F3_VOLUMES | known)
    data = DataConfig.model_validate({"source": "f3", "root": tmp_path, "split": {"val": 0.2, "guard": 1}})
    amplitude, labels = (tmp_path / file for file in known["train"].files)
    amplitude.parent.mkdir()
    np.save(amplitude, np.random.default_rng(0).normal(size=SHAPE).astype(np.float32))
    np.save(labels, three_classes())
    assert refused(data).fix == "these are not the published labels: sam-seismic data fetch f3"
    np.save(labels, np.broadcast_to(np.arange(SHAPE[2], dtype=np.uint8) // 3, SHAPE))
    assert checked(data) == ()


@pytest.mark.parametrize(
    ("lines", "part", "there", "regions"),
    [
        (slice(0, 14), "training", "inlines 14-23", {"train": [14, 18], "val": [20, 23]}),
        (slice(15, 19), "validation", "inlines 0-14, 19-23", {"train": [0, 10], "val": [20, 23]}),
    ],
)
def test_a_part_without_labels_is_refused(
    tmp_path: Path, lines: slice, part: str, there: str, regions: dict[str, list[int]]
):
    error = refused(config(tmp_path, unlabelled(lines), split=REGIONS))
    assert f"the {part} lines hold no labelled voxel" in error.problem
    assert "all their labels are 255, which means not interpreted" in error.problem
    assert error.fix.endswith(there)
    split = {"regions": {name: {"inlines": inlines} for name, inlines in regions.items()}}
    assert checked(config(tmp_path, unlabelled(lines), split=split)) == ()


@pytest.mark.follows("inspection/label_fixes.py", "train on all lines, data.every: 1")
def test_a_class_on_lines_that_are_skipped_is_found_by_reading_all(tmp_path: Path):
    data = config(tmp_path, only_in(slice(3, 4)), every=2)
    error = refused(data)
    assert error.fix.startswith("train on all lines, data.every: 1")
    assert checked(data.model_copy(update={"every": 1})) == ()


@pytest.mark.follows("inspection/label_fixes.py", "train on all lines, data.share: 1")
def test_a_class_on_lines_that_a_share_leaves_out_is_found_by_reading_all(tmp_path: Path):
    data = config(tmp_path, only_in(slice(3, 4)), share=0.2)
    error = refused(data)
    assert error.fix.startswith("train on all lines, data.share: 1")
    assert checked(data.model_copy(update={"share": 1.0})) == ()


def test_one_class_against_the_rest_is_not_advised_to_have_other_label_values(tmp_path: Path):
    """The values 0 and 1 are not those of the file."""
    labels = only_in(slice(20, 24))
    labels[0, 0, 0] = 255
    error = refused(config(tmp_path, labels, against_rest="c"))
    assert "no voxel of class c (label value 1)" in error.problem
    assert "label_values" not in error.fix
    assert "data.split.regions" in error.fix


def test_what_only_looks_or_resumes_gets_notes(tmp_path: Path):
    (note,) = checked(config(tmp_path, only_in(slice(20, 24))), refuse=False)
    assert "no voxel of class c" in note
    assert "leave the class out" in note


def test_a_value_of_no_class_is_refused_as_in_training(tmp_path: Path):
    labels = three_classes()
    labels[0, 0, 0] = 9
    assert "IL 0: label values 9 are not among the classes 0, 1, 2" in refused(config(tmp_path, labels)).problem


@pytest.mark.parametrize(
    ("values", "classes", "more"),
    [
        ([0, 128, 255], ["a", "b", "c"], {}),
        ([0, 128, 255], ["a", "b", "c"], {"ignore_values": [255]}),
        ([1, 2, 3], ["a", "b", "c"], {}),
        ([0, 2, 255], ["a", "b"], {}),
        ([-1, 0, 1], ["a", "b", "c"], {}),
    ],
    ids=["grey", "grey, 255 named", "counted from 1", "255 left out", "with -1"],
)
def test_as_many_values_as_classes_are_refused_with_the_label_values_that_fit(
    tmp_path: Path, values: list[int], classes: list[str], more: dict[str, Any]
):
    data = config(tmp_path, np.array(values, np.int16)[three_classes()], classes=classes, **more)
    error = refused(data)
    fitting = [value for value in values if len(classes) == 3 or value != 255]
    assert f"if these are the values of {', '.join(classes)}, give data.label_values: {fitting}" in error.fix
    assert checked(with_settings(data, error.fix)) == ()


@pytest.mark.parametrize("value", [0.5, -3.25])
def test_a_label_that_is_no_whole_number_is_not_advised_to_become_a_class(tmp_path: Path, value: float):
    """Neither label_values nor ignore_values can hold it."""
    labels = three_classes().astype(np.float32)
    labels[16, 0, 0] = value
    data = config(tmp_path, labels)
    for error in (refused(data), _section_error(data)):
        assert f"IL 16 holds {value:g}, which is no label value" in error.problem
        assert "where nothing is interpreted, store 255" in error.fix


def test_lines_without_labels_are_scored_elsewhere_only_where_there_are_some(tmp_path: Path):
    with pytest.raises(SurveyError, match="the test lines hold no labelled voxel") as told:
        scored(config(tmp_path, unlabelled(slice(15, 24)), split=REGIONS), "test")
    assert told.value.fix == "score other lines: --split train"
    with pytest.raises(SurveyError, match="the test lines hold no labelled voxel") as told:
        scored(config(tmp_path, unlabelled(slice(0, 24)), split=REGIONS), "test")
    assert told.value.fix == "name a label volume of this survey that has some in data.labels"


def _section_error(data: DataConfig) -> SurveyError:
    """The error of the section as training reads it."""
    with pytest.raises(SurveyError) as told:
        open_survey(data).parts["val"].volume.label_section(Orientation.INLINE, 16)
    return told.value


def test_validation_on_a_single_line_is_told(tmp_path: Path):
    """Also where val has more lines, of which only one was interpreted."""
    (note,) = checked(config(tmp_path, three_classes(), split=SPLIT | {"val": 0.01}))
    assert note.startswith("IL 18 is the only line of val with labels")
    (other,) = checked(config(tmp_path, unlabelled(slice(16, 19)), split=REGIONS))
    assert other.startswith("IL 15 is the only line of val with labels")
    (test,) = scored(config(tmp_path, three_classes(), split=SPLIT | {"test": 0.01}), "test").notes
    assert test.startswith("IL 23 is the only line of test with labels")


def test_what_was_never_trained_on_is_known_at_its_score(tmp_path: Path):
    assert scored(config(tmp_path, only_in(slice(20, 24))), "test").untrained == ("c",)
    assert scored(config(tmp_path, three_classes()), "test").untrained == ()


@pytest.mark.follows("inspection/label_fixes.py", "score other lines: --split {}")
def test_lines_without_labels_are_not_scored(tmp_path: Path):
    data = config(tmp_path, unlabelled(slice(20, 24)), split=REGIONS)
    with pytest.raises(SurveyError, match="the test lines hold no labelled voxel") as told:
        scored(data, "test")
    assert told.value.fix == "score other lines: --split train or --split val"
    assert scored(data, "train") == ScoredLabels((), ())


def test_few_sections_are_read_of_a_large_survey(tmp_path: Path):
    """Where the first ones show all classes, the others are not read; where none does, each is read once."""
    split = {"regions": {"train": {"inlines": [0, 17]}, "val": {"inlines": [19, 23]}}}
    train = open_survey(config(tmp_path, three_classes(), orientation="both", split=split)).parts["train"]
    assert len(train.sections) == 18 + 20
    found = read_part_labels(train, Silent(), until=lambda each: not each.absent)
    assert found.voxels == {0: 120, 1: 120, 2: 120}
    assert len(found.labelled) == 1
    assert set(read_part_labels(train, Silent(), until=lambda _: False).labelled) == set(train.sections)


def as_segy(path: Path, values: np.ndarray) -> Path:
    write_segy(path.with_suffix(".sgy"), values.astype(np.float32), Geometry.complete(range(24), range(20), 18))
    return path.with_suffix(".sgy")


def as_hdf5(path: Path, values: np.ndarray) -> Path:
    write_hdf5(MemoryVolume(values, Geometry.complete(range(24), range(20), 18)), path.with_suffix(".h5"))
    return path.with_suffix(".h5")


def as_pictures(path: Path, values: np.ndarray) -> Path:
    with FolderResult(path, values.dtype, overwrite=False) as result:
        for line in range(24):
            result.write(Section(Orientation.INLINE, line, values[line].T, np.ones(20, bool)))
    return path


@pytest.mark.parametrize(
    ("write", "orientation"),
    [
        *((write, orientation) for write in (as_segy, as_hdf5) for orientation in ("inline", "crossline", "both")),
        (as_pictures, "inline"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_any_format_and_orientation_is_checked(tmp_path: Path, write: Callable[..., Path], orientation: str):
    """Crosslines, cut to the training inlines, do not see what lies beyond."""
    amplitude = write(tmp_path / "amplitude", np.random.default_rng(0).normal(size=SHAPE).astype(np.float32))
    good, bad = (write(tmp_path / name, labels) for name, labels in labels_by_name().items())
    regions = {"train": {"inlines": [0, 17]}, "val": {"inlines": [19, 23]}}
    if orientation == "crossline":
        regions = {"train": {"inlines": [0, 17], "crosslines": [0, 9]}, "val": {"crosslines": [12, 19]}}
    data = DataConfig.model_validate(
        {"amplitude": amplitude, "labels": good, "classes": ["a", "b", "c"], "orientation": orientation}
        | {"split": {"regions": regions}}
    )
    assert checked(data) == ()
    assert "no voxel of class c" in refused(data.model_copy(update={"labels": bad})).problem


def labels_by_name() -> dict[str, np.ndarray]:
    return {"good": three_classes(), "bad": only_in(slice(18, 24))}
