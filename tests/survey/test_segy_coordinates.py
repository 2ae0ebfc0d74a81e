"""X and Y are read from the fields that hold them, in the unit in which they are, and nothing else passes for them."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sam_seismic.config import SegyOptions
from sam_seismic.inspection.grid import coordinate_facts, file_facts, file_rows
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.hdf5.copying import write_hdf5
from sam_seismic.survey.horizons import HorizonTable
from sam_seismic.survey.segy import SegyVolume, write_segy
from sam_seismic.survey.segy.float_words import whole_numbers
from sam_seismic.survey.segy.samples import ibm_words
from sam_seismic.survey.volume import Section, Volume
from tests.survey.segy_files import Parts, grid, smooth

INLINE, CROSSLINE = np.divmod(np.arange(30), 5)
X = 600_000 + 25 * CROSSLINE + 3 * INLINE
Y = 6_000_000 + 25 * INLINE - 3 * CROSSLINE
PLACES = np.stack([X, Y], axis=1).reshape(6, 5, 2).astype(float)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    return Parts.of(tmp_path / "a.sgy", 400)


def places(volume: Volume) -> NDArray[np.float64]:
    """X and Y of all traces: float64[inline, crossline, 2]."""
    found = [volume.coordinates(Orientation.INLINE, line) for line in volume.geometry.inlines.tolist()]
    assert all(each is not None for each in found)
    return np.stack(found)  # type: ignore[arg-type]


def put(parts: Parts, pair: tuple[int, int], *, scalar: int = -100) -> None:
    factor = {-100: 100, 1: 1}[scalar]
    parts.set_field(71, scalar, "i2")
    parts.set_field(pair[0], X * factor)
    parts.set_field(pair[1], Y * factor)


@pytest.mark.parametrize("pair", [(181, 185), (73, 77), (81, 85)])
def test_coordinates_are_found_wherever_they_are(tmp_path: Path, parts: Parts, pair: tuple[int, int]):
    put(parts, pair)
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    np.testing.assert_allclose(places(volume), PLACES)
    write_hdf5(volume, tmp_path / "a.h5")
    np.testing.assert_allclose(places(open_volume(tmp_path / "a.h5")), PLACES)


@pytest.mark.parametrize(
    "junk",
    [
        (998445679, 0),  # SU: the floats d1 and f1
        (7, 7),
        (np.arange(30), np.arange(30) * 3),  # running numbers
        (100 + INLINE, 300 + CROSSLINE),  # copies of the line numbers
        (100 + INLINE, 0),
    ],
)
def test_junk_does_not_pass_for_coordinates(tmp_path: Path, parts: Parts, junk: tuple[object, object]):
    """Not even where there are no others."""
    parts.set_field(181, junk[0])
    parts.set_field(185, junk[1])
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    assert volume.coordinates(Orientation.INLINE, 100) is None
    assert coordinate_facts(volume) is None
    put(parts, (73, 77))
    np.testing.assert_allclose(places(SegyVolume(parts.save(tmp_path / "a.sgy"))), PLACES)


def test_bytes_that_number_the_lines_are_no_coordinates(tmp_path: Path, parts: Parts):
    """Lines at 181/185, as some writers do; X and Y of the source are those of the trace."""
    put(parts, (73, 77))
    for line, byte in ((189, 181), (193, 185)):
        parts.set_field(byte, parts.field(line) * 7)
        parts.set_field(line, 0)
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    assert (volume.inline_byte, volume.crossline_byte) == (181, 185)
    np.testing.assert_allclose(places(volume), PLACES)


@pytest.mark.parametrize("scalar", [1, -100])
@pytest.mark.parametrize("kind", ["ieee", "ibm"])
def test_coordinates_as_floats(tmp_path: Path, parts: Parts, kind: str, scalar: int):
    parts.set_field(71, scalar, "i2")
    for byte, values in ((181, X), (185, Y)):
        floats = values.astype(np.float64)
        words = floats.astype(np.float32).view(np.uint32) if kind == "ieee" else ibm_words(floats)
        parts.set_field(byte, words, "u4")
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    assert volume.coordinate_fields is not None
    assert volume.coordinate_fields.kind == kind
    np.testing.assert_allclose(places(volume), PLACES)


def test_padding_has_no_position(tmp_path: Path, parts: Parts):
    """A line and a half of 0, 0: not in the range, not in the bin, empty in the table."""
    put(parts, (181, 185))
    for byte in (181, 185):
        parts.set_field(byte, np.where(np.arange(30) < 7, 0, parts.field(byte)))
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    expected = PLACES.copy()
    expected.reshape(30, 2)[:7] = np.nan
    np.testing.assert_allclose(places(volume), expected)
    facts = coordinate_facts(volume)
    assert facts is not None
    assert facts["x"][0] > 599_000
    assert (facts["without_position"], facts["looked_at"]) == (7, 30)
    assert ("coordinates", "7 of 30 traces have no position") in [
        (name, told.rpartition("; ")[2]) for name, told in file_rows(volume, file_facts(volume))
    ]
    assert facts["inline_spacing"] == pytest.approx(np.hypot(25, 3))
    header, rows = table(volume, tmp_path / "h.csv")
    assert header[:4] == ["IL", "XL", "X", "Y"]
    assert rows[6][:4] == ["101", "301", "", ""]
    assert rows[7][:4] == ["101", "302", "600053", "6000019"]


def test_a_survey_that_begins_at_the_origin_keeps_that_trace(tmp_path: Path, parts: Parts):
    parts.set_field(181, 25 * CROSSLINE)
    parts.set_field(185, 50 * INLINE)
    assert places(SegyVolume(parts.save(tmp_path / "a.sgy")))[0, 0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("code", "step", "unit", "ending"),
    [(2, 1, "arc seconds", "_arcsec"), (3, 0.01, "degrees", "_deg"), (1, 1, None, "")],
)
def test_angles_are_no_metres(tmp_path: Path, parts: Parts, code: int, step: float, unit: str | None, ending: str):
    parts.set_field(89, code, "i2")
    parts.set_field(71, -100, "i2")
    parts.set_field(181, 100 * step * (CROSSLINE - 60))
    parts.set_field(185, 100 * step * (INLINE + 44))
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    facts = coordinate_facts(volume)
    assert facts is not None
    assert facts["angle_unit"] == unit
    assert (facts["inline_spacing"] is None) == (unit is not None)
    assert table(volume, tmp_path / "h.csv")[0][2:4] == [f"X{ending}", f"Y{ending}"]
    write_hdf5(volume, tmp_path / "a.h5")
    assert open_volume(tmp_path / "a.h5").angle_unit == unit


def test_what_is_too_large_for_angles_is_a_length(tmp_path: Path, parts: Parts):
    """Whatever the unit says."""
    put(parts, (181, 185))
    parts.set_field(89, 2, "i2")
    assert SegyVolume(parts.save(tmp_path / "a.sgy")).angle_unit is None


@pytest.mark.parametrize("along", ["x", "y", "both"])
def test_a_straight_2d_line_has_coordinates(tmp_path: Path, along: str):
    write_segy(tmp_path / "l.sgy", smooth((1, 30, 40)), grid(1, 30))
    parts = Parts.of(tmp_path / "l.sgy", 400)
    parts.set_field(181, 600_000 + (25 * np.arange(30) if along != "y" else 0))
    parts.set_field(185, 6_000_000 + (25 * np.arange(30) if along != "x" else 0))
    volume = SegyVolume(parts.save(tmp_path / "l.sgy"), SegyOptions())
    assert places(volume)[0, 0].tolist() == [600_000, 6_000_000]


def table(volume: Volume, path: Path) -> tuple[list[str], list[list[str]]]:
    """The table of horizons of a volume: its names, and its rows."""
    classes = np.zeros((40, len(volume.geometry.crosslines)), np.uint8)
    with HorizonTable(path, volume, FaciesTable(("all",), (0,)), overwrite=True) as horizons:
        for line in volume.geometry.inlines.tolist():
            horizons.write(
                Section(Orientation.INLINE, line, classes, volume.geometry.live_along(Orientation.INLINE, line))
            )
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


def test_whole_numbers_of_words():
    """Line numbers that are floats are told apart; integers, and floats that are not whole, are none."""
    lines = np.arange(100, 112).astype(np.float32)
    for words, kind in ((lines.view(np.int32), "ieee"), (ibm_words(lines.astype(float)).view(np.int32), "ibm")):
        found = whole_numbers(words)
        assert found is not None
        assert (found[0].tolist(), found[1]) == (lines.tolist(), kind)
    for words in (np.arange(100, 112), np.zeros(5, np.int32), (lines + 0.3).view(np.int32)):
        assert whole_numbers(words) is None
