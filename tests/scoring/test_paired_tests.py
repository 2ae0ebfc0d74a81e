"""Paired tests: Wilcoxon's p is that of all signs, Holm's correction his paper's, and few pairs give none."""

import math
from itertools import product

import numpy as np
import pytest

from sam_seismic.scoring.paired_tests import FEWEST_PAIRS, compare_methods, holm, signed_rank


def test_holm_by_hand():
    """Sorted .01, .02, .03, .04, times 4, 3, 2, 1: .04, .06, .06 (not .06 < .06), .06 (not .04)."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.4]) == pytest.approx([0.8, 0.8])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def by_all_signs(differences: list[float]) -> float:
    """Two-sided p from each of the 2^n signs, midranks for ties."""
    sizes = np.abs(differences)
    ranks = np.array([(sizes < each).sum() + ((sizes == each).sum() + 1) / 2 for each in sizes])
    seen = abs(ranks @ np.sign(differences))
    sums = [abs(ranks @ np.array(signs)) for signs in product((-1, 1), repeat=len(differences))]
    return float(np.mean(np.array(sums) >= seen - 1e-9))


@pytest.mark.parametrize(
    "differences",
    [
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        [-0.1, 0.2, 0.3, -0.4, 0.5, 0.6, 0.7],
        [0.1, 0.1, 0.3, -0.3, 0.5, 0.6, 0.7],
        [-0.1, -0.2, -0.3, -0.4, -0.5, -0.6, -0.7, 0.05],
    ],
)
def test_p_is_that_of_all_signs(differences: list[float]):
    assert signed_rank(np.array(differences)) == pytest.approx(by_all_signs(differences))
    assert signed_rank(np.array([*differences, 0.0])) == pytest.approx(by_all_signs(differences)), "zeros are left out"


def test_few_pairs_give_no_p():
    """Of five pairs the smallest two-sided p is 1/16."""
    assert signed_rank(np.linspace(0.1, 0.5, FEWEST_PAIRS - 1)) is None
    assert signed_rank(np.array([*np.linspace(0.1, 0.5, FEWEST_PAIRS - 1), 0.0, 0.0])) is None
    assert signed_rank(np.linspace(0.1, 0.6, FEWEST_PAIRS)) == pytest.approx(2 / 2**6)
    assert signed_rank(np.zeros(8)) == 1.0


def test_methods_are_compared_where_both_were_scored():
    """Ten conditions, of which the third method lacks half, and one score is nan."""
    seeds = range(10)
    one = {seed: 0.5 + 0.01 * seed for seed in seeds}
    other = {seed: 0.4 + 0.001 * seed**2 for seed in seeds} | {9: math.nan}
    third = dict.fromkeys(range(5), 0.5)
    found = compare_methods({"one": one, "other": other, "third": third})
    assert [(each.one, each.other, each.pairs) for each in found] == [
        ("one", "other", 9),
        ("one", "third", 5),
        ("other", "third", 5),
    ]
    differences = [one[seed] - other[seed] for seed in range(9)]
    assert found[0].median == pytest.approx(np.median(differences))
    assert found[0].p == pytest.approx(by_all_signs(differences))
    assert found[0].corrected == found[0].p, "one test is made"
    assert (found[1].p, found[1].corrected, found[1].why) == (None, None, "fewer than 6 pairs that differ")
    assert compare_methods({"a": {1: 0.5}, "b": {2: 0.5}})[0].why == "no pairs"


def test_holm_is_over_all_pairs_of_methods():
    seeds = range(8)
    scores = {name: {seed: level + 0.001 * seed**2 * (at + 1) for seed in seeds} for at, (name, level) in
              enumerate({"a": 0.3, "b": 0.5, "c": 0.7}.items())}  # fmt: skip
    found = compare_methods(scores)
    assert [each.p for each in found] == pytest.approx([2 / 2**8] * 3)
    assert [each.corrected for each in found] == pytest.approx([3 * 2 / 2**8] * 3)
