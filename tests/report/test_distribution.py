"""The bottom panel of a volume's picture has a bar of the correct height for each class or bin."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from sam_seismic.report import AmplitudeCounts, LabelCounts
from sam_seismic.report.style import class_colors
from sam_seismic.report.volume import volume_figure
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.memory import MemoryVolume

SHAPE = (12, 14, 20)


def volume_of(values: np.ndarray) -> MemoryVolume:
    return MemoryVolume(values, Geometry.complete(range(SHAPE[0]), range(SHAPE[1]), SHAPE[2]))


def test_a_histogram_has_square_roots_as_heights_and_marked_percentiles(look):
    values = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    edges, counts = np.linspace(-3, 3, 13), np.arange(12) ** 2
    marks = {"p0.1": -3.0, "p1": -2.2, "p25": -0.6, "p50": 0.1, "p99": 2.8, "p99.9": 9.0}
    figure = volume_figure(
        volume_of(values), facies=None, labels=False, distribution=AmplitudeCounts(edges, counts, marks)
    )
    panel = look.panels(figure)["Amplitudes (heights are square roots of counts)"]
    heights, drawn, _ = panel.patches[0].get_data()
    np.testing.assert_array_equal(heights, np.arange(12))
    np.testing.assert_array_equal(drawn, edges)
    assert [line.get_xdata()[0] for line in panel.lines] == [-2.2, -0.6, 0.1, 2.8]
    assert [text.get_text() for text in panel.texts] == ["p1: -2.2", "p50: 0.1", "p99: 2.8"]
    assert panel.texts[2].get_ha() == "right"


def test_each_class_has_a_bar_in_its_colour(look):
    """A class that is counted, but in none of the drawn sections, has a bar too; the bars replace the legend."""
    values = np.zeros(SHAPE, np.uint8)
    voxels = {0: 700, 2: 250, 3: 50, 255: 1000}
    figure = volume_figure(volume_of(values), facies=None, labels=True, distribution=LabelCounts(voxels))
    panel = look.panels(figure)["Share of each class"]
    assert [bar.get_height() for bar in panel.patches] == pytest.approx([0.35, 0, 0.125, 0.025])
    assert [text.get_text() for text in panel.texts] == ["35.0 %", "0.0 %", "12.5 %", "2.5 %"]
    assert [to_hex(bar.get_facecolor()) for bar in panel.patches] == list(class_colors(4))
    assert [label.get_text() for label in panel.get_xticklabels()] == ["0", "1", "2", "3"]
    assert not figure.legends


def test_many_classes_are_named_in_the_legend(look):
    facies = FaciesTable(tuple(f"class {number}" for number in range(20)))
    figure = volume_figure(
        volume_of(np.zeros(SHAPE, np.uint8)), facies=facies, labels=True, distribution=LabelCounts({0: 5})
    )
    assert not list(look.panels(figure)["Share of each class"].texts)
    assert look.legend(figure) == list(facies.names)
