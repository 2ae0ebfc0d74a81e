"""Fresh SEG-Y files open in segyio and ObsPy; what their headers cannot hold is refused."""

import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import segyio

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.segy import SegyResult, SegyVolume, write_segy
from tests.survey.segy_files import CODES, INT8, cube, facies, grid, smooth, write_all


@pytest.fixture(scope="module")
def obspy_segy() -> ModuleType:
    with warnings.catch_warnings():
        # ObsPy looks its plugins up by an interface of importlib that Python deprecates.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        import obspy.io.segy.segy as module  # noqa: PLC0415  # its import warns
    return module


@pytest.mark.parametrize(("name", "dtype"), [("ibm", "f4"), ("ieee", "f4"), ("int16", "i2"), ("int8", "i1")])
@pytest.mark.parametrize("endian", ["big", "little"])
def test_fresh_files_open_in_segyio(tmp_path: Path, name: str, dtype: str, endian: str):
    """Strictly, with geometry, headers and samples as they were given."""
    values = smooth((6, 5, 40)) if dtype == "f4" else facies(grid()).astype(dtype)
    geometry = Geometry.complete(range(100, 106), range(300, 310, 2), 40, sample_interval_ms=2.5, start_ms=8)
    place = np.stack(np.meshgrid(600000.25 + np.arange(5), 6e6 + np.arange(6)), axis=2)
    path = tmp_path / "a.sgy"
    write_segy(path, values, geometry, format=name, endian=endian, coordinates=place)  # type: ignore[arg-type]
    with segyio.open(path, strict=True, endian=endian) as file:
        assert np.array_equal(segyio.tools.cube(file), values)
        assert file.ilines.tolist() == list(range(100, 106))
        assert file.xlines.tolist() == list(range(300, 310, 2))
        assert file.samples.tolist() == [8 + 2.5 * sample for sample in range(40)]
        assert file.sorting == segyio.TraceSortingFormat.INLINE_SORTING
        binary = file.bin
        assert binary[segyio.BinField.Interval] == 2500
        assert binary[segyio.BinField.Traces] == 5
        header = file.header[7]
        expected = {1: 8, 5: 8, 29: 1, 71: -100, 109: 8, 115: 40, 117: 2500, 189: 101, 193: 304}
        assert {byte: header[byte] for byte in expected} == expected
        assert (header[181], header[185]) == (60000225, 600000100)


@pytest.mark.parametrize("name", ["ibm", "ieee", "int32", "int16"])
@pytest.mark.parametrize("endian", ["big", "little"])
def test_fresh_files_open_in_obspy(tmp_path: Path, obspy_segy: ModuleType, name: str, endian: str):
    values = smooth((6, 5, 40)) if name in ("ibm", "ieee") else facies(grid())
    path = tmp_path / "a.sgy"
    write_segy(path, values, grid(), format=name, endian=endian)  # type: ignore[arg-type]
    file = obspy_segy._read_segy(str(path))
    assert file.endian == (">" if endian == "big" else "<")
    assert np.array_equal(np.stack([trace.data for trace in file.traces]), values.reshape(30, 40))
    header = file.traces[7].header
    assert header.for_3d_poststack_data_this_field_is_for_in_line_number == 101
    assert header.for_3d_poststack_data_this_field_is_for_cross_line_number == 302
    assert file.binary_file_header.seg_y_format_revision_number in (0x0100, 0x0001)


@pytest.mark.parametrize("dtype", CODES)
def test_results_open_in_segyio_and_obspy(tmp_path: Path, obspy_segy: ModuleType, dtype: np.dtype[np.generic]):
    """Facies of a complete source. ObsPy knows the 8-bit format and not how to decode it: its headers must do."""
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid(), format="ibm")
    source, values = SegyVolume(tmp_path / "a.sgy", SegyOptions()), facies(grid())
    with SegyResult(tmp_path / "r.sgy", dtype, source=source, overwrite=False, note="FACIES") as result:
        write_all(result, values, source.geometry, Orientation.INLINE)
    with segyio.open(tmp_path / "r.sgy", strict=True) as file:
        assert np.array_equal(segyio.tools.cube(file), values)
        assert file.dtype == dtype
    traces = obspy_segy._read_segy(str(tmp_path / "r.sgy"), headonly=dtype == INT8).traces
    assert [trace.npts for trace in traces] == [40] * 30
    if dtype != INT8:
        assert np.array_equal(np.stack([trace.data for trace in traces]), values.reshape(30, 40))


def test_inlines_may_come_one_by_one(tmp_path: Path):
    """A volume larger than memory is written from an iterator."""
    values = smooth((6, 5, 40))
    write_segy(tmp_path / "a.sgy", (inline for inline in values), grid())
    assert np.array_equal(cube(SegyVolume(tmp_path / "a.sgy", SegyOptions())), values)


@pytest.mark.parametrize("inlines", [5, 7])
def test_a_volume_of_another_size_is_refused(tmp_path: Path, inlines: int):
    with pytest.raises(SurveyError, match="does not have 6 inlines"):
        write_segy(tmp_path / "a.sgy", smooth((inlines, 5, 40)), grid())
    assert list(tmp_path.iterdir()) == []


def test_ibm_floats_hold_no_nan(tmp_path: Path):
    with pytest.raises(SurveyError, match="IBM floats cannot hold NaN"):
        write_segy(tmp_path / "a.sgy", np.full((6, 5, 40), np.nan, np.float32), grid(), format="ibm")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": 70000}, "holds a samples a trace from 1 to 65535, not 70000"),
        ({"interval": 100.0}, "holds a sample interval in us from 0 to 65535, not 100000"),
        ({"start": 40000.0}, "holds a time of the first sample from -32768 to 32767, not 40000"),
        ({"dead": True}, "there is no live trace to write"),
        ({"inline_byte": 190}, "header positions 190 and 193 overlap"),
        ({"crossline_byte": 185, "coordinates": True}, "header positions 189 and 185 overlap"),
        ({"text": [""] * 40}, "holds a lines of text from 0 to 34, not 40"),
    ],
)
def test_what_header_fields_cannot_hold_is_refused(tmp_path: Path, change: dict[str, object], message: str):
    samples = int(str(change.pop("samples", 40)))
    interval, start = float(str(change.pop("interval", 4.0))), float(str(change.pop("start", 0.0)))
    geometry = Geometry.complete(range(6), range(5), samples, sample_interval_ms=interval, start_ms=start)
    geometry.live[:] = not change.pop("dead", False)
    if change.pop("coordinates", False):
        change["coordinates"] = np.zeros((6, 5, 2))
    with pytest.raises(SurveyError, match=message):
        write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), geometry, **change)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
