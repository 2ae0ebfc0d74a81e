"""Means and deviations over seeds, and which cells make a pair."""

import math

import pytest

from sam_seismic.scoring.observations import Condition, Observation, Spread, by_share, comparisons_on

TEST = Condition("test", "all", "inline")


def seen(method: str, share: float, seed: int | None, value: float, where: Condition = TEST) -> Observation:
    guess = seed is None
    return Observation(method, guess, where, share, seed, "mean_iou", "", value, f"{method}_{share}_{seed}")


def test_the_spread_is_that_of_a_sample():
    found = Spread.of([0.5, 0.7, math.nan])
    assert (found.mean, found.deviation, found.count) == (pytest.approx(0.6), pytest.approx(0.1414214), 2)
    assert str(found) == "0.600 ± 0.141"
    assert str(Spread.of([0.5])) == "0.500"
    assert str(Spread.of([math.nan])) == "-"


def test_repeats_are_those_of_one_method_share_and_condition():
    other = Condition("test", "salt", "inline")
    found = by_share(
        [seen("a", 1, 0, 0.2), seen("a", 1, 1, 0.4), seen("a", 0.1, 0, 0.1), seen("a", 1, 0, 0.9, other)], TEST
    )
    assert list(found["a"]) == [0.1, 1]
    assert found["a"][1].mean == pytest.approx(0.3)
    assert found["a"][1].count == 2


def test_a_pair_has_one_seed_share_facies_and_orientation():
    """Guesses are compared with nobody, and other surveys by themselves."""
    conditions = [Condition("test", facies, "inline") for facies in ("all", "salt")]
    observations = [
        seen(method, share, seed, level + 0.01 * (seed + 3 * at + share), condition)
        for method, level in (("a", 0.5), ("b", 0.4))
        for share in (0.1, 1)
        for seed in range(2)
        for at, condition in enumerate(conditions)
    ]
    observations += [seen("guess: nearest line", 1, None, 0.9), seen("a", 1, 0, 0.1, Condition("f3", "all", "inline"))]
    (found,) = comparisons_on(observations, "test")
    assert (found.one, found.other, found.pairs) == ("a", "b", 8)
    assert found.median == pytest.approx(0.1)
    assert comparisons_on(observations, "f3") == []
