"""The amplitude scale of a survey preserves signs, is robust, and depends only on the given sections."""

import numpy as np
import pytest

from sam_seismic.data.amplitude import AmplitudeScale, fit_scale
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.volume import Section


def section(values: np.ndarray, live: np.ndarray | None = None) -> Section:
    alive = np.ones(values.shape[1], bool) if live is None else live
    return Section(Orientation.INLINE, 1, values, alive)


def test_the_clip_is_a_percentile_of_the_magnitude():
    values = np.linspace(-1000, 1000, 10_001, dtype=np.float32).reshape(-1, 73)
    scale = fit_scale([section(values)], 90.0, "x.sgy")
    assert scale.center == 0
    assert scale.clip == pytest.approx(900, rel=0.01)


def test_the_sign_is_preserved_and_large_amplitudes_are_clipped():
    """Negative amplitudes stay negative: clipping to [0, 1] would lose half the signal."""
    scaled = AmplitudeScale(center=0.0, clip=2.0).apply(np.array([-8, -2, -1, 0, 1, 2, 8], dtype=np.int16))
    np.testing.assert_array_equal(scaled, np.float32([-1, -1, -0.5, 0, 0.5, 1, 1]))
    assert scaled.dtype == np.float32


def test_pictures_without_negative_values_are_centred():
    """Zero amplitude is mid-gray in 8-bit pictures; without a center all amplitudes would be positive."""
    rng = np.random.default_rng(0)
    values = np.clip(rng.normal(127, 30, (200, 50)), 0, 255).astype(np.uint8)
    scale = fit_scale([section(values)], 99.0, "x")
    assert scale.center == pytest.approx(127, abs=1)
    assert abs(float(scale.apply(values).mean())) < 0.02


def test_a_picture_with_a_black_pixel_is_centred_too():
    """The smallest value is exactly 0."""
    scale = fit_scale([section(np.arange(255, dtype=np.uint8).reshape(-1, 5))], 100, "x")
    assert (scale.center, scale.clip) == (127, 127)


def test_dead_traces_are_ignored():
    values = np.ones((10, 4), np.float32) * np.float32([[1, -1, 500, 500]])
    scale = fit_scale([section(values, np.array([True, True, False, False]))], 100, "x")
    assert scale.clip == 1


def test_a_muted_survey_still_has_a_scale():
    """With mostly zeros the percentile is zero, but the survey is not constant."""
    values = np.zeros((1000, 10), np.float32)
    values[-1, 3] = -7
    assert fit_scale([section(values)], 90, "x").clip == 7


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ([section(np.full((5, 5), 3.0, np.float32))], "hold only the amplitude 3"),
        ([section(np.ones((5, 5), np.float32), np.zeros(5, bool))], "hold no live trace"),
        ([], "hold no live trace"),
    ],
)
def test_constant_or_missing_amplitudes_are_refused(sections: list[Section], message: str):
    with pytest.raises(SurveyError, match=message):
        fit_scale(sections, 99, "x.sgy")
