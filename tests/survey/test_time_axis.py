"""Time is told from the other axes where amplitudes show it, and not guessed where they do not."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sam_seismic.config import ReadOptions
from sam_seismic.survey.arrays import ArrayVolume
from sam_seismic.survey.axis_order import NAME_IT
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import SegyVolume
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.survey.time_axis import time_axis as found_axis
from tests.survey.segy_files import cube

ORDERS = [(0, 1, 2), (2, 0, 1), (0, 2, 1)]


def time_axis(array: NDArray[np.generic]) -> int | None:
    return found_axis(array.shape, lambda places: np.ascontiguousarray(array).ravel()[places])


@pytest.mark.parametrize("order", ORDERS)
def test_the_time_axis_of_a_modelled_survey(order: tuple[int, int, int]):
    survey = model_survey((96, 96, 128), 1)
    amplitude = np.asarray(survey.amplitude).transpose(order)
    assert time_axis(amplitude) == order.index(2)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", ["segy/f3.sgy", "penobscot/penobscot_amplitude.sgy"])
def test_the_time_axis_of_real_surveys(shared_data: Path, name: str, order: tuple[int, int, int]):
    values = cube(SegyVolume(shared_data / name)).transpose(order)
    assert time_axis(values) == order.index(2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_the_unit_of_the_amplitudes_does_not_matter(factor: float):
    """Squares of float64 can overflow, of which NumPy warned."""
    survey = model_survey((96, 96, 128), 1)
    assert time_axis(np.asarray(survey.amplitude, np.float64) * factor) == 2


def test_what_does_not_show_is_not_guessed():
    chance = np.random.default_rng(0)
    for block in (chance.normal(size=(30, 30, 30)), np.ones((30, 30, 30)), chance.normal(size=(2, 30, 30))):
        assert time_axis(block) is None


def test_labels_are_not_guessed():
    """Picked inline by inline, horizons jitter from line to line more than classes change along a trace."""
    chance, samples = np.random.default_rng(0), np.arange(255)
    picks = np.array([40, 80, 130, 180, 220]) + chance.normal(0, 2, (100, 1, 5))
    tops = picks + 5 * np.sin(np.arange(90) / 30)[None, :, None]  # [inline, crossline, horizon]
    labels = (samples[:, None] > tops[:, :, None, :]).sum(axis=-1).astype(np.uint8)
    assert time_axis(labels) is None
    salt = np.repeat([0, 1], 8)[np.arange(96) % 16][:, None, None] * np.ones((1, 80, 64))
    assert time_axis(salt.astype(np.float32)) is None, "floats hold labels too"
    assert time_axis(np.asarray(model_survey((96, 96, 128), 1).labels)) is None


def test_gaps_do_not_matter():
    amplitude = np.array(model_survey((48, 40, 64), 1).amplitude)
    amplitude[10:20], amplitude[30, 5:9] = 0, np.nan
    assert time_axis(amplitude) == 2


def test_arrays_without_a_named_order_are_read_by_it(tmp_path: Path):
    """As some surveys are published: samples first."""
    survey = model_survey((96, 96, 128), 1)
    amplitude = np.asarray(survey.amplitude)
    np.save(tmp_path / "a.npy", amplitude.transpose(2, 0, 1))
    volume = ArrayVolume(tmp_path / "a.npy")
    assert volume.geometry.shape == amplitude.shape
    assert volume.notes[0].startswith("AXIS ORDER sample,inline,crossline GUESSED for shape (128, 96, 96)")
    np.testing.assert_array_equal(volume.section(Orientation.CROSSLINE, 7).values, amplitude[:, 7].T)
    np.save(tmp_path / "b.npy", amplitude.transpose(0, 2, 1))
    stack = ArrayVolume(tmp_path / "b.npy")
    assert stack.notes[0].startswith(
        "AXIS ORDER inline,sample,crossline GUESSED for shape (96, 128, 96): its middle axis"
    )
    np.testing.assert_array_equal(stack.section(Orientation.INLINE, 7).values, amplitude[7].T)
    np.save(tmp_path / "c.npy", amplitude)
    assert ArrayVolume(tmp_path / "c.npy").notes[0].endswith(f"; the last axis looks like time; {NAME_IT}")
    named = ArrayVolume(tmp_path / "a.npy", ReadOptions(axes="inline,crossline,sample"))
    assert named.geometry.shape == (128, 96, 96)


def test_arrays_with_the_first_axis_running_fastest(tmp_path: Path):
    amplitude = np.asarray(model_survey((96, 96, 128), 1).amplitude)
    np.save(tmp_path / "a.npy", np.asfortranarray(amplitude.transpose(2, 0, 1)))
    volume = ArrayVolume(tmp_path / "a.npy")
    assert volume.geometry.shape == amplitude.shape
    np.testing.assert_array_equal(volume.section(Orientation.INLINE, 5).values, amplitude[5].T)
