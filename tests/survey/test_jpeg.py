"""Sections as JPEG are read, gray or in gray colours; labels as JPEG are refused wherever they are given."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam_seismic.config import DataConfig
from sam_seismic.errors import SurveyError
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.images import FolderResult
from sam_seismic.survey.parts import open_survey
from tests.cli.running import invoke


def folder(path: Path, ending: str, mode: str = "L", count: int = 12) -> Path:
    """Sections [40 samples, 24 traces] of a smooth picture."""
    path.mkdir()
    down, across = np.mgrid[:40, :24]
    for line in range(count):
        values = (127 + 90 * np.sin(down / 4 + across / 20 + line / 9)).astype(np.uint8)
        Image.fromarray(values).convert(mode).save(path / f"il_{line}{ending}")
    return path


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("ending", [".jpg", ".JPEG"])
def test_sections_as_jpeg_are_read_nearly_as_they_were(tmp_path: Path, mode: str, ending: str):
    volume = open_volume(folder(tmp_path / "jpeg", ending, mode))
    exact = open_volume(folder(tmp_path / "png", ".png"))
    assert (volume.encoding, volume.section_shape(Orientation.INLINE, 3)) == ("JPEG 8 bit", (40, 24))
    found, true = (each.section(Orientation.INLINE, 3).values.astype(int) for each in (volume, exact))
    assert np.abs(found - true).max() < 20
    assert np.corrcoef(found.ravel(), true.ravel())[0, 1] > 0.999
    assert any("JPEG changes amplitudes" in note for note in volume.notes)


def test_colour_and_damaged_jpeg_are_refused(tmp_path: Path):
    (tmp_path / "a").mkdir()
    Image.fromarray(np.full((40, 24, 3), (200, 20, 20), np.uint8)).save(tmp_path / "a" / "il_1.jpg")
    with pytest.raises(SurveyError, match="is a colour picture"):
        open_volume(tmp_path / "a").section(Orientation.INLINE, 1)
    (tmp_path / "a" / "il_1.jpg").write_bytes(b"no picture")
    with pytest.raises(SurveyError, match="cannot be read as a JPG picture"):
        open_volume(tmp_path / "a")


def test_labels_as_jpeg_are_refused(tmp_path: Path):
    pictures, labels = folder(tmp_path / "amplitude", ".jpg"), folder(tmp_path / "labels", ".jpg")
    data = {"amplitude": pictures, "labels": labels, "classes": ["a", "b"], "split": {"guard": 0}}
    with pytest.raises(SurveyError, match="holds JPEG pictures") as caught:
        open_survey(DataConfig.model_validate(data))
    assert "PNG" in caught.value.fix
    open_survey(DataConfig.model_validate(data | {"labels": folder(tmp_path / "png", ".png")}))
    for words in (("inspect", labels, "--labels"), ("score", "--truth", labels, "--prediction", labels)):
        result = invoke(*words)
        assert result.exit_code == 2
        assert "holds JPEG pictures" in result.stderr


def test_a_result_replaces_no_folder_of_jpeg(tmp_path: Path):
    """They may be the only copy: results are never JPEG."""
    with pytest.raises(SurveyError, match="holds more than sections"):
        FolderResult(folder(tmp_path / "jpeg", ".jpg"), np.dtype(np.uint8), overwrite=True)
