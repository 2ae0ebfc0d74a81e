"""The protocols report what the public benchmarks report."""

import numpy as np
import pytest

from sam_seismic.errors import UserError
from sam_seismic.scoring.protocols import Evaluated, f3_benchmark, seam_ai
from sam_seismic.scoring.scores import FaciesScores

NAMES = tuple("abcdef")


def test_seam_ai_weights_the_two_rare_classes_twenty_times():
    """By hand: one voxel of e is taken for f, so F1 is 2/3 for e, 4/5 for f and 1 for the others."""
    confusion = np.diag([5, 4, 3, 2, 1, 2])
    confusion[4, 5] = 1
    scores = FaciesScores(NAMES, confusion)
    expected = (4 + 20 * 2 / 3 + 20 * 4 / 5) / 44
    assert seam_ai(Evaluated(scores, [scores], range(1, 7)))["weighted_f1"] == pytest.approx(expected)


def test_seam_ai_weights_belong_to_label_values_whatever_the_order_of_the_classes():
    """The class listed first has label value 5, and the one listed second has label value 1."""
    confusion = np.diag([0, 4, 3, 2, 1, 2])
    confusion[0, 1] = 4  # F1 of the first: 0; of the second: 2 * 4 / 12
    scores = FaciesScores(NAMES, confusion)
    found = seam_ai(Evaluated(scores, [scores], (5, 1, 2, 3, 4, 6)))
    assert found["weighted_f1"] == pytest.approx((20 * 0 + 2 / 3 + 3 + 20) / 44)


def test_the_weight_of_a_class_that_occurs_nowhere_is_left_out():
    scores = FaciesScores(NAMES, np.diag([5, 4, 3, 2, 1, 0]))
    assert seam_ai(Evaluated(scores, [scores], range(1, 7)))["weighted_f1"] == 1


def test_seam_ai_is_refused_for_other_classes():
    scores = FaciesScores(("sand", "shale"), np.eye(2, dtype=np.int64))
    with pytest.raises(UserError, match="there are 2: sand, shale"):
        seam_ai(Evaluated(scores, [scores], (0, 1)))


def test_the_f3_benchmark_counts_each_voxel_in_both_directions():
    """10 voxels, 9 right along the inlines and 6 along the crosslines: 15 of 20."""
    inlines = FaciesScores(("a", "b"), np.array([[5, 1], [0, 4]]))
    crosslines = FaciesScores(("a", "b"), np.array([[3, 3], [1, 3]]))
    found = f3_benchmark(Evaluated(inlines, [inlines, crosslines], (0, 1)))
    assert (found["pixel_accuracy"], found["voxels"]) == (15 / 20, 20)
    assert found["confusion"] == [[8, 4], [1, 7]]


def test_the_f3_benchmark_is_refused_where_a_direction_is_missing_or_partly_scored():
    one = FaciesScores(("a", "b"), np.array([[5, 1], [0, 4]]))
    half = FaciesScores(("a", "b"), np.array([[2, 1], [0, 2]]))
    with pytest.raises(UserError, match="by direction 10 voxels were scored"):
        f3_benchmark(Evaluated(one, [one], (0, 1)))
    with pytest.raises(UserError, match="by direction 10 and 5 voxels were scored"):
        f3_benchmark(Evaluated(one, [one, half], (0, 1)))
