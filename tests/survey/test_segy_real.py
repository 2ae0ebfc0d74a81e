"""Real SEG-Y files: what other programs wrote is read as segyio reads it, and results keep its headers."""

from pathlib import Path

import numpy as np
import pytest
import segyio

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import SegyResult, SegyVolume
from sam_seismic.survey.volume import Section
from tests.survey.segy_files import cube


def test_f3_in_both_byte_orders(shared_data: Path):
    """The crop of F3 is the same volume, big- or little-endian, and the one that segyio reads."""
    big = SegyVolume(shared_data / "segy" / "f3.sgy", SegyOptions())
    little = SegyVolume(shared_data / "segy" / "f3-lsb.sgy", SegyOptions())
    assert (big.byte_order, little.byte_order) == ("big", "little")
    assert np.array_equal(cube(big), cube(little))
    assert np.array_equal(big.geometry.inlines, np.arange(111, 134))
    assert np.array_equal(big.geometry.crosslines, np.arange(875, 893))
    assert (big.encoding, big.dtype) == ("16-bit integer (3)", np.int16)
    assert (big.geometry.sample_interval_ms, big.geometry.start_ms) == (4.0, 4.0)
    assert big.notes == ("the first trace header gives 462 samples; the traces hold 75",)
    assert big.coordinates(Orientation.INLINE, 111)[0].tolist() == pytest.approx([620197.2, 6074232.9])
    with segyio.open(big.path, strict=True) as file:
        assert np.array_equal(cube(big), segyio.tools.cube(file))


def test_viking_is_refused_as_prestack(shared_data: Path):
    """Shot gathers without line numbers: refused with the reason; the shots can be named as lines all the same."""
    path = shared_data / "segy" / "viking_small.segy"
    with pytest.raises(SurveyError) as caught:
        SegyVolume(path, SegyOptions())
    assert "189/193: 0 and 0 in every trace" in caught.value.problem
    assert "the offset at byte 37 takes 120 values from -3237 to -262: these look like prestack" in caught.value.problem
    volume = SegyVolume(path, SegyOptions(inline_byte=9, crossline_byte=13))
    assert volume.geometry.shape == (4, 120, 600)
    with segyio.open(path, ignore_geometry=True) as file:
        assert np.array_equal(cube(volume).reshape(480, 600), file.trace.raw[:])


def test_penobscot_crossline_is_a_single_line(shared_data: Path):
    volume = SegyVolume(shared_data / "segy" / "penobscot_xl1155.sgy", SegyOptions())
    assert volume.geometry.shape == (601, 1, 1501)
    assert volume.geometry.crosslines.tolist() == [1155]
    assert volume.encoding == "IBM float (1)"
    assert "Survey: 'Penobscot'" in volume.text
    section = volume.section(Orientation.CROSSLINE, 1155)
    with segyio.open(volume.path, ignore_geometry=True) as file:
        assert np.array_equal(section.values.T, file.trace.raw[:])


def test_the_penobscot_pair(shared_data: Path):
    """Amplitudes and labels lie on one grid; inlines and crosslines agree with segyio."""
    amplitude = SegyVolume(shared_data / "penobscot" / "penobscot_amplitude.sgy", SegyOptions())
    labels = SegyVolume(shared_data / "penobscot" / "penobscot_labels.sgy", SegyOptions())
    assert amplitude.geometry.shape == (24, 256, 768)
    assert amplitude.geometry.same_grid(labels.geometry)
    assert (amplitude.encoding, labels.encoding) == ("IBM float (1)", "8-bit integer (8)")
    assert (amplitude.notes, labels.notes) == ((), ())
    assert np.unique(cube(labels)).tolist() == list(range(8))
    for volume in (amplitude, labels):
        with segyio.open(volume.path, strict=True) as file:
            assert np.array_equal(volume.section(Orientation.INLINE, 1080).values.T, file.iline[1080])
            assert np.array_equal(volume.section(Orientation.CROSSLINE, 1100).values.T, file.xline[1100])


@pytest.mark.parametrize("name", ["segy/f3.sgy", "segy/f3-lsb.sgy", "segy/penobscot_xl1155.sgy"])
def test_a_result_keeps_real_headers(shared_data: Path, tmp_path: Path, name: str):
    """All trace headers, and all of the head but one card and the format code."""
    source = SegyVolume(shared_data / name, SegyOptions())
    geometry, layout = source.geometry, source.layout
    labels = np.random.default_rng(0).integers(0, 6, geometry.shape, np.int8)
    with SegyResult(tmp_path / "r.sgy", np.dtype(np.int8), source=source, overwrite=False, note="FACIES") as result:
        for line, values in zip(geometry.inlines, labels, strict=True):
            result.write(
                Section(Orientation.INLINE, int(line), values.T, geometry.live_along(Orientation.INLINE, line))
            )
    old = np.frombuffer((shared_data / name).read_bytes(), np.uint8)
    new = np.frombuffer((tmp_path / "r.sgy").read_bytes(), np.uint8)
    differing = np.flatnonzero(old[:3600] != new[:3600])
    assert len({int(at) // 80 for at in differing if at < 3200}) == 1
    assert set(differing[differing >= 3200]) <= {3224, 3225}
    headers = old[3600:].reshape(-1, layout.trace_bytes)[:, :240]
    assert np.array_equal(headers, new[3600:].reshape(-1, 240 + geometry.samples)[:, :240])
    back = SegyVolume(tmp_path / "r.sgy", SegyOptions())
    assert np.array_equal(cube(back), labels)
    assert back.encoding == "8-bit integer (8)"
