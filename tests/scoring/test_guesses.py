"""Guesses, with which a network is compared, use the labels of the training sections and no amplitudes."""

import numpy as np

from sam_seismic.scoring.guesses import depth_guess, depth_histogram, guess_scores, majority_guess
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labelled import LabelledVolume
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.survey.splits import SectionRef

FACIES = FaciesTable(("a", "b"))


def test_guesses_are_made_from_the_training_labels():
    sections = [np.uint8([[0, 0, 1], [1, 1, 1], [255, 255, 255]])]
    histogram = depth_histogram(sections, 2)
    np.testing.assert_array_equal(histogram, [[2, 1], [0, 3], [0, 0]])
    assert majority_guess(histogram) == 1
    np.testing.assert_array_equal(depth_guess(histogram), [0, 1, 1])


def test_sections_may_have_different_numbers_of_samples():
    """Folders may hold sections of different lengths; short ones do not count at depths below their end."""
    sections = [np.uint8([[0, 1]]), np.uint8([[0, 0], [2, 1]])]
    np.testing.assert_array_equal(depth_histogram(sections, 3), [[3, 1, 0], [0, 1, 1]])
    assert majority_guess(depth_histogram(sections, 3)) == 0


def test_guesses_are_scored_on_other_lines():
    """Computed by hand: the majority class of the training line is b; by depth, its classes are a, b, b."""
    a, b = 0, 1
    labels = np.uint8([[[a, b, b], [a, b, b]], [[a, a, b], [b, b, b]]])  # [inline, crossline, sample]
    grid = Geometry.complete(range(2), range(2), 3)
    volume = LabelledVolume(MemoryVolume(labels.astype(np.float32), grid), MemoryVolume(labels, grid), FACIES)
    train, test = (Part(f"part{line}", volume, (SectionRef(Orientation.INLINE, line),)) for line in range(2))
    scores = guess_scores(Survey({"train": train, "test": test}, FACIES), [test])
    assert list(scores) == ["majority class", "depth only"]
    assert {each.names for each in scores.values()} == {("a", "b")}
    np.testing.assert_array_equal(scores["majority class"].confusion, [[0, 2], [0, 4]])
    np.testing.assert_array_equal(scores["depth only"].confusion, [[1, 1], [1, 3]])
