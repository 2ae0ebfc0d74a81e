"""Mean, spread and pooled scores of a cross-validation, against numbers computed by hand."""

import numpy as np
import pytest

from sam_seismic.scoring.fold_scores import CrossValidationScores, Spread, in_all_folds
from sam_seismic.scoring.scores import FaciesScores


def scores(*rows: list[int]) -> FaciesScores:
    return FaciesScores(("sand", "shale", "salt"), np.array(rows))


ONE = scores([6, 2, 0], [2, 10, 0], [0, 0, 0])  # salt is neither true nor predicted
OTHER = scores([4, 0, 0], [0, 3, 1], [0, 1, 3])


def test_spread_is_that_of_a_sample_over_the_folds_that_have_the_score():
    assert Spread.of([0.2, float("nan"), 0.6]) == Spread(pytest.approx(0.4), pytest.approx(0.2 * 2**0.5), 2)
    assert Spread.of([0.5]) == Spread(0.5, None, 1)
    assert Spread.of([float("nan")]) == Spread(None, None, 0)


def test_a_class_counts_in_the_folds_that_hold_it():
    found = CrossValidationScores((ONE, OTHER)).spreads
    assert found.iou["sand"] == Spread(pytest.approx((0.6 + 1.0) / 2), pytest.approx(0.4 / 2**0.5), 2)
    assert found.iou["salt"] == Spread(pytest.approx(0.6), None, 1)
    assert found.mean_iou.mean == pytest.approx(((0.6 + 10 / 14) / 2 + (1.0 + 0.6 + 0.6) / 3) / 2)


def test_pooled_scores_are_those_of_the_sum():
    """Not the mean of the folds, of which a small one would count as much as a large one."""
    pooled = CrossValidationScores((ONE, OTHER)).pooled
    assert pooled.confusion.tolist() == [[10, 2, 0], [2, 13, 1], [0, 1, 3]]
    assert pooled.pixel_accuracy == 26 / 32
    assert pooled.iou.tolist() == [10 / 14, 13 / 19, 3 / 5]


def test_guesses_that_some_fold_lacks_are_left_out():
    found = in_all_folds([{"depth only": ONE, "nearest line": ONE}, {"depth only": OTHER}])
    assert list(found) == ["depth only"]
    assert found["depth only"].pooled.voxels == 32
