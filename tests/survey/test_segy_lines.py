"""Line numbers are found wherever writers put them, and what was assumed is said."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import SegyOptions
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.segy import SegyVolume, write_segy
from tests.survey.segy_files import Parts, crossline_cube, cube, grid, smooth


@pytest.mark.parametrize("shape", [(1, 9, 20), (9, 1, 20)])
def test_a_single_line_is_a_volume_of_one(tmp_path: Path, shape: tuple[int, int, int]):
    """A 2D line comes as one inline or one crossline."""
    values = smooth(shape)
    write_segy(tmp_path / "a.sgy", values, grid(*shape))
    volume = SegyVolume(tmp_path / "a.sgy", SegyOptions())
    assert volume.geometry.shape == shape
    assert np.array_equal(cube(volume), values)
    assert np.array_equal(crossline_cube(volume), values)


def test_a_2d_line_numbered_by_cdp_opens_when_told(tmp_path: Path):
    """The fix that the refusal names works."""
    values = smooth((1, 9, 20))
    geometry = Geometry.complete([0], range(501, 510), 20)
    write_segy(tmp_path / "a.sgy", values, geometry, crossline_byte=21)
    volume = SegyVolume(tmp_path / "a.sgy", SegyOptions(inline_byte=189, crossline_byte=21))
    assert volume.geometry.crosslines.tolist() == list(range(501, 510))
    assert np.array_equal(cube(volume), values)


def test_one_byte_given_finds_the_other(tmp_path: Path):
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid(), inline_byte=9, crossline_byte=21)
    for options in (SegyOptions(inline_byte=9), SegyOptions(crossline_byte=21)):
        volume = SegyVolume(tmp_path / "a.sgy", options)
        assert (volume.inline_byte, volume.crossline_byte) == (9, 21)


def test_given_bytes_override_the_standard(tmp_path: Path):
    """189/193 hold a full grid, and are left aside when others are named."""
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 240 + 160)
    parts.set_field(9, parts.field(189) * 2)
    parts.set_field(21, -parts.field(193))
    parts.save(path)
    assert SegyVolume(path, SegyOptions()).inline_byte == 189
    volume = SegyVolume(path, SegyOptions(inline_byte=9, crossline_byte=21))
    assert volume.geometry.inlines.tolist() == list(range(200, 212, 2))
    assert volume.geometry.crosslines.tolist() == list(range(-304, -299))
    assert np.array_equal(cube(volume), smooth((6, 5, 40))[:, ::-1])


@pytest.mark.parametrize("junk", ["constant", "few values", "running number"])
def test_a_grid_elsewhere_beats_junk_at_the_standard_positions(tmp_path: Path, junk: str):
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid(), inline_byte=9, crossline_byte=21)
    parts = Parts.of(path, 400)
    parts.set_field(189, {"constant": 7, "few values": np.arange(30) % 3, "running number": 0}[junk])
    parts.set_field(193, {"constant": 7, "few values": 1, "running number": np.arange(30)}[junk])
    volume = SegyVolume(parts.save(path), SegyOptions())
    assert (volume.inline_byte, volume.crossline_byte) == (9, 21)
    assert np.array_equal(cube(volume), smooth((6, 5, 40)))


def test_a_sparse_survey_is_read_with_a_note(tmp_path: Path):
    """A few arms of a survey: too sparse to be sure of, and there is nothing better."""
    geometry = grid(20, 20, 8)
    geometry.live[:] = np.eye(20, dtype=np.bool_)
    geometry.live[0] = True
    values = smooth((20, 20, 8))
    write_segy(tmp_path / "a.sgy", values, geometry)
    volume = SegyVolume(tmp_path / "a.sgy", SegyOptions())
    assert np.array_equal(volume.geometry.live, geometry.live)
    assert volume.notes[0].startswith(
        "line numbers taken from the standard bytes (no full grid, but nothing is better)"
    )
    assert volume.notes[1] == "361 of 400 places of the grid hold no trace"


def test_a_running_number_beside_zero_is_a_line_with_a_note(tmp_path: Path):
    write_segy(tmp_path / "a.sgy", smooth((1, 9, 20)), Geometry.complete([0], range(1, 10), 20))
    volume = SegyVolume(tmp_path / "a.sgy", SegyOptions())
    assert volume.geometry.shape == (1, 9, 20)
    assert "(a single line with an empty number) 189/193: 1 x 9 lines (0 and 1-9)" in volume.notes[0]


def test_lines_that_are_left_out_are_noted(tmp_path: Path):
    """A line without any trace is no line of the volume."""
    geometry = Geometry.complete([1, 2, 3, 4, 7], range(4), 8)
    write_segy(tmp_path / "a.sgy", smooth((5, 4, 8)), geometry)
    volume = SegyVolume(tmp_path / "a.sgy", SegyOptions())
    assert volume.geometry.inlines.tolist() == [1, 2, 3, 4, 7]
    assert volume.notes == ("inline numbers step unevenly, by 1 to 3: lines without traces are left out",)


def test_coordinates_number_a_survey_along_the_axes(tmp_path: Path):
    """With no line numbers anywhere, X and Y do; a rotated survey would be refused."""
    path = tmp_path / "a.sgy"
    x, y = np.meshgrid(np.arange(5) * 25.0, 1000 + np.arange(6) * 12.5)
    write_segy(path, smooth((6, 5, 40)), grid(), coordinates=np.stack([x, y], axis=2))
    parts = Parts.of(path, 240 + 160)
    parts.set_field(189, 0)
    parts.set_field(193, 0)
    volume = SegyVolume(parts.save(path), SegyOptions())
    assert (volume.inline_byte, volume.crossline_byte) == (181, 185)
    assert np.array_equal(cube(volume), smooth((6, 5, 40)).swapaxes(0, 1))
    assert any("181/185" in note for note in volume.notes)


@pytest.mark.parametrize("chunk", [1500, 400, 399, 1])
def test_files_are_scanned_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int):
    """Borders of chunks change nothing; of traces too long for a chunk only the headers are read."""
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid(), inline_byte=9, crossline_byte=21)
    monkeypatch.setattr("sam_seismic.survey.segy.scan.CHUNK", chunk)
    volume = SegyVolume(tmp_path / "a.sgy", SegyOptions())
    assert np.array_equal(cube(volume), smooth((6, 5, 40)))
    assert (volume.inline_byte, volume.traces) == (9, 30)
