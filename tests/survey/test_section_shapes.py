"""The shape of a section is known without reading it: from the grid, or from the headers of pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_seismic.errors import SurveyError
from sam_seismic.survey.formats import open_result, open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.images import folder as folder_module
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import Part
from sam_seismic.survey.result import ResultRequest
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.synthetic import model_survey

IL, XL = Orientation.INLINE, Orientation.CROSSLINE


@pytest.mark.parametrize("name", ["a.sgy", "a.h5", "a.npy"])
def test_the_shape_is_that_of_the_section(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    source = model_survey((8, 16, 32), 0).labelled().amplitude
    request = ResultRequest(path=tmp_path / name, source=source, dtype=np.dtype(np.float32), overwrite=False)
    with open_result(request) as result:
        for line in source.lines(IL).tolist():
            result.write(source.section(IL, line))
    volume = open_volume(tmp_path / name)
    lines = {orientation: int(volume.lines(orientation)[-1]) for orientation in Orientation}
    read = {orientation: volume.section(orientation, line).shape for orientation, line in lines.items()}
    forbid_reading(monkeypatch, type(volume))
    assert {o: volume.section_shape(o, line) for o, line in lines.items()} == read == {IL: (32, 16), XL: (32, 8)}
    with pytest.raises(SurveyError, match="there is no inline 4711"):
        volume.section_shape(IL, 4711)


def test_loose_pictures_have_the_shapes_of_their_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for stem, shape in (("il_5", (20, 30)), ("il_6", (22, 31)), ("xl_1", (20, 12))):
        Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / f"{stem}.png")
    volume = open_volume(tmp_path)
    assert not volume.has_grid
    monkeypatch.setattr(folder_module, "read_picture", unread)
    assert volume.section_shape(IL, 6) == (22, 31)
    assert volume.section_shape(XL, 1) == (20, 12)
    with pytest.raises(SurveyError, match="holds no inline 7"):
        volume.section_shape(IL, 7)


def test_a_part_knows_the_shape_of_what_it_cuts(monkeypatch: pytest.MonkeyPatch):
    volume = model_survey((24, 20, 40), 0).labelled()
    inline = int(volume.amplitude.geometry.inlines[0])
    whole, cut = SectionRef(IL, inline), SectionRef(IL, inline, (3, 18))
    part = Part("train", volume, (whole, cut))
    read = [part.read(ref)[0] for ref in part.sections]
    forbid_reading(monkeypatch, MemoryVolume)
    assert [part.section_shape(ref) for ref in part.sections] == [each.shape for each in read] == [(40, 20), (40, 15)]
    assert [part.whole_shape(ref) for ref in part.sections] == [each.whole_shape for each in read] == [(40, 20)] * 2


def unread(*_: object) -> None:
    raise AssertionError("a section was read")


def forbid_reading(monkeypatch: pytest.MonkeyPatch, kind: type) -> None:
    monkeypatch.setattr(kind, "section", unread)
