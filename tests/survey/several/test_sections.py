"""A survey cut into several files has the sections, headers and positions of the whole file."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.survey.contents import content_hash
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.volume import Volume
from tests.survey.several.split_files import BY_INLINES, BY_SWATHS, OVERLAPPING, Chosen, split, write_whole

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
    assert content_hash(volume) == content_hash(whole)
    assert [path.name for path in volume.files] == list(files)
