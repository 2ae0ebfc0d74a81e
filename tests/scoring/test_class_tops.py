"""Tops of classes are compared trace by trace, and their quantiles are exact."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from sam_seismic.scoring.class_tops import class_tops

NAMES = ("a", "b", "c")


def section(*traces: str) -> NDArray[np.uint8]:
    """A word a trace, a letter a sample, - for not interpreted: uint8[sample, trace]."""
    return np.uint8([[255 if each == "-" else NAMES.index(each) for each in trace] for trace in traces]).T


def test_tops_by_hand():
    """Class b: one sample too deep, three too deep, two too high, and right; c: missed, false, missed, right."""
    truth = section("abbbbc", "abbbbb", "aaabbc", "abbbbc")
    prediction = section("aabbbb", "aaaabc", "abbbbb", "abbbbc")
    found = class_tops(truth, prediction, NAMES)
    b = found.classes["b"]
    assert (b.found, b.missed, b.false) == (4, 0, 0)
    assert b.bias == (1 + 3 - 2 + 0) / 4
    assert b.mean == (1 + 3 + 2 + 0) / 4
    assert [b.quantile(share) for share in (0.25, 0.5, 0.75, 0.9)] == [0, 1, 2, 3]
    c = found.classes["c"]
    assert (c.found, c.missed, c.false, c.mean) == (1, 2, 1, 0)
    assert (found.all.found, found.all.missed, found.all.false) == (5, 2, 1)
    assert found.all.bias == (1 + 3 - 2 + 0 + 0) / 5


def test_the_top_is_the_uppermost_sample_even_of_a_stray_piece():
    assert class_tops(section("aaaaabb"), section("abaaabb"), NAMES).classes["b"].bias == -4


def test_a_class_whose_top_nobody_knows_is_not_compared():
    """Class a begins above the section and b above what is interpreted; what the truth lacks can still be false."""
    found = class_tops(section("aaaaa", "--bbb"), section("ccaaa", "aaabb"), NAMES)
    assert [each.found for each in found.classes.values()] == [0, 0, 0]
    assert [each.missed for each in found.classes.values()] == [0, 0, 0]
    assert [each.false for each in found.classes.values()] == [1, 0, 1]
    assert math.isnan(found.all.mean)
    assert found.as_dict()["all"]["median"] is None


def test_a_true_pick_is_compared_with_a_predicted_class_that_begins_above_the_section():
    assert class_tops(section("aabb"), section("bbbb"), NAMES).classes["b"].bias == -2


def test_sections_of_different_lengths_add_up():
    """Three too deep in a long section, one too high in a short one."""
    both = class_tops(section("abbbbb"), section("aaaabb"), NAMES) + class_tops(section("aab"), section("abb"), NAMES)
    told = both.as_dict(sample_interval_ms=4)["classes"]["b"]
    assert (told["found"], told["bias"], told["mean"], told["percentile_90"]) == (2, 1, 2, 3)
    assert (told["bias_ms"], told["mean_ms"], told["median_ms"], told["percentile_90_ms"]) == (4, 8, 4, 12)


@given(
    arrays(np.uint8, (6, 4), elements=st.sampled_from([0, 1, 2, 255])),
    arrays(np.uint8, (6, 4), elements=st.sampled_from([0, 1, 2, 255])),
)
def test_tops_equal_a_search_trace_by_trace(truth: NDArray[np.uint8], prediction: NDArray[np.uint8]):
    found = class_tops(truth, prediction, NAMES)
    for index, tops in enumerate(found.classes.values()):
        distances, missed, false = [], 0, 0
        for true, predicted in zip(truth.T.tolist(), prediction.T.tolist(), strict=True):
            pairs = [(a, b) if 255 not in (a, b) else (255, 255) for a, b in zip(true, predicted, strict=True)]
            column, guess = [a for a, _ in pairs], [b for _, b in pairs]
            if index not in column:
                false += index in guess
                continue
            top = column.index(index)
            if top == 0 or column[top - 1] == 255:
                continue
            if index in guess:
                distances.append(guess.index(index) - top)
            else:
                missed += 1
        assert (tops.found, tops.missed, tops.false) == (len(distances), missed, false)
        if distances:
            assert tops.bias == pytest.approx(np.mean(distances))
            assert tops.mean == pytest.approx(np.abs(distances).mean())
            for share in (0.5, 0.9):
                assert tops.quantile(share) == np.quantile(np.abs(distances), share, method="inverted_cdf")
