"""Labels alone are those that come with the amplitudes, in every format, and cost no look at the amplitudes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given
from hypothesis import strategies as st

from sam_seismic.errors import SurveyError
from sam_seismic.survey.arrays import ArrayVolume
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.hdf5 import write_hdf5
from sam_seismic.survey.images import FolderVolume
from sam_seismic.survey.labelled import labelled
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import Part
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.volume import Volume

INLINE, CROSSLINE = Orientation.INLINE, Orientation.CROSSLINE
SHAPE = (6, 7, 9)
INLINES, CROSSLINES = range(10, 16), range(40, 47)
FACIES = FaciesTable(("sand", "shale", "salt"), values=(1, 2, 6), ignored=(255,))
"""Zero is no class and not to be ignored: what is read of a dead trace would be refused."""


def values(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)


def facies(seed: int) -> np.ndarray:
    """Label values: uint8[inline, crossline, sample]."""
    return np.random.default_rng(seed).choice(np.array([1, 2, 6, 255], np.uint8), SHAPE)


def grid(seed: int) -> Geometry:
    """A grid of which some traces were not recorded; no line lacks all of them."""
    live = np.random.default_rng(seed).random(SHAPE[:2]) > 0.3
    live[0], live[:, 0] = True, True
    full = Geometry.complete(INLINES, CROSSLINES, SHAPE[2])
    return Geometry(full.inlines, full.crosslines, full.samples, 4.0, 0.0, live)


def in_memory(path: Path, cube: np.ndarray, geometry: Geometry) -> Volume:
    return MemoryVolume(cube, geometry, path=path)


def as_segy(path: Path, cube: np.ndarray, geometry: Geometry) -> Volume:
    write_segy(path.with_suffix(".sgy"), cube.astype(np.float32), geometry, format="ieee")
    return open_volume(path.with_suffix(".sgy"))


def as_hdf5(path: Path, cube: np.ndarray, geometry: Geometry) -> Volume:
    write_hdf5(MemoryVolume(cube, geometry), path.with_suffix(".h5"))
    return open_volume(path.with_suffix(".h5"))


def as_mdio(path: Path, cube: np.ndarray, geometry: Geometry) -> Volume:
    path = path.with_suffix(".mdio")
    attributes = {"apiVersion": "1.1.3", "attributes": {"defaultVariableName": "amplitude"}}
    group = zarr.create_group(str(path), attributes=attributes)
    names = ("inline", "crossline", "time")
    group.create_array("amplitude", data=cube, chunks=(4, 4, 4), dimension_names=names)
    for name, numbers in zip(names, (INLINES, CROSSLINES, range(0, 36, 4)), strict=True):
        group.create_array(name, data=np.asarray(numbers), dimension_names=(name,))
    group["time"].attrs["unitsV1"] = {"time": "ms"}
    group.create_array("trace_mask", data=geometry.live, dimension_names=names[:2])
    return open_volume(path)


def as_array(path: Path, cube: np.ndarray, _: Geometry) -> Volume:
    np.save(path.with_suffix(".npy"), cube)
    return ArrayVolume(path.with_suffix(".npy"), first_inline=10, first_crossline=40)


def as_compressed(path: Path, cube: np.ndarray, _: Geometry) -> Volume:
    np.savez_compressed(path.with_suffix(".npz"), cube)
    return ArrayVolume(path.with_suffix(".npz"), first_inline=10, first_crossline=40)


def as_pictures(path: Path, cube: np.ndarray, _: Geometry) -> Volume:
    path.mkdir()
    for position, line in enumerate(INLINES):
        tifffile.imwrite(path / f"il_{line}.tif", cube[position].T)
    for position, line in enumerate(CROSSLINES):
        tifffile.imwrite(path / f"xl_{line}.tif", cube[:, position].T)
    return open_volume(path)


FORMATS: dict[str, Callable[[Path, np.ndarray, Geometry], Volume]] = {
    each.__name__: each for each in (in_memory, as_segy, as_hdf5, as_mdio, as_array, as_compressed, as_pictures)
}
SECTIONS = [(INLINE, line) for line in INLINES] + [(CROSSLINE, line) for line in CROSSLINES]


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Volume, Volume]]:
    """Amplitudes and labels in each format; each pair lacks traces of its own, the two not the same ones."""
    folder = tmp_path_factory.mktemp("formats")
    return {
        name: (
            write(folder / f"{name}_a", values(seed), grid(seed)),
            write(folder / f"{name}_l", facies(seed), grid(seed + 1)),
        )
        for seed, (name, write) in enumerate(FORMATS.items())
    }


def assert_same(part: Part, ref: SectionRef) -> None:
    """All that training takes from a section and its labels, but the amplitudes."""
    section, labels = part.read(ref)
    alone = part.labels(ref)
    assert alone.values.dtype == np.uint8
    np.testing.assert_array_equal(alone.values, labels)
    np.testing.assert_array_equal(alone.live, section.live)
    assert (alone.orientation, alone.line, alone.name) == (section.orientation, section.line, section.name)
    assert (alone.shape, alone.whole_shape, alone.cut_from) == (section.shape, section.whole_shape, section.cut_from)


@given(
    forms=st.tuples(st.sampled_from(list(FORMATS)), st.sampled_from(list(FORMATS))),
    where=st.sampled_from(SECTIONS),
    traces=st.none() | st.tuples(st.integers(0, 5), st.integers(1, 6)).filter(lambda run: run[0] < run[1]),
)
def test_labels_alone_are_those_that_are_read(
    volumes: dict[str, tuple[Volume, Volume]],
    forms: tuple[str, str],
    where: tuple[Orientation, int],
    traces: tuple[int, int] | None,
):
    """For amplitudes and labels of any two formats, whole sections and cut ones."""
    ref = SectionRef(*where, traces)
    assert_same(Part("train", labelled(volumes[forms[0]][0], volumes[forms[1]][1], FACIES), (ref,)), ref)


@pytest.mark.parametrize("form", FORMATS)
def test_no_amplitudes_are_read(volumes: dict[str, tuple[Volume, Volume]], form: str, monkeypatch: pytest.MonkeyPatch):
    """What is trained from stored embeddings reads a tenth of the bytes."""
    amplitude, labels = volumes[form]
    part = Part("train", labelled(amplitude, labels, FACIES), ())
    expected = {where: part.read(SectionRef(*where))[1] for where in SECTIONS}
    read: list[int] = []
    monkeypatch.setattr(amplitude, "section", lambda _, line: read.append(line))
    for where in SECTIONS:
        np.testing.assert_array_equal(part.labels(SectionRef(*where)).values, expected[where])
    assert read == []


@pytest.mark.parametrize(("form", "ending"), [("as_segy", ".sgy"), ("as_array", ".npy"), ("as_compressed", ".npz")])
def test_the_file_of_the_amplitudes_is_not_needed(tmp_path: Path, form: str, ending: str):
    """Once it is open: nothing of it is read any more."""
    live = grid(1)
    amplitude, labels = FORMATS[form](tmp_path / "a", values(1), live), in_memory(tmp_path / "l", facies(1), live)
    data = labelled(amplitude, labels, FACIES)
    expected = data.section(INLINE, 12)[1]
    (tmp_path / f"a{ending}").unlink()
    np.testing.assert_array_equal(data.label_section(INLINE, 12).values, expected)


def test_dead_traces_of_either_file_are_ignored(tmp_path: Path):
    live, all_live = grid(3), Geometry.complete(INLINES, CROSSLINES, SHAPE[2])
    ones = np.ones(SHAPE, np.uint8)
    for amplitude, labels in ((live, all_live), (all_live, live)):
        data = labelled(in_memory(tmp_path, values(0), amplitude), in_memory(tmp_path, ones, labels), FACIES)
        for position, line in enumerate(INLINES):
            found = data.label_section(INLINE, line)
            np.testing.assert_array_equal(found.values == IGNORE, np.tile(~live.live[position], (SHAPE[2], 1)))
            np.testing.assert_array_equal(found.live, amplitude.live[position])


def test_loose_pictures_of_any_size(tmp_path: Path):
    """They form no grid that could tell the traces."""
    for kind, scale in (("images", 50), ("labels", 1)):
        (tmp_path / kind).mkdir()
        for line, shape in ((3, (9, 20)), (4, (11, 30))):
            tifffile.imwrite(tmp_path / kind / f"il_{line}.tif", np.full(shape, scale * (line % 2 + 1), np.uint8))
    images, labels = FolderVolume(tmp_path / "images"), FolderVolume(tmp_path / "labels")
    assert not images.has_grid
    part = Part("train", labelled(images, labels, FACIES), ())
    for ref in (SectionRef(INLINE, 3), SectionRef(INLINE, 4), SectionRef(INLINE, 4, (5, 25))):
        assert_same(part, ref)
    assert part.labels(SectionRef(INLINE, 4)).shape == (11, 30)


def test_what_is_not_finite_is_not_looked_for(tmp_path: Path):
    """It is when the embeddings are made."""
    live = Geometry.complete(INLINES, CROSSLINES, SHAPE[2])
    data = labelled(in_memory(tmp_path, values(0) * np.nan, live), in_memory(tmp_path, facies(0), live), FACIES)
    with pytest.raises(SurveyError, match="not finite"):
        data.section(INLINE, 10)
    assert data.label_section(INLINE, 10).shape == (9, 7)


def test_what_is_refused_otherwise_is_refused_here(tmp_path: Path):
    live = Geometry.complete(INLINES, CROSSLINES, SHAPE[2])
    amplitude = in_memory(tmp_path / "a.sgy", values(0), live)
    data = labelled(amplitude, in_memory(tmp_path / "l.sgy", facies(0) * 2, live), FACIES)
    with pytest.raises(SurveyError, match=r"l\.sgy: IL 10: label values .* are not among"):
        data.label_section(INLINE, 10)
    with pytest.raises(SurveyError, match="there is no inline 9"):
        data.label_section(INLINE, 9)
    with pytest.raises(SurveyError, match=r"a\.sgy: has no labels"):
        labelled(amplitude, None, FACIES).label_section(INLINE, 10)
