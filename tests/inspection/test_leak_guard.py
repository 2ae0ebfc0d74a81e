"""Lines that are scored too near to training lines are told of, with the correlation of lines that far apart."""

import numpy as np
import pytest

from sam_seismic.inspection.leak_guard import CorrelationLength, correlation_at, leak_notes
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labelled import labelled
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.survey.splits import SectionRef

INLINES, CROSSLINES, SAMPLES = 60, 40, 200


def test_the_length_is_where_the_correlation_falls_to_a_half():
    """By hand: between 5 lines (0.7) and 10 lines (0.3), 0.5 lies in the middle; at 2 lines, between 1 and 0.9."""
    correlation = {1: 0.9, 5: 0.7, 10: 0.3, 20: 0.1}
    assert CorrelationLength.of(correlation) == CorrelationLength(7.5)
    assert CorrelationLength.of({1: 0.25}) == CorrelationLength(pytest.approx(2 / 3))
    assert CorrelationLength.of({1: 0.9, 5: None, 10: 0.6}) == CorrelationLength(10.0, at_least=True)
    assert str(CorrelationLength(10.0, at_least=True)) == "more than 10 lines"
    assert CorrelationLength.of({1: None}) is None
    assert correlation_at(correlation, 3) == pytest.approx(0.8)
    assert correlation_at(correlation, 21) is None


def survey(test: list[int], smooth: int) -> Survey:
    """Lines 0-19 train; the mean of `smooth` neighbouring lines of noise correlates 1 - lag / smooth."""
    noise = np.random.default_rng(0).normal(size=(INLINES + smooth - 1, CROSSLINES, SAMPLES))
    amplitude = sum(noise[lag : lag + INLINES] for lag in range(smooth)).astype(np.float32)
    grid, facies = Geometry.complete(range(INLINES), range(CROSSLINES), SAMPLES), FaciesTable(("a", "b"))
    labels = np.zeros(amplitude.shape, np.uint8)
    volume = labelled(MemoryVolume(amplitude, grid), MemoryVolume(labels, grid), facies)
    lines = {"train": range(20), "test": test}
    refs = {name: tuple(SectionRef(Orientation.INLINE, line) for line in each) for name, each in lines.items()}
    return Survey({name: Part(name, volume, each) for name, each in refs.items()}, facies)


def test_near_lines_are_told_with_the_number():
    """Lines 24 to 33 are 5 to 14 from line 19. The correlation is 0.5 at 10 lines: five of the ten lines lie nearer."""
    near = survey(list(range(24, 34)), smooth=20)
    (note,) = leak_notes(near, [near.parts["test"]])
    assert note.startswith("test begins 5 inlines from the training lines, and inlines that far apart correlate 0.7")
    length = float(note.split("correlation length of ")[1].split(" lines")[0])
    assert length == pytest.approx(10, abs=0.7)
    assert f": {10 * sum(5 + line < length for line in range(10))} % of it lies" in note


def test_far_lines_and_unlike_lines_are_not_told():
    far = survey(list(range(34, 40)), smooth=20)
    assert leak_notes(far, [far.parts["test"]]) == ()
    unlike = survey([21, 22], smooth=1)
    assert leak_notes(unlike, list(unlike.parts.values())) == ()
