"""A survey is known again by what it holds: a copy, another place and another format are the same, a change is not."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import DataConfig
from sam_seismic.survey import contents
from sam_seismic.survey.contents import content_hash, survey_contents
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.hdf5 import write_hdf5
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import open_survey
from sam_seismic.survey.segy import write_segy

SHAPE = (40, 6, 20)
GRID = Geometry.complete(range(10, 50), range(30, 36), SHAPE[2])


def values() -> np.ndarray:
    return np.random.default_rng(0).integers(-100, 100, SHAPE).astype(np.float32)


def saved(path: Path, array: np.ndarray, **options: object) -> str:
    if path.suffix == ".sgy":
        write_segy(path, array, GRID, **options)
    elif path.suffix == ".h5":
        write_hdf5(MemoryVolume(array, GRID), path)
    else:
        np.save(path, array)
    return content_hash(open_volume(path))


def test_another_place_time_and_format_are_the_same_content(tmp_path: Path):
    """Samples of both SEG-Y formats and of HDF5 are the same numbers on the same grid."""
    before = saved(tmp_path / "a.sgy", values(), format="ieee")
    assert len(before) == 32
    (tmp_path / "other").mkdir()
    assert saved(tmp_path / "other" / "b.sgy", values(), format="ibm") == before
    assert saved(tmp_path / "c.h5", values()) == before
    assert saved(tmp_path / "d.sgy", values().astype(np.int16), format="int16") == before


@pytest.mark.parametrize("place", [(0, 0, 0), (17, 3, 11), (39, 5, 19)])
def test_a_sample_of_a_small_volume_is_enough(tmp_path: Path, place: tuple[int, int, int]):
    changed = values()
    changed[place] += 1
    assert saved(tmp_path / "b.npy", changed) != saved(tmp_path / "a.npy", values())


def test_the_grid_is_part_of_it(tmp_path: Path):
    write_segy(tmp_path / "a.sgy", values(), GRID, format="ieee")
    write_segy(tmp_path / "b.sgy", values(), Geometry.complete(range(11, 51), range(30, 36), SHAPE[2]), format="ieee")
    found = {content_hash(open_volume(tmp_path / name)) for name in ("a.sgy", "b.sgy")}
    assert len(found) == 2


def test_of_a_large_volume_some_sections_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    np.save(tmp_path / "a.npy", values())
    volume, read = open_volume(tmp_path / "a.npy"), []
    section = volume.section
    monkeypatch.setattr(volume, "section", lambda way, line: (read.append((way, line)), section(way, line))[1])
    monkeypatch.setattr(contents, "WHOLE", 6 * 20 * 40 - 1)
    content_hash(volume)
    assert len(read) == 32
    assert (read[0], read[-1]) == ((Orientation.INLINE, 0), (Orientation.INLINE, 39))
    read.clear()
    monkeypatch.setattr(contents, "WHOLE", 6 * 20 * 40)
    content_hash(volume)
    assert len(read) == 40


def test_amplitudes_and_labels_of_a_survey_are_told_apart(tmp_path: Path):
    labels = np.broadcast_to(np.arange(20) // 10, SHAPE).astype(np.uint8)
    np.save(tmp_path / "a.npy", values())
    np.save(tmp_path / "l.npy", labels)
    data = DataConfig(amplitude=tmp_path / "a.npy", labels=tmp_path / "l.npy", classes=("a", "b"))
    before = survey_contents(open_survey(data))
    assert list(before) == ["train amplitude", "train labels"]
    np.save(tmp_path / "l.npy", labels[:, :, ::-1])
    after = survey_contents(open_survey(data))
    assert before["train amplitude"] == after["train amplitude"]
    assert before["train labels"] != after["train labels"]
    assert survey_contents(open_survey(DataConfig(source="synthetic"))) == {}


def test_the_hash_of_today(tmp_path: Path):
    """Runs must be known again by a later release: if this changes on purpose, raise VERSION."""
    array = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    assert saved(tmp_path / "a.npy", array) == "36dd8686f0976cb7ba33363dca479a04"
