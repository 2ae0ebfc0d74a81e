"""The picture of a volume is drawn from few sections, with correct places and colours."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.report import volume_picture
from sam_seismic.report.style import class_colors
from sam_seismic.report.volume import MOST_LINES, volume_figure
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.volume import Section


class CountingVolume(MemoryVolume):
    """Counts the sections that are read."""

    reads = 0

    def section(self, orientation: Orientation, line: int) -> Section:
        self.reads += 1
        return super().section(orientation, line)


class LooseSections(MemoryVolume):
    """Inlines without a grid, as in a folder of sections of several sizes."""

    @property
    def has_grid(self) -> bool:
        return False

    def lines(self, orientation: Orientation) -> NDArray[np.int32]:
        return super().lines(orientation)[: None if orientation is Orientation.INLINE else 0]


@pytest.fixture
def volume() -> Iterator[CountingVolume]:
    geometry = Geometry.complete(range(1, 151), range(500, 540), 30, sample_interval_ms=4.0, start_ms=100.0)
    live = geometry.live.copy()
    live[:20, :10] = False
    values = np.random.default_rng(0).normal(size=geometry.shape).astype(np.float32)
    return CountingVolume(values, replace(geometry, live=live), path=Path("somewhere/survey.sgy"))


def test_the_middle_of_a_volume_is_drawn_from_few_sections(look, volume: CountingVolume):
    figure = volume_figure(volume, facies=None, labels=False)
    shown = look.panels(figure)
    assert list(shown) == ["IL 76", "XL 520", "Time slice, 160 ms", "Live traces, 5800 of 6000"]
    assert volume.reads <= MOST_LINES + 2
    assert figure.get_suptitle() == f"survey.sgy\n{volume.geometry}"
    np.testing.assert_array_equal(look.image(shown["IL 76"]), volume.values[75].T)
    np.testing.assert_array_equal(look.image(shown["XL 520"]), volume.values[:, 20].T)
    time_slice = look.image(shown["Time slice, 160 ms"])
    assert time_slice.shape == (MOST_LINES, 40)
    np.testing.assert_array_equal(time_slice[32], volume.values[76, :, 15])  # row 32 of 64 represents inlines 75 to 77
    assert time_slice.mask[:8, :10].all()
    np.testing.assert_array_equal(look.image(shown["Live traces, 5800 of 6000"]).mask, ~volume.geometry.live)
    assert look.legend(figure) == ["not recorded"]


def test_lines_mark_where_panels_intersect(volume: CountingVolume):
    inline, crossline, time_slice, _ = volume_figure(volume, facies=None, labels=False).axes
    assert [list(line.get_xdata()) for line in inline.lines if line.get_ydata() == [0, 1]] == [[20, 20]]
    assert [list(line.get_xdata()) for line in crossline.lines if line.get_ydata() == [0, 1]] == [[75, 75]]
    across = [list(line.get_ydata()) for line in time_slice.lines]
    assert [75, 75] in across


def test_the_colour_of_a_label_depends_on_its_value(look, volume: CountingVolume):
    """Value 3 has the fourth colour although 1 does not occur; dead traces hold 0, which need not be a class."""
    values = np.full(volume.geometry.shape, 3, np.uint8)
    values[:, :, 10:] = 2
    labels = MemoryVolume(values, volume.geometry)
    figure = volume_figure(labels, facies=None, labels=True)
    assert look.legend(figure) == ["0", "1", "2", "3", "not recorded"]
    top = figure.axes[0].images[0]
    assert to_hex(top.to_rgba(look.image(figure.axes[0]))[0, 0]) == class_colors(4)[3]
    given = FaciesTable(("two", "three"), (2, 3))
    assert look.legend(volume_figure(labels, facies=given, labels=True)) == ["two", "three", "not recorded"]


def test_unusual_label_values_are_classes(look, volume: CountingVolume):
    values = np.where(np.arange(30) < 15, -7, 4000) * np.ones(volume.geometry.shape, np.int16)
    labels = MemoryVolume(values.astype(np.int16), volume.geometry)
    assert look.legend(volume_figure(labels, facies=None, labels=True))[:2] == ["-7", "4000"]


def test_amplitudes_are_refused_as_labels(volume: CountingVolume):
    counted = MemoryVolume(np.arange(volume.values.size, dtype=np.int32).reshape(volume.values.shape), volume.geometry)
    with pytest.raises(SurveyError, match="too many to be classes"):
        volume_figure(counted, facies=None, labels=True)


def test_without_a_grid_only_sections_are_drawn(look, volume: CountingVolume):
    loose = LooseSections(volume.values, volume.geometry)
    assert list(look.panels(volume_figure(loose, facies=None, labels=False))) == ["IL 76"]


def test_of_a_2d_line_only_the_line_is_drawn(look):
    line = MemoryVolume(np.ones((1, 30, 20), np.float32), Geometry.complete([7], range(30), 20))
    assert list(look.panels(volume_figure(line, facies=None, labels=False))) == ["IL 7"]


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_volume_of_one_value_can_be_drawn(look, tmp_path: Path, value: float):
    constant = MemoryVolume(np.full((5, 6, 7), value, np.float32), Geometry.complete(range(5), range(6), 7))
    volume_picture(tmp_path / "volume.png", constant, facies=None, labels=False)
    look.png(tmp_path / "volume.png")
