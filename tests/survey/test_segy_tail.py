"""What stands behind the last whole trace is left out and told, or refused with advice that works."""

import re
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import SegyOptions
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.hdf5.copying import write_hdf5
from sam_seismic.survey.segy import SegyResult, SegyVolume, write_segy
from tests.survey.segy_files import INT8, Parts, cube, facies, grid, refusal, smooth, write_all


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """30 traces of 400 bytes."""
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    return tmp_path / "a.sgy"


@pytest.mark.parametrize("padding", [1, 132, 400, 1000, 4096])
def test_zeros_behind_the_last_trace_are_left_out(path: Path, padding: int):
    """Less than a trace, one, and more than one; results and copies have none."""
    path.write_bytes(path.read_bytes() + bytes(padding))
    volume = SegyVolume(path)
    assert np.array_equal(cube(volume), smooth((6, 5, 40)))
    assert volume.notes == (f"{padding} bytes of zeros behind the last of 30 traces are left out",)
    classes, result = facies(grid()), path.with_name("r.sgy")
    with SegyResult(result, INT8, source=volume.segy_template, overwrite=False, note="") as written:
        write_all(written, classes, grid(), Orientation.INLINE)
    assert result.stat().st_size == 3600 + 30 * 280
    assert np.array_equal(cube(SegyVolume(result)), classes)
    write_hdf5(volume, path.with_name("a.h5"))
    assert open_volume(path.with_name("a.h5")).geometry.shape == (6, 5, 40)


@pytest.mark.parametrize("counted", [True, False])
def test_a_file_that_ends_inside_a_trace_is_read_when_told(path: Path, counted: bool):
    """A copy that was cut looks the same, so the user must say that the rest is not missed."""
    if not counted:
        parts = Parts.of(path, 400)
        parts.set_field(115, 0, "u2")
        parts.save(path)
    path.write_bytes(path.read_bytes()[:-100])
    error = refusal(path)
    assert "ends inside trace 30" in error.problem
    assert "holds 29 whole traces" in error.problem
    assert "--format" not in error.fix
    assert "to read its 29 whole traces: --tail drop (YAML: data.read.segy.tail: drop)" in error.fix
    volume = SegyVolume(path, SegyOptions(tail="drop"))
    assert volume.geometry.live.sum() == 29
    assert volume.notes[0] == "300 bytes, of the 400 of a trace, behind the last of 29 traces are left out"
    assert np.array_equal(cube(volume).reshape(30, 40)[:29], smooth((6, 5, 40)).reshape(30, 40)[:29])


def test_other_bytes_behind_the_last_trace(path: Path):
    """Longer than a trace: they are no traces, as their headers tell."""
    path.write_bytes(path.read_bytes() + b"END OF FILE " * 90)
    assert "--tail drop" in refusal(path).fix
    assert np.array_equal(cube(SegyVolume(path, SegyOptions(tail="drop"))), smooth((6, 5, 40)))


def test_a_whole_file_needs_no_option(path: Path):
    assert SegyVolume(path, SegyOptions(tail="drop")).notes == ()


def test_a_wrong_format_is_not_taken_for_a_tail(path: Path):
    """As 2-byte samples the traces would be shorter, and their headers would not lie where they should."""
    parts = Parts.of(path, 400)
    parts.set_binary(3225, 3)
    parts.traces = parts.traces[:29]
    error = refusal(parts.save(path))
    assert "truncated, or not what its headers say" in error.problem
    assert "--format or --endian" in error.fix
    assert np.array_equal(
        cube(SegyVolume(path, SegyOptions(format="ieee"))).reshape(30, 40)[:29],
        smooth((6, 5, 40)).reshape(30, 40)[:29],
    )


def test_junk_in_the_fields_of_revision_2_is_passed_over(path: Path):
    """Blanks of a writer that knows the number of the revision alone."""
    parts = Parts.of(path, 400)
    parts.head[3500] = 2
    for byte in (3269, 3507, 3529):
        parts.set_binary(byte, 0x20202020, "i4")
    volume = SegyVolume(parts.save(path))
    assert np.array_equal(cube(volume), smooth((6, 5, 40)))
    assert (
        "sample count 40 is taken from byte 3221; the 538976288 of byte 3269 (revision 2) does not fit" in volume.notes
    )


def test_more_samples_than_revision_1_can_count(tmp_path: Path):
    """70,000 samples are written as 4,464: the error names the number that fits, and that works."""
    samples = 70_000
    values = smooth((2, 2, samples))
    path = tmp_path / "long.sgy"
    write_segy(path, values[..., :40], grid(2, 2, 40))
    parts = Parts.of(path, 400)
    parts.set_binary(3221, samples & 0xFFFF, "u2")
    parts.set_field(115, samples & 0xFFFF, "u2")
    stored = values.reshape(4, samples).astype(">f4").view(np.uint8)
    parts.traces = np.concatenate([parts.traces[:, :240], stored], axis=1)
    error = refusal(parts.save(path))
    found = re.search(r"--samples (\d+)", error.fix)
    assert found is not None
    volume = SegyVolume(path, SegyOptions(samples=int(found[1])))
    assert np.array_equal(cube(volume), values)


def test_a_sample_count_that_does_not_fit(path: Path):
    assert "traces of 41 samples" in refusal(path, samples=41).problem
