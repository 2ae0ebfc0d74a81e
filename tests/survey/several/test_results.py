"""Results of a survey of several files: a SEG-Y each with the headers of its own, one for all, or HDF5 and back."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.formats import open_result, open_volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.hdf5 import write_hdf5, write_segy_of
from sam_seismic.survey.result import ResultRequest
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.several.result import unique_names
from sam_seismic.survey.volume import Volume
from tests.survey.segy_files import INT8, Parts, cube, facies, smooth, write_all
from tests.survey.several.split_files import BY_INLINES, BY_SWATHS, OVERLAPPING, SHAPE, Chosen, split, write_whole

FILES = [BY_INLINES, BY_SWATHS, OVERLAPPING]


def request(path: Path, source: Volume, *, overwrite: bool = False) -> ResultRequest:
    return ResultRequest(path=path, source=source, dtype=INT8, overwrite=overwrite, note="FACIES", null=-1)


def written(
    path: Path, source: Volume, orientation: Orientation = Orientation.INLINE, *, overwrite: bool = False
) -> NDArray[np.int8]:
    """Write facies of the grid of a volume; what was written: int8[inline, crossline, sample]."""
    values = facies(source.geometry).astype(np.int8)
    with open_result(request(path, source, overwrite=overwrite)) as result:
        write_all(result, values, source.geometry, orientation)
    return values


def headers(path: Path, sample_bytes: int) -> bytes:
    return Parts.of(path, 240 + sample_bytes * SHAPE[2]).traces[:, :240].tobytes()


@pytest.mark.parametrize("orientation", Orientation)
@pytest.mark.parametrize("files", FILES)
def test_a_result_has_a_file_for_each_with_its_headers(
    files: Mapping[str, Chosen], orientation: Orientation, tmp_path: Path
):
    sources = split(write_whole(tmp_path / "whole.sgy"), tmp_path / "parts", files)
    volume = open_volume(sources)
    values = written(tmp_path / "facies", volume, orientation)
    assert sorted(path.name for path in (tmp_path / "facies").iterdir()) == sorted(files)
    for source in sources:
        result = tmp_path / "facies" / source.name
        assert headers(result, 1) == headers(source, 4)
        head, other = result.read_bytes()[:3600], source.read_bytes()[:3600]
        assert [at for at in range(3200, 3600) if head[at] != other[at]] == [3225]  # the format code: 5 -> 8
    back = open_volume(tmp_path / "facies")
    assert np.array_equal(cube(back), np.where(volume.geometry.live[..., None], values, 0))
    assert np.array_equal(back.geometry.live, volume.geometry.live)


@pytest.mark.parametrize("files", FILES)
def test_one_file_for_all_has_the_headers_of_all(files: Mapping[str, Chosen], tmp_path: Path):
    """Each place once, in the order of the files: here that of the lines, so that the whole file comes back."""
    whole = open_volume(write_whole(tmp_path / "whole.sgy"))
    volume = open_volume(split(whole.path, tmp_path / "parts", files))
    values = written(tmp_path / "facies.sgy", volume)
    back = open_volume(tmp_path / "facies.sgy")
    assert np.array_equal(cube(back), np.where(whole.geometry.live[..., None], values, 0))
    rows = Parts.of(tmp_path / "facies.sgy", 240 + SHAPE[2]).traces[:, :240]
    expected = Parts.of(whole.path, 240 + 4 * SHAPE[2]).traces[:, :240]
    assert {row.tobytes() for row in rows} == {row.tobytes() for row in expected}
    assert len(rows) == len(expected) == int(whole.geometry.live.sum())


@pytest.mark.parametrize("files", FILES)
def test_a_copy_is_that_of_the_whole_file(files: Mapping[str, Chosen], tmp_path: Path):
    whole = open_volume(write_whole(tmp_path / "whole.sgy"))
    volume = open_volume(split(whole.path, tmp_path / "parts", files))
    write_hdf5(volume, tmp_path / "copy.h5")
    copy = open_volume(tmp_path / "copy.h5")
    assert np.array_equal(cube(copy), cube(whole))
    assert np.array_equal(copy.geometry.live, whole.geometry.live)
    found, expected = (each.coordinates(Orientation.INLINE, 103) for each in (copy, whole))
    assert found is not None
    assert np.array_equal(found, expected, equal_nan=True)
    write_segy_of(copy, tmp_path / "back.sgy")
    if files is not BY_SWATHS:  # whose traces come in another order
        assert (tmp_path / "back.sgy").read_bytes() == whole.path.read_bytes()
    assert np.array_equal(cube(open_volume(tmp_path / "back.sgy")), cube(whole))


def test_mixed_float_formats_are_copied_as_ieee(tmp_path: Path):
    ieee = split(write_whole(tmp_path / "ieee.sgy"), tmp_path / "b", BY_INLINES)
    ibm = split(write_whole(tmp_path / "ibm.sgy", format="ibm"), tmp_path / "a", BY_INLINES)
    volume = open_volume([ibm[0], *ieee[1:]])
    write_hdf5(volume, tmp_path / "copy.h5")
    write_segy_of(open_volume(tmp_path / "copy.h5"), tmp_path / "back.sgy")
    back = open_volume(tmp_path / "back.sgy")
    assert back.encoding == "IEEE float (5)"
    assert np.array_equal(cube(back), cube(open_volume(tmp_path / "ieee.sgy")))


def test_files_of_two_byte_orders_cannot_stand_in_one(tmp_path: Path):
    little = split_little(tmp_path)
    volume = open_volume(little)
    with pytest.raises(SurveyError, match="differ in byte order: one SEG-Y file cannot keep their headers") as refused:
        open_result(request(tmp_path / "facies.sgy", volume))
    assert refused.value.fix.endswith(f"a file for each of them: {tmp_path / 'facies'}")
    values = written(tmp_path / "facies", volume)
    assert np.array_equal(cube(open_volume(tmp_path / "facies")), values)
    assert volume.segy_template is None
    write_hdf5(volume, tmp_path / "copy.h5")
    assert np.array_equal(cube(open_volume(tmp_path / "copy.h5")), cube(volume))


def split_little(folder: Path) -> list[Path]:
    for name, first, order in (("a.sgy", 0, "big"), ("b.sgy", 3, "little")):
        grid = Geometry.complete(range(first, first + 3), range(6), 20)
        write_segy(folder / name, smooth(grid.shape, first), grid, endian=order)  # type: ignore[arg-type]
    return [folder / "a.sgy", folder / "b.sgy"]


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path):
    files = [tmp_path / "swath1" / "vol.sgy", tmp_path / "swath2" / "vol.sgy"]
    assert unique_names(files) == ["swath1_vol.sgy", "swath2_vol.sgy"]
    assert unique_names([tmp_path / "x" / "a.sgy", tmp_path / "b.sgy"]) == ["a.sgy", "b.sgy"]


def test_only_such_a_folder_is_replaced(tmp_path: Path):
    volume = open_volume(split(write_whole(tmp_path / "whole.sgy"), tmp_path / "parts", BY_INLINES))
    written(tmp_path / "facies", volume)
    with pytest.raises(SurveyError, match="exists already"):
        written(tmp_path / "facies", volume)
    written(tmp_path / "facies", volume, overwrite=True)
    with pytest.raises(SurveyError, match="holds the input part1"):
        written(tmp_path / "parts", volume, overwrite=True)
    (tmp_path / "facies" / "mine.txt").write_text("keep")
    with pytest.raises(SurveyError, match=r"holds more than the files of a result \(mine.txt\)"):
        written(tmp_path / "facies", volume, overwrite=True)
    with pytest.raises(SurveyError, match="is the input itself"):
        written(volume.files[1], volume, overwrite=True)
    assert len(volume.files[1].read_bytes()) > 3600
