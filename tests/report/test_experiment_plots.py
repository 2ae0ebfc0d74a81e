"""The pictures and the table of an experiment have the means and deviations of its observations."""

import math
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.report.experiment_plots import (
    class_figure,
    cost_figure,
    draw_experiment,
    pareto_front,
    share_figure,
    short_number,
)
from sam_seismic.report.experiment_table import condition_rows, cost_rows, experiment_page
from sam_seismic.scoring.observations import Condition, Observation, Spread

TEST = Condition("test", "all", "inline")
COSTS = {"frozen": (4_000_000, Spread(100.0, 5.0, 2)), "full": (94_000_000, Spread(900.0, 9.0, 2))}


def observations(shares: tuple[float, ...] = (0.1, 1.0), where: Condition = TEST) -> list[Observation]:
    """Two methods with two seeds, 0.02 apart, and a guess."""
    found = []
    for share in shares:
        for method, level in (("frozen", 0.5), ("full", 0.6)):
            for seed in range(2):
                value = level + 0.1 * share + 0.02 * seed
                for metric, facies in (("mean_iou", ""), ("iou", "sand"), ("iou", "salt")):
                    found.append(Observation(method, False, where, share, seed, metric, facies, value, "cell"))
        found.append(Observation("guess: depth only", True, where, share, None, "mean_iou", "", 0.3, "cell"))
    return found


def test_the_lines_are_means_and_the_bands_deviations():
    (axes,) = share_figure(observations(), TEST).axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    np.testing.assert_allclose(lines["full"].get_xdata(), [0.1, 1])
    np.testing.assert_allclose(lines["full"].get_ydata(), [0.62, 0.71])
    np.testing.assert_allclose(lines["guess: depth only"].get_ydata(), [0.3, 0.3])
    band = axes.collections[1].get_paths()[0].vertices
    deviation = 0.02 / math.sqrt(2)
    assert band[:, 1].max() == pytest.approx(0.71 + deviation)
    assert band[:, 1].min() == pytest.approx(0.62 - deviation)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["10 %", "100 %"]


def test_one_share_is_drawn_side_by_side():
    (axes,) = share_figure(observations((1.0,)), TEST).axes
    marks = {bars.get_label(): bars[0].get_xydata()[0].tolist() for bars in axes.containers}
    assert marks == {"frozen": [0, pytest.approx(0.61)], "full": [1, pytest.approx(0.71)]}


def test_each_class_has_a_panel():
    figure = class_figure(observations(), TEST)
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()] == ["sand", "salt"]


def test_costs_are_drawn_at_the_largest_share():
    parameters, seconds = cost_figure(observations(), TEST, COSTS).axes
    for axes, costs in ((parameters, (4e6, 94e6)), (seconds, (100, 900))):
        marks = [tuple(bars[0].get_xydata()[0]) for bars in axes.containers]
        assert marks == [(costs[0], pytest.approx(0.61)), (costs[1], pytest.approx(0.71))]


def test_the_front_is_what_nothing_beats():
    points = {"small": (1.0, 0.5), "large": (9.0, 0.7), "worse": (5.0, 0.4), "equal": (2.0, 0.5)}
    assert pareto_front(points) == ["small", "large"]


@pytest.mark.parametrize(("value", "text"), [(0.5, "0.5"), (200, "200"), (4100, "4.1k"), (94e6, "94M"), (2e9, "2G")])
def test_short_numbers(value: float, text: str):
    assert short_number(value) == text


def test_a_picture_of_each_kind_for_each_condition(tmp_path: Path):
    salt = Condition("test", "salt", "inline")
    files = draw_experiment(tmp_path, [*observations(), *observations(where=salt)], COSTS)
    assert {path.name for path in files} == {
        f"{kind}_test{facies}_inline.png" for kind in ("share", "classes", "cost") for facies in ("", "_salt")
    }
    assert all(path.is_file() for path in files)


def test_the_table_has_mean_deviation_and_n():
    header, rows = condition_rows(observations(), TEST)
    assert header[:4] == ("method", "lines", "n", "mean IoU")
    assert ("full", "10 %", "2", "0.620 ± 0.014") in [row[:4] for row in rows]
    assert ("guess: depth only", "100 %", "", "0.300") in [row[:4] for row in rows]
    assert cost_rows(COSTS)[1][0] == ("frozen", "4,000,000", "100", "2")
    page = experiment_page(observations(), COSTS, title="small")
    assert "| frozen - full | 4 | -0.100 | n/a: fewer than 6 pairs that differ | n/a |" in page
