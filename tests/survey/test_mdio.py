"""MDIO stores are read as volumes: those that the library wrote, and all that is refused.

`mdio_stores/` holds the same made-up survey as the MDIO library wrote it, from a SEG-Y file: version_1.zip by
multidimio 1.1.3 (template PostStack3DTime), version_0.zip by multidimio 0.9.3.
"""

import pickle
import shutil
import sys
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from sam_seismic.config import ReadOptions, SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.formats import open_result, open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.mdio import MdioVolume, reader
from sam_seismic.survey.result import ResultRequest

INLINE, CROSSLINE = Orientation.INLINE, Orientation.CROSSLINE
STORES = Path(__file__).parent / "mdio_stores"
INLINES, CROSSLINES, SAMPLES = np.arange(100, 119, 2), np.arange(300, 307), np.arange(20)
LIVE = np.ones((10, 7), np.bool_)
LIVE[0, 0] = LIVE[3, 4] = LIVE[9, :6] = False


def survey() -> np.ndarray:
    """What lies in the stores: float32[inline, crossline, sample], zero where no trace is."""
    values = (INLINES[:, None, None] - 100) * 10 + (CROSSLINES[None, :, None] - 300) + SAMPLES / 32
    return np.where(LIVE[:, :, None], values, 0).astype(np.float32)


def unpacked(folder: Path, version: int) -> Path:
    shutil.unpack_archive(STORES / f"version_{version}.zip", folder)
    return folder / f"v{version}.mdio"


def write_store(path: Path, values: np.ndarray, **changes: Any) -> Path:
    """A store of version 1, as documented, with something changed about it."""
    facts = {
        "dimensions": ("inline", "crossline", "time"),
        "attributes": {"apiVersion": "1.1.3", "attributes": {"defaultVariableName": "amplitude"}},
        "inline": np.arange(values.shape[0]) + 10,
        "crossline": np.arange(values.shape[1]) + 20,
        "time": np.arange(values.shape[-1]) * 2 + 100,
        "units": {"time": "ms"},
        "mask": np.ones(values.shape[:2], np.bool_),
        "name": "amplitude",
    } | changes
    group = zarr.create_group(str(path), attributes=facts["attributes"])
    names = facts["dimensions"]
    array = group.create_array(facts["name"], data=values, chunks=(2,) * values.ndim, dimension_names=names)
    assert array.shape == values.shape
    for name in ("inline", "crossline", "time", "depth", "offset", "cdp"):
        if name in facts:
            coordinate = group.create_array(name, data=np.asarray(facts[name]), dimension_names=(name,))
            if name in ("time", "depth"):
                coordinate.attrs["unitsV1"] = facts["units"]
    if facts["mask"] is not None:
        group.create_array("trace_mask", data=facts["mask"], dimension_names=("inline", "crossline"))
    return path


def cube(dtype: type = np.float32) -> np.ndarray:
    return np.arange(3 * 4 * 5).reshape(3, 4, 5).astype(dtype)


def assert_holds(volume: MdioVolume, values: np.ndarray) -> None:
    """Every section along both orientations."""
    for axis, orientation in enumerate((INLINE, CROSSLINE)):
        for position, line in enumerate(volume.lines(orientation).tolist()):
            section = volume.section(orientation, line)
            np.testing.assert_array_equal(section.values, values.take(position, axis).T)
            np.testing.assert_array_equal(section.live, volume.geometry.live.take(position, axis))


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("slab", [1, 1200, 1 << 20])
def test_what_the_library_wrote(tmp_path: Path, version: int, slab: int, monkeypatch: pytest.MonkeyPatch):
    """Every sample of every section, the line numbers, the times and which traces are live; in slabs of any size."""
    monkeypatch.setattr(reader, "SLAB_BYTES", slab)
    volume = open_volume(unpacked(tmp_path, version))
    assert isinstance(volume, MdioVolume)
    assert str(volume.geometry) == "10 inlines 100-118 step 2, 7 crosslines 300-306, 20 samples"
    assert (volume.geometry.sample_interval_ms, volume.geometry.start_ms) == (4.0, 0.0)
    assert volume.encoding == "float32, chunks 4 x 4 x 8"
    assert volume.notes == ("the unit of its times is not given: ms assumed",)
    np.testing.assert_array_equal(volume.geometry.live, LIVE)
    assert_holds(volume, survey())


def test_coordinates_of_traces(tmp_path: Path):
    """Version 1 holds them, scaled by the SEG-Y file's scalar; a place without a trace has none."""
    volume = open_volume(unpacked(tmp_path, 1))
    found = volume.coordinates(CROSSLINE, 304)
    assert found is not None
    expected = np.stack([1000.0 + INLINES * 25, np.full(10, 2000.0 + 304 * 12.5)], axis=1)
    expected[~LIVE[:, 4]] = np.nan
    np.testing.assert_array_equal(found, expected)
    last = volume.coordinates(INLINE, 118)
    assert last is not None
    assert np.isnan(last[:6]).all()
    assert last[6].tolist() == [3950.0, 5825.0]
    assert open_volume(unpacked(tmp_path, 0)).coordinates(INLINE, 118) is None


def test_sections_of_a_chunk_are_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A chunk holds many lines: reading one line at a time would decompress it for each of them."""
    volume = MdioVolume(unpacked(tmp_path, 1))
    slabs: list[tuple[int, int]] = []
    read = MdioVolume._read_slab

    def counted(self: MdioVolume, orientation: Orientation, position: int) -> reader.Slab:
        slab = read(self, orientation, position)
        slabs.append((slab.first, len(slab.sections)))
        return slab

    monkeypatch.setattr(MdioVolume, "_read_slab", counted)
    for line in INLINES.tolist():
        volume.section(INLINE, line)
    assert slabs == [(0, 4), (4, 4), (8, 2)]


def test_a_volume_is_pickled_without_what_it_opened(tmp_path: Path):
    volume = MdioVolume(unpacked(tmp_path, 1))
    volume.section(INLINE, 104)
    assert len(pickle.dumps(volume)) < 20_000
    assert_holds(pickle.loads(pickle.dumps(volume)), survey())


def test_a_result_on_its_grid(tmp_path: Path):
    """Predictions go out as SEG-Y with headers made for the grid."""
    source = open_volume(unpacked(tmp_path, 1))
    request = ResultRequest(
        path=tmp_path / "out.sgy", source=source, dtype=np.dtype(np.float32), overwrite=False, note="TEST"
    )
    with open_result(request) as result:
        for line in INLINES.tolist():
            result.write(source.section(INLINE, line))
    written = open_volume(tmp_path / "out.sgy")
    assert written.geometry.same_grid(source.geometry)
    np.testing.assert_array_equal(written.section(CROSSLINE, 306).values, survey()[:, 6].T)


def test_lines_that_descend_and_axes_in_another_order(tmp_path: Path):
    """Lines come out ascending, with their own samples and masks."""
    mask = np.ones((3, 4), np.bool_)
    mask[0, 1] = False
    values = cube()
    path = write_store(
        tmp_path / "a.mdio",
        values.transpose(2, 0, 1),
        dimensions=("time", "inline", "crossline"),
        inline=[12, 11, 10],
        crossline=[20, 22, 21, 23],
        time=np.arange(5) * 0.004,
        units={"time": "s"},
        mask=mask,
    )
    volume = MdioVolume(path)
    assert volume.lines(INLINE).tolist() == [10, 11, 12]
    assert (volume.geometry.sample_interval_ms, volume.notes) == (pytest.approx(4.0), ())
    expected = values[::-1][:, [0, 2, 1, 3]].copy()
    expected[2, 2] = 0
    assert volume.geometry.live[2].tolist() == [True, True, False, True]
    assert_holds(volume, expected)


def test_depths_integers_and_a_missing_mask_are_noted(tmp_path: Path):
    path = write_store(
        tmp_path / "a.mdio",
        cube(np.int8),
        dimensions=("inline", "crossline", "depth"),
        depth=np.arange(5) * 10,
        units={"length": "ft"},
        mask=None,
        name="facies",
    )
    volume = open_volume(path, ReadOptions(key="facies"))
    assert volume.dtype == np.int8
    assert volume.geometry.sample_interval_ms == 10.0
    assert volume.notes == (
        "its samples are depths (ft), shown as if they were ms",
        "it has no trace mask: every trace is taken as live",
    )


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"attributes": {}}, "a Zarr group, but no MDIO store"),
    ({"name": "other"}, "holds no variable amplitude; it has crossline, inline, other, time, trace_mask"),
    ({"dimensions": ("inline", "offset", "time"), "offset": np.arange(4)}, "has the dimensions inline, offset, time"),
    ({"dimensions": None}, "has the dimensions without names"),
    ({"inline": [1, 2]}, r"their coordinates \{'inline': \(2,\)"),
    ({"inline": [1, 2, 2]}, "its inline numbers repeat"),
    ({"crossline": [1.0, 2.0, 2.5, 3.0]}, "its crossline numbers repeat, or are no whole numbers"),
    ({"time": [0, 4, 8, 12, 20]}, "its samples are 4 to 8 apart"),
    ({"time": [8, 6, 4, 2, 0]}, "its samples are -2 to -2 apart"),
    ({"units": {"time": "weeks"}}, "its times are in weeks"),
    ({"mask": np.ones((3, 3), np.bool_)}, r"its trace mask has the shape \(3, 3\), its lines \(3, 4\)"),
]


@pytest.mark.parametrize(("changes", "problem"), REFUSED)
def test_what_is_no_stacked_volume_on_a_grid_is_refused(tmp_path: Path, changes: dict[str, Any], problem: str):
    path = write_store(tmp_path / "a.mdio", cube(), **changes)
    with pytest.raises(SurveyError, match=problem) as refused:
        open_volume(path)
    assert refused.value.problem.startswith(str(path))


def test_gathers_are_refused(tmp_path: Path):
    names = ("inline", "crossline", "offset", "time")
    path = write_store(tmp_path / "a.mdio", np.zeros((2, 2, 2, 2), np.float32), dimensions=names, offset=[0, 1])
    with pytest.raises(SurveyError, match="has the dimensions inline, crossline, offset, time"):
        open_volume(path)


def test_complex_samples_are_refused(tmp_path: Path):
    with pytest.raises(SurveyError, match="neither real numbers nor integers"):
        open_volume(write_store(tmp_path / "a.mdio", cube(np.complex64)))


def test_sizes_that_a_store_claims_are_not_believed(tmp_path: Path):
    """A number in a small text file must not make the program reserve terabytes."""
    path = write_store(tmp_path / "a.mdio", cube())
    for name, old, new in (("amplitude", "3,\n    4,", "3000000,\n    4000000,"), ("inline", "3\n", "3000000\n")):
        metadata = path / name / "zarr.json"
        metadata.write_text(metadata.read_text().replace(old, new, 1))
    with pytest.raises(SurveyError, match="the samples have the shape"):
        open_volume(path)
    metadata = path / "crossline" / "zarr.json"
    metadata.write_text(metadata.read_text().replace("4\n", "4000000\n", 1))
    with pytest.raises(SurveyError, match="which is no volume"):
        open_volume(path)


@pytest.mark.parametrize("version", [0, 1])
def test_damage_is_told_with_the_path(tmp_path: Path, version: int):
    path = unpacked(tmp_path, version)
    volume = open_volume(path)
    chunk = path / ("amplitude/c/0/0/0" if version == 1 else "data/chunked_012/0/0/0")
    chunk.write_bytes(chunk.read_bytes()[:20])
    with pytest.raises(SurveyError, match=rf"v{version}\.mdio: cannot be read as an MDIO store"):
        volume.section(INLINE, 100)
    for metadata in (path / "zarr.json", path / ".zattrs", path / ".zgroup"):
        if metadata.exists():
            metadata.write_text("{nonsense")
    with pytest.raises(SurveyError, match="cannot be read as an MDIO store"):
        open_volume(path)
    (tmp_path / "empty.mdio").mkdir()
    with pytest.raises(SurveyError, match="cannot be read as an MDIO store"):
        open_volume(tmp_path / "empty.mdio")


def test_options_that_cannot_apply_are_refused(tmp_path: Path):
    path = unpacked(tmp_path, 0)
    with pytest.raises(SurveyError, match=r"segy\.inline_byte cannot apply to MDIO"):
        open_volume(path, ReadOptions(segy=SegyOptions(inline_byte=5)))
    with pytest.raises(SurveyError, match="axes cannot apply to MDIO"):
        open_volume(path, ReadOptions(axes="sample,crossline,inline"))
    with pytest.raises(SurveyError, match="the key data cannot apply to an MDIO store of version 0"):
        open_volume(path, ReadOptions(key="data"))


@pytest.mark.follows("survey/mdio/layout.py", "pip install 'sam-seismic[mdio]'")
def test_without_zarr_the_user_learns_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is named brings zarr, and with zarr the store opens."""
    path = unpacked(tmp_path, 1)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "zarr", None)
        with pytest.raises(SurveyError, match="reading MDIO needs zarr, which is not installed") as refused:
            open_volume(path)
    assert refused.value.fix == "pip install 'sam-seismic[mdio]'"
    assert [each for each in requires("sam-seismic") or () if each.startswith("zarr") and "extra == 'mdio'" in each]
    assert open_volume(path).geometry.shape == (10, 7, 20)
