"""Pieces are counted section by section, and small ones have their share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from sam_seismic.scoring.pieces import pieces

NAMES = ("a", "b", "c")


def section(*rows: str) -> NDArray[np.uint8]:
    """A word a sample, a letter a trace, - for not interpreted: uint8[sample, trace]."""
    return np.uint8([[255 if each == "-" else NAMES.index(each) for each in row] for row in rows])


TRUTH = section(
    "aaaa-",
    "aaaa-",
    "bbbb-",
)
PREDICTION = section(
    "aaaba",
    "aabaa",
    "bbaab",
)


def test_pieces_by_hand():
    """With corners the dipping b is one piece of 4, and a one of 8; without, b is 1, 1 and 2 voxels, and a 5 and 3."""
    found = pieces(TRUTH, PREDICTION, NAMES, smaller_than=3).as_dict()
    assert found["truth"]["pieces"] == {"a": 1, "b": 1, "c": 0}
    assert found["truth"]["share_of_all_in_small_pieces"] == 0
    assert found["prediction"]["pieces"] == {"a": 1, "b": 1, "c": 0}
    assert found["prediction"]["share_in_small_pieces"] == {"a": 0, "b": 0, "c": None}
    sides = pieces(TRUTH, PREDICTION, NAMES, smaller_than=3, connectivity=4).as_dict()
    assert sides["prediction"]["pieces"] == {"a": 2, "b": 3, "c": 0}
    assert sides["prediction"]["share_in_small_pieces"] == {"a": 0, "b": 1, "c": None}
    assert sides["prediction"]["share_of_all_in_small_pieces"] == pytest.approx(4 / 12)
    assert (sides["connectivity"], sides["smaller_than"], sides["prediction"]["all_pieces"]) == (4, 3, 5)


def test_sections_add_up():
    one = pieces(TRUTH, PREDICTION, NAMES, smaller_than=5, connectivity=4)
    told = (one + pieces(TRUTH, TRUTH, NAMES, smaller_than=5, connectivity=4)).as_dict()
    assert told["truth"]["pieces"] == {"a": 2, "b": 2, "c": 0}
    assert told["prediction"]["pieces"] == {"a": 3, "b": 4, "c": 0}
    assert told["prediction"]["share_in_small_pieces"] == {"a": 3 / 16, "b": 1, "c": None}


def sizes_by_flooding(labels: NDArray[np.uint8], index: int, connectivity: int) -> list[int]:
    """Sizes of the pieces of a class, each filled from its first voxel."""
    left, sizes = {(s, t) for s, t in np.argwhere(labels == index).tolist()}, []
    while left:
        reached, filled = [left.pop()], 1
        while reached:
            sample, trace = reached.pop()
            for place in [(sample + i, trace + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]:
                touches = connectivity == 8 or sample == place[0] or trace == place[1]
                if touches and place in left:
                    left.remove(place)
                    reached.append(place)
                    filled += 1
        sizes.append(filled)
    return sizes


@given(
    arrays(np.uint8, (5, 6), elements=st.sampled_from([0, 1, 2, 255])),
    arrays(np.uint8, (5, 6), elements=st.integers(0, 2)),
    st.sampled_from([4, 8]),
    st.integers(1, 5),
)
def test_pieces_equal_those_filled_voxel_by_voxel(
    truth: NDArray[np.uint8], prediction: NDArray[np.uint8], connectivity: int, smaller_than: int
):
    found = pieces(truth, prediction, NAMES, smaller_than=smaller_than, connectivity=connectivity)
    masked = np.where(truth == 255, 255, prediction)
    for counts, labels in ((found.truth, truth), (found.prediction, masked)):
        for index in range(3):
            sizes = sizes_by_flooding(labels, index, connectivity)
            small = [size for size in sizes if size < smaller_than]
            assert (counts.pieces[index], counts.voxels[index]) == (len(sizes), sum(sizes))
            assert counts.small[index] == sum(small)
