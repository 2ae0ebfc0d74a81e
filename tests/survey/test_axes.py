"""Time is told from the other axes where layers show it, and not guessed where they do not."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.survey.axes import time_axis
from sam_seismic.survey.segy import SegyVolume
from sam_seismic.survey.synthetic import model_survey
from tests.survey.segy_files import cube

ORDERS = [(0, 1, 2), (2, 0, 1), (0, 2, 1)]


@pytest.mark.parametrize("order", ORDERS)
def test_the_time_axis_of_a_modelled_survey(order: tuple[int, int, int]):
    survey = model_survey((96, 96, 128), 1)
    amplitude = np.asarray(survey.amplitude).transpose(order)
    labels = np.asarray(survey.labels).transpose(order)
    assert time_axis(amplitude, labels=False) == order.index(2)
    assert time_axis(labels, labels=True) == order.index(2)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("name", "labels"),
    [("segy/f3.sgy", False), ("penobscot/penobscot_amplitude.sgy", False), ("penobscot/penobscot_labels.sgy", True)],
)
def test_the_time_axis_of_real_surveys(shared_data: Path, name: str, labels: bool, order: tuple[int, int, int]):
    values = cube(SegyVolume(shared_data / name)).transpose(order)
    assert time_axis(values, labels=labels) == order.index(2)


def test_what_does_not_show_is_not_guessed():
    chance = np.random.default_rng(0)
    for block in (chance.normal(size=(30, 30, 30)), np.ones((30, 30, 30)), chance.normal(size=(2, 30, 30))):
        assert time_axis(block, labels=False) is None
    assert time_axis(chance.integers(0, 3, (20, 20, 20)), labels=True) is None


def test_gaps_do_not_matter():
    amplitude = np.array(model_survey((48, 40, 64), 1).amplitude)
    amplitude[10:20], amplitude[30, 5:9] = 0, np.nan
    assert time_axis(amplitude, labels=False) == 2
