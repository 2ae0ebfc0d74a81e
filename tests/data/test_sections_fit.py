"""Sections that do not fit the canvas are refused before training starts, without reading them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_seismic.config import DataConfig, InputConfig
from sam_seismic.data.canvas import check_sections_fit
from sam_seismic.errors import SurveyError
from sam_seismic.inspection.run_costs import section_shapes
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.images import FolderVolume
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import Part, Survey, open_survey
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.tuning.store_filling import StoreFiller
from tests.tuning.filling import TIGHT, filling_of

IL, XL = Orientation.INLINE, Orientation.CROSSLINE


@pytest.fixture(autouse=True)
def nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def unread(*_: object) -> None:
        raise AssertionError("a section was read")

    for kind in (MemoryVolume, FolderVolume):
        monkeypatch.setattr(kind, "section", unread)


def test_the_canvas_is_checked_without_reading_a_section():
    """Each orientation is checked by its own shape: 40 samples, inlines of 70 and crosslines of 20 traces."""
    volume = model_survey((20, 70, 40), 0).labelled()
    inline, crossline = (int(volume.amplitude.lines(each)[0]) for each in Orientation)
    survey = {
        name: Survey({"train": Part("train", volume, (ref,))}, volume.facies)
        for name, ref in {
            "inline": SectionRef(IL, inline),
            "cut": SectionRef(IL, inline, (10, 50)),
            "crossline": SectionRef(XL, crossline),
        }.items()
    }
    assert section_shapes(survey["cut"]) == {"train": [(40, 40)]}
    for name in ("cut", "crossline"):
        check_sections_fit(survey[name], InputConfig(side=64))
    with pytest.raises(SurveyError, match="40 samples x 70 traces does not fit the 64 x 64 canvas"):
        check_sections_fit(survey["inline"], InputConfig(side=64))
    check_sections_fit(survey["inline"], InputConfig(side=64, fit="resize"))


def test_every_picture_of_a_folder_is_checked(tmp_path: Path):
    """Pictures differ in size: only the last one is too large."""
    for kind in ("images", "labels"):
        for part, stem, traces in (("train", "il_1", 30), ("train", "il_2", 70), ("val", "il_20", 30)):
            (tmp_path / kind / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros((20, traces), np.uint8)).save(tmp_path / kind / part / f"{stem}.png")
    survey = open_survey(
        DataConfig.model_validate(
            {
                "amplitude": tmp_path / "images",
                "labels": tmp_path / "labels",
                "classes": ["sand", "shale"],
                "split": {"folders": True},
            }
        )
    )
    assert section_shapes(survey) == {"train": [(20, 30), (20, 70)], "val": [(20, 30)]}
    with pytest.raises(SurveyError, match="20 samples x 70 traces does not fit"):
        check_sections_fit(survey, InputConfig(side=64))


def test_entries_of_a_store_are_known_without_reading_a_section(tmp_path: Path):
    """Inlines of 20 traces, crosslines of 24 and cut inlines of 17 take 2 patches across, 40 samples take 3 down."""
    filling: StoreFiller = filling_of(tmp_path, inputs=TIGHT)
    assert {entry.shape for entry in filling.entries} == {(256, 3, 2)}
    sections = [entry.which for entry in filling.entries]
    assert {which.part.section_shape(which.ref) for which in sections} == {
        (40, 20),
        (40, 24),
        (40, 17),
    }
