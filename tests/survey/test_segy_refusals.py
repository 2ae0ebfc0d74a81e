"""What cannot be read for certain is refused, with what was found, where, and what to do about it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.segy import SegyVolume, write_segy
from tests.survey.segy_files import Parts, changed, cube, grid, refusal, smooth


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """30 traces of 40 IEEE samples: 400 bytes each."""
    write_segy(tmp_path / "plain.sgy", smooth((6, 5, 40)), grid())
    return tmp_path / "plain.sgy"


def test_no_file(tmp_path: Path):
    assert "there is no such file" in refusal(tmp_path / "absent.sgy").problem
    assert "there is no such file" in refusal(tmp_path).problem


@pytest.mark.parametrize("size", [0, 1000, 3600, 3840])
def test_too_small(plain: Path, size: int):
    plain.write_bytes(plain.read_bytes()[:size])
    error = refusal(plain)
    assert f"{size} bytes are too few for a SEG-Y file: its headers alone take 3600" in error.problem


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, b"To whom it may concern: no seismic here. " * 200],
    ids=["picture", "letter"],
)
def test_something_else_named_sgy(tmp_path: Path, content: bytes):
    path = tmp_path / "a.sgy"
    path.write_bytes(content)
    error = refusal(path)
    assert "not a SEG-Y file, or its binary header is damaged: the sample format code is" in error.problem
    assert "--format" in error.fix


@pytest.mark.parametrize(("code", "name"), [(4, "32-bit fixed point with gain"), (7, "24-bit integer")])
def test_formats_that_are_not_read(plain: Path, code: int, name: str):
    changed(plain, lambda parts: parts.set_binary(3225, code))
    assert f"sample format {code} ({name}) is not read" in refusal(plain).problem


def test_format_code_zero_and_the_option_that_mends_it(plain: Path):
    changed(plain, lambda parts: parts.set_binary(3225, 0))
    error = refusal(plain)
    assert "the sample format code is 0 (big-endian) or 0 (little-endian)" in error.problem
    assert "data.read.segy.format" in error.fix
    assert np.array_equal(cube(SegyVolume(plain, SegyOptions(format="ieee"))), smooth((6, 5, 40)))


def test_a_byte_order_given_wrongly(plain: Path):
    assert "the sample format code is 1280 (little-endian)," in refusal(plain, endian="little").problem


def test_truncated(plain: Path):
    """The message tells how many whole traces there are, and how many bytes one more would need."""
    plain.write_bytes(plain.read_bytes()[:-150])
    error = refusal(plain)
    assert "traces of 40 samples (IEEE float (5)) take 400 bytes each" in error.problem
    assert (
        f"30 need {3600 + 30 * 400} bytes, found {3600 + 30 * 400 - 150}, which holds 29 whole traces" in error.problem
    )
    assert error.fix.startswith("copy the file again")


def test_a_format_given_that_does_not_fit_the_size(plain: Path):
    assert "traces of 40 samples (8-bit integer (8)) take 280 bytes each" in refusal(plain, format="int8").problem


def test_zero_samples(plain: Path):
    def no_samples(parts: Parts) -> None:
        parts.set_binary(3221, 0)
        parts.set_field(115, 0, "u2")

    assert "the sample count is zero" in refusal(changed(plain, no_samples)).problem


def test_a_file_cut_after_it_was_opened(plain: Path):
    """An error, where a memory map would end the process."""
    volume = SegyVolume(plain, SegyOptions())
    plain.write_bytes(plain.read_bytes()[: 3600 + 17 * 400 + 300])
    assert volume.section(Orientation.INLINE, 102).live.all()
    for orientation, line in ((Orientation.INLINE, 103), (Orientation.CROSSLINE, 302)):
        with pytest.raises(SurveyError, match="ends at byte 10700, in trace 18 of 30: it was cut since it was opened"):
            volume.section(orientation, line)


def test_a_file_cut_before_its_headers_are_copied(plain: Path):
    """A result takes them over: it must not begin with fewer."""
    volume = SegyVolume(plain, SegyOptions())
    plain.write_bytes(plain.read_bytes()[: 3600 + 17 * 400 + 300])
    with pytest.raises(SurveyError, match="ends at byte 10700, in trace 18 of 30: it was cut since it was opened"):
        list(volume.segy_template.headers())


def test_a_line_that_is_not_there(plain: Path):
    with pytest.raises(SurveyError, match="there is no inline 99: they run from 100-105"):
        SegyVolume(plain, SegyOptions()).section(Orientation.INLINE, 99)


def test_duplicates_are_named(plain: Path):
    """Two traces of one place: both are named by their numbers in the file."""

    def twice(parts: Parts) -> None:
        parts.traces[17, 188:196] = parts.traces[4, 188:196]

    error = refusal(changed(plain, twice))
    assert "traces 5 and 18 are both inline 100, crossline 304 (bytes 189/193)" in error.problem
    assert "1 of 30 traces repeat a place" in error.problem
    assert refusal(plain, inline_byte=189, crossline_byte=193).problem == error.problem


@pytest.mark.parametrize("options", [{}, {"inline_byte": 189, "crossline_byte": 193}])
def test_prestack_by_its_shared_line_numbers(plain: Path, options: dict[str, object]):
    """Four offsets a place."""

    def gathers(parts: Parts) -> None:
        parts.traces = np.repeat(parts.traces, 4, axis=0)
        parts.set_field(37, np.tile([100, 200, 300, 400], 30))

    error = refusal(changed(plain, gathers), **options)
    assert "prestack: 120 traces share 30 inline/crossline places (bytes 189/193)" in error.problem
    assert "the offset at byte 37 runs from 100 to 400" in error.problem
    assert "stack it" in error.fix


def test_gathers_without_offsets_are_refused_as_repeats(plain: Path):
    def gathers(parts: Parts) -> None:
        parts.traces = np.repeat(parts.traces, 4, axis=0)

    error = refusal(changed(plain, gathers))
    assert "traces 1 and 4 are both inline 100, crossline 300" in error.problem
    assert "90 of 120 traces repeat a place" in error.problem


def test_shot_gathers_do_not_pass_for_a_volume(plain: Path):
    """Shots and channels form a perfect grid; the varying offset gives them away."""

    def shots(parts: Parts) -> None:
        parts.set_field(9, parts.field(189))
        parts.set_field(13, parts.field(193))
        parts.set_field(37, np.tile(np.arange(5) * 25, 6))
        parts.set_field(189, 0)
        parts.set_field(193, 0)

    error = refusal(changed(plain, shots))
    assert "189/193: 0 and 0 in every trace" in error.problem
    assert "the offset at byte 37 takes 5 values from 0 to 100: these look like prestack gathers" in error.problem
    assert "--inline-byte 9 --crossline-byte 13" in error.fix
    assert SegyVolume(plain, SegyOptions(inline_byte=9, crossline_byte=13)).geometry.shape == (6, 5, 40)


def test_no_candidate(plain: Path):
    """All positions that were tried are told, with what they hold."""

    def unnumbered(parts: Parts) -> None:
        parts.set_field(189, 0)
        parts.set_field(193, 0)

    error = refusal(changed(plain, unnumbered))
    assert "no pair of header positions gives a regular grid for 30 traces" in error.problem
    assert "5/21: 30 x 1 lines" in error.problem
    assert "the same in every trace: 189/193, 9/21, 9/13" in error.problem
    assert "--inline-byte 5" not in error.fix  # a running number
    assert "--traces-per-line 30 for a single line" in error.fix
    assert SegyVolume(plain, SegyOptions(traces_per_line=30)).geometry.shape == (1, 30, 40)


def test_a_2d_line_numbered_by_cdp_is_not_guessed(tmp_path: Path):
    """The running number of a 3D file looks the same, so the user must say that it is a line."""
    write_segy(tmp_path / "a.sgy", smooth((1, 9, 20)), Geometry.complete([0], range(501, 510), 20), crossline_byte=21)
    assert "--traces-per-line 9 for a single line" in refusal(tmp_path / "a.sgy").fix
    volume = SegyVolume(tmp_path / "a.sgy", SegyOptions(traces_per_line=9))
    assert volume.geometry.crosslines.tolist() == list(range(501, 510))
    assert "taken from the CDP numbers (byte 21) of one line" in volume.notes[0]


def test_a_tie(plain: Path):
    """Two pairs with full grids of different numbers: nobody can tell which are the line numbers."""

    def two(parts: Parts) -> None:
        for byte in (9, 17):
            parts.set_field(byte, parts.field(189) + byte)
        for byte in (21, 25):
            parts.set_field(byte, parts.field(193) + byte)
        parts.set_field(189, 0)
        parts.set_field(193, 0)

    error = refusal(changed(plain, two))
    assert "several pairs of header positions number its 30 traces equally well" in error.problem
    for line in ("9/21: 6 x 5 lines (109-114 and 321-325)", "17/25: 6 x 5 lines (117-122 and 325-329)"):
        assert line in error.problem
    assert "--inline-byte 9 --crossline-byte 21" in error.fix


def test_the_same_numbers_in_two_places_are_no_tie(plain: Path):
    def copies(parts: Parts) -> None:
        for byte in (9, 17):
            parts.set_field(byte, parts.field(189))
        for byte in (21, 25):
            parts.set_field(byte, parts.field(193))
        parts.set_field(189, 0)
        parts.set_field(193, 0)

    volume = SegyVolume(changed(plain, copies), SegyOptions())
    assert (volume.inline_byte, volume.crossline_byte) == (9, 21)


@pytest.mark.parametrize(("inline", "crossline"), [(181, 185), (9, 9)])
def test_given_bytes_without_line_numbers(plain: Path, inline: int, crossline: int):
    error = refusal(plain, inline_byte=inline, crossline_byte=crossline)
    assert "the header positions given hold no line numbers of a grid" in error.problem
    assert f"{inline}/{crossline}: 0 and 0 in every trace" in error.problem


def test_given_bytes_of_running_numbers(tmp_path: Path):
    """A grid of all trace numbers by all trace numbers is refused before memory is spent on it."""
    write_segy(tmp_path / "a.sgy", smooth((10, 10, 8)), grid(10, 10, 8))
    error = refusal(tmp_path / "a.sgy", inline_byte=1, crossline_byte=5)
    assert "1/5: 100 x 100 lines cannot be a grid of 100 traces" in error.problem


@given(data=st.data())
def test_damaged_headers_are_read_or_refused(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory):
    """Whatever the headers say, it ends in a volume of at most the file's size or in a SurveyError, nothing else."""
    path = tmp_path_factory.mktemp("damaged") / "a.sgy"
    name = data.draw(st.sampled_from(["ibm", "ieee", "int16", "float64"]))
    write_segy(path, smooth((3, 3, 10)).clip(-99, 99), grid(3, 3, 10), format=name)
    raw = bytearray(path.read_bytes())
    spots = st.one_of(st.integers(3200, 3600), st.integers(3600, 3840), st.integers(3200, len(raw) - 1))
    for at, value in data.draw(st.lists(st.tuples(spots, st.integers(0, 255)), max_size=6)):
        raw[at] = value
    path.write_bytes(bytes(raw[: data.draw(st.sampled_from([len(raw), len(raw), len(raw) - 7, 3700, 3900]))]))
    try:
        volume = SegyVolume(path, SegyOptions())
    except SurveyError:
        return
    assert volume.traces * volume.layout.samples * volume.layout.form.size <= len(raw)
    assert cube(volume).shape == volume.geometry.shape
