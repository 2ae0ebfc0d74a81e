"""Published surveys: exact file names, axis orders, line numbers, and one message for all that is missing."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import ReadOptions, SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.catalog import F3_FACIES, F3_VOLUMES, SEAM_AI_FACIES, SEAM_AI_VOLUMES, f3, seam_ai
from sam_seismic.survey.geometry import Orientation
from tests.survey.published_files import (
    F3_LARGEST,
    SEAM_AI_LARGEST,
    SMALL_F3,
    SMALL_SEAM_AI,
    amplitudes,
    classes,
    shrink,
    write_f3,
    write_npz,
    write_segy,
)

INLINE, CROSSLINE = Orientation.INLINE, Orientation.CROSSLINE


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


def test_f3_at_its_true_size(tmp_path: Path):
    """Line numbers are those of the survey: the test volumes lie around the training volume."""
    for known in F3_VOLUMES.values():
        for file, dtype in zip(known.files, (np.float64, np.uint8), strict=True):
            (tmp_path / "data" / file).parent.mkdir(parents=True, exist_ok=True)
            # The file has its full size but occupies no disk: nothing is written into it.
            np.lib.format.open_memmap(tmp_path / "data" / file, mode="w+", dtype=dtype, shape=known.shape)
    volumes = f3(tmp_path, needed=("train", "test1", "test2"))
    assert {name: str(volume.amplitude.geometry) for name, volume in volumes.items()} == {
        "train": "401 inlines 300-700, 701 crosslines 300-1000, 255 samples",
        "test1": "200 inlines 100-299, 701 crosslines 300-1000, 255 samples",
        "test2": "601 inlines 100-700, 200 crosslines 1001-1200, 255 samples",
    }
    section, labels = volumes["train"].section(CROSSLINE, 1000)
    assert section.shape == labels.shape == (255, 401)
    assert volumes["train"].notes == ("train_seismic.npy: stored as float64, read as float32",)


@pytest.mark.parametrize("inner", ["data", "."])
@pytest.mark.usefixtures("small")
def test_f3_root_with_and_without_the_data_folder(tmp_path: Path, inner: str):
    write_f3(tmp_path / inner, "train", "test2")
    volumes = f3(tmp_path)
    assert list(volumes) == ["train", "test2"]
    section, labels = volumes["test2"].section(CROSSLINE, 1002)
    np.testing.assert_array_equal(section.values, amplitudes((6, 3, 6), np.float32, F3_LARGEST)[:, 1].T)
    assert labels[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert F3_FACIES.names == ("upper_ns", "middle_ns", "lower_ns", "rijnland_chalk", "scruff", "zechstein")


@pytest.mark.usefixtures("small")
def test_f3_names_all_missing_files_at_once_and_how_to_get_them(tmp_path: Path):
    with pytest.raises(SurveyError) as refused:
        f3(tmp_path, needed=("train", "test1"))
    assert refused.value.problem.endswith(
        "lacks files of F3: train/train_seismic.npy, train/train_labels.npy, "
        "test_once/test1_seismic.npy, test_once/test1_labels.npy"
    )
    assert refused.value.fix.startswith("sam-seismic data fetch f3, or download data.zip")
    assert "https://zenodo.org/records/3755060" in refused.value.fix
    assert "bc5932279831a95c0b244fd765376d85" in refused.value.fix
    write_f3(tmp_path, "train", "test1")
    (tmp_path / SMALL_F3["test1"].files[1]).unlink()
    with pytest.raises(SurveyError, match=r"lacks files of F3: test_once/test1_labels\.npy\n"):
        f3(tmp_path)


@pytest.mark.usefixtures("small")
def test_f3_of_another_size_or_type_is_refused(tmp_path: Path):
    """A transposed copy would train without a word, on time slices."""
    write_f3(tmp_path, "train")
    file = tmp_path / SMALL_F3["train"].files[0]
    np.save(file, np.load(file).transpose(2, 1, 0))
    with pytest.raises(SurveyError, match=r"holds float32 \(6, 5, 4\) .* published were floats \(4, 5, 6\)"):
        f3(tmp_path)
    np.save(file, classes((4, 5, 6), 0))
    with pytest.raises(SurveyError, match="holds uint8"):
        f3(tmp_path)


@pytest.mark.parametrize("write", [write_npz, write_segy])
@pytest.mark.usefixtures("small")
def test_seam_ai_in_both_forms(tmp_path: Path, write):
    """The same sections, though the axes of the .npz run the other way; labels 1-6 become 0-5."""
    write(tmp_path, "train", "test1")
    volumes = seam_ai(tmp_path, needed=("train", "test1"))
    assert list(volumes) == ["train", "test1"]
    first = volumes["train"].amplitude.lines(INLINE)[0]
    section, labels = volumes["train"].section(INLINE, int(first) + 1)
    np.testing.assert_array_equal(section.values, amplitudes((4, 5, 6), np.float32, SEAM_AI_LARGEST)[1].T)
    assert labels[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert volumes["test1"].labels is None
    assert volumes["test1"].amplitude.geometry.shape == (2, 5, 6)


@pytest.mark.usefixtures("small")
def test_seam_ai_opens_what_is_needed_and_no_more(tmp_path: Path):
    """The test volumes have no labels: training must not wait for a scan of gigabytes that it throws away."""
    write_segy(tmp_path, "train")
    for name in ("test1", "test2"):
        (tmp_path / SMALL_SEAM_AI[name].segy[0]).write_bytes(b"not SEG-Y")
    assert list(seam_ai(tmp_path)) == ["train"]
    with pytest.raises(SurveyError, match=r"TestData_Image2\.segy"):
        seam_ai(tmp_path, needed=("train", "test2"))


@pytest.mark.usefixtures("small")
def test_seam_ai_prefers_segy_for_its_line_numbers(tmp_path: Path):
    write_npz(tmp_path, "train")
    assert seam_ai(tmp_path)["train"].amplitude.lines(INLINE).tolist() == [0, 1, 2, 3]
    write_segy(tmp_path, "train")
    assert seam_ai(tmp_path)["train"].amplitude.lines(INLINE).tolist() == [2, 3, 4, 5]


@pytest.mark.usefixtures("small")
def test_seam_ai_names_missing_files_of_the_form_that_is_there(tmp_path: Path):
    with pytest.raises(SurveyError) as refused:
        seam_ai(tmp_path, needed=("train", "test2"))
    assert refused.value.problem.endswith(
        "lacks files of SEAM AI: TrainingData_Image.segy, TrainingData_Labels.segy, TestData_Image2.segy"
    )
    assert "data_train.npz" in refused.value.fix
    write_npz(tmp_path, "train")
    (tmp_path / "labels_train.npz").unlink()
    with pytest.raises(SurveyError, match=r"lacks files of SEAM AI: labels_train\.npz\n"):
        seam_ai(tmp_path)


@pytest.mark.usefixtures("small")
def test_seam_ai_refuses_options_that_cannot_apply(tmp_path: Path):
    write_npz(tmp_path, "train")
    for options in (ReadOptions(key="data"), ReadOptions(segy=SegyOptions(inline_byte=5))):
        with pytest.raises(SurveyError, match=r"data\.read cannot apply to the \.npz files"):
            seam_ai(tmp_path, options)
    write_segy(tmp_path, "train")
    with pytest.raises(SurveyError, match="axes cannot apply to SEG-Y"):
        seam_ai(tmp_path, ReadOptions(axes="sample,crossline,inline"))


@pytest.mark.usefixtures("small")
def test_seam_ai_of_another_size_is_refused(tmp_path: Path):
    np.savez(tmp_path / "data_train.npz", data=amplitudes((4, 5, 6), np.float32, SEAM_AI_LARGEST))
    np.savez(tmp_path / "labels_train.npz", labels=classes((4, 5, 6), 1))
    with pytest.raises(SurveyError, match=r"holds float32 \(6, 5, 4\) .* published were floats \(4, 5, 6\)"):
        seam_ai(tmp_path)


def test_published_facts():
    assert (SEAM_AI_FACIES.values, len(SEAM_AI_FACIES)) == ((1, 2, 3, 4, 5, 6), 6)
    assert SEAM_AI_VOLUMES["train"].shape == (590, 782, 1006)
    assert F3_VOLUMES["train"].shape == (401, 701, 255)
