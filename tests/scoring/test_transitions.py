"""Classes that lie in the wrong order are counted, whatever the order is."""

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from sam_seismic.scoring.transitions import out_of_order, transitions, vertical_order

NAMES = ("a", "b", "c")


def section(*traces: str) -> NDArray[np.uint8]:
    """A word a trace, a letter a sample, - for not interpreted: uint8[sample, trace]."""
    return np.uint8([[255 if each == "-" else NAMES.index(each) for each in trace] for trace in traces]).T


def test_transitions_by_hand():
    """From the truth c lies above a, and a above b; the prediction has b above a once, and b above c once."""
    found = transitions(section("ccaab", "cca-b", "-----"), section("ccbab", "bca-b", "aabbc"), NAMES)
    assert found.truth.tolist() == [[0, 1, 0], [0, 0, 0], [2, 0, 0]]
    assert found.prediction.tolist() == [[0, 1, 0], [1, 0, 1], [1, 1, 0]]
    assert found.as_dict() == {
        "order": ["c", "a", "b"],
        "traces": 2,
        "truth": {"transitions": 3, "out_of_order": 0, "share_out_of_order": 0, "transitions_per_trace": 1.5},
        "prediction": {"transitions": 5, "out_of_order": 2, "share_out_of_order": 0.4, "transitions_per_trace": 2.5},
    }
    given_order = found.as_dict(order=(0, 1, 2))
    assert given_order["truth"]["out_of_order"] == 2
    assert given_order["prediction"]["out_of_order"] == 3


def test_sections_add_up_and_an_empty_one_has_no_share():
    empty = transitions(section("--"), section("ab"), NAMES)
    assert empty.as_dict()["truth"] == {
        "transitions": 0,
        "out_of_order": 0,
        "share_out_of_order": None,
        "transitions_per_trace": None,
    }
    both = empty + transitions(section("ab"), section("ba"), NAMES) + transitions(section("ab"), section("ab"), NAMES)
    told = both.as_dict()
    assert (told["traces"], told["truth"]["out_of_order"], told["prediction"]["out_of_order"]) == (2, 0, 1)


def test_a_few_reversed_samples_do_not_turn_the_order():
    assert vertical_order(np.array([[0, 2, 0], [90, 0, 1], [7, 50, 0]])) == (2, 1, 0)


def test_a_circle_of_transitions_is_cut_where_it_is_weakest():
    """Class a lies above b 9 times, b above c 8 times, c above a once."""
    assert vertical_order(np.array([[0, 9, 0], [0, 0, 8], [1, 0, 0]])) == (0, 1, 2)


@given(arrays(np.int64, (5, 5), elements=st.integers(0, 3)), st.permutations(range(5)))
def test_the_order_of_layers_is_found(counts: NDArray[np.int64], order: list[int]):
    """If most transitions of each pair go down in one order, no order has fewer against it."""
    ranks = np.argsort(order)
    down = counts + counts.T * (ranks[:, None] < ranks)  # [upper, lower]: more along the order than against it
    np.fill_diagonal(down, 0)
    down = np.where(ranks[:, None] < ranks, np.maximum(down, down.T), np.minimum(down, down.T))
    best = min(out_of_order(down, each) for each in permutations(range(5)))
    assert out_of_order(down, vertical_order(down)) == best
    assert sorted(vertical_order(counts)) == [0, 1, 2, 3, 4]


@given(
    arrays(np.uint8, (6, 4), elements=st.sampled_from([0, 1, 2, 255])),
    arrays(np.uint8, (6, 4), elements=st.sampled_from([0, 1, 2, 255])),
)
def test_transitions_equal_a_walk_down_the_traces(truth: NDArray[np.uint8], prediction: NDArray[np.uint8]):
    found = transitions(truth, prediction, NAMES)
    walked = {"truth": 0, "prediction": 0}
    for trace in range(4):
        for upper in range(5):
            pair = slice(upper, upper + 2)
            if 255 in truth[pair, trace] or 255 in prediction[pair, trace]:
                continue
            walked["truth"] += int(truth[upper, trace] > truth[upper + 1, trace])
            walked["prediction"] += int(prediction[upper, trace] > prediction[upper + 1, trace])
    told = found.as_dict(order=(0, 1, 2))
    assert {name: told[name]["out_of_order"] for name in walked} == walked
