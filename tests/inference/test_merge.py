"""The scratch file of crosslines: a crossline can be written twice, and a full disk is reported before prediction."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.errors import SurveyError
from sam_seismic.files.unfinished import Start
from sam_seismic.inference.merge import WaitingCrosslines, as_stored
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.volume import Section

GRID = Geometry.complete(range(10, 15), range(30, 37), 9)


def crossline(position: int) -> tuple[Section, np.ndarray]:
    probabilities = np.random.default_rng(position).random((3, 9, 5), np.float32)  # [class, sample, inline]
    section = Section(Orientation.CROSSLINE, 30 + position, probabilities[0], np.ones(5, bool))
    return section, probabilities


def test_an_inline_is_averaged_with_the_crosslines_through_it(tmp_path: Path):
    crosslines = [crossline(position) for position in range(7)]
    given = np.random.default_rng(99).random((3, 9, 7), np.float32)  # [class, sample, crossline]
    with WaitingCrosslines(tmp_path / "x.merge", GRID, 3) as waiting_crosslines:
        for section, probabilities in [*crosslines, crosslines[2]]:  # one of them twice, as after a kill
            waiting_crosslines.put(section, as_stored(probabilities))
        inline = Section(Orientation.INLINE, 13, given[0], np.ones(7, bool))
        mean = waiting_crosslines.average(inline, given.copy())
    expected = np.stack([probabilities[:, :, 3] for _, probabilities in crosslines], axis=2)
    np.testing.assert_allclose(mean, (given + expected) / 2, atol=3e-4)
    assert list(tmp_path.iterdir()) == []


def full(descriptor: int, offset: int, size: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_no_scratch_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The disk fills up after its free space was checked and before the file has its full size."""
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(SurveyError, match=r"merging both orientations needs .* [GM]B left") as refused:
        WaitingCrosslines(tmp_path / "x.merge", GRID, 3).__enter__()
    assert refused.value.fix == "free some disk"
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 100))
    with pytest.raises(SurveyError, match="merging both orientations needs"):
        WaitingCrosslines(tmp_path / "x.merge", GRID, 3).__enter__()
    assert list(tmp_path.iterdir()) == []


def test_without_reserved_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where the system cannot reserve space, the file is filled with zeros."""
    monkeypatch.delattr(os, "posix_fallocate")
    with WaitingCrosslines(tmp_path / "x.merge", GRID, 3) as waiting_crosslines:
        assert (tmp_path / "x.merge").stat().st_size == 7 * 5 * 3 * 9 * 2
        section = Section(Orientation.INLINE, 11, np.zeros((9, 7)), np.ones(7, bool))
        np.testing.assert_array_equal(waiting_crosslines.average(section, np.ones((3, 9, 7), np.float32)), 0.5)


@pytest.mark.parametrize("left", [None, b"short"])
def test_a_file_that_an_earlier_run_left_must_have_its_full_size(tmp_path: Path, left: bytes | None):
    if left is not None:
        (tmp_path / "x.merge").write_bytes(left)
    with pytest.raises(SurveyError, match="missing, or not as an earlier run left it"):
        WaitingCrosslines(tmp_path / "x.merge", GRID, 3, start=Start("token", resumed=True)).__enter__()
