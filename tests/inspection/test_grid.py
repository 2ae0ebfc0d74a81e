"""The choice of measured lines, the map of live traces, and the facts from text header and coordinates."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.inspection.grid import coordinate_facts, text_lines
from sam_seismic.inspection.line_choice import best_orientation, choose_lines
from sam_seismic.inspection.live_map import coarse
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.segy import SegyVolume, write_segy
from tests.survey.segy_files import Parts


def empty(inlines: int, crosslines: int) -> MemoryVolume:
    geometry = Geometry.complete(range(inlines), range(crosslines), 10)
    return MemoryVolume(np.zeros(geometry.shape, np.float32), geometry)


def test_small_volumes_are_measured_on_all_lines_and_large_ones_on_some():
    volume = empty(200, 25)  # 1000 bytes a line
    assert len(choose_lines(volume, 200_000)) == 200
    assert str(choose_lines(volume, 200_000)) == "all 200 inlines"
    part = choose_lines(volume, 100_000)
    assert str(part) == "100 of 200 inlines"
    lines = [line for orientation, line in part.sections if orientation is Orientation.INLINE]
    assert (lines[0], lines[-1], len(lines)) == (0, 199, 100)
    assert np.diff(lines).max() <= 3
    assert len(choose_lines(volume, 0)) == 64


def test_the_orientation_of_a_2d_line_is_that_of_the_line():
    assert best_orientation(empty(300, 1)) is Orientation.CROSSLINE
    assert best_orientation(empty(1, 300)) is Orientation.INLINE
    assert str(choose_lines(empty(1, 300), 10**6)) == "the one inline"


def test_lines_are_read_in_the_sort_order_of_the_file(tmp_path: Path):
    geometry = Geometry.complete(range(6), range(8), 40)
    write_segy(tmp_path / "il.sgy", np.ones(geometry.shape, np.float32), geometry, format="ieee")
    assert best_orientation(SegyVolume(tmp_path / "il.sgy")) is Orientation.INLINE
    parts = Parts.of(tmp_path / "il.sgy", 240 + 160)
    parts.traces = parts.traces.reshape(6, 8, -1).swapaxes(0, 1).reshape(48, -1)
    assert best_orientation(SegyVolume(parts.save(tmp_path / "xl.sgy"))) is Orientation.CROSSLINE


def test_a_small_map_is_exact():
    live = np.array([[True, False, True], [False, False, True]])
    np.testing.assert_array_equal(coarse(live), live)


def test_a_cell_holds_the_share_of_its_traces():
    live = np.zeros((32, 120), np.bool_)
    live[:2, :2] = [[True, False], [True, True]]
    live[30:, 118:] = True
    shares = coarse(live)
    assert shares.shape == (16, 60)
    assert (shares[0, 0], shares[15, 59], shares.sum()) == (0.75, 1.0, 1.75)


@pytest.mark.parametrize("shape", [(951, 1401), (17, 61), (1, 5), (400, 1)])
def test_cells_cover_the_survey_once(shape: tuple[int, int]):
    assert (coarse(np.ones(shape, np.bool_)) == 1).all()
    live = np.random.default_rng(0).random(shape) < 0.3
    rows, columns = coarse(live).shape
    assert (rows, columns) == (min(16, shape[0]), min(60, shape[1]))


def test_text_header_lines_have_no_card_numbers_and_no_empty_lines():
    text = "\n".join(["C 1 CLIENT  ACME     AREA\x07F3", "C 2", "C 3   ----", "C40 END EBCDIC", "plain line"])
    assert text_lines(text) == ["CLIENT ACME AREA F3", "END EBCDIC", "plain line"]


def test_coordinates_give_ranges_and_the_size_of_a_bin(tmp_path: Path):
    """A survey that is rotated against the coordinate axes still has bins of 25 x 12.5."""
    geometry = Geometry.complete(range(6), range(5), 40)
    path = tmp_path / "turned.sgy"
    write_segy(path, np.ones(geometry.shape, np.float32), geometry, format="ieee")
    assert coordinate_facts(SegyVolume(path)) is None
    inline, crossline = np.divmod(np.arange(30), 5)
    x = 1000 + 0.6 * 25 * inline - 0.8 * 12.5 * crossline
    y = 5000 + 0.8 * 25 * inline + 0.6 * 12.5 * crossline
    parts = Parts.of(path, 400)
    parts.set_field(71, -100, "i2")
    parts.set_field(181, np.rint(x * 100))
    parts.set_field(185, np.rint(y * 100))
    facts = coordinate_facts(SegyVolume(parts.save(path)))
    assert facts is not None
    assert facts["x"] == pytest.approx([x.min(), x.max()], abs=0.01)
    assert facts["y"] == pytest.approx([y.min(), y.max()], abs=0.01)
    assert (facts["inline_spacing"], facts["crossline_spacing"]) == pytest.approx((25, 12.5), abs=0.01)


def test_dead_traces_of_the_map_are_those_of_the_survey():
    geometry = Geometry.complete(range(6), range(5), 4)
    live = geometry.live.copy()
    live[2:4, 1] = False
    np.testing.assert_array_equal(coarse(replace(geometry, live=live).live), live)
