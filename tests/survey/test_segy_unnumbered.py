"""Line numbers as floats, at unusual positions, or nowhere: read, or refused with advice that works."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sam_seismic.config import SegyOptions
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.hdf5.copying import write_hdf5
from sam_seismic.survey.segy import SegyVolume, cache, write_segy
from sam_seismic.survey.segy.grid_fit import fit_grid
from sam_seismic.survey.segy.samples import ibm_words
from tests.survey.segy_files import Parts, crossline_cube, cube, grid, refusal, smooth

INLINE, CROSSLINE = np.divmod(np.arange(30), 5)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    """6 x 5 traces that nothing but a running number (byte 5) numbers."""
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    parts = Parts.of(tmp_path / "a.sgy", 400)
    parts.set_field(189, 0)
    parts.set_field(193, 0)
    return parts


def rotate(parts: Parts, pair: tuple[int, int] = (181, 185)) -> None:
    """X and Y of a grid of 25 x 12.5 m at 30 degrees, in hundredths."""
    angle = np.radians(30)
    parts.set_field(71, -100, "i2")
    for byte, start, along, across in zip(
        pair, (6e5, 6e6), (np.sin(angle), np.cos(angle)), (np.cos(angle), -np.sin(angle)), strict=True
    ):
        parts.set_field(byte, np.rint(100 * (start + 12.5 * CROSSLINE * along + 25 * INLINE * across)))


def advised(fix: str) -> SegyOptions:
    """The first way that a fix names."""
    if "--grid-from-coordinates" in fix:
        return SegyOptions(grid_from_coordinates=True)
    found = re.search(r"--traces-per-line (\d+)", fix)
    assert found is not None, fix
    return SegyOptions(traces_per_line=int(found[1]))


@pytest.mark.parametrize("kind", ["ieee", "ibm"])
@pytest.mark.parametrize("pair", [(189, 193), (9, 21)])
def test_line_numbers_as_floats_are_read_as_such(tmp_path: Path, parts: Parts, pair: tuple[int, int], kind: str):
    for byte, lines in zip(pair, (100 + INLINE, 300 + CROSSLINE), strict=True):
        floats = lines.astype(np.float64)
        parts.set_field(byte, floats.astype(np.float32).view("u4") if kind == "ieee" else ibm_words(floats), "u4")
    path = parts.save(tmp_path / "a.sgy")
    for options in (SegyOptions(), SegyOptions(inline_byte=pair[0], crossline_byte=pair[1])):
        volume = SegyVolume(path, options)
        assert volume.geometry.inlines.tolist() == list(range(100, 106))
        assert volume.geometry.crosslines.tolist() == list(range(300, 305))
        assert f"the line numbers are stored as {kind.upper()} floats, and read as such" in volume.notes
        assert np.array_equal(cube(volume), smooth((6, 5, 40)))


def test_floats_that_are_not_whole_are_no_line_numbers(tmp_path: Path, parts: Parts):
    parts.set_field(189, (100.3 + INLINE).astype(np.float32).view("u4"), "u4")
    parts.set_field(193, (300.3 + CROSSLINE).astype(np.float32).view("u4"), "u4")
    path = parts.save(tmp_path / "a.sgy")
    for options in ({}, {"inline_byte": 189, "crossline_byte": 193}):
        assert "189/193: 6 x 5 lines (floats that are not whole)" in refusal(path, **options).problem


@pytest.mark.parametrize("pair", [(5, 17), (33, 61), (1, 205), (9, 201)])
def test_unusual_positions_are_found(tmp_path: Path, parts: Parts, pair: tuple[int, int]):
    parts.set_field(pair[0], 100 + 2 * INLINE)
    parts.set_field(pair[1], 300 + CROSSLINE)
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    assert (volume.inline_byte, volume.crossline_byte) == pair
    assert volume.geometry.inlines.tolist() == list(range(100, 112, 2))
    (swapped,) = re.findall(r"the other way round: --inline-byte (\d+) --crossline-byte (\d+)", volume.notes[0])
    other = SegyVolume(volume.path, SegyOptions(inline_byte=int(swapped[0]), crossline_byte=int(swapped[1])))
    assert np.array_equal(cube(other), smooth((6, 5, 40)).swapaxes(0, 1))


def test_one_unusual_position_finds_the_other(tmp_path: Path, parts: Parts):
    parts.set_field(33, 100 + INLINE)
    parts.set_field(61, 300 + CROSSLINE)
    path = parts.save(tmp_path / "a.sgy")
    for options in (SegyOptions(inline_byte=33), SegyOptions(crossline_byte=61)):
        volume = SegyVolume(path, options)
        assert (volume.inline_byte, volume.crossline_byte) == (33, 61)


def test_an_offset_that_copies_a_line_number_is_no_prestack(tmp_path: Path, parts: Parts):
    parts.set_field(9, 100 + INLINE)
    parts.set_field(21, 300 + CROSSLINE)
    parts.set_field(37, 300 + CROSSLINE)
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    assert (volume.inline_byte, volume.crossline_byte) == (9, 21)


@pytest.mark.parametrize("pair", [(181, 185), (73, 77)])
def test_a_rotated_grid_of_coordinates_is_advised_and_numbered(tmp_path: Path, parts: Parts, pair: tuple[int, int]):
    """The error does not advise the running number; what it advises reads the volume, in its order."""
    rotate(parts, pair)
    path = parts.save(tmp_path / "a.sgy")
    error = refusal(path)
    assert "--inline-byte 5" not in error.fix
    assert "6 x 5 lines, 25 and 12.5 apart, inlines at 30.0 degrees" in error.fix
    volume = SegyVolume(path, advised(error.fix))
    assert volume.geometry.shape == (6, 5, 40)
    assert (volume.geometry.inlines[0], volume.geometry.crosslines[0]) == (1, 1)
    assert np.array_equal(cube(volume), smooth((6, 5, 40)))
    assert np.array_equal(crossline_cube(volume), smooth((6, 5, 40)))
    assert "grid fitted to X and Y" in volume.notes[0]
    assert re.search(r"traces lie 0\.00\d+ off their places", volume.notes[0])
    places = volume.coordinates(Orientation.INLINE, 2)
    assert places is not None
    assert places[0] == pytest.approx([6e5 + 25 * np.cos(np.radians(30)), 6e6 - 12.5], abs=0.01)
    assert (volume.inline_byte, volume.crossline_byte) == (None, None)
    write_hdf5(volume, tmp_path / "a.h5")
    copy = open_volume(tmp_path / "a.h5")
    assert copy.geometry.same_grid(volume.geometry)
    np.testing.assert_allclose(copy.coordinates(Orientation.INLINE, 2), places)


def test_a_fitted_grid_is_remembered(tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAM_SEISMIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "LONG_PASS", 0)
    rotate(parts)
    path = parts.save(tmp_path / "a.sgy")
    first, second = (SegyVolume(path, SegyOptions(grid_from_coordinates=True)) for _ in range(2))
    assert len(list((tmp_path / "cache" / "headers").iterdir())) == 1
    assert second.notes == first.notes
    assert second.geometry.same_grid(first.geometry)


@pytest.mark.parametrize(
    "options", [{"inline_byte": 5, "crossline_byte": 21}, {"inline_byte": 21, "crossline_byte": 5}]
)
def test_a_running_number_is_no_line_of_a_survey_with_coordinates(
    tmp_path: Path, parts: Parts, options: dict[str, int]
):
    """240 sections one trace wide, or one section of 240 traces, would be made of 12 lines."""
    rotate(parts)
    error = refusal(parts.save(tmp_path / "a.sgy"), **options)
    assert "by their coordinates the traces lie on several: 6 x 5 lines" in error.problem
    assert SegyVolume(tmp_path / "a.sgy", advised(error.fix)).geometry.shape == (6, 5, 40)


def test_padding_without_a_position_is_left_out_of_a_fitted_grid(tmp_path: Path, parts: Parts):
    rotate(parts)
    for byte in (181, 185):
        parts.set_field(byte, np.where(np.arange(30) % 7 == 3, 0, parts.field(byte)))
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"), SegyOptions(grid_from_coordinates=True))
    assert np.array_equal(volume.geometry.live.ravel(), np.arange(30) % 7 != 3)
    assert "4 traces without a position are left out" in volume.notes[0]
    expected = smooth((6, 5, 40))
    expected[~volume.geometry.live] = 0
    assert np.array_equal(cube(volume), expected)


def test_one_trace_wide_sections_are_told(tmp_path: Path, parts: Parts):
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"), SegyOptions(inline_byte=5, crossline_byte=21))
    assert "there is one crossline: every inline is a single trace wide" in volume.notes[0]


@pytest.mark.parametrize("numbered", ["by CDP", "by nothing"])
def test_a_2d_line_that_its_coordinates_tell_is_read(tmp_path: Path, parts: Parts, numbered: str):
    """A crooked line is no grid: its traces are read in their order."""
    along = np.linspace(0, 3, 30)
    parts.set_field(181, np.rint(500_000 + 3000 * along))
    parts.set_field(185, np.rint(6_000_000 + 2000 * np.sin(along)))
    if numbered == "by CDP":
        parts.set_field(21, np.arange(501, 561, 2))
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    assert volume.geometry.shape == (1, 30, 40)
    assert volume.geometry.crosslines[0] == (501 if numbered == "by CDP" else 1)
    assert np.array_equal(cube(volume)[0], smooth((6, 5, 40)).reshape(30, 40))
    assert "taken from" in volume.notes[0]
    assert (
        "no pair of header positions gives a regular grid" in refusal(volume.path, inline_byte=1).problem
    )  # not ignored


@pytest.mark.follows("survey/segy/refusals.py", "write them into fields of 4 bytes with other software; or number")
def test_line_numbers_of_2_bytes_are_not_taken_for_one_long_line(tmp_path: Path, parts: Parts):
    parts.set_field(189, INLINE + 100, "i2")
    parts.set_field(191, CROSSLINE + 300, "i2")
    path = parts.save(tmp_path / "a.sgy")
    error = refusal(path)
    assert "bytes 189 and 191 hold line numbers of 2 bytes each, 6 x 5 lines" in error.problem
    assert np.array_equal(cube(SegyVolume(path, advised(error.fix))), smooth((6, 5, 40)))


def test_traces_per_line(tmp_path: Path, parts: Parts):
    """Without numbers and coordinates the user knows how long the lines are."""
    path = parts.save(tmp_path / "a.sgy")
    error = refusal(path)
    assert SegyVolume(path, advised(error.fix)).geometry.shape == (1, 30, 40)
    assert np.array_equal(cube(SegyVolume(path, SegyOptions(traces_per_line=5))), smooth((6, 5, 40)))
    uneven = refusal(path, traces_per_line=4)
    assert "30 traces do not fill lines of 4" in uneven.problem
    assert SegyVolume(path, advised(uneven.fix)).geometry.shape == (10, 3, 40)


def test_no_grid_in_the_coordinates(tmp_path: Path, parts: Parts):
    path = parts.save(tmp_path / "a.sgy")
    error = refusal(path, grid_from_coordinates=True)
    assert "no field of the trace headers holds coordinates" in error.problem
    assert SegyVolume(path, advised(error.fix)).geometry.shape == (1, 30, 40)
    chance = np.random.default_rng(0)
    for byte in (181, 185):
        parts.set_field(byte, chance.integers(500_000, 600_000, 30))
    error = refusal(parts.save(path), grid_from_coordinates=True)
    assert "lie on no regular grid" in error.problem
    assert SegyVolume(path, SegyOptions(traces_per_line=30)).geometry.shape == (1, 30, 40)


def test_lines_are_numbered_in_one_way(tmp_path: Path, parts: Parts):
    error = refusal(parts.save(tmp_path / "a.sgy"), grid_from_coordinates=True, traces_per_line=5)
    assert "--grid-from-coordinates and --traces-per-line number the lines in different ways" in error.problem


def laid_out(inlines: int, crosslines: int, bins: tuple[float, float], degrees: float) -> NDArray[np.float64]:
    """X and Y of all traces, inline by inline: float64[trace, 2]."""
    inline, crossline = np.divmod(np.arange(inlines * crosslines), crosslines)
    along = np.array([np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])
    across = np.array([along[1], -along[0]])
    return np.array([6e5, 6e6]) + np.outer(inline * bins[0], across) + np.outer(crossline * bins[1], along)


@pytest.mark.parametrize("degrees", [0, 6.8, 45, 100, 271])
@pytest.mark.parametrize(
    "shape_and_bins", [(12, 20, 25, 25), (30, 400, 6.25, 25), (200, 30, 50, 6.25), (2, 50, 25, 25)]
)
@pytest.mark.parametrize("change", ["none", "rounded", "gaps", "to and fro"])
def test_grids_of_any_angle_and_bin_are_fitted(
    degrees: float, shape_and_bins: tuple[int, int, float, float], change: str
):
    """Rounded to whole metres, with a third of the traces missing, lines in alternating direction."""
    inlines, crosslines, *bins = shape_and_bins
    xy = laid_out(inlines, crosslines, (bins[0], bins[1]), degrees)
    inline, crossline = np.divmod(np.arange(len(xy)), crosslines)
    if change == "rounded":
        xy = np.rint(xy)
    elif change == "gaps":
        keep = np.random.default_rng(0).random(len(xy)) > 0.3
        keep[0] = True
        xy, inline, crossline = xy[keep], inline[keep], crossline[keep]
    elif change == "to and fro":
        order = np.arange(len(xy)).reshape(inlines, crosslines)
        order[1::2] = order[1::2, ::-1]
        xy, inline, crossline = (each[order.ravel()] for each in (xy, inline, crossline))
    found = fit_grid(xy)
    assert found is not None
    assert np.array_equal(found.inline - 1, inline - inline.min())
    assert np.array_equal(found.crossline - 1, crossline - crossline.min())
    assert found.spacing == pytest.approx(bins, rel=0.05)
    assert found.worst <= (0.8 if change == "rounded" else 1e-6)


def test_chance_and_crooked_lines_are_no_grid():
    along = np.linspace(0, 3, 300)
    crooked = np.stack([5e5 + 3000 * along, 6e6 + 2000 * np.sin(along)], axis=1)
    chance = np.random.default_rng(0).random((300, 2)) * 1000
    for xy in (crooked, chance, np.zeros((5, 2)), np.zeros((1, 2))):
        assert fit_grid(xy) is None
