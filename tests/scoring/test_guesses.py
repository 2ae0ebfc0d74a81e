"""Guesses, with which a network is compared, use the labels of the training sections and no amplitudes."""

import numpy as np

from sam_seismic.scoring.guesses import (
    constant_notes,
    depth_guess,
    depth_histogram,
    guess_notes,
    guess_scores,
    majority_guess,
)
from sam_seismic.scoring.scores import FaciesScores
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
    assert list(scores) == ["majority class", "depth only", "nearest line", "interpolation"]
    assert {each.names for each in scores.values()} == {("a", "b")}
    np.testing.assert_array_equal(scores["majority class"].confusion, [[0, 2], [0, 4]])
    np.testing.assert_array_equal(scores["depth only"].confusion, [[1, 1], [1, 3]])
    np.testing.assert_array_equal(scores["nearest line"].confusion, [[1, 1], [1, 3]])  # both traces hold a, b, b
    np.testing.assert_array_equal(scores["interpolation"].confusion, [[1, 1], [1, 3]])  # no line on the other side


def scores_of(*confusion: list[int]) -> FaciesScores:
    return FaciesScores(("a", "b"), np.array(confusion))


def test_a_network_that_a_guess_beats_is_told():
    """Of the two guesses the better one is named; a network above it is not spoken of."""
    guesses = {"majority class": scores_of([3, 0], [1, 0]), "depth only": scores_of([2, 1], [0, 1])}  # 3/8, 7/12
    (note,) = guess_notes(0.5, guesses, lines="test")
    assert "mean IoU 0.500) is no better on the test lines than the guess by depth only (0.583)" in note
    assert len(guess_notes(7 / 12, guesses, lines="test")) == 1
    assert guess_notes(0.6, guesses, lines="test") == ()


def test_lines_of_one_class_say_nothing():
    guesses = {"majority class": scores_of([4, 0], [0, 0])}
    assert "hold no class but a, so their score says nothing" in guess_notes(1.0, guesses, lines="val")[0]
    assert constant_notes(scores_of([0, 0], [1, 3])) == ("the truth holds no class but b, so the score says nothing",)


def test_a_prediction_that_one_class_everywhere_beats_is_told():
    """Of 3 voxels a and 1 voxel b: a everywhere has a mean IoU of 3/8."""
    (note,) = constant_notes(scores_of([1, 2], [1, 0]))
    assert note.startswith("class a everywhere would have a mean IoU of 0.375, and this prediction has 0.125")
    assert constant_notes(scores_of([2, 1], [0, 1])) == ()
    assert constant_notes(scores_of([0, 0], [0, 0])) == ()
