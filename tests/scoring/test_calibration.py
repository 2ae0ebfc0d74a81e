"""Confidences are compared with what was right, bin by bin."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from sam_seismic.scoring.calibration import Calibration, brier_score, calibration


def of(right: list[int], confidence: list[float], bins: int) -> Calibration:
    """Voxels of one trace; the truth is class 1, a wrong prediction class 0."""
    prediction = np.uint8(right)[:, None]
    return calibration(np.ones_like(prediction), prediction, np.float32(confidence)[:, None], bins=bins)


def test_calibration_by_hand():
    """Two of three are right at a mean confidence of 0.9, and none of one at 0.5, which belongs to the lower bin."""
    found = of([1, 1, 0, 0], [1.0, 0.875, 0.825, 0.5], bins=2)
    assert found.voxels.tolist() == [1, 3]
    assert found.correct.tolist() == [0, 2]
    assert found.expected_error == pytest.approx(3 / 4 * (0.9 - 2 / 3) + 1 / 4 * 0.5)
    assert found.maximum_error == pytest.approx(0.5)
    assert found.overconfidence == pytest.approx((2.7 + 0.5 - 2) / 4)


def test_a_network_that_is_too_modest_has_a_negative_overconfidence():
    found = of([1, 1], [0.6, 0.8], bins=10)
    assert found.overconfidence == pytest.approx(-0.3)
    assert found.expected_error == pytest.approx(0.3)
    assert found.maximum_error == pytest.approx(0.4)


def test_empty_bins_have_no_accuracy_and_probabilities_may_round_above_one():
    told = of([1], [np.nextafter(np.float32(1), np.float32(2))], bins=2).as_dict()
    assert told["bins"] == [
        {"above": 0.0, "to": 0.5, "voxels": 0, "accuracy": None, "confidence": None},
        {"above": 0.5, "to": 1.0, "voxels": 1, "accuracy": 1.0, "confidence": 1.0},
    ]
    nothing = of([], [], bins=2).as_dict()
    assert (nothing["expected_calibration_error"], nothing["maximum_calibration_error"]) == (None, None)


TRUTHS = arrays(np.uint8, (12, 1), elements=st.sampled_from([0, 1, 255]))
CONFIDENCES = arrays(np.float32, (12, 1), elements=st.integers(0, 20).map(lambda twentieth: twentieth / 20))


@given(TRUTHS, TRUTHS, CONFIDENCES)
def test_calibration_equals_bins_filled_voxel_by_voxel_in_two_halves(
    truth: NDArray[np.uint8], prediction: NDArray[np.uint8], confidence: NDArray[np.float32]
):
    halves = [
        calibration(truth[part], prediction[part], confidence[part], bins=10) for part in (slice(0, 6), slice(6, 12))
    ]
    found = halves[0] + halves[1]
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(10)]
    for true, guess, sure in zip(truth.flat, prediction.flat, confidence.flat, strict=True):
        if 255 not in (true, guess):
            number = next(m for m in range(10) if float(sure) <= (m + 1) / 10)
            bins[number].append((float(sure), true == guess))
    assert found.voxels.tolist() == [len(held) for held in bins]
    errors = [abs(sum(sure - right for sure, right in held)) / len(held) for held in bins if held]
    total = found.voxels.sum()
    weighted = sum(error * len(held) for error, held in zip(errors, filter(None, bins), strict=True))
    assert found.expected_error == pytest.approx(weighted / total if total else math.nan, nan_ok=True, abs=1e-12)
    assert found.maximum_error == pytest.approx(max(errors, default=math.nan), nan_ok=True, abs=1e-12)


def test_brier_score_by_hand():
    """Probabilities 0.7, 0.2, 0.1: of the first class 0.09 + 0.04 + 0.01; of the last 0.49 + 0.04 + 0.81."""
    probabilities = np.tile(np.float32([0.7, 0.2, 0.1])[:, None, None], (1, 3, 1))
    found = brier_score(np.uint8([[0], [2], [255]]), probabilities)
    assert found.voxels == 2
    assert found.mean == pytest.approx((0.14 + 1.34) / 2)
    sure = brier_score(np.uint8([[0]]), np.float32([[[0]], [[1]], [[0]]]))
    assert sure.mean == 2
    assert (found + sure).as_dict()["brier_score"] == pytest.approx((0.14 + 1.34 + 2) / 3)
    assert brier_score(np.uint8([[255]]), np.float32([[[0]], [[1]]])).as_dict() == {"brier_score": None}
