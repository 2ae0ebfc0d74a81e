"""A second opinion: ObsPy, which shares no code with us, finds the same headers and samples."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam_seismic.config import SegyOptions
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import SegyVolume
from tests.survey.segy_dialects import Dialect, every_pair, write_dialect

Read = Callable[..., Any]
INLINE = "for_3d_poststack_data_this_field_is_for_in_line_number"
CROSSLINE = "for_3d_poststack_data_this_field_is_for_cross_line_number"
X, Y = (f"{axis}_coordinate_of_ensemble_position_of_this_trace" for axis in "xy")
SOURCE_X, SOURCE_Y = "source_coordinate_x", "source_coordinate_y"
SCALAR = "scalar_to_be_applied_to_all_coordinates"


@pytest.fixture(scope="module")
def obspy_read() -> Read:
    with warnings.catch_warnings():
        # ObsPy looks its plugins up by an interface of importlib that Python deprecates.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        from obspy.io.segy.segy import _read_segy  # noqa: PLC0415  # its import warns
    return _read_segy


def known_to_obspy(dialect: Dialect) -> bool:
    """It reads four formats, and none of the extensions of the head."""
    return dialect.code in (1, 2, 3, 5) and dialect.extended == 0 and dialect.revision != (2, 1)


def check_agree(volume: SegyVolume, theirs: Any, *, samples: bool = True) -> None:
    """The head, the fields of all trace headers that we go by, and all samples."""
    binary = theirs.binary_file_header
    assert theirs.endian == volume.layout.order
    assert binary.data_sample_format_code == volume.layout.form.code
    assert binary.measurement_system == {"m": 1, "ft": 2, None: 0}[volume.length_unit]
    assert binary.number_of_3200_byte_ext_file_header_records_following == volume.extended_headers
    assert binary.sample_interval_in_microseconds == volume.geometry.sample_interval_ms * 1000
    assert len(theirs.traces) == volume.traces
    said = theirs.textual_file_header.decode("ascii", errors="replace")
    assert [said[at : at + 80].rstrip(" \0\r\n") for at in range(0, 3200, 80)] == volume.text.split("\n")
    for position, line in enumerate(volume.geometry.inlines.tolist()):
        section, places = volume.section(Orientation.INLINE, line), volume.coordinates(Orientation.INLINE, line)
        places = np.full((len(volume.index[position]), 2), np.nan) if places is None else places
        for number, values, place in zip(volume.index[position], section.values.T, places, strict=True):
            if number < 0:
                assert not values.any()
                continue
            trace = theirs.traces[number]
            header, scalar = trace.header, getattr(trace.header, SCALAR)
            factor = {-1: 1 / max(1, -scalar), 0: 1, 1: scalar}[int(np.sign(scalar))]
            xy = [getattr(header, X), getattr(header, Y)]
            xy = xy if any(xy) else [getattr(header, SOURCE_X), getattr(header, SOURCE_Y)]
            if np.isfinite(place).all():
                assert np.allclose(place, np.array(xy) * factor)
            elif volume.coordinate_fields is not None:
                assert not any(xy)
            assert header.delay_recording_time == volume.geometry.start_ms
            if volume.inline_byte == 189:
                assert getattr(header, INLINE) == line
            if samples:
                assert np.array_equal(trace.data, values)
    if volume.crossline_byte == 193:
        numbers = [getattr(trace.header, CROSSLINE) for trace in theirs.traces]
        places = np.nonzero(volume.index >= 0)
        held = volume.index[places]
        assert [numbers[trace] for trace in held] == volume.geometry.crosslines[places[1]].tolist()


def test_generated_dialects(tmp_path: Path, obspy_read: Read):
    """Those that both read."""
    dialects = [each for seed in range(8) for each in every_pair(seed) if known_to_obspy(each)]
    assert len(dialects) > 30
    for number, dialect in enumerate(dialects):
        write_dialect(tmp_path / "a.sgy", dialect, number)
        check_agree(SegyVolume(tmp_path / "a.sgy"), obspy_read(str(tmp_path / "a.sgy"), unpack_headers=True))


@pytest.mark.parametrize(
    ("name", "options", "claimed"),
    [
        ("f3.sgy", SegyOptions(), 462),
        ("f3-lsb.sgy", SegyOptions(), 462),
        ("viking_small.segy", SegyOptions(inline_byte=9, crossline_byte=13), 1500),
    ],
)
def test_real_files_that_were_cropped(
    shared_data: Path, tmp_path: Path, obspy_read: Read, name: str, options: SegyOptions, claimed: int
):
    """Their trace headers still count the samples before, at which ObsPy gives up: it gets them mended."""
    volume = SegyVolume(shared_data / "segy" / name, options)
    layout, raw = volume.layout, bytearray(volume.path.read_bytes())
    for at in range(layout.start + 114, len(raw), layout.trace_bytes):
        assert int.from_bytes(raw[at : at + 2], volume.byte_order) == claimed
        raw[at : at + 2] = layout.samples.to_bytes(2, volume.byte_order)
    (tmp_path / name).write_bytes(raw)
    check_agree(volume, obspy_read(str(tmp_path / name), unpack_headers=True))


@pytest.mark.parametrize("name", ["segy/penobscot_xl1155.sgy", "penobscot/penobscot_amplitude.sgy"])
def test_other_real_files(shared_data: Path, obspy_read: Read, name: str):
    check_agree(SegyVolume(shared_data / name), obspy_read(str(shared_data / name), unpack_headers=True))


def test_real_labels(shared_data: Path, obspy_read: Read):
    """ObsPy knows the 8-bit format and not how to decode it: headers must do."""
    path = shared_data / "penobscot" / "penobscot_labels.sgy"
    check_agree(SegyVolume(path), obspy_read(str(path), unpack_headers=True, headonly=True), samples=False)
