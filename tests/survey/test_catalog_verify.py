"""A folder is held against what was published, file by file, and each difference is told with both values."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.errors import SurveyError
from sam_seismic.survey.catalog.known import known_surveys
from sam_seismic.survey.catalog.verifying import FileCheck, Verification, verify
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

SEISMIC, LABELS = SMALL_F3["train"].files
SHAPE = SMALL_F3["train"].shape


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


def found(verification: Verification, file: str) -> FileCheck:
    return next(check for check in verification.files if check.known.file == file)


def problems(name: str, folder: Path, file: str) -> tuple[str, ...]:
    """What is wrong with one file; the folder is refused for it, with the file's path."""
    verification = verify(name, folder)
    check = found(verification, file)
    assert check.status == "differs"
    with pytest.raises(SurveyError) as refused:
        verification.raise_for_fault()
    assert refused.value.problem.startswith(f"{check.path}: {check.problems[0]}")
    return check.problems


@pytest.mark.parametrize("inner", ["data", "."])
def test_the_benchmark_as_published_is_in_order(tmp_path: Path, inner: str):
    write_f3(tmp_path / inner, *SMALL_F3)
    seen: list[tuple[int, int]] = []
    verification = verify("f3", tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert {check.status for check in verification.files} == {"ok"}
    assert verification.volumes == ("train", "test1", "test2")
    assert seen == [(done, 6) for done in range(1, 7)]
    verification.raise_for_fault()


@pytest.mark.parametrize(("write", "files"), [(write_npz, 4), (write_segy, 4)])
def test_the_challenge_is_in_order_in_either_form(tmp_path: Path, write: Callable[..., None], files: int):
    """The other form is no loss, and is not listed."""
    write(tmp_path, *SMALL_SEAM_AI)
    verification = verify("seam_ai", tmp_path)
    assert [check.status for check in verification.chosen] == ["ok"] * files
    assert verification.volumes == ("train", "test1", "test2")
    verification.raise_for_fault()


def test_test_volumes_may_be_left_out_whole_but_not_by_half(tmp_path: Path):
    write_f3(tmp_path, "train", "test2")
    verification = verify("f3", tmp_path)
    assert verification.volumes == ("train", "test2")
    verification.raise_for_fault()
    (tmp_path / SMALL_F3["test2"].files[1]).unlink()
    with pytest.raises(SurveyError, match=r"lacks test_once/test2_labels\.npy\n"):
        verify("f3", tmp_path).raise_for_fault()
    for file in SMALL_F3["train"].files:
        (tmp_path / file).unlink()
    (tmp_path / SMALL_F3["test2"].files[0]).unlink()
    with pytest.raises(SurveyError, match="lacks the training volume of f3"):
        verify("f3", tmp_path).raise_for_fault()


def test_a_transposed_copy_is_told_with_both_shapes(tmp_path: Path):
    write_f3(tmp_path, "train")
    np.save(tmp_path / SEISMIC, amplitudes((6, 5, 4), np.float64, F3_LARGEST))
    assert problems("f3", tmp_path, SEISMIC) == (
        "has the shape (6, 5, 4); published was (4, 5, 6) [inline,crossline,sample]",
    )


def test_another_type_is_told_with_both(tmp_path: Path):
    write_f3(tmp_path, "train")
    np.save(tmp_path / SEISMIC, amplitudes(SHAPE, np.float32, F3_LARGEST))
    assert problems("f3", tmp_path, SEISMIC) == ("holds float32; published was float64",)


def test_a_file_that_is_cut_off_is_told_with_both_lengths(tmp_path: Path):
    write_f3(tmp_path, "train")
    content = (tmp_path / SEISMIC).read_bytes()
    whole = len(content)
    for size in (whole - 8, whole + 8):
        (tmp_path / SEISMIC).write_bytes((content + bytes(8))[:size])
        assert problems("f3", tmp_path, SEISMIC) == (f"has {size:,} bytes; {whole:,} follow from its shape and type",)
    (tmp_path / SEISMIC).write_bytes(content[:40])
    assert problems("f3", tmp_path, SEISMIC)[0].startswith("cannot be read: EOF")
    (tmp_path / SEISMIC).write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'descr': '|O'}!")
    assert problems("f3", tmp_path, SEISMIC)[0].startswith("cannot be read: ")


def test_labels_outside_the_classes_are_named(tmp_path: Path):
    """Labels that count from 1 are the other survey's; 255 means "not interpreted"."""
    write_f3(tmp_path, "train")
    np.save(tmp_path / LABELS, classes(SHAPE, 1))
    assert problems("f3", tmp_path, LABELS) == ("label values 6 are not among the classes 0, 1, 2, 3, 4, 5",)
    labels = classes(SHAPE, 0)
    labels[0] = 255
    np.save(tmp_path / LABELS, labels)
    assert found(verify("f3", tmp_path), LABELS).status == "ok"


@pytest.mark.parametrize("scale", [0.001, 127.0])
def test_amplitudes_that_somebody_scaled_are_told_with_both_sizes(tmp_path: Path, scale: float):
    write_f3(tmp_path, "train")
    np.save(tmp_path / SEISMIC, amplitudes(SHAPE, np.float64, scale))
    assert problems("f3", tmp_path, SEISMIC) == (
        f"amplitudes reach {scale:g} on the lines looked at; published ones about 1",
    )


def test_samples_that_are_not_finite_are_counted(tmp_path: Path):
    write_f3(tmp_path, "train")
    values = amplitudes(SHAPE, np.float64, F3_LARGEST)
    values[1, 2, 3:5] = np.nan, np.inf
    np.save(tmp_path / SEISMIC, values)
    assert problems("f3", tmp_path, SEISMIC) == ("2 samples of the lines looked at are not finite",)


def test_fortran_order_is_as_good(tmp_path: Path):
    write_f3(tmp_path, "train")
    np.save(tmp_path / SEISMIC, np.asfortranarray(amplitudes(SHAPE, np.float64, F3_LARGEST)))
    assert found(verify("f3", tmp_path), SEISMIC).status == "ok"


def test_an_archive_of_arrays_is_read_to_its_last_byte(tmp_path: Path):
    """A bit that changed anywhere is found by the archive's own checksum."""
    write_npz(tmp_path, "train")
    path = tmp_path / "data_train.npz"
    values = amplitudes(SHAPE, np.float32, SEAM_AI_LARGEST).transpose(2, 1, 0)
    np.savez(path, data=values)
    content = bytearray(path.read_bytes())
    content[-len(content) // 4] ^= 1
    path.write_bytes(content)
    assert "Bad CRC-32" in problems("seam_ai", tmp_path, "data_train.npz")[0]
    path.write_bytes(b"no archive")
    assert problems("seam_ai", tmp_path, "data_train.npz") == ("cannot be read: File is not a zip file",)


def test_an_archive_with_another_array_or_order_is_told_with_both(tmp_path: Path):
    write_npz(tmp_path, "train")
    values = amplitudes(SHAPE, np.float32, SEAM_AI_LARGEST)
    np.savez(tmp_path / "data_train.npz", seismic=values)
    assert problems("seam_ai", tmp_path, "data_train.npz") == ("holds the arrays seismic; published was data",)
    np.savez(tmp_path / "data_train.npz", data=values)
    assert problems("seam_ai", tmp_path, "data_train.npz") == (
        "has the shape (4, 5, 6); published was (6, 5, 4) [sample,crossline,inline]",
    )
    np.savez(tmp_path / "data_train.npz", data=values.transpose(2, 1, 0).astype(np.int16))
    assert problems("seam_ai", tmp_path, "data_train.npz") == ("holds int16; published were floats",)


def test_an_array_that_ends_early_or_late_in_its_archive(tmp_path: Path):
    write_npz(tmp_path, "train")
    values = amplitudes(SHAPE, np.float32, SEAM_AI_LARGEST).transpose(2, 1, 0)
    np.save(tmp_path / "x.npy", np.ascontiguousarray(values))
    content = (tmp_path / "x.npy").read_bytes()
    for body, problem in (
        (content[:-4], "its array ends in plane 5 of 6"),
        (content + b"more", "holds more samples than its header says"),
    ):
        with zipfile.ZipFile(tmp_path / "data_train.npz", "w") as archive:
            archive.writestr("data.npy", body)
        assert problems("seam_ai", tmp_path, "data_train.npz") == (problem,)


def test_segy_of_another_survey_or_no_segy_at_all(tmp_path: Path):
    write_segy(tmp_path, "train", "test1")
    image, test = (tmp_path / SMALL_SEAM_AI[name].segy[0] for name in ("train", "test1"))
    image.write_bytes(test.read_bytes())
    assert problems("seam_ai", tmp_path, image.name) == (
        "has the shape (2, 5, 6) [inline, crossline, sample]; published was (4, 5, 6)",
    )
    image.write_bytes(b"not SEG-Y")
    assert len(problems("seam_ai", tmp_path, image.name)) == 1


def test_what_is_known_follows_from_what_was_published(monkeypatch: pytest.MonkeyPatch):
    """Sizes at full scale: float64 and uint8 of the benchmark, float32 and int8 of the challenge."""
    monkeypatch.undo()
    surveys = known_surveys()
    assert {name: survey.unpacked_bytes for name, survey in surveys.items()} == {
        "f3": (401 * 701 + 200 * 701 + 601 * 200) * 255 * 9,
        "seam_ai": 1006 * (782 * 590 * 5 + (782 * 251 + 334 * 841) * 4),
    }
    assert [known.file for known in surveys["f3"].files] == [
        "train/train_seismic.npy",
        "train/train_labels.npy",
        "test_once/test1_seismic.npy",
        "test_once/test1_labels.npy",
        "test_once/test2_seismic.npy",
        "test_once/test2_labels.npy",
    ]
    stored = {known.file: known.stored_shape for known in surveys["seam_ai"].files if known.form == "npz"}
    assert stored == {
        "data_train.npz": (1006, 782, 590),
        "labels_train.npz": (1006, 782, 590),
        "data_test_1.npz": (1006, 782, 251),
        "data_test_2.npz": (1006, 334, 841),
    }


def test_a_survey_or_folder_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(SurveyError, match="no published survey is known as 'f4'") as refused:
        verify("f4", tmp_path)
    assert refused.value.fix == "choose one of f3, seam_ai"
    with pytest.raises(SurveyError, match="there is no such folder"):
        verify("f3", tmp_path / "nowhere")
