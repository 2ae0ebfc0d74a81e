"""Amplitudes with their labels: one grid, one class index a voxel, and nothing that is not finite."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.images import FolderVolume
from sam_seismic.survey.labelled import labelled, read_amplitude
from sam_seismic.survey.memory import MemoryVolume

INLINE, CROSSLINE = Orientation.INLINE, Orientation.CROSSLINE
FACIES = FaciesTable(("sand", "shale", "salt"), values=(1, 2, 6), ignored=(255, 0))
VALUES = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)  # [inline, crossline, sample]
LABELS = np.array([1, 2, 6, 0], np.uint8) * np.ones((2, 3, 1), np.uint8)


def volume(values: np.ndarray, live: np.ndarray | None = None, first: int = 10, name: str = "cube") -> MemoryVolume:
    live = np.ones(values.shape[:2], bool) if live is None else live
    inlines, crosslines = (np.arange(size, dtype=np.int32) + first for size in values.shape[:2])
    return MemoryVolume(values, Geometry(inlines, crosslines, values.shape[2], 4.0, 0.0, live), path=Path(name))


def test_section_gives_amplitudes_and_class_indices():
    """Label values of files become indices 0, 1, 2; values to ignore become 255."""
    section, labels = labelled(volume(VALUES.astype(np.int16)), volume(LABELS), FACIES).section(CROSSLINE, 11)
    assert section.values.dtype == np.float32
    np.testing.assert_array_equal(section.values, VALUES[:, 1].T)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, [[0, 0], [1, 1], [2, 2], [IGNORE, IGNORE]])


@pytest.mark.parametrize("dead_in", ["amplitude", "labels"])
def test_dead_traces_are_ignored_whichever_file_lacks_them(dead_in: str):
    """A dead trace is zero in its file; 0 must not be read as a class."""
    live = np.array([[True, False, True], [True, True, True]])
    facies = FaciesTable(("sand", "shale", "salt"), values=(1, 2, 6), ignored=(255,))
    labels = np.where(LABELS == 0, 1, LABELS).astype(np.uint8)
    data = labelled(
        volume(VALUES, live if dead_in == "amplitude" else None),
        volume(labels, live if dead_in == "labels" else None),
        facies,
    )
    _, indices = data.section(INLINE, 10)
    assert (indices == IGNORE).tolist() == [[False, True, False]] * 4
    assert data.section(INLINE, 11)[1].max() == 2


def test_float_labels_that_are_whole_numbers_are_labels():
    """Label volumes come as IBM floats too."""
    _, indices = labelled(volume(VALUES), volume(LABELS.astype(np.float32)), FACIES).section(INLINE, 10)
    np.testing.assert_array_equal(indices[:, 0], [0, 1, 2, IGNORE])


def test_strange_label_values_are_named_with_file_and_section():
    data = labelled(volume(VALUES), volume(LABELS, name="horizons.sgy"), FaciesTable(("a", "b", "c")))
    with pytest.raises(SurveyError, match=r"horizons\.sgy: IL 10: label values 6 are not among"):
        data.section(INLINE, 10)


def test_labels_of_another_survey_are_refused_with_both_grids():
    with pytest.raises(SurveyError) as refused:
        labelled(volume(VALUES), volume(LABELS, first=20, name="labels.sgy"), FACIES)
    assert "2 inlines 20-21, 3 crosslines 20-22, 4 samples" in refused.value.problem
    assert "2 inlines 10-11, 3 crosslines 10-12, 4 samples" in refused.value.problem
    assert refused.value.problem.startswith("labels.sgy: has no line in common")


def test_values_that_are_not_finite_are_refused_with_their_number():
    """One NaN would poison every weight of the network."""
    values = VALUES.copy()
    values[1, 1, 2:], values[1, 0, 0] = np.nan, np.inf
    broken = volume(values, name="broken.sgy")
    with pytest.raises(SurveyError, match=r"broken\.sgy: IL 11 has 3 samples that are not finite") as refused:
        labelled(broken, volume(LABELS), FACIES).section(INLINE, 11)
    assert "mute or interpolate" in refused.value.fix
    with pytest.raises(SurveyError, match="XL 11 has 2 samples"):
        read_amplitude(broken, CROSSLINE, 11)
    assert read_amplitude(broken, INLINE, 10).values.dtype == np.float32


def test_a_dead_trace_may_hold_anything():
    live = np.array([[True, False, True], [True, True, True]])
    values = VALUES.copy()
    values[0, 1] = np.nan
    section = read_amplitude(volume(values, live), INLINE, 10)
    assert section.values[:, 1].tolist() == [0.0] * 4


def test_unlabelled_volumes_say_so():
    data = labelled(volume(VALUES, name="test.sgy"), None, FACIES)
    with pytest.raises(SurveyError, match=r"test\.sgy: has no labels"):
        data.section(INLINE, 10)


def folder(path: Path, *names: str, shape: tuple[int, int] = (4, 5), value: int = 1) -> FolderVolume:
    path.mkdir()
    for name in names:
        Image.fromarray(np.full(shape, value, np.uint8)).save(path / name)
    return FolderVolume(path)


def test_folders_are_paired_by_name(tmp_path: Path):
    """Loose sections form no grid and are still trained on."""
    images = folder(tmp_path / "images", "il_7.png", "xl_3.png")
    data = labelled(images, folder(tmp_path / "labels", "il_7.png", "xl_3.png", value=6), FACIES)
    section, labels = data.section(CROSSLINE, 3)
    assert section.values.tolist() == [[1.0] * 5] * 4
    assert labels.tolist() == [[2] * 5] * 4
    fewer = labelled(images, folder(tmp_path / "fewer", "il_7.png"), FACIES)
    assert fewer.notes[-1] == f"{tmp_path / 'fewer'}: labels of 1 of the 2 sections: the rest is not interpreted"
    with pytest.raises(SurveyError, match=r"lacks the partners of 1 sections of .*: xl_3\.png"):
        labelled(folder(tmp_path / "alone", "il_7.png"), data.labels, FACIES)


def test_notes_carry_the_name_of_their_file(tmp_path: Path):
    data = labelled(folder(tmp_path / "images", "il_7.png"), folder(tmp_path / "labels", "il_7.png"), FACIES)
    assert "images: it holds no crossline sections: crosslines are counted from 0" in data.notes
    assert "labels: it holds no times: 4 ms a sample from 0 ms on assumed" in data.notes
