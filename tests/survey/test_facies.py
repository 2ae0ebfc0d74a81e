"""Label values of a file become class indices and come back as the values that they were."""

import numpy as np
import pytest

from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import IGNORE, FaciesTable


def test_values_become_indices_and_come_back():
    table = FaciesTable(("sand", "shale", "salt"), (5, -3, 300), (9,))
    labels = np.array([[5, 300], [-3, 9]], np.int32)
    indices = table.encode(labels, "x")
    np.testing.assert_array_equal(indices, np.array([[0, 2], [1, IGNORE]], np.uint8))
    decoded = table.decode(np.array([0, 1, 2], np.uint8))
    assert decoded.dtype == np.int16
    assert decoded.tolist() == [5, -3, 300]


def test_a_class_may_have_the_value_that_usually_means_nothing():
    table = FaciesTable(("background", "salt"), (0, 255), ())
    assert table.encode(np.array([0, 255], np.uint8), "x").tolist() == [0, 1]
    assert table.decode(np.array([1], np.uint8)).tolist() == [255]


def test_as_many_classes_as_there_are_indices():
    """255 classes have the indices 0 to 254; the last one is not IGNORE."""
    table = FaciesTable(tuple(map(str, range(255))), tuple(range(1000, 1255)))
    assert table.encode(np.array([1254, 255]), "x").tolist() == [254, IGNORE]


def test_strange_values_are_named():
    with pytest.raises(SurveyError, match=r"x: IL 3: label values 7, 8 are not among the classes 0, 1"):
        FaciesTable(("a", "b")).encode(np.array([0, 8, 7, 1, 255]), "x: IL 3")
