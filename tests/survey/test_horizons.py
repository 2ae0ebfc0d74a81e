"""Horizons stand where classes begin, in the survey's own lines, coordinates and times."""

import csv
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.horizons import HorizonTable, count_out_of_order, find_tops
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.segy import SegyVolume, write_segy
from sam_seismic.survey.volume import Section

FACIES = FaciesTable(("sand", "shale, grey", "salt"), (1, 2, 6))


def test_tops_are_the_first_samples_of_each_class():
    classes = np.array([[0, 2], [0, 2], [1, 0], [1, 2], [0, 2]])  # [sample, trace]
    np.testing.assert_array_equal(find_tops(classes, 3), [[0, 2, -1], [2, -1, 0]])
    np.testing.assert_array_equal(count_out_of_order(classes), [1, 1])


def test_unsigned_classes_do_not_wrap():
    """As uint8, 1 - 2 is 255: every transition would seem to go the right way."""
    np.testing.assert_array_equal(count_out_of_order(np.array([[2], [1]], np.uint8)), [1])


@pytest.mark.parametrize("orientation", list(Orientation))
def test_the_table_of_a_survey(tmp_path: Path, orientation: Orientation):
    live = np.ones((2, 3), bool)
    live[1, 1] = False
    grid = Geometry(np.array([10, 12], np.int32), np.array([5, 6, 7], np.int32), 4, 2.0, 100.0, live)
    places = np.stack(np.meshgrid([1000.25, 1012.5], [2000.0, 2025.0, 2050.75], indexing="ij"), axis=-1)
    write_segy(tmp_path / "a.sgy", np.ones(grid.shape, np.float32), grid, coordinates=places)
    source = SegyVolume(tmp_path / "a.sgy")
    classes = np.zeros(grid.shape, np.uint8)  # [inline, crossline, sample]
    classes[0, 0] = [0, 1, 2, 2]
    classes[0, 1] = [2, 1, 0, 1]
    classes[1, 2] = [1, 1, 1, 2]
    with HorizonTable(tmp_path / "h.csv", source, FACIES, overwrite=False) as table:
        for position, line in enumerate(grid.lines(orientation).tolist()):
            traces = classes[position] if orientation is Orientation.INLINE else classes[:, position]
            table.write(Section(orientation, line, traces.T, grid.live_along(orientation, line)))
    with (tmp_path / "h.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["IL", "XL", "X", "Y", "sand_ms", "shale, grey_ms", "salt_ms", "out_of_order"],
        ["10", "5", "1000.25", "2000", "100", "102", "104", "0"],
        ["10", "6", "1000.25", "2025", "104", "102", "100", "2"],
        ["10", "7", "1000.25", "2050.75", "100", "", "", "0"],
        ["12", "5", "1012.5", "2000", "100", "", "", "0"],
        ["12", "7", "1012.5", "2050.75", "", "100", "106", "0"],
    ]
    assert table.out_of_order == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.sgy", "h.csv"]


def test_a_survey_without_coordinates_leaves_them_empty(tmp_path: Path):
    grid = Geometry.complete([1], [1, 2], 3)
    source = MemoryVolume(np.zeros(grid.shape, np.float32), grid)
    with HorizonTable(tmp_path / "h.csv", source, FACIES, overwrite=False) as table:
        table.write(Section(Orientation.INLINE, 1, np.zeros((3, 2), np.uint8), np.ones(2, bool)))
    assert (tmp_path / "h.csv").read_text().splitlines()[1:] == ["1,1,,,0,,,0", "1,2,,,0,,,0"]


def test_coordinates_that_were_never_filled_in_stay_empty(tmp_path: Path):
    """Not a survey on the equator."""
    grid = Geometry.complete([1, 2], [1, 2], 3)
    write_segy(tmp_path / "a.sgy", np.ones(grid.shape, np.float32), grid)
    with HorizonTable(tmp_path / "h.csv", SegyVolume(tmp_path / "a.sgy"), FACIES, overwrite=False) as table:
        for line in (1, 2):
            table.write(Section(Orientation.INLINE, line, np.zeros((3, 2), np.uint8), np.ones(2, bool)))
    assert (tmp_path / "h.csv").read_text().splitlines()[1] == "1,1,,,0,,,0"
    assert table.summary().startswith("0 transitions")


def test_horizons_are_csv(tmp_path: Path):
    grid = Geometry.complete([1], [1], 3)
    with pytest.raises(SurveyError, match="written as CSV"):
        HorizonTable(tmp_path / "h.sgy", MemoryVolume(np.zeros(grid.shape), grid), FACIES, overwrite=False)
