"""SEG-Y dialects are read sample by sample: sorting, byte order, format, positions, missing traces, numbering."""

import os
import pickle
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import segyio
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sam_seismic.config import SegyOptions
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.segy import SegyVolume, samples, write_segy
from sam_seismic.survey.segy.formats import FORMATS
from sam_seismic.survey.segy.samples import decode, encode
from tests.survey.segy_files import Parts, crossline_cube, cube, grid, smooth

SIZES = {"ibm": 4, "ieee": 4, "float64": 8, "int32": 4, "int16": 2, "int8": 1, "uint32": 4, "uint16": 2, "uint8": 1}
CODES = {"ibm": 1, "ieee": 5, "float64": 6, "int32": 2, "int16": 3, "int8": 8, "uint32": 10, "uint16": 11, "uint8": 16}
MISSING = {"none": (), "corner": ((0, 0), (0, 1), (1, 0)), "ragged": ((0, 4), (2, 2), (5, 0), (5, 1), (5, 2))}
NUMBERS = {
    "ascending": (range(100, 106), range(300, 305)),
    "stepped": (range(100, 118, 3), range(300, 310, 2)),
    "descending": (range(105, 99, -1), range(304, 299, -1)),
    "negative": (range(-3, 3), range(-40, -65, -5)),
}


def values_of(name: str, shape: tuple[int, int, int]) -> NDArray[np.generic]:
    dtype = np.dtype(np.float32) if name in ("ibm", "ieee", "float64") else np.dtype(name)
    if dtype.kind == "f":
        return smooth(shape)
    bounds = np.iinfo(dtype)
    return np.random.default_rng(0).integers(bounds.min, bounds.max, shape, dtype, endpoint=True)


def sorted_file(path: Path, numbers: str, missing: str, *, crossline_sorted: bool, **options: object) -> Geometry:
    """A file whose traces stand in the order of `numbers`; its geometry and samples as they should be read."""
    inlines, crosslines = (list(lines) for lines in NUMBERS[numbers])
    live = np.ones((6, 5), np.bool_)
    for inline, crossline in MISSING[missing]:
        live[inline, crossline] = False
    geometry = Geometry(np.sort(inlines).astype(np.int32), np.sort(crosslines).astype(np.int32), 40, 2.0, 100.0, live)
    name = str(options["format"])
    write_segy(path, values_of(name, geometry.shape), geometry, **options)  # type: ignore[arg-type]
    parts = Parts.of(path, 240 + 40 * SIZES[name], order=">" if options.get("endian", "big") == "big" else "<")
    il = parts.field(int(str(options.get("inline_byte", 189))))
    xl = parts.field(int(str(options.get("crossline_byte", 193))))
    first = np.array([inlines.index(line) for line in il])
    second = np.array([crosslines.index(line) for line in xl])
    order = np.lexsort((first, second) if crossline_sorted else (second, first))
    parts.traces = parts.traces[order]
    parts.save(path)
    return geometry


def check(volume: SegyVolume, geometry: Geometry, name: str) -> None:
    expected = values_of(name, geometry.shape)
    expected[~geometry.live] = 0
    assert np.array_equal(volume.geometry.inlines, geometry.inlines)
    assert np.array_equal(volume.geometry.crosslines, geometry.crosslines)
    assert np.array_equal(volume.geometry.live, geometry.live)
    assert (volume.geometry.sample_interval_ms, volume.geometry.start_ms) == (2.0, 100.0)
    assert volume.dtype == expected.dtype == cube(volume).dtype
    assert np.array_equal(cube(volume), expected)
    assert np.array_equal(crossline_cube(volume), expected)


@pytest.mark.parametrize("endian", ["big", "little"])
@pytest.mark.parametrize("name", SIZES)
def test_every_format_in_both_byte_orders(tmp_path: Path, name: str, endian: str):
    """Each sample format comes back exactly, and says its name and code."""
    path = tmp_path / "a.sgy"
    geometry = sorted_file(path, "ascending", "corner", crossline_sorted=False, format=name, endian=endian)
    volume = SegyVolume(path, SegyOptions())
    check(volume, geometry, name)
    assert volume.encoding.endswith(f"({CODES[name]})")
    assert volume.byte_order == endian


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("bytes_", [(189, 193), (9, 21), (5, 21), (17, 25), (221, 225)])
def test_any_numbering_sorting_and_position(tmp_path: Path, bytes_: tuple[int, int], numbers: str, missing: str):
    """The grid comes from the headers alone: neither the order of traces nor where the numbers stand changes it."""
    for crossline_sorted, (name, endian) in product((False, True), (("ibm", "little"), ("int8", "big"))):
        path = tmp_path / "a.sgy"
        inline, crossline = bytes_
        geometry = sorted_file(
            path,
            numbers,
            missing,
            crossline_sorted=crossline_sorted,
            format=name,
            endian=endian,
            inline_byte=inline,
            crossline_byte=crossline,
        )
        volume = SegyVolume(path, SegyOptions())
        check(volume, geometry, name)
        assert (volume.inline_byte, volume.crossline_byte) == bytes_
        noted = f"line numbers found at bytes {inline}/{crossline}: 6 x 5 lines"
        assert any(note.startswith(noted) for note in volume.notes) == (bytes_ != (189, 193))
        assert f"{inline}/{crossline}: 6 x 5 lines" in volume.why
        dead = len(MISSING[missing])
        assert (f"{dead} of 30 places of the grid hold no trace" in volume.notes) == (dead > 0)


@given(data=st.data())
def test_what_was_written_is_read(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory):
    """Any grid, of any live traces, in any format, comes back as it was given."""
    lines = st.lists(st.integers(-1000, 1000), min_size=2, max_size=5, unique=True).map(sorted)
    inlines, crosslines, samples = data.draw(lines), data.draw(lines), data.draw(st.integers(1, 12))
    live = np.array(data.draw(st.lists(st.booleans(), min_size=25, max_size=25))).reshape(5, 5)
    live = live[: len(inlines), : len(crosslines)].copy()
    # Lines without any trace would not be lines of the file.
    live[:, 0] = True
    live[0] = True
    name = data.draw(st.sampled_from(list(SIZES)))
    endian = data.draw(st.sampled_from(["big", "little"]))
    start = data.draw(st.sampled_from([0.0, -12.0, 1500.5]))
    geometry = Geometry(np.array(inlines, np.int32), np.array(crosslines, np.int32), samples, 0.5, start, live)
    expected = values_of(name, geometry.shape)
    path = tmp_path_factory.mktemp("any") / "a.sgy"
    write_segy(path, expected, geometry, format=name, endian=endian)
    volume = SegyVolume(path, SegyOptions(inline_byte=189, crossline_byte=193))
    expected[~live] = 0
    assert volume.geometry.same_grid(geometry)
    assert np.array_equal(volume.geometry.live, live)
    assert np.array_equal(cube(volume), expected)
    assert (volume.geometry.sample_interval_ms, volume.geometry.start_ms) == (0.5, start)


@given(st.lists(st.floats(-(2.0**80), 2.0**80, width=32), min_size=1, max_size=50))
def test_ibm_floats_are_as_near_as_24_bits_allow(values: list[float]):
    """Encoding and decoding lose half a unit of the last of 24 bits at most; a hex digit may waste 3."""
    given_values = np.array([values], np.float32)
    stored = encode(given_values, FORMATS[1], ">")
    back = decode(stored.view(np.uint8), FORMATS[1], ">").astype(np.float64)
    assert np.all(np.abs(back - given_values) <= np.abs(given_values.astype(np.float64)) * 2.0**-21)


def test_ibm_words_of_the_literature():
    """The textbook's word for -118.625, one that is not normalised, and zero."""
    words = np.array([[0xC276A000, 0x420EC9A1, 0, 0x41100000]], ">u4")
    decoded = decode(words.view(np.uint8), FORMATS[1], ">")
    assert decoded[0].tolist() == [-118.625, float(np.float32(0x0EC9A1 / 2**24 * 256)), 0.0, 1.0]
    assert encode(np.array([-118.625, 0, 1], np.float32), FORMATS[1], ">").tolist() == [0xC276A000, 0, 0x41100000]


def test_ibm_words_are_decoded_to_the_nearest_float():
    """Any 32 bits: against exact arithmetic in 64 bits, from what becomes zero to what is too large for a float."""
    random = np.random.default_rng(0)
    words = random.integers(0, 1 << 32, (100, 2000), np.uint32)
    words[50:60] &= np.uint32(0xFF00000F)  # not normalised
    words[60:70, ::3] = 0
    words[70:] = (words[70:] & np.uint32(0x80FFFFFF)) | (random.integers(58, 72, (30, 2000), np.uint32) << 24)
    top = (words >> 24).astype(np.int64)
    exact = np.ldexp((words & 0xFFFFFF).astype(np.float64), 4 * ((top & 0x7F) - 64) - 24) * np.where(top > 127, -1, 1)
    with np.errstate(over="ignore"):
        expected = exact.astype(np.float32)
    decoded = decode(words.astype(">u4").view(np.uint8), FORMATS[1], ">")
    assert decoded.dtype == np.float32
    assert np.array_equal(decoded, expected)
    assert np.isinf(decoded).any()


@pytest.mark.parametrize("endian", ["big", "little"])
@pytest.mark.parametrize("sign", ["code", "constant"])
def test_the_byte_order_is_found_though_the_format_is_named(tmp_path: Path, endian: str, sign: str):
    """257 samples are 257 in both orders, and so is every size: the format code tells, or the constant of revision 2.

    Swapped line numbers would make a perfect grid of nonsense.
    """
    values, order = smooth((6, 5, 257)), ">" if endian == "big" else "<"
    write_segy(tmp_path / "a.sgy", values, grid(6, 5, 257), endian=endian)  # type: ignore[arg-type]
    parts = Parts.of(tmp_path / "a.sgy", 240 + 4 * 257, order=order)
    if sign == "constant":
        parts.head[3500:3502] = bytes([2, 0])
        parts.set_binary(3297, 0x01020304, "u4")
        parts.set_binary(3225, 0)
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"), SegyOptions(format="ieee"))
    assert volume.byte_order == endian
    assert volume.geometry.inlines.tolist() == list(range(100, 106))
    assert np.array_equal(cube(volume), values)


def test_a_file_of_another_writer(tmp_path: Path):
    """A file that segyio made is read: reader and writer do not agree with each other only."""
    path, values = tmp_path / "segyio.sgy", smooth((4, 7, 30))
    segyio.tools.from_array(str(path), values, dt=2000, delrt=8)
    volume = SegyVolume(path, SegyOptions())
    assert np.array_equal(cube(volume), values)
    assert volume.encoding == "IBM float (1)"
    assert volume.geometry.inlines.tolist() == [1, 2, 3, 4]
    assert (volume.geometry.sample_interval_ms, volume.geometry.start_ms) == (2.0, 8.0)


def test_nan_is_handed_on(tmp_path: Path):
    """NaN is the caller's business, even where most of the file is NaN."""
    values = smooth((6, 5, 40))
    values[1:] = np.nan
    write_segy(tmp_path / "a.sgy", values, grid())
    volume = SegyVolume(tmp_path / "a.sgy", SegyOptions())
    assert np.array_equal(cube(volume), values, equal_nan=True)


def test_the_traces_of_a_section_are_contiguous(tmp_path: Path):
    """Values are a view of the traces as they came from the file: nothing is copied only to be transposed."""
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    volume = SegyVolume(tmp_path / "a.sgy", SegyOptions())
    for orientation, line, shape in ((Orientation.INLINE, 100, (40, 5)), (Orientation.CROSSLINE, 300, (40, 6))):
        section = volume.section(orientation, line)
        assert section.shape == shape
        assert section.values.T.flags.c_contiguous
        assert section.values.dtype.isnative
        assert section.values.flags.writeable
        assert section.live.all()


@pytest.mark.parametrize("block", [1, 400, 900, 1 << 18])
@pytest.mark.parametrize("name", ["ibm", "ieee", "int8"])
def test_sections_are_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, name: str):
    """Borders of blocks change nothing, whatever the order of the traces; nor do dead traces in between."""
    monkeypatch.setattr(samples, "BLOCK", block)
    monkeypatch.setattr(samples, "_ASKED_AHEAD", 2)
    for crossline_sorted, numbers in product((False, True), ("ascending", "descending")):
        path = tmp_path / f"{crossline_sorted}{numbers}.sgy"
        geometry = sorted_file(path, numbers, "ragged", crossline_sorted=crossline_sorted, format=name)
        check(SegyVolume(path), geometry, name)


@pytest.mark.parametrize("crossline_sorted", [False, True])
def test_lines_across_the_file_read_their_own_samples_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crossline_sorted: bool
):
    """A line along the file is one read; one across it reads and asks the disk for no byte but its samples."""
    path = tmp_path / "a.sgy"
    sorted_file(path, "ascending", "none", crossline_sorted=crossline_sorted, format="ieee")
    volume, asked, got = SegyVolume(path), [], []
    read, advise = os.preadv, os.posix_fadvise

    def counted(handle: int, buffers: list[memoryview], at: int) -> int:
        got.append((at, len(buffers[0])))
        return read(handle, buffers, at)

    def noted(handle: int, at: int, length: int, advice: int) -> None:
        assert advice == os.POSIX_FADV_WILLNEED
        asked.append((at, length))
        advise(handle, at, length, advice)

    monkeypatch.setattr(os, "preadv", counted)
    monkeypatch.setattr(os, "posix_fadvise", noted)
    along, across = (Orientation.INLINE, 100), (Orientation.CROSSLINE, 300)
    if crossline_sorted:
        along, across = across, along
    count, stride = (6, 5) if not crossline_sorted else (5, 6)
    volume.section(*along)
    assert got == [(3600 + 240, stride * 400 - 240)]
    assert asked == []
    got.clear()
    volume.section(*across)
    assert got == asked == [(3600 + 400 * stride * at + 240, 160) for at in range(count)]


def test_a_pickled_volume_reads(tmp_path: Path):
    """Workers get the geometry, not an open file; the original goes on."""
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    volume = SegyVolume(tmp_path / "a.sgy", SegyOptions())
    before = cube(volume)
    copy = pickle.loads(pickle.dumps(volume))
    assert np.array_equal(cube(copy), before)
    assert np.array_equal(cube(volume), before)
    assert copy.notes == volume.notes
    assert copy.geometry.same_grid(volume.geometry)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # other tests may have started threads
def test_a_forked_process_reads(tmp_path: Path):
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    volume = SegyVolume(tmp_path / "a.sgy", SegyOptions())
    before = cube(volume)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"same" if np.array_equal(cube(volume), before) else b"else")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 4) == b"same"
    os.close(reader)
    os.close(writer)
    assert np.array_equal(cube(volume), before)
