"""Guesses from the training lines: the nearest trace is copied, boundaries move between the lines on both sides."""

import numpy as np
from numpy.typing import NDArray

from sam_seismic.scoring.guesses import SurveyGuesses
from sam_seismic.scoring.training_lines import training_lines
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labelled import LabelledVolume
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.survey.splits import SectionRef

FACIES = FaciesTable(("a", "b", "c"))
INLINES, CROSSLINES, SAMPLES = 9, 5, 20


def layered(first_inline: int = 100, step: int = 1) -> LabelledVolume:
    """A plane of a over b that dips by one sample an inline and one a crossline, over c that is flat."""
    inline, crossline, sample = np.ogrid[:INLINES, :CROSSLINES, :SAMPLES]
    labels = np.uint8(sample >= 2 + inline + crossline) + np.uint8(sample >= 16)
    grid = Geometry.complete(range(first_inline, first_inline + step * INLINES, step), range(CROSSLINES), SAMPLES)
    return LabelledVolume(
        MemoryVolume(labels.astype(np.float32), grid), MemoryVolume(labels.astype(np.uint8), grid), FACIES
    )


def inlines(volume: LabelledVolume, *lines: int, name: str = "train") -> Part:
    return Part(name, volume, tuple(SectionRef(Orientation.INLINE, line) for line in lines))


def truth(volume: LabelledVolume, line: int) -> NDArray[np.uint8]:
    return volume.label_section(Orientation.INLINE, line).values


def test_the_nearest_line_is_copied_and_its_distance_counts_lines_of_the_survey():
    """Inlines are numbered in steps of 4: 112 is 3 lines from 100, and 1 line from 116."""
    volume = layered(first_inline=100, step=4)
    train, test = inlines(volume, 100, 116), inlines(volume, 112, name="test")
    found = training_lines(train, range(3)).guess(test, test.sections[0])
    assert found is not None
    np.testing.assert_array_equal(found.distance, [1] * CROSSLINES)
    np.testing.assert_array_equal(found.nearest, truth(volume, 116))


def test_a_dipping_plane_between_two_lines_is_found_exactly():
    """It dips linearly, so interpolation is right where a copy of either line is wrong."""
    volume = layered()
    train, test = inlines(volume, 100, 104), inlines(volume, 101, 102, 103, name="test")
    lines = training_lines(train, range(3))
    for ref in test.sections:
        found = lines.guess(test, ref)
        assert found is not None
        np.testing.assert_array_equal(found.interpolated, truth(volume, ref.line))
        assert (found.nearest != truth(volume, ref.line)).any()


def test_outside_the_training_lines_interpolation_is_the_nearest_line():
    volume = layered()
    train, test = inlines(volume, 100, 104), inlines(volume, 107, name="test")
    found = training_lines(train, range(3)).guess(test, test.sections[0])
    assert found is not None
    np.testing.assert_array_equal(found.interpolated, truth(volume, 104))


def test_a_crossline_is_guessed_trace_by_trace_from_the_inlines_it_crosses():
    volume = layered()
    ref = SectionRef(Orientation.CROSSLINE, 2)
    found = training_lines(inlines(volume, 100, 104), range(3)).guess(Part("test", volume, (ref,)), ref)
    assert found is not None
    np.testing.assert_array_equal(found.distance, [0, 1, 2, 1, 0, 1, 2, 3, 4])
    right = volume.label_section(Orientation.CROSSLINE, 2).values
    np.testing.assert_array_equal(found.interpolated[:, :5], right[:, :5])
    np.testing.assert_array_equal(found.interpolated[:, 5:], np.repeat(right[:, 4:5], 4, axis=1))


def test_the_nearest_training_trace_equals_a_search_over_all_of_them():
    """Training inlines that are cut to some crosslines, so that the nearest trace may lie on another crossline."""
    volume = layered()
    refs = (SectionRef(Orientation.INLINE, 100, (0, 2)), SectionRef(Orientation.INLINE, 107, (1, 5)))
    trained = [(100, trace) for trace in range(2)] + [(107, trace) for trace in range(1, 5)]
    test = inlines(volume, 104, name="test")
    found = training_lines(Part("train", volume, refs), range(3)).distance(test, test.sections[0])
    expected = [min(np.hypot(104 - line, trace - other) for line, other in trained) for trace in range(CROSSLINES)]
    np.testing.assert_allclose(found, expected)


def test_what_a_copied_line_leaves_open_is_filled_by_depth():
    """The top 4 samples of the training line are not interpreted, so depth knows nothing there but the majority, b."""
    volume = layered()
    labels = np.stack([truth(volume, line).T for line in range(100, 109)])  # [inline, crossline, sample]
    labels[0, :, :4] = IGNORE
    grid = volume.amplitude.geometry
    partly = LabelledVolume(volume.amplitude, MemoryVolume(labels, grid), FACIES)
    train, test = inlines(partly, 100), inlines(partly, 101, name="test")
    guesses = SurveyGuesses(Survey({"train": train, "test": test}, FACIES), [test])
    assert guesses.names == ("majority class", "depth only", "nearest line", "interpolation")
    found = guesses.of(test, test.sections[0]).labels
    for name in ("nearest line", "interpolation"):
        np.testing.assert_array_equal(found[name][:4], 1)
        np.testing.assert_array_equal(found[name][4:], truth(volume, 100)[4:])


def test_sections_of_a_survey_that_is_scored_on_its_own_training_lines_are_not_guessed_from_themselves():
    volume = layered()
    train = inlines(volume, 100, 104)
    assert SurveyGuesses(Survey({"train": train}, FACIES), [train]).names == ("majority class", "depth only")
