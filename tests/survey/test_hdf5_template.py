"""A SEG-Y that was converted: results from the HDF5 alone, and the way back, equal what the SEG-Y itself gives."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.inspection.request import InspectRequest
from sam_seismic.inspection.volume import inspect_volume
from sam_seismic.listener import Silent
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.hdf5 import Hdf5Volume, template, write_hdf5, write_segy_of
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.segy import SegyResult, SegyVolume, write_segy
from tests.survey.segy_files import CODES, Parts, cube, facies, grid, smooth, write_all

FORMATS = ("ibm", "ieee", "int32", "int16", "int8", "float64", "uint32", "uint16", "uint8")


def odd_segy(path: Path, form: str = "ibm", endian: str = "big", *, extended: bool = True) -> Path:
    """Something in every header byte: missing traces, crossline order, extended text, another position, a tail."""
    geometry = grid()
    geometry.live[0, :2] = False
    geometry.live[4, 3] = False
    order = "big" if endian == "big" else "little"
    values = np.rint(np.clip(smooth((6, 5, 40)), 0, 100)).astype(np.float32)
    dtype = np.dtype(form if form not in ("ibm", "ieee", "float64") else np.float32)
    write_segy(
        path, values.astype(dtype), geometry, format=form, inline_byte=9, crossline_byte=21, endian=order,
        coordinates=np.random.default_rng(2).uniform(1e5, 9e5, (6, 5, 2)),
    )  # fmt: skip
    size = 4 if dtype == np.float32 and form != "float64" else (8 if form == "float64" else dtype.itemsize)
    parts = Parts.of(path, 240 + 40 * size, order=">" if endian == "big" else "<")
    il, xl = parts.field(9), parts.field(21)
    parts.traces = parts.traces[np.lexsort((il, -xl))]
    random = np.random.default_rng(1)
    parts.traces[:, 119:170] = random.integers(0, 256, (27, 51))
    parts.traces[:, 196:212] = random.integers(0, 256, (27, 16))
    parts.head[3260:3500] = random.integers(0, 256, 240, np.uint8).tobytes()
    parts.set_binary(3505, int(extended))
    if extended:
        parts.head += "((SEG: Anything)) of what the survey was".ljust(3200).encode("cp037")
    return parts.save(path)


@pytest.mark.parametrize("endian", ["big", "little"])
@pytest.mark.parametrize("form", FORMATS)
def test_there_and_back_is_the_same_file(tmp_path: Path, form: str, endian: str):
    source = odd_segy(tmp_path / "a.sgy", form, endian)
    options = SegyOptions(inline_byte=9, crossline_byte=21, format=form)
    write_hdf5(SegyVolume(source, options), tmp_path / "a.h5")
    steps = []
    write_segy_of(
        Hdf5Volume(tmp_path / "a.h5"), tmp_path / "b.sgy", progress=lambda done, total: steps.append((done, total))
    )
    assert (tmp_path / "b.sgy").read_bytes() == source.read_bytes()
    assert steps == [(done, 5) for done in range(1, 6)], "crossline by crossline, as the file is sorted"


@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("dtype", CODES)
def test_results_from_the_copy_equal_those_from_the_source(
    tmp_path: Path, dtype: np.dtype[np.generic], orientation: Orientation, monkeypatch: pytest.MonkeyPatch
):
    """Headers are read in several batches here."""
    monkeypatch.setattr(template, "BATCH", 4)
    source = SegyVolume(odd_segy(tmp_path / "a.sgy"), SegyOptions())
    write_hdf5(source, tmp_path / "a.h5")
    kept = Hdf5Volume(tmp_path / "a.h5").segy_template
    assert kept is not None
    (tmp_path / "a.sgy").rename(tmp_path / "elsewhere.sgy")
    source.path = tmp_path / "elsewhere.sgy"
    values = facies(source.geometry).astype(dtype)
    for name, like in (("from_source", SegyVolume(source.path, SegyOptions())), ("from_copy", kept)):
        with SegyResult(tmp_path / name, dtype, source=like, overwrite=False, note="FACIES BY TEST", null=-1) as result:
            write_all(result, values, source.geometry, orientation)
    assert (tmp_path / "from_copy").read_bytes() == (tmp_path / "from_source").read_bytes()


def test_how_the_source_was_read_is_kept(tmp_path: Path):
    source = SegyVolume(odd_segy(tmp_path / "a.sgy", endian="little"), SegyOptions())
    write_hdf5(source, tmp_path / "a.h5")
    copy = Hdf5Volume(tmp_path / "a.h5")
    assert copy.notes == tuple(f"a.sgy: {note}" for note in source.notes)
    assert copy.why == source.why
    assert (copy.inline_byte, copy.crossline_byte) == (9, 21)
    for orientation in Orientation:
        for line in copy.lines(orientation).tolist():
            np.testing.assert_array_equal(copy.coordinates(orientation, line), source.coordinates(orientation, line))
    write_hdf5(copy, tmp_path / "b.h5")
    again = Hdf5Volume(tmp_path / "b.h5")
    assert (again.notes, again.why, again.inline_byte) == (copy.notes, copy.why, 9)
    write_segy_of(again, tmp_path / "b.sgy")
    assert (tmp_path / "b.sgy").read_bytes() == (tmp_path / "a.sgy").read_bytes()


def test_real_files_come_back_byte_for_byte(tmp_path: Path, shared_data: Path):
    """Both byte orders of the F3 crop, a line of Penobscot in IBM floats, and classes."""
    names = ("segy/f3.sgy", "segy/f3-lsb.sgy", "segy/penobscot_xl1155.sgy", "penobscot/penobscot_labels.sgy")
    for name in names:
        write_hdf5(SegyVolume(shared_data / name, SegyOptions()), tmp_path / "a.h5", overwrite=True)
        write_segy_of(Hdf5Volume(tmp_path / "a.h5"), tmp_path / "a.sgy", overwrite=True)
        assert (tmp_path / "a.sgy").read_bytes() == (shared_data / name).read_bytes(), name


def test_a_copy_of_no_segy_has_no_headers_and_gets_fresh_ones(tmp_path: Path):
    geometry = grid()
    write_hdf5(MemoryVolume(smooth(geometry.shape), geometry), tmp_path / "a.h5")
    copy = Hdf5Volume(tmp_path / "a.h5")
    assert (copy.segy_template, copy.why, copy.inline_byte, copy.coordinates(Orientation.INLINE, 100)) == (None,) * 4
    write_segy_of(copy, tmp_path / "a.sgy")
    back = SegyVolume(tmp_path / "a.sgy", SegyOptions())
    np.testing.assert_array_equal(cube(back), smooth(geometry.shape))
    assert "COPIED FROM a.h5" in back.text


def spoil(path: Path, change: str) -> None:
    with h5py.File(path, "r+") as file:
        group = file["segy"]
        match change:
            case "beyond its 27":
                group["index"][2, 2] = 27
            case "the same trace":
                group["index"][2, 2] = group["index"][2, 3]
            case "live that have no trace":
                group["index"][2, 2] = -1
            case "contradicts itself":
                group.attrs["format_code"] = 4
            case "its traces is None":
                del group.attrs["traces"]
            case "not as long":
                del group["head"]
                group["head"] = np.zeros(3600, np.uint8)
            case "one SEG-Y header for each trace":
                del group["headers"]
            case "is no group":
                del file["segy"]
                file["segy"] = np.zeros(3)


@pytest.mark.parametrize(
    "change",
    [
        "beyond its 27",
        "the same trace",
        "live that have no trace",
        "contradicts itself",
        "its traces is None",
        "not as long",
        "one SEG-Y header for each trace",
        "is no group",
    ],
)
def test_damaged_headers_are_told(tmp_path: Path, change: str):
    """Samples can be read all the same."""
    write_hdf5(SegyVolume(odd_segy(tmp_path / "a.sgy"), SegyOptions()), tmp_path / "a.h5")
    spoil(tmp_path / "a.h5", change)
    volume = Hdf5Volume(tmp_path / "a.h5")
    volume.section(Orientation.INLINE, 102)
    assert inspect_volume(InspectRequest(volume.path), Silent()).facts["coordinates"] is None
    with pytest.raises(SurveyError, match=change):
        _ = volume.segy_template
