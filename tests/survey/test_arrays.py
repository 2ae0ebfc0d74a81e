"""NumPy files: axis orders, types, lazy members of archives, and results that come back as they went in."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.arrays import ArrayResult, ArrayVolume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.volume import Section

INLINE, CROSSLINE = Orientation.INLINE, Orientation.CROSSLINE
CUBE = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5)  # [inline, crossline, sample]
ORDERS = {
    "inline,crossline,sample": (0, 1, 2),
    "sample,crossline,inline": (2, 1, 0),
    "sample,inline,crossline": (2, 0, 1),
}


def stored(path: Path, values: np.ndarray) -> Path:
    np.save(path, values)
    return path


@pytest.mark.parametrize("axes", ORDERS)
@pytest.mark.parametrize("ending", [".npy", ".npz", "compressed.npz"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_axis_orders_give_the_same_sections(tmp_path: Path, axes: str, ending: str, order: str):
    """An inline of a [sample, crossline, inline] file is the inline of the survey, however the file is stored."""
    path, values = tmp_path / f"cube{ending}", np.asarray(CUBE.transpose(ORDERS[axes]), order=order)
    if ending == ".npy":
        np.save(path, values)
    else:
        (np.savez if ending == ".npz" else np.savez_compressed)(path, data=values, other=np.zeros(3))
    volume = ArrayVolume(path, ReadOptions(axes=axes))
    assert volume.geometry.shape == (3, 4, 5)
    assert volume.encoding == ("float32, compressed" if "compressed" in ending else "float32")
    np.testing.assert_array_equal(volume.section(INLINE, 2).values, CUBE[2].T)
    np.testing.assert_array_equal(volume.section(CROSSLINE, 1).values, CUBE[:, 1].T)
    assert volume.section(INLINE, 2).live.all()


def test_files_are_not_loaded(tmp_path: Path):
    """573 MB of F3 must not be read to show one section; nor an uncompressed archive."""
    np.savez(tmp_path / "cube.npz", data=CUBE)
    for path in (stored(tmp_path / "cube.npy", CUBE), tmp_path / "cube.npz"):
        volume = ArrayVolume(path)
        np.testing.assert_array_equal(volume.section(INLINE, 1).values, CUBE[1].T)
        assert volume._array is None


def test_compressed_member_is_read_once(tmp_path: Path):
    """Decompressing a 1.6 GB archive for each section would take days."""
    path = tmp_path / "cube.npz"
    np.savez_compressed(path, data=CUBE)
    volume = ArrayVolume(path)
    assert volume._array is None
    volume.section(INLINE, 0)
    path.unlink()
    np.testing.assert_array_equal(volume.section(INLINE, 1).values, CUBE[1].T)


@pytest.mark.parametrize(
    ("dtype", "read"),
    [("f8", "f4"), (">f4", "f4"), ("f2", "f4"), ("u1", "u1"), (">i2", "i2"), ("i8", "i8"), ("?", "u1")],
)
def test_floats_become_float32_and_integers_stay(tmp_path: Path, dtype: str, read: str):
    volume = ArrayVolume(stored(tmp_path / "cube.npy", (CUBE % 2).astype(dtype)))
    section = volume.section(INLINE, 1)
    assert volume.dtype == section.values.dtype == np.dtype(read)
    np.testing.assert_array_equal(section.values, CUBE[1].T % 2)


def test_float64_beyond_float32_is_infinite_and_not_a_warning(tmp_path: Path):
    """Reading says nothing; the check for finite amplitudes names the section."""
    volume = ArrayVolume(stored(tmp_path / "cube.npy", np.full((1, 1, 2), 1e300)))
    assert np.isinf(volume.section(INLINE, 0).values).all()


def test_notes_say_what_was_assumed(tmp_path: Path):
    path = stored(tmp_path / "cube.npy", CUBE.astype(np.float64))
    assert ArrayVolume(path).notes == (
        "stored as float64, read as float32",
        "axis order inline,crossline,sample assumed for shape (3, 4, 5); which axis is time does not show; "
        "name it with --axes (YAML: data.read.axes): inline, crossline and sample in the order of the axes, such as "
        "inline,sample,crossline for a stack of pictures",
        "it holds no line numbers: inlines and crosslines count from 0",
        "it holds no times: 4 ms a sample from 0 ms on assumed",
    )
    known = ArrayVolume(
        stored(tmp_path / "known.npy", CUBE),
        ReadOptions(axes="inline,crossline,sample"),
        first_inline=100,
        first_crossline=300,
        sample_interval_ms=2.0,
    )
    assert known.notes == ()
    assert str(known.geometry) == "3 inlines 100-102, 4 crosslines 300-303, 5 samples"
    assert known.geometry.sample_interval_ms == 2.0
    np.testing.assert_array_equal(known.section(CROSSLINE, 303).values, CUBE[:, 3].T)


def test_volume_survives_pickling(tmp_path: Path):
    """Reader processes get the path, not the samples."""
    volume = ArrayVolume(stored(tmp_path / "cube.npy", np.zeros((64, 64, 64), np.float32)))
    volume.section(INLINE, 0)
    packed = pickle.dumps(volume)
    assert len(packed) < 8_000
    np.testing.assert_array_equal(pickle.loads(packed).section(INLINE, 3).values, np.zeros((64, 64)))


def refuse(path: Path, options: ReadOptions | None = None) -> str:
    with pytest.raises(SurveyError) as refused:
        ArrayVolume(path, options)
    assert str(path) in refused.value.problem
    assert refused.value.fix
    return str(refused.value)


def test_refusals_name_the_array_and_the_fix(tmp_path: Path):
    assert "shape (3, 4)" in refuse(stored(tmp_path / "flat.npy", CUBE[..., 0]))
    assert "none of them empty" in refuse(stored(tmp_path / "empty.npy", CUBE[:0]))
    assert "complex64" in refuse(stored(tmp_path / "complex.npy", CUBE.astype(np.complex64)))
    assert "key data cannot apply" in refuse(stored(tmp_path / "cube.npy", CUBE), ReadOptions(key="data"))
    np.save(tmp_path / "objects.npy", np.array([[[{}]]], dtype=object), allow_pickle=True)
    assert "Python objects" in refuse(tmp_path / "objects.npy")
    (tmp_path / "text.npy").write_text("not an array")
    assert "cannot be read as a NumPy file" in refuse(tmp_path / "text.npy")
    (tmp_path / "text.npz").write_text("not an archive")
    assert "cannot be read as a NumPy file" in refuse(tmp_path / "text.npz")
    assert "No such file" in refuse(tmp_path / "missing.npy")


def test_an_archive_of_two_volumes_needs_a_key(tmp_path: Path):
    path = tmp_path / "both.npz"
    np.savez(path, data=CUBE, labels=CUBE.astype(np.uint8), note=np.zeros(2))
    assert "data (3, 4, 5), labels (3, 4, 5), note (2,)" in refuse(path)
    assert "there is no array amplitude" in refuse(path, ReadOptions(key="amplitude"))
    assert ArrayVolume(path, ReadOptions(key="labels")).dtype == np.uint8


def test_damaged_samples_are_told_when_they_are_read(tmp_path: Path):
    path = stored(tmp_path / "cube.npy", CUBE)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(SurveyError, match="cut off or damaged"):
        ArrayVolume(path).section(INLINE, 0)
    archive = tmp_path / "cube.npz"
    np.savez_compressed(archive, data=np.random.default_rng(0).normal(size=(8, 8, 64)))
    whole = bytearray(archive.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    archive.write_bytes(whole)
    with pytest.raises(SurveyError, match="cut off or damaged"):
        ArrayVolume(archive).section(INLINE, 0)


def test_a_line_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(SurveyError, match="there is no crossline 4: they run from 0-3"):
        ArrayVolume(stored(tmp_path / "cube.npy", CUBE)).section(CROSSLINE, 4)


@given(
    values=hnp.arrays(
        st.sampled_from([np.int8, np.uint8, np.int16, np.float32]),
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=6),
    ),
    orientation=st.sampled_from(Orientation),
)
def test_result_comes_back_as_it_went_in(tmp_path_factory, values: np.ndarray, orientation: Orientation):
    """Every sample of every section, whichever way the sections were cut."""
    path = tmp_path_factory.mktemp("result") / "out.npy"
    geometry = Geometry.complete(range(10, 10 + values.shape[0]), range(values.shape[1]), values.shape[2])
    with ArrayResult(path, values.dtype, geometry=geometry, overwrite=False) as result:
        for index, line in enumerate(geometry.lines(orientation).tolist()):
            traces = values[index] if orientation is INLINE else values[:, index]
            result.write(Section(orientation, line, traces.T, np.ones(len(traces), bool)))
    volume = ArrayVolume(path)
    assert volume.dtype == values.dtype
    for index in range(values.shape[0]):
        np.testing.assert_array_equal(volume.section(INLINE, index).values, values[index].T)


def test_dead_traces_of_a_result_are_zero(tmp_path: Path):
    live = np.array([[True, False], [True, True]])
    geometry = Geometry(np.arange(2, dtype=np.int32), np.arange(2, dtype=np.int32), 3, 4.0, 0.0, live)
    with ArrayResult(tmp_path / "out.npy", np.dtype(np.int8), geometry=geometry, overwrite=False) as result:
        for line in (0, 1):
            result.write(Section(INLINE, line, np.full((3, 2), 7, np.int8), live[line]))
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy")[:, :, 0], [[7, 0], [7, 7]])


def test_a_failed_result_leaves_nothing_behind(tmp_path: Path):
    """No half file under the final name, no temporary one beside it."""
    geometry = Geometry.complete(range(2), range(2), 3)
    with (
        pytest.raises(KeyboardInterrupt),
        ArrayResult(tmp_path / "out.npy", np.dtype(np.int8), geometry=geometry, overwrite=False),
    ):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_result_refuses_to_replace_and_to_fill_the_disk(tmp_path: Path):
    path = stored(tmp_path / "out.npy", CUBE)
    geometry = Geometry.complete(range(2), range(2), 3)
    with pytest.raises(SurveyError, match="exists already"):
        ArrayResult(path, np.dtype(np.int8), geometry=geometry, overwrite=False)
    huge = Geometry.complete(range(100), range(100), 10**14)
    with pytest.raises(SurveyError, match=r"[GM]B left"):
        ArrayResult(tmp_path / "huge.npy", np.dtype(np.float32), geometry=huge, overwrite=False).__enter__()
    with ArrayResult(path, np.dtype(np.int8), geometry=geometry, overwrite=True):
        pass
    assert np.load(path).shape == (2, 2, 3)
