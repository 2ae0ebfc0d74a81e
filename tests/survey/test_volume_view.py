"""A view answers as the volume that it shows, whatever is added to `Volume`."""

import numpy as np

from sam_seismic.survey.amplitudes import AmplitudeVolume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.volume import Volume
from sam_seismic.survey.volume_view import FilesView, VolumeView

OF_THE_GRID = {"geometry", "dtype", "loose_sections", "axis_order", "lines", "live_along", "section_shape", "section"}
OF_THE_GRID |= {"file_of", "starts_ms", "coordinates", "angle_unit", "segy_template", "by_file"}
"""What a view on a grid of its own cannot have of the volume whose files it reads."""
COMPUTED = {"has_grid", "stored"}
"""What `Volume` computes from the rest, and `stored`, which tells a view from a volume."""


def asked() -> set[str]:
    return {name for name, member in vars(Volume).items() if callable(member) or isinstance(member, property)} - {
        name for name in vars(Volume) if name.startswith("_")
    }


def test_a_view_forwards_all_that_a_volume_can_be_asked():
    assert asked() - set(vars(FilesView)) == OF_THE_GRID | COMPUTED
    assert asked() - set(vars(FilesView)) - set(vars(VolumeView)) == COMPUTED


def test_each_answer_is_that_of_the_volume():
    """Answers with values of their own, so that a name forwarded to another one shows."""
    answers = {name: object() for name in asked() - COMPUTED}
    odd = type("Odd", (MemoryVolume,), {name: property(lambda _, name=name: answers[name]) for name in answers})
    view = VolumeView.__new__(VolumeView)
    view.seen = odd.__new__(odd)
    for name, answer in answers.items():
        if isinstance(vars(Volume)[name], property):
            assert getattr(view, name) is answer, name


def test_amplitudes_have_the_lines_and_sections_of_their_volume():
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    grid = Geometry(np.array([7, 9], np.int32), np.array([1, 2, 3], np.int32), 4, 4.0, 0.0, np.ones((2, 3), np.bool_))
    stored = MemoryVolume(values, grid)
    view = AmplitudeVolume(stored)
    assert view.stored is stored
    assert view.lines(Orientation.INLINE).tolist() == [7, 9]
    assert view.section_shape(Orientation.CROSSLINE, 2) == (4, 2)
    assert np.array_equal(view.section(Orientation.INLINE, 9).values, values[1].T)
    assert view.file_of(Orientation.INLINE, 9) == stored.path
