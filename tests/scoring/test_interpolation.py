"""Boundaries between two training lines move linearly from one to the other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from sam_seismic.scoring.interpolation import blend, signed_distances
from sam_seismic.survey.facies import IGNORE


def column(labels: str) -> NDArray[np.uint8]:
    """One trace, a letter a sample, - for not interpreted: uint8[sample, 1]."""
    return np.uint8([255 if each == "-" else "abc".index(each) for each in labels])[:, None]


def between(one: str, other: str, share: float) -> str:
    """The trace that is `share` of the way from one to the other."""
    fields = [signed_distances(column(each), 3) for each in (one, other)]
    found = blend(fields, np.array([[1 - share], [share]]))[:, 0]
    return "".join("-" if each == IGNORE else "abc"[each] for each in found)


def test_distances_by_hand():
    fields = signed_distances(column("aabbb-"), 3)
    np.testing.assert_array_equal(fields[0, :, 0], [1.5, 0.5, -0.5, -1.5, -2.5, -3.5])
    np.testing.assert_array_equal(fields[1, :, 0], [-1.5, -0.5, 0.5, 1.5, 0.5, -0.5])
    np.testing.assert_array_equal(fields[2, :, 0], [-np.inf] * 6)
    np.testing.assert_array_equal(fields[3, :, 0], [-4.5, -3.5, -2.5, -1.5, -0.5, 0.5])
    np.testing.assert_array_equal(signed_distances(column("aa"), 3)[0, :, 0], [np.inf, np.inf])


def test_a_boundary_moves_linearly():
    """From 2 samples deep to 6 samples deep."""
    assert [between("aabbbbbb", "aaaaaabb", share) for share in (0, 0.25, 0.5, 0.75, 1)] == [
        "aabbbbbb",
        "aaabbbbb",
        "aaaabbbb",
        "aaaaabbb",
        "aaaaaabb",
    ]


def test_a_dipping_layer_keeps_its_thickness_where_it_overlaps_with_itself():
    """A layer of 4 samples that dips by 2 moves by 1; one of 2 samples that dips by 6 is lost in between."""
    assert between("aabbbbcccc", "aaaabbbbcc", 0.5) == "aaabbbbccc"
    assert between("abbccccccc", "aaaaaaabbc", 0.5) == "aaaaaccccc"


def test_a_layer_of_one_side_ends_between():
    """Within a class that fills the other side it ends early, and at a boundary about halfway.

    By hand at its middle sample, a share s away: 1.5 (1 - s) - 1.5 s meets -1.5 (1 - s) + 9 s at s = 2/9, and where the
    boundary of a and c is half a sample away, it meets -1.5 (1 - s) + 0.5 s at s = 3/5.
    """
    assert between("aaabbbaaa", "aaaaaaaaa", 0.21) == "aaaabaaaa"
    assert between("aaabbbaaa", "aaaaaaaaa", 0.23) == "aaaaaaaaa"
    assert between("aaabbbccc", "aaaaacccc", 0.59) == "aaaabcccc"
    assert between("aaabbbccc", "aaaaacccc", 0.61) == "aaaaacccc"


def test_what_is_not_interpreted_is_blended_as_a_class():
    assert between("--aaaaaa", "------aa", 0.5) == "----aaaa"


def test_a_side_without_weight_has_no_say_and_no_side_leaves_all_open():
    fields = [signed_distances(column(each), 3) for each in ("aabb", "bbbb")]
    np.testing.assert_array_equal(blend(fields, np.array([[2.0], [0.0]])), column("aabb"))
    np.testing.assert_array_equal(blend(fields, np.zeros((2, 1))), column("----"))


LABELS = arrays(np.uint8, (7, 3), elements=st.sampled_from([0, 1, 2, IGNORE]))


@given(LABELS)
def test_distances_equal_a_search_sample_by_sample(labels: NDArray[np.uint8]):
    fields = signed_distances(labels, 3)
    for index, code in enumerate((0, 1, 2, IGNORE)):
        for sample, trace in np.ndindex(labels.shape):
            inside = labels[sample, trace] == code
            other = [abs(at - sample) for at in range(7) if (labels[at, trace] == code) != inside]
            nearest = min(other, default=np.inf) - 0.5
            assert fields[index, sample, trace] == (nearest if inside else -nearest)


@given(LABELS, st.floats(0.01, 1))
def test_between_two_equal_lines_lies_the_same(labels: NDArray[np.uint8], share: float):
    fields = [signed_distances(labels, 3)] * 2
    weights = np.array([[share] * 3, [1.0] * 3])
    np.testing.assert_array_equal(blend(fields, weights), labels)


@given(st.integers(1, 19), st.integers(1, 19), st.integers(0, 8))
def test_one_boundary_is_found_where_the_straight_line_crosses_it(first: int, last: int, eighths: int):
    """Two classes: the interpolated boundary is that of the tops, to half a sample."""
    share = eighths / 8
    found = between("a" * first + "b" * (20 - first), "a" * last + "b" * (20 - last), share)
    boundary = found.index("b")
    assert found == "a" * boundary + "b" * (20 - boundary)
    assert abs(boundary - ((1 - share) * first + share * last)) <= 0.5
