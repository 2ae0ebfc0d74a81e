"""The scores equal those of the facies benchmark, computed by hand."""

import math

import numpy as np
import pytest

from sam_seismic.scoring.scores import FaciesScores, confusion_of

# rows: truth, columns: prediction; class c occurs nowhere
CONFUSION = np.array([[6, 2, 0], [1, 11, 0], [0, 0, 0]], dtype=np.int64)
SCORES = FaciesScores(("a", "b", "c"), CONFUSION)


def test_scores_by_hand():
    assert SCORES.voxels == 20
    assert SCORES.pixel_accuracy == 17 / 20
    np.testing.assert_allclose(SCORES.class_accuracy, [6 / 8, 11 / 12, math.nan])
    assert SCORES.mean_class_accuracy == pytest.approx((6 / 8 + 11 / 12) / 2)
    np.testing.assert_allclose(SCORES.iou, [6 / 9, 11 / 14, math.nan])
    assert SCORES.mean_iou == pytest.approx((6 / 9 + 11 / 14) / 2)
    assert SCORES.frequency_weighted_iou == pytest.approx(8 / 20 * 6 / 9 + 12 / 20 * 11 / 14)


def test_the_score_of_an_absent_class_is_not_zero():
    """It has no score; a score of 0 would lower the means."""
    assert SCORES.as_dict()["iou"] == {"a": 6 / 9, "b": 11 / 14, "c": None}
    assert FaciesScores(("a", "b"), CONFUSION[:2, :2]).mean_iou == SCORES.mean_iou


def test_the_iou_of_a_class_that_is_only_predicted_is_zero():
    """All its voxels are wrong, so it counts in the mean IoU, but not in the mean class accuracy."""
    scores = FaciesScores(("a", "b"), np.array([[5, 5], [0, 0]]))
    np.testing.assert_array_equal(scores.iou, [0.5, 0.0])
    assert scores.mean_class_accuracy == 0.5


def test_scores_without_voxels_are_nan():
    scores = FaciesScores(("a", "b"), np.zeros((2, 2), np.int64))
    assert math.isnan(scores.mean_iou)
    assert math.isnan(scores.pixel_accuracy)
    assert scores.as_dict()["pixel_accuracy"] is None


def test_metrics_json_has_the_documented_keys():
    assert list(SCORES.as_dict()) == [
        "pixel_accuracy",
        "class_accuracy",
        "mean_class_accuracy",
        "iou",
        "mean_iou",
        "frequency_weighted_iou",
        "confusion",
        "voxels",
    ]


def test_the_confusion_matrix_has_truth_in_rows_and_no_ignored_voxels():
    truth = np.uint8([[0, 0, 1], [255, 1, 255]])
    prediction = np.uint8([[0, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(confusion_of(truth, prediction, 2), [[1, 1], [1, 1]])
