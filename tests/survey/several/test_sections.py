"""A survey cut into several files has the sections, headers and positions of the whole file."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.survey.contents import content_hash
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.volume import Volume
from tests.survey.segy_files import Parts
from tests.survey.several.split_files import BY_INLINES, BY_SWATHS, OVERLAPPING, SHAPE, Chosen, split, write_whole

ONE_A_LINE: Mapping[str, Chosen] = {
    f"line_{line}.sgy": lambda il, _, line=line: il == line  # type: ignore[misc]
    for line in range(100, 112)
}


def assert_same(volume: Volume, whole: Volume) -> None:
    assert str(volume.geometry) == str(whole.geometry)
    assert np.array_equal(volume.geometry.live, whole.geometry.live)
    assert volume.geometry.sample_interval_ms == whole.geometry.sample_interval_ms
    assert volume.geometry.start_ms == whole.geometry.start_ms
    for orientation in Orientation:
        for line in whole.lines(orientation).tolist():
            here, there = volume.section(orientation, line), whole.section(orientation, line)
            assert np.array_equal(here.values, there.values), here.name
            assert here.values.dtype == there.values.dtype
            assert np.array_equal(here.live, there.live)
            found, expected = volume.coordinates(orientation, line), whole.coordinates(orientation, line)
            assert found is not None
            assert expected is not None
            assert np.array_equal(found, expected, equal_nan=True)


@pytest.mark.parametrize("files", [BY_INLINES, BY_SWATHS, OVERLAPPING, ONE_A_LINE])
def test_each_section_is_that_of_the_whole_file(files: Mapping[str, Chosen], tmp_path: Path):
    whole = open_volume(write_whole(tmp_path / "whole.sgy"))
    volume = open_volume(split(whole.path, tmp_path / "parts", files))
    assert_same(volume, whole)
    assert_same(pickle.loads(pickle.dumps(volume)), whole)
    assert content_hash(volume) == content_hash(whole)
    assert [path.name for path in volume.files] == list(files)


def test_of_many_files_none_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file for each of thousands of lines would exceed the limit of open files."""
    monkeypatch.setattr("sam_seismic.survey.several.volume.MOST_OPEN", 3)
    monkeypatch.setattr("sam_seismic.survey.several.opening.MOST_OPEN", 3)
    whole = open_volume(write_whole(tmp_path / "whole.sgy"))
    files = split(whole.path, tmp_path / "parts", ONE_A_LINE)
    volume = open_volume(files)
    assert_same(volume, whole)
    opened = {link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    assert not opened & set(files)


def test_traces_that_no_file_holds_are_dead(tmp_path: Path):
    """Line 105 is in no file: it is no line of the survey; the traces between two swaths are dead on each line."""
    whole = open_volume(write_whole(tmp_path / "whole.sgy"))
    chosen: Mapping[str, Chosen] = {
        "a.sgy": lambda il, xl: (il < 105) & (xl < 306),
        "b.sgy": lambda il, xl: (il > 105) & (xl > 302),
    }
    volume = open_volume(split(whole.path, tmp_path / "parts", chosen))
    assert volume.geometry.inlines.tolist() == [100, 101, 102, 103, 104, 106, 107, 108, 109, 110, 111]
    section = volume.section(Orientation.INLINE, 102)
    assert section.live.tolist() == [True] * 6 + [False] * 3
    assert np.array_equal(section.values[:, :6], whole.section(Orientation.INLINE, 102).values[:, :6])
    assert not section.values[:, 6:].any()
    assert "34 of 99 places of the grid hold no trace" in volume.notes
    assert any(note.startswith("inline numbers step unevenly, by 1 to 2") for note in volume.notes)
    found = volume.coordinates(Orientation.INLINE, 102)
    assert found is not None
    assert np.isnan(found).any(axis=1).tolist() == [False] * 6 + [True] * 3


def test_times_of_first_samples_are_those_of_each_file(tmp_path: Path):
    """Headers of the second file say that its traces begin at two times; those of the first all begin at 0."""
    whole = open_volume(write_whole(tmp_path / "whole.sgy"))
    files = split(whole.path, tmp_path / "parts", BY_SWATHS)
    parts = Parts.of(files[1], 240 + 4 * SHAPE[2])
    parts.set_field(109, np.where(parts.field(193) == 304, 2, 0), "i2")
    parts.save(files[1])
    volume = open_volume(files)
    starts = volume.starts_ms(Orientation.INLINE, 101)
    assert starts is not None
    assert starts.tolist() == [0, 0, 0, 0, 2, 0, 0, 0, 0]
    assert volume.starts_ms(Orientation.CROSSLINE, 301) is None
