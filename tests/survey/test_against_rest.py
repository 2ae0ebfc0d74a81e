"""One class against the rest: a survey has two classes, whatever its files hold, and nothing else of it changes."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sam_seismic.config import DataConfig
from sam_seismic.errors import SurveyError
from sam_seismic.survey.contents import survey_contents
from sam_seismic.survey.facies import IGNORE, UnknownLabelsError
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.parts import open_survey
from sam_seismic.survey.segy import write_segy

SHAPE = (40, 20, 6)
NAMES = ("shale", "salt", "sand")
VALUES = (3, 7, 9)


def survey_files(folder: Path, labels: np.ndarray, **data: Any) -> DataConfig:
    geometry = Geometry.complete(range(100, 140), range(300, 320), SHAPE[2])
    values = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    write_segy(folder / "a.sgy", values, geometry)
    write_segy(folder / "l.sgy", labels, geometry, format="int16")
    files = {"amplitude": folder / "a.sgy", "labels": folder / "l.sgy", "classes": NAMES, "label_values": VALUES}
    return DataConfig.model_validate(files | data)


def drawn() -> np.ndarray:
    return np.random.default_rng(1).choice(np.array([*VALUES, 255], np.int16), SHAPE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("orientation", ["inline", "crossline"])
def test_the_class_is_1_all_others_are_0_and_the_rest_stays_not_interpreted(
    tmp_path: Path, name: str, orientation: str
):
    labels = drawn()
    survey = open_survey(survey_files(tmp_path, labels, against_rest=name, orientation=orientation))
    assert survey.facies.names == ("rest", name)
    assert survey.facies.values == (0, 1)
    ref = survey.parts["train"].sections[3]
    stored = labels[ref.line - 100] if orientation == "inline" else labels[:, ref.line - 300]
    stored = stored.T if ref.traces is None else stored.T[:, slice(*ref.traces)]
    expected = np.where(stored == 255, IGNORE, stored == VALUES[NAMES.index(name)])
    section, found = survey.parts["train"].read(ref)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(survey.parts["train"].labels(ref).values, expected)
    assert section.shape == found.shape
    assert pickle.loads(pickle.dumps(survey.parts["train"])).labels(ref).values.sum() == found.sum()


def test_it_is_the_same_survey_by_its_contents(tmp_path: Path):
    data = survey_files(tmp_path, drawn())
    one = data.model_copy(update={"against_rest": "salt"})
    assert survey_contents(open_survey(one)) == survey_contents(open_survey(data))


def test_a_label_of_no_class_is_still_refused(tmp_path: Path):
    labels = drawn()
    labels[0, 0, 0] = 8
    with pytest.raises(UnknownLabelsError, match="label values 8 are not among the classes 3, 7, 9"):
        open_survey(survey_files(tmp_path, labels, against_rest="salt"))


def test_a_class_that_does_not_exist_is_refused(tmp_path: Path):
    with pytest.raises(ValidationError, match="against_rest must be one of the classes shale, salt, sand"):
        survey_files(tmp_path, drawn(), against_rest="slat")
    modelled = {"source": "synthetic", "synthetic": {"shape": [32, 32, 32]}}
    with pytest.raises(SurveyError, match=r"data\.against_rest: slat") as told:
        open_survey(DataConfig.model_validate(modelled | {"against_rest": "slat"}))
    name = told.value.fix.rpartition(", ")[2]
    assert open_survey(DataConfig.model_validate(modelled | {"against_rest": name})).facies.names == ("rest", name)


def test_rest_is_no_name_of_a_single_class(tmp_path: Path):
    with pytest.raises(ValidationError, match="rest is the name of all other classes"):
        survey_files(tmp_path, drawn(), classes=("shale", "rest", "sand"), against_rest="rest")
