"""The scores equal those of the facies benchmark, computed by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_seismic.scoring import formulas
from sam_seismic.scoring.scores import FaciesScores, confusion_of

# rows: truth, columns: prediction; class c occurs nowhere
CONFUSION = np.array([[6, 2, 0], [1, 11, 0], [0, 0, 0]], dtype=np.int64)
LABELS = st.lists(st.sampled_from([0, 1, 2, 255]), min_size=12, max_size=12)
SCORES = FaciesScores(("a", "b", "c"), CONFUSION)


def test_scores_by_hand():
    assert SCORES.voxels == 20
    assert SCORES.pixel_accuracy == 17 / 20
    np.testing.assert_allclose(SCORES.class_accuracy, [6 / 8, 11 / 12, math.nan])
    assert SCORES.mean_class_accuracy == pytest.approx((6 / 8 + 11 / 12) / 2)
    np.testing.assert_allclose(SCORES.iou, [6 / 9, 11 / 14, math.nan])
    assert SCORES.mean_iou == pytest.approx((6 / 9 + 11 / 14) / 2)
    assert SCORES.frequency_weighted_iou == pytest.approx(8 / 20 * 6 / 9 + 12 / 20 * 11 / 14)
    np.testing.assert_allclose(SCORES.precision, [6 / 7, 11 / 13, math.nan])
    np.testing.assert_allclose(SCORES.f1, [12 / 15, 22 / 25, math.nan])
    assert SCORES.mean_f1 == pytest.approx((12 / 15 + 22 / 25) / 2)
    assert SCORES.as_dict()["support"] == {"a": 8, "b": 12, "c": 0}


@given(LABELS, LABELS)
def test_scores_equal_those_counted_voxel_by_voxel(truth: list[int], prediction: list[int]):
    """The slow way: sets of voxels of each class, without a matrix."""
    scored = [place for place, label in enumerate(truth) if label < 3]
    found = FaciesScores(("a", "b", "c"), confusion_of(np.uint8(truth), np.uint8(prediction) % 3, 3))
    accuracies, f1s, ious = [], [], []
    for k in range(3):
        true = {place for place in scored if truth[place] == k}
        predicted = {place for place in scored if prediction[place] % 3 == k}
        both, either = len(true & predicted), len(true | predicted)
        if true:
            accuracies.append(both / len(true))
        if either:
            f1s.append(2 * both / (len(true) + len(predicted)))
            ious.append(both / either)
        assert found.as_dict()["precision"]["abc"[k]] == (both / len(predicted) if predicted else None)
        assert found.support[k] == len(true)
    for value, expected in ((found.mean_class_accuracy, accuracies), (found.mean_f1, f1s), (found.mean_iou, ious)):
        assert value == pytest.approx(np.mean(expected) if expected else math.nan, nan_ok=True)


def test_the_formulas_take_many_matrices_at_once():
    stack = np.array([CONFUSION, np.zeros((3, 3), np.int64), np.eye(3, dtype=np.int64)])
    assert list(formulas.MEAN_SCORES) == [key for key in SCORES.as_dict() if key in formulas.MEAN_SCORES]
    for name, formula in formulas.MEAN_SCORES.items():
        np.testing.assert_allclose(formula(stack), [getattr(SCORES, name), math.nan, 1])


def test_scores_of_two_lines_are_those_of_all_their_voxels():
    other = FaciesScores(SCORES.names, np.array([[0, 0, 1], [2, 0, 0], [0, 0, 4]]))
    np.testing.assert_array_equal((SCORES + other).confusion, [[6, 2, 1], [3, 11, 0], [0, 0, 4]])


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
        "precision",
        "f1",
        "mean_f1",
        "support",
        "confusion",
        "voxels",
    ]


def test_the_confusion_matrix_has_truth_in_rows_and_no_ignored_voxels():
    truth = np.uint8([[0, 0, 1], [255, 1, 255]])
    prediction = np.uint8([[0, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(confusion_of(truth, prediction, 2), [[1, 1], [1, 1]])
