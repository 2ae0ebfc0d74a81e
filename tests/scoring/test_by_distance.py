"""Scores by distance sort each trace into the bin of its distance to the training lines."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sam_seismic.scoring.by_distance import ByDistance

NAMES = ("a", "b")


def test_bins_by_hand():
    """Traces 1, 1, 3, 4 and 7 lines away; the prediction errs on the farthest, the guess everywhere."""
    truth = np.uint8([[0, 0, 0, 0, 1], [1, 255, 1, 1, 1]])
    prediction = np.uint8([[0, 0, 0, 0, 0], [1, 0, 1, 1, 1]])
    found = ByDistance(NAMES)
    found.add(truth, {"network": prediction, "guess": 1 - prediction}, np.array([1.0, 1, 3, 4, 7]))
    assert [str(each) for each in found.bins()] == ["1", "2-3", "4-7"]
    near, _, far = found.bins()
    assert near.scores["network"].confusion.tolist() == [[2, 0], [0, 1]]
    assert near.scores["guess"].confusion.tolist() == [[0, 2], [1, 0]]
    assert far.scores["network"].confusion.tolist() == [[1, 0], [1, 2]]
    told = far.as_dict()
    assert (told["lines"], told["scores"]["network"]["pixel_accuracy"]) == ([4, 7], 3 / 4)


def test_a_bin_without_labels_is_left_out():
    found = ByDistance(NAMES)
    found.add(np.uint8([[0, 255]]), {"network": np.uint8([[0, 0]])}, np.array([1.0, 20]))
    assert [str(each) for each in found.bins()] == ["1"]
    assert ByDistance(NAMES).bins() == ()


@given(
    st.lists(st.floats(0, 40), min_size=6, max_size=6), st.lists(st.sampled_from([0, 1, 255]), min_size=6, max_size=6)
)
def test_bins_equal_those_filled_trace_by_trace(distances: list[float], truth: list[int]):
    section: NDArray[np.uint8] = np.uint8([truth])
    found = ByDistance(NAMES)
    for half in (slice(0, 3), slice(3, 6)):
        found.add(section[:, half], {"network": np.zeros((1, 3), np.uint8)}, np.array(distances[half]))
    expected: dict[str, list[int]] = {}
    for distance, label in zip(distances, truth, strict=True):
        first, last = 1, 1
        while int(distance + 1e-9) > last:
            first, last = last + 1, 2 * last + 1
        if label != 255:
            counts = expected.setdefault(f"{first}-{last}" if last > 1 else "1", [0, 0])
            counts[label] += 1
    assert {str(each): each.scores["network"].confusion[:, 0].tolist() for each in found.bins()} == expected
