"""One door to all formats: endings decide, and an option of another format is refused."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import ReadOptions, SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.arrays import ArrayVolume
from sam_seismic.survey.formats import open_result, open_volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.hdf5 import Hdf5Volume, write_hdf5
from sam_seismic.survey.images import FolderVolume
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.result import ResultRequest
from sam_seismic.survey.segy import SegyVolume
from sam_seismic.survey.volume import Volume

INLINE = Orientation.INLINE
VALUES = np.arange(3 * 4 * 8, dtype=np.float32).reshape(3, 4, 8)  # [inline, crossline, sample]
SOURCE = MemoryVolume(VALUES, Geometry.complete(range(100, 103), range(7, 11), 8))


def copy(source: Volume, path: Path, dtype: type = np.float32) -> Volume:
    """Source -> result -> the volume that opens again."""
    request = ResultRequest(path=path, source=source, dtype=np.dtype(dtype), overwrite=False, note="BY A TEST")
    with open_result(request) as result:
        for line in source.lines(INLINE).tolist():
            result.write(source.section(INLINE, line))
    return open_volume(path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.sgy", SegyVolume),
        ("a.SEGY", SegyVolume),
        ("a.seg", SegyVolume),
        ("a.h5", Hdf5Volume),
        ("a.HDF5", Hdf5Volume),
        ("a.npy", ArrayVolume),
    ],
)
def test_every_ending_comes_back_as_it_went_in(tmp_path: Path, name: str, kind: type):
    volume = copy(SOURCE, tmp_path / name)
    assert type(volume) is kind
    for index, line in enumerate(volume.lines(INLINE).tolist()):
        np.testing.assert_array_equal(volume.section(INLINE, line).values, VALUES[index].T)
    if kind is not ArrayVolume:
        assert volume.geometry.same_grid(SOURCE.geometry)


def test_formats_chain_without_loss(tmp_path: Path):
    """SEG-Y -> HDF5 -> SEG-Y keeps lines and samples."""
    last = copy(copy(copy(SOURCE, tmp_path / "a.sgy"), tmp_path / "b.h5"), tmp_path / "c.sgy")
    assert last.geometry.same_grid(SOURCE.geometry)
    np.testing.assert_array_equal(last.section(INLINE, 101).values, VALUES[1].T)


def test_a_folder_of_sections_gives_a_folder_of_sections(tmp_path: Path):
    sections = tmp_path / "images"
    sections.mkdir()
    (sections / "note.txt").write_text("not a section")
    from PIL import Image  # noqa: PLC0415 - only this test draws pictures

    Image.fromarray(VALUES[0].T.astype(np.uint8)).save(sections / "il_5.png")
    source = open_volume(sections)
    assert isinstance(source, FolderVolume)
    result = copy(source, tmp_path / "predicted", np.int8)
    assert isinstance(result, FolderVolume)
    np.testing.assert_array_equal(result.section(INLINE, 5).values, VALUES[0].T)


def refuse(call, *arguments, **options) -> str:
    with pytest.raises(SurveyError) as refused:
        call(*arguments, **options)
    assert refused.value.fix
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.npy", ReadOptions(segy=SegyOptions(inline_byte=5)), "segy.inline_byte cannot apply to NumPy arrays"),
        ("a.h5", ReadOptions(segy=SegyOptions(format="ibm", endian="big")), "segy.format, segy.endian cannot apply"),
        ("a.sgy", ReadOptions(axes="sample,crossline,inline"), "axes cannot apply to SEG-Y"),
        ("a.sgy", ReadOptions(key="data"), "key cannot apply to SEG-Y"),
        (
            "folder",
            ReadOptions(key="data", segy=SegyOptions(endian="big")),
            "segy.endian, key cannot apply to a folder",
        ),
    ],
)
def test_options_of_another_format_are_refused(tmp_path: Path, name: str, options: ReadOptions, message: str):
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    else:
        copy(SOURCE, path)
    assert message in refuse(open_volume, path, options)
    assert str(path) in refuse(open_volume, path, options)


def test_paths_that_cannot_be_opened(tmp_path: Path):
    assert "there is no such file or folder" in refuse(open_volume, tmp_path / "missing.sgy")
    (tmp_path / "cube.dat").write_text("?")
    message = refuse(open_volume, tmp_path / "cube.dat")
    assert "end in .dat are not known" in message
    assert "(.npy, .npz), MDIO (.mdio) or a folder of il_N / xl_N pictures" in message
    (tmp_path / "cube").write_text("?")
    assert "end in nothing are not known" in refuse(open_volume, tmp_path / "cube")
    (tmp_path / "empty").mkdir()
    assert "holds no sections" in refuse(open_volume, tmp_path / "empty")


def test_results_that_cannot_be_written(tmp_path: Path):

    def asked(name: str) -> ResultRequest:
        return ResultRequest(path=tmp_path / name, source=SOURCE, dtype=np.dtype(np.int8), overwrite=False)

    message = refuse(open_result, asked("out.npz"))
    assert "cannot be written as .npz" in message
    assert "end the name in .sgy, .segy, .seg, .h5, .hdf5 or .npy" in message
    assert "cannot be written as .mdio" in refuse(open_result, asked("out.mdio"))
    message = refuse(open_result, asked("out"))
    assert "has no ending" in message
    assert "out.sgy" in message
    for name in ("out.sgy", "out.h5", "out.npy"):
        (tmp_path / name).write_text("")
        assert "exists already" in refuse(open_result, asked(name))


@pytest.mark.parametrize("name", ["cube.sgy", "cube.h5", "cube.npy"])
def test_the_input_is_never_replaced(tmp_path: Path, name: str):
    """Not even with --overwrite, nor under another spelling of its path."""
    source = copy(SOURCE, tmp_path / name)
    (tmp_path / "inner").mkdir()
    for path in (tmp_path / name, tmp_path / "inner" / ".." / name):
        request = ResultRequest(path=path, source=source, dtype=np.dtype(np.int8), overwrite=True)
        assert "is the input itself" in refuse(open_result, request)
    if name == "cube.h5":
        assert "is the input itself" in refuse(write_hdf5, source, tmp_path / name, overwrite=True)


def test_real_segy_opens_by_its_ending(shared_data: Path, tmp_path: Path):
    """A crop of F3 goes to HDF5 and back to SEG-Y with every sample."""
    source = open_volume(shared_data / "segy" / "f3.sgy")
    assert source.geometry.shape == (23, 18, 75)
    again = copy(copy(source, tmp_path / "f3.h5", np.int16), tmp_path / "f3.sgy", np.int16)
    assert again.geometry.same_grid(source.geometry)
    for line in source.lines(INLINE).tolist():
        np.testing.assert_array_equal(again.section(INLINE, line).values, source.section(INLINE, line).values)
