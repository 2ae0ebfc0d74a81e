"""A data configuration becomes the parts that it asks for, and what is doubtful about them is told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam_seismic.config import DataConfig
from sam_seismic.errors import SurveyError
from sam_seismic.survey import catalog
from sam_seismic.survey.catalog import F3_VOLUMES, SEAM_AI_VOLUMES, F3Volume, SeamAIVolume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.parts import Survey, open_survey
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey

IL, XL = Orientation.INLINE, Orientation.CROSSLINE
SHAPE = (40, 50, 8)
"""Inlines 100-139, crosslines 300-349, samples."""


def cube(folder: Path, **data: Any) -> DataConfig:
    """A configuration of two small arrays; labels alternate between 0 and 1 down the trace."""
    values = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    geometry = Geometry.complete(range(100, 140), range(300, 350), SHAPE[2])
    write_segy(folder / "a.sgy", values, geometry)
    write_segy(folder / "l.sgy", np.broadcast_to(np.arange(8, dtype=np.int8) % 2, SHAPE), geometry, format="int8")
    files = {"amplitude": folder / "a.sgy", "labels": folder / "l.sgy", "classes": ["sand", "shale"]}
    return DataConfig.model_validate(files | data)


def folders(root: Path, **sections: list[str]) -> DataConfig:
    """A configuration of pictures: `train=["il_1", "xl_4"]`."""
    for name, stems in sections.items():
        for kind in ("images", "labels"):
            (root / kind / name).mkdir(parents=True)
            for stem in stems:
                Image.fromarray(np.eye(6, 20, dtype=np.uint8)).save(root / kind / name / f"{stem}.png")
    return folder_config(root)


def folder_config(root: Path, **data: Any) -> DataConfig:
    files = {"amplitude": root / "images", "labels": root / "labels", "classes": ["sand", "shale"]}
    split = {"orientation": "both", "split": {"folders": True}}
    return DataConfig.model_validate(files | split | data)


def lines(survey: Survey, part: str, orientation: Orientation) -> list[int]:
    return [ref.line for ref in survey.parts[part].sections if ref.orientation is orientation]


def test_a_folder_split_with_a_gap_has_no_note(tmp_path: Path):
    survey = open_survey(folders(tmp_path, train=["il_1", "il_2", "il_3"], val=["il_20"], test=["il_30", "il_31"]))
    assert list(survey.parts) == ["train", "val", "test"]
    assert lines(survey, "test", IL) == [30, 31]
    assert not [note for note in survey.notes if "guard gap" in note]


def test_a_section_in_two_folders_is_refused(tmp_path: Path):
    """Validation on what was trained on would be perfect and mean nothing."""
    data = folders(tmp_path, train=["il_1", "il_2"], val=["il_2", "il_9"])
    with pytest.raises(SurveyError, match="IL 2: both in train and in val"):
        open_survey(data)


def test_neighbouring_and_crossing_folders_are_told(tmp_path: Path):
    survey = open_survey(folders(tmp_path, train=["il_1", "il_2"], val=["il_5"], test=["xl_4"]))
    assert survey.notes[-1] == (
        "the split of these sections has no guard gap: IL 5 of val is next to IL 2 of train; "
        "crosslines of test cross inlines of train; crosslines of test cross inlines of val"
    )


def test_neighbours_are_told_whatever_is_strided(tmp_path: Path):
    """The folders are judged, not what `every` leaves of them."""
    folders(tmp_path, train=[f"il_{line}" for line in range(1, 9)], val=["il_9"])
    assert "no guard gap" in open_survey(folder_config(tmp_path, every=8)).notes[-1]


@pytest.mark.parametrize(
    ("read", "told"),
    [
        ({"read": {"segy": {"inline_byte": 9}}}, r"images.train: segy\.inline_byte cannot apply"),
        ({"read_labels": {"axes": "inline,crossline,sample"}}, r"labels.train: axes cannot apply"),
    ],
)
def test_reading_options_that_cannot_apply_to_folders_are_refused(tmp_path: Path, read: dict[str, Any], told: str):
    folders(tmp_path, train=["il_1"], val=["il_9"])
    with pytest.raises(SurveyError, match=told):
        open_survey(folder_config(tmp_path, **read))


def test_a_folder_split_needs_train_and_val(tmp_path: Path):
    with pytest.raises(SurveyError, match="needs the subfolders train and val, found train"):
        open_survey(folders(tmp_path, train=["il_1"]))


@pytest.mark.parametrize(
    ("share", "inlines", "crosslines"),
    [(0.01, [112], [325]), (0.1, [106, 118], [305, 315, 325, 335, 345]), (1.0, list(range(100, 124)), None)],
)
def test_a_share_is_evenly_spaced_in_each_orientation(
    tmp_path: Path, share: float, inlines: list[int], crosslines: list[int] | None
):
    """Of 24 training inlines and 50 crosslines; the lines of val stay."""
    split = {"along": "inline", "val": 0.15, "test": 0.15, "guard": 2}
    whole = open_survey(cube(tmp_path, orientation="both", split=split))
    survey = open_survey(cube(tmp_path, orientation="both", share=share, split=split))
    found = survey.parts["train"].sections
    assert [ref.line for ref in found if ref.orientation is IL] == inlines
    assert [ref.line for ref in found if ref.orientation is XL] == (crosslines or list(range(300, 350)))
    assert survey.parts["val"].sections == whole.parts["val"].sections


def test_a_share_is_not_taken_of_every_nth_line(tmp_path: Path):
    with pytest.raises(ValueError, match="every and share cannot apply together"):
        cube(tmp_path, every=2, share=0.5)


def test_every_strides_in_each_orientation(tmp_path: Path):
    """Over the concatenation the first crossline would depend on the number of inlines."""
    split = {"val": 0.2, "test": 0.0, "guard": 3}
    survey = open_survey(cube(tmp_path, orientation="both", every=10, split=split))
    assert lines(survey, "train", IL) == [100, 110, 120]
    assert lines(survey, "train", XL) == [300, 310, 320, 330, 340]
    assert lines(survey, "val", IL) == list(range(132, 140))


def test_an_orientation_that_is_cut_too_narrow_is_told(tmp_path: Path):
    split = {"val": 0.15, "test": 0.4, "guard": 2}
    survey = open_survey(cube(tmp_path, orientation="both", split=split))
    assert survey.notes[-2:] == (
        "train: crosslines left out: 14 traces wide, at least 16 are needed",
        "val: crosslines left out: 6 traces wide, at least 16 are needed",
    )
    assert lines(survey, "val", XL) == []
    assert lines(survey, "test", XL) == list(range(300, 350))


@pytest.mark.parametrize("orientation", ["inline", "crossline", "both"])
def test_blocks_run_along_what_is_read(tmp_path: Path, orientation: str):
    """Without `along` the orientation of the sections is cut, inlines where both are read."""
    survey = open_survey(cube(tmp_path, orientation=orientation, split={"val": 0.2, "test": 0.0}))
    cut, size = (XL, 10) if orientation == "crossline" else (IL, 8)
    assert len(lines(survey, "val", cut)) == size
    assert all(ref.traces is None for ref in survey.parts["val"].sections if ref.orientation is cut)


def test_a_2d_line_is_cut_along_itself(tmp_path: Path):
    """A single inline has no lines to spare, but it has traces: blocks of them, with a gap, are a split too."""
    split = {"along": "crossline", "val": 0.4, "test": 0.0, "guard": 4}
    survey = open_survey(cube(tmp_path, orientation="inline", split=split))
    assert [ref.traces for ref in survey.parts["train"].sections] == [(0, 26)] * 40
    assert [ref.traces for ref in survey.parts["val"].sections] == [(30, 50)] * 40
    section, labels = survey.parts["val"].read(survey.parts["val"].sections[0])
    assert section.shape == labels.shape == (8, 20)
    assert section.values[0, 0] == 30 * 8


def test_a_folder_of_inlines_is_cut_along_crosslines(tmp_path: Path):
    """Its crosslines are numbered by its grid, as no file names them."""
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
        Image.fromarray(np.eye(6, 50, dtype=np.uint8)).save(tmp_path / kind / "il_7.png")
    split = {"along": "crossline", "val": 0.4, "test": 0.0, "guard": 4}
    survey = open_survey(folder_config(tmp_path, orientation="inline", split=split))
    assert [(ref.name, ref.traces) for ref in survey.parts["val"].sections] == [("IL 7", (30, 50))]


def test_an_empty_part_says_why(tmp_path: Path):
    split = {"along": "crossline", "val": 0.2, "test": 0.0}
    with pytest.raises(SurveyError) as caught:
        open_survey(cube(tmp_path, orientation="inline", split=split))
    assert "the split val holds no inline section of" in caught.value.problem
    assert caught.value.problem.endswith("inlines left out: 10 traces wide, at least 16 are needed")


@pytest.mark.parametrize(("values", "ignored"), [([7, 255], ()), ([7, 9], (255,)), (None, (255,))])
def test_255_means_nothing_unless_it_is_a_class(tmp_path: Path, values: list[int] | None, ignored: tuple[int, ...]):
    facies = open_survey(cube(tmp_path, label_values=values)).facies
    assert facies.ignored == ignored


def test_seam_ai_opens_its_training_volume_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    known = SEAM_AI_VOLUMES["train"]
    monkeypatch.setattr(catalog, "SEAM_AI_VOLUMES", SEAM_AI_VOLUMES | {"train": SeamAIVolume(known.segy, (), SHAPE)})
    cube(tmp_path)
    (tmp_path / "a.sgy").rename(tmp_path / known.segy[0])
    (tmp_path / "l.sgy").rename(tmp_path / known.segy[1])
    (tmp_path / SEAM_AI_VOLUMES["test1"].segy[0]).write_bytes(b"not SEG-Y")
    survey = open_survey(DataConfig(source="seam_ai", root=tmp_path))
    assert list(survey.parts) == ["train", "val", "test"]


def test_f3_keeps_its_test_volumes_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    small = {"train": SHAPE, "test1": (20, 50, 8), "test2": (60, 20, 8)}
    known = {
        name: F3Volume(F3_VOLUMES[name].files, shape, F3_VOLUMES[name].first_inline, F3_VOLUMES[name].first_crossline)
        for name, shape in small.items()
    }
    monkeypatch.setattr(catalog, "F3_VOLUMES", known)
    for volume in known.values():
        for file, dtype in zip(volume.files, (np.float64, np.uint8), strict=True):
            (tmp_path / file).parent.mkdir(exist_ok=True)
            np.save(tmp_path / file, np.zeros(volume.shape, dtype))
    survey = open_survey(DataConfig(source="f3", root=tmp_path, orientation="crossline"))
    assert {name: len(part.sections) for name, part in survey.parts.items()} == {
        "train": 37,
        "val": 8,
        "test1": 50,
        "test2": 20,
    }


def test_labels_in_arrays_take_the_order_of_the_amplitudes(tmp_path: Path):
    """Of a cube, a wrong order of the labels alone would train without a word; labels do not tell theirs."""
    survey = model_survey((48, 48, 48), 2)
    np.save(tmp_path / "amplitude.npy", np.asarray(survey.amplitude).transpose(2, 0, 1))
    np.save(tmp_path / "labels.npy", np.asarray(survey.labels).transpose(2, 0, 1))
    files = {"amplitude": tmp_path / "amplitude.npy", "labels": tmp_path / "labels.npy"}
    data = DataConfig.model_validate({"source": "files", "classes": survey.facies.names, **files})
    volume = open_survey(data).parts["train"].volume
    amplitude, labels = volume.section(Orientation.INLINE, 5)
    np.testing.assert_array_equal(amplitude.values, np.asarray(survey.amplitude)[5].T)
    np.testing.assert_array_equal(labels, np.asarray(survey.labels)[5].T)


def turned(
    folder: Path, labels: str = "labels.npy", shape: tuple[int, int, int] = (48, 48, 48), **data: Any
) -> DataConfig:
    """A survey of which the amplitudes are saved samples first, and so told by their looks, the labels inline first."""
    survey = model_survey(shape, 2)
    np.save(folder / "amplitude.npy", np.asarray(survey.amplitude).transpose(2, 0, 1))
    np.save(folder / "labels.npy", survey.labels)
    lines = range(shape[0]), range(shape[1])
    write_segy(folder / "labels.sgy", survey.labels, Geometry.complete(*lines, shape[2]), format="int8")
    files = {"amplitude": folder / "amplitude.npy", "labels": folder / labels, "classes": survey.facies.names}
    return DataConfig.model_validate(files | data)


NATURAL_LABELS = {"axes": "inline,crossline,sample"}


@pytest.mark.parametrize(
    ("labels", "read_labels"), [("labels.npy", NATURAL_LABELS), ("labels.sgy", {}), ("labels.sgy", None)]
)
@pytest.mark.follows("survey/labelled.py", "name the axis order of each array: data.read.axes for the amplitudes")
def test_a_guessed_order_beside_another_one_is_refused_where_sizes_do_not_tell(
    tmp_path: Path, labels: str, read_labels: dict[str, Any] | None
):
    """Were the guess wrong, the grids of a cube would agree all the same, and its labels be trained on transposed."""
    more = {} if read_labels is None else {"read_labels": read_labels}
    with pytest.raises(SurveyError, match="is read as sample,inline,crossline, which was guessed") as refused:
        open_survey(turned(tmp_path, labels, **more))
    assert "data.read.axes" in refused.value.fix
    named = {"read": {"axes": "sample,inline,crossline"}, "read_labels": read_labels or {}}
    volume = open_survey(turned(tmp_path, labels, **named)).parts["train"].volume
    survey = model_survey((48, 48, 48), 2)
    np.testing.assert_array_equal(volume.section(IL, 5)[0].values, survey.amplitude[5].T)
    np.testing.assert_array_equal(volume.section(IL, 5)[1], survey.labels[5].T)


def test_labels_that_follow_the_amplitudes_say_so(tmp_path: Path):
    data = turned(tmp_path)
    np.save(tmp_path / "labels.npy", np.load(tmp_path / "labels.npy").transpose(2, 0, 1))
    assert (
        "labels.npy: read as sample,inline,crossline, the axis order of amplitude.npy; name it with "
        "data.read_labels.axes"
    ) in open_survey(data).notes


def test_labels_in_another_order_than_the_amplitudes_are_told_how_to_name_it(tmp_path: Path):
    shape = (48, 40, 64)
    with pytest.raises(SurveyError, match="do not lie on the grid") as refused:
        open_survey(turned(tmp_path, shape=shape))
    assert "data.read_labels.axes" in refused.value.fix
    survey = open_survey(turned(tmp_path, shape=shape, read_labels=NATURAL_LABELS, split={"val": 0.2, "test": 0.0}))
    assert survey.parts["train"].volume.amplitude.geometry.shape == shape
