"""Scores of methods under the same conditions come in; tests of their differences, corrected for their number, go out.

Sources: Wilcoxon 1945, "Individual comparisons by ranking methods" (signed ranks of paired differences, zeros left
out); Holm 1979, "A simple sequentially rejective multiple test procedure".
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FEWEST_PAIRS = 6
"""With fewer pairs that differ no two-sided test can find p below 0.05: of 5 the smallest is 2 / 2^5."""
ENUMERATED = 2**13
"""Signs of differences with ties are enumerated up to so many ways, and drawn at random beyond."""


@dataclass(frozen=True)
class Comparison:
    """Two methods, compared pair by pair.

    Args:
        one, other: the methods.
        pairs: conditions under which both were scored.
        median: median difference, one minus other; nan without pairs.
        p: of the two-sided signed-rank test; None where it cannot be told, see `why`.
        corrected: p by Holm, for the tests that were made together; None as p.
        why: why there is no p.
    """

    one: str
    other: str
    pairs: int
    median: float
    p: float | None
    corrected: float | None = None
    why: str = ""


def compare_methods(scores: Mapping[str, Mapping[Hashable, float]]) -> list[Comparison]:
    """Each two methods, with Holm's correction over all of them.

    Args:
        scores: by method, and by the condition under which it was scored; conditions of two methods that are equal
            make a pair. Scores that are nan make none.
    """
    found = [_compare(one, other, scores) for one, other in combinations(scores, 2)]
    tested = [each.p for each in found if each.p is not None]
    corrected = iter(holm(tested))
    return [each if each.p is None else replace(each, corrected=next(corrected)) for each in found]


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of tests that were made together, corrected by Holm 1979; in the order given.

    The smallest is multiplied by the number m of tests, the next by m - 1, ...; none becomes smaller than one before
    it, or larger than 1.
    """
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=lambda at: p_values[at])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[position]))
        corrected[position] = largest
    return corrected


def signed_rank(differences: NDArray[np.float64]) -> float | None:
    """P of Wilcoxon's two-sided test that differences are symmetric around 0; None for fewer than FEWEST_PAIRS.

    Args:
        differences: float64[pair]; zeros are left out. If all are zero, p is 1.
    """
    left = differences[differences != 0]
    if not len(left) and len(differences) >= FEWEST_PAIRS:
        return 1.0
    if len(left) < FEWEST_PAIRS:
        return None
    tied = len(np.unique(np.abs(left))) < len(left)
    # The exact distribution holds without ties only; with ties the signs themselves are permuted.
    method = stats.PermutationMethod(n_resamples=ENUMERATED, rng=np.random.default_rng(0)) if tied else "auto"
    return float(stats.wilcoxon(left, method=method).pvalue)


def _compare(one: str, other: str, scores: Mapping[str, Mapping[Hashable, float]]) -> Comparison:
    mine, theirs = scores[one], scores[other]
    found = [mine[key] - theirs[key] for key in mine if key in theirs]
    differences = np.array([each for each in found if not math.isnan(each)])
    if not len(differences):
        return Comparison(one, other, 0, math.nan, None, why="no pairs")
    p = signed_rank(differences)
    why = "" if p is not None else f"fewer than {FEWEST_PAIRS} pairs that differ"
    return Comparison(one, other, len(differences), float(np.median(differences)), p, why=why)
