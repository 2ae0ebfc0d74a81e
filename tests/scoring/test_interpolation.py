"""Boundaries between two training lines move linearly from one to the other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from sam_seismic.scoring.interpolation import blend, boundary_fields
from sam_seismic.survey.facies import IGNORE


def column(labels: str) -> NDArray[np.uint8]:
    """One trace, a letter a sample, - for not interpreted: uint8[sample, 1]."""
    return np.uint8([255 if each == "-" else "abc".index(each) for each in labels])[:, None]


def between(one: str, other: str, share: float, order: str = "abc") -> str:
    """The trace that is `share` of the way from one to the other, of classes in an order from top to bottom."""
    indices = ["abc".index(each) for each in order]
    fields = [boundary_fields(column(each), indices) for each in (one, other)]
    found = blend(fields, np.array([[1 - share], [share]]), indices)[:, 0]
    return "".join("-" if each == IGNORE else "abc"[each] for each in found)


def test_distances_by_hand():
    """Of a and b above c; a class lies above the first sample, another one below the last."""
    found = boundary_fields(column("aabbb-"), range(3))
    np.testing.assert_array_equal(found.distances[0, :, 0], [1.5, 0.5, -0.5, -1.5, -2.5, -3.5])
    np.testing.assert_array_equal(found.distances[1, :, 0], [5.5, 4.5, 3.5, 2.5, 1.5, 0.5])
    np.testing.assert_array_equal(found.known[:, 0], [True] * 5 + [False])
    np.testing.assert_array_equal(boundary_fields(column("cc"), range(3)).distances[0, :, 0], [-0.5, -1.5])


def test_a_boundary_moves_linearly():
    """From 2 samples deep to 6 samples deep."""
    assert [between("aabbbbbb", "aaaaaabb", share) for share in (0, 0.25, 0.5, 0.75, 1)] == [
        "aabbbbbb",
        "aaabbbbb",
        "aaaabbbb",
        "aaaaabbb",
        "aaaaaabb",
    ]


def test_a_dipping_layer_keeps_its_thickness():
    """A layer of 4 samples that dips by 2 moves by 1, and one of 2 samples that dips by 6 moves by 3."""
    assert between("aabbbbcccc", "aaaabbbbcc", 0.5) == "aaabbbbccc"
    assert between("abbccccccc", "aaaaaaabbc", 0.5) == "aaaabbcccc"


def test_a_layer_of_one_side_grows_thinner_towards_the_other():
    """4 samples thick on one side, nothing on the other: 3, 2 and 1 in between."""
    assert [between("aabbbbcc", "aaaacccc", share) for share in (0, 0.25, 0.5, 0.75, 1)] == [
        "aabbbbcc",
        "aabbbccc",
        "aaabbccc",
        "aaabcccc",
        "aaaacccc",
    ]


def test_the_order_is_that_of_the_survey():
    """Classes that stand the other way round are interpolated as well; in the wrong order a thin layer is lost."""
    assert between("cbbaaaaaaa", "cccccccbba", 0.5, order="cba") == "ccccbbaaaa"
    assert between("cbbaaaaaaa", "cccccccbba", 0.5, order="cab") != "ccccbbaaaa"


def test_what_is_not_interpreted_on_most_sides_stays_open():
    """The boundary lies below the last sample on one side, and above the first on the other: a quarter of it is 2."""
    assert between("--aaaaaa", "------bb", 0.25) == "--aaaabb"
    assert between("--aaaaaa", "------bb", 0.75)[:6] == "------"


def test_a_side_without_weight_has_no_say_and_no_side_leaves_all_open():
    fields = [boundary_fields(column(each), range(3)) for each in ("aabb", "bbbb")]
    np.testing.assert_array_equal(blend(fields, np.array([[2.0], [0.0]]), range(3)), column("aabb"))
    np.testing.assert_array_equal(blend(fields, np.zeros((2, 1)), range(3)), column("----"))


LABELS = arrays(np.uint8, (7, 3), elements=st.sampled_from([0, 1, 2, IGNORE]))
ORDERS = st.permutations([0, 1, 2])


@given(LABELS, ORDERS)
def test_distances_equal_a_search_sample_by_sample(labels: NDArray[np.uint8], order: list[int]):
    found = boundary_fields(labels, order)
    for trace in range(3):
        known = [at for at in range(7) if labels[at, trace] != IGNORE]
        if not known:
            continue
        nearest = [min(known, key=lambda at, sample=sample: (abs(at - sample), at)) for sample in range(7)]
        ranks = [-1, *(order.index(labels[at, trace]) for at in nearest), 3]  # the first and the last class around
        for boundary in range(2):
            for sample in range(7):
                inside = ranks[sample + 1] <= boundary
                other = min(abs(at - sample - 1) for at in range(9) if (ranks[at] <= boundary) != inside) - 0.5
                assert found.distances[boundary, sample, trace] == (other if inside else -other)


@given(LABELS, ORDERS, st.floats(0.01, 1))
def test_between_two_equal_lines_lies_the_same(labels: NDArray[np.uint8], order: list[int], share: float):
    fields = [boundary_fields(labels, order)] * 2
    weights = np.array([[share] * 3, [1.0] * 3])
    np.testing.assert_array_equal(blend(fields, weights, order), labels)


@given(st.integers(1, 19), st.integers(1, 19), st.integers(0, 8))
def test_one_boundary_is_found_where_the_straight_line_crosses_it(first: int, last: int, eighths: int):
    """Two classes: the interpolated boundary is that of the tops, to half a sample."""
    share = eighths / 8
    found = between("a" * first + "b" * (20 - first), "a" * last + "b" * (20 - last), share)
    boundary = found.index("b")
    assert found == "a" * boundary + "b" * (20 - boundary)
    assert abs(boundary - ((1 - share) * first + share * last)) <= 0.5
