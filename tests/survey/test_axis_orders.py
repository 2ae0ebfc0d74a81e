"""All six axis orders, axes of length 1, and files that hold one array, for NumPy and HDF5."""

from itertools import permutations
from pathlib import Path

import h5py
import numpy as np
import pytest

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation

CUBE = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5)
AXES = ("inline", "crossline", "sample")
STORED = ("a.npy", "fortran.npy", "stored.npz", "packed.npz", "a.h5", "chunks.h5", "packed.h5")


def save(path: Path, values: np.ndarray) -> Path:
    if path.suffix == ".npy":
        np.save(path, np.asfortranarray(values) if path.stem == "fortran" else values)
    elif path.suffix == ".npz":
        (np.savez if path.stem == "stored" else np.savez_compressed)(path, data=values)
    else:
        chunks = {"chunks": tuple(min(2, size) for size in values.shape)} if path.stem != "a" else {}
        packed = {"compression": "gzip"} if path.stem == "packed" else {}
        with h5py.File(path, "w") as file:
            file.create_dataset("data", data=values, **chunks, **packed)
            file["dt"] = 4.0
            file["times"] = np.arange(5)
    return path


@pytest.mark.parametrize("order", list(permutations(AXES)), ids=",".join)
@pytest.mark.parametrize("name", STORED)
@pytest.mark.parametrize("single", [(), (0,), (3,), (0, 2)])
def test_every_axis_order_is_read_without_axes_of_length_1(
    tmp_path: Path, name: str, order: tuple[str, ...], single: tuple[int, ...]
):
    turned = CUBE.transpose([AXES.index(axis) for axis in order])
    for axis in single:
        turned = np.expand_dims(turned, axis)
    volume = open_volume(save(tmp_path / name, turned), ReadOptions(axes=",".join(order)))  # type: ignore[arg-type]
    assert volume.geometry.shape == CUBE.shape
    assert np.array_equal(volume.section(Orientation.INLINE, 2).values, CUBE[2].T)
    assert np.array_equal(volume.section(Orientation.CROSSLINE, 1).values, CUBE[:, 1].T)
    assert any("axes of length 1" in note for note in volume.notes) == bool(single)


@pytest.mark.parametrize("name", STORED)
def test_an_array_of_four_axes_is_told_as_such(tmp_path: Path, name: str):
    with pytest.raises(SurveyError) as caught:
        open_volume(save(tmp_path / name, np.stack([CUBE, CUBE])))
    assert "four axes, (2, 3, 4, 5)" in caught.value.problem
    assert "unclear" not in caught.value.problem
    assert open_volume(save(tmp_path / "one.npy", np.stack([CUBE, CUBE])[0])).geometry.shape == CUBE.shape


@pytest.mark.follows("survey/axis_order.py", "name that of the volume: --key {}")
@pytest.mark.parametrize("ending", [".npz", ".h5"])
def test_one_of_several_arrays_is_named_with_the_option_of_the_fix(tmp_path: Path, ending: str):
    path = tmp_path / f"two{ending}"
    if ending == ".npz":
        np.savez(path, seismic=CUBE, other=CUBE)
    else:
        with h5py.File(path, "w") as file:
            file["seismic"], file["group/other"] = CUBE, CUBE
    with pytest.raises(SurveyError, match="unclear") as caught:
        open_volume(path)
    key = caught.value.fix.partition("--key ")[2].split(" ")[0]
    assert open_volume(path, ReadOptions(key=key)).geometry.shape == CUBE.shape


@pytest.mark.parametrize("name", ["a.npy", "a.h5"])
def test_the_note_on_the_axis_order_names_an_option_that_works(tmp_path: Path, name: str):
    path = save(tmp_path / name, CUBE)
    (note,) = (note for note in open_volume(path).notes if "--axes" in note)
    named = note.partition("such as ")[2].split(" ")[0]
    assert open_volume(path, ReadOptions(axes=named)).geometry.shape == (3, 5, 4)  # type: ignore[arg-type]
