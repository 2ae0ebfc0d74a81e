"""Boundary IoU looks at the voxels near boundaries alone, and at boundaries between interpreted classes alone."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from sam_seismic.scoring.boundaries import boundary_iou

NAMES = ("a", "b", "c")
SHAPE = (7, 6)


def column(labels: str) -> NDArray[np.uint8]:
    """A section of three equal traces: a letter a sample, - for not interpreted."""
    return np.repeat(np.uint8([255 if each == "-" else NAMES.index(each) for each in labels])[:, None], 3, axis=1)


def test_boundary_iou_by_hand():
    """A boundary one sample too deep: of two samples on each side of it, bands share 1 of 3 in a and 1 of 3 in b."""
    found = boundary_iou(column("aaaabbbb"), column("aaaaabbb"), NAMES, distance=2)
    np.testing.assert_array_equal(found.intersection, [3 * 1, 3 * 1, 0])
    np.testing.assert_array_equal(found.union, [3 * 3, 3 * 3, 0])
    assert found.as_dict() == {"distance": 2, "iou": {"a": 1 / 3, "b": 1 / 3, "c": None}, "mean_iou": 1 / 3}


def test_sections_add_up():
    wrong = boundary_iou(column("aaaabbbb"), column("aaaaabbb"), NAMES, distance=2)
    right = boundary_iou(column("aabbcc"), column("aabbcc"), NAMES, distance=2)
    assert (wrong + right).as_dict()["iou"] == {"a": (3 + 6) / (9 + 6), "b": (3 + 6) / (9 + 6), "c": 1}


def test_the_edges_of_the_section_and_of_the_interpretation_are_no_boundaries():
    """A class that fills all that is interpreted has no boundary, and no score, if the prediction has none either."""
    assert math.isnan(boundary_iou(column("--aaaa"), column("bbaaaa"), NAMES, distance=2).mean_iou)
    assert math.isnan(boundary_iou(column("aaaaaa"), column("aaaaaa"), NAMES, distance=9).mean_iou)


def bands_by_search(labels: NDArray[np.uint8], truth: NDArray[np.uint8], distance: int) -> list[set[tuple[int, int]]]:
    """The voxels of each class that have another class nearby, looked up one by one."""
    bands: list[set[tuple[int, int]]] = [set() for _ in NAMES]
    for sample, trace in np.argwhere(truth != 255).tolist():
        around = [
            (s, t)
            for s in range(sample - distance, sample + distance + 1)
            for t in range(trace - distance, trace + distance + 1)
            if 0 <= s < SHAPE[0] and 0 <= t < SHAPE[1] and truth[s, t] != 255
        ]
        if any(labels[place] != labels[sample, trace] for place in around):
            bands[labels[sample, trace]].add((sample, trace))
    return bands


@given(
    arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 0, 1, 2, 255])),
    arrays(np.uint8, SHAPE, elements=st.integers(0, 2)),
    st.integers(1, 3),
)
def test_boundary_iou_equals_a_search_voxel_by_voxel(
    truth: NDArray[np.uint8], prediction: NDArray[np.uint8], distance: int
):
    found = boundary_iou(truth, prediction, NAMES, distance=distance)
    true, predicted = bands_by_search(truth, truth, distance), bands_by_search(prediction, truth, distance)
    pairs = list(zip(true, predicted, strict=True))
    assert found.intersection.tolist() == [len(one & other) for one, other in pairs]
    assert found.union.tolist() == [len(one | other) for one, other in pairs]


def test_what_is_not_predicted_is_not_compared():
    """As in dead traces: the class below has no boundary in what is left."""
    found = boundary_iou(column("aabb"), column("aa--"), NAMES, distance=1)
    np.testing.assert_array_equal(found.union, [0, 0, 0])
    assert math.isnan(found.mean_iou)
