"""Results keep every header of their source; fresh files open in segyio and ObsPy; nothing half-written is left."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.segy import SegyResult, SegyVolume, write_segy
from sam_seismic.survey.segy.text import add_note, decode_text, encode_text
from sam_seismic.survey.volume import Section
from tests.survey.segy_files import CODES, INT8, Parts, cube, facies, grid, smooth, write_all


def odd_source(path: Path, order: str) -> SegyVolume:
    """A file with something in every header byte: missing traces, crossline order, extended text, another position."""
    geometry = grid()
    geometry.live[0, :2] = False
    geometry.live[4, 3] = False
    endian = "big" if order == ">" else "little"
    write_segy(path, smooth((6, 5, 40)), geometry, format="ibm", inline_byte=9, crossline_byte=21, endian=endian)
    parts = Parts.of(path, 400, order=order)
    il, xl = parts.field(9), parts.field(21)
    parts.traces = parts.traces[np.lexsort((il, -xl))]
    random = np.random.default_rng(1)
    parts.traces[:, 119:180] = random.integers(0, 256, (27, 61))
    parts.traces[:, 196:212] = random.integers(0, 256, (27, 16))
    parts.head[3260:3500] = random.integers(0, 256, 240, np.uint8).tobytes()
    parts.set_binary(3505, 1)
    parts.head += "((SEG: Anything)) of what the survey was".ljust(3200).encode("cp037")
    return SegyVolume(parts.save(path), SegyOptions())


@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("order", [">", "<"])
def test_a_result_is_its_source_with_other_samples(
    tmp_path: Path, order: str, dtype: np.dtype[np.generic], orientation: Orientation
):
    """Byte for byte: text but one line, binary header but the format code, extended text, trace headers, order."""
    source = odd_source(tmp_path / "source.sgy", order)
    values = facies(source.geometry).astype(dtype)
    with SegyResult(tmp_path / "r.sgy", dtype, source=source, overwrite=False, note="FACIES BY TEST") as result:
        write_all(result, values, source.geometry, orientation)
    old = Parts.of(tmp_path / "source.sgy", 400, order=order, head=6800)
    new = Parts.of(tmp_path / "r.sgy", 240 + 40 * dtype.itemsize, order=order, head=6800)
    same = np.frombuffer(old.head, np.uint8) == np.frombuffer(new.head, np.uint8)
    differing = np.flatnonzero(~same)
    code = 3225 if order == ">" else 3224
    assert set(differing[differing >= 3200]) == {code}
    assert new.head[code] == CODES[dtype]
    cards = {int(at) // 80 for at in differing if at < 3200}
    assert cards == {37}
    assert decode_text(bytes(new.head[:3200])).splitlines()[37] == "C38 FACIES BY TEST"
    assert np.array_equal(old.traces[:, :240], new.traces[:, :240])
    back = SegyVolume(tmp_path / "r.sgy", SegyOptions())
    values[~source.geometry.live] = 0
    assert back.dtype == dtype
    assert np.array_equal(back.geometry.live, source.geometry.live)
    assert np.array_equal(cube(back), values)


def test_traces_that_were_not_written_are_zero(tmp_path: Path):
    source = odd_source(tmp_path / "source.sgy", ">")
    with SegyResult(tmp_path / "r.sgy", INT8, source=source, overwrite=False, note="") as result:
        live = source.geometry.live_along(Orientation.INLINE, 103)
        result.write(Section(Orientation.INLINE, 103, np.full((40, 5), 4, np.int16), live))
    back = cube(SegyVolume(tmp_path / "r.sgy", SegyOptions()))
    assert (back[3] == 4).all()
    assert not np.delete(back, 3, axis=0).any()


def test_traces_marked_dead_stay_dead(tmp_path: Path):
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    parts.set_field(29, np.where(np.arange(30) == 7, 2, 1), "i2")
    source = SegyVolume(parts.save(path), SegyOptions())
    with SegyResult(tmp_path / "r.sgy", INT8, source=source, overwrite=False, note="") as result:
        write_all(result, np.ones(source.geometry.shape, np.int8), source.geometry, Orientation.CROSSLINE)
    written = Parts.of(tmp_path / "r.sgy", 280)
    assert not written.traces[7, 240:].any()
    assert (np.delete(written.traces, 7, axis=0)[:, 240:] == 1).all()


def test_revision_2_headers_and_stanzas_are_kept(tmp_path: Path):
    """A second header a trace, and what stands behind the last trace."""
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    parts.head[3500] = 2
    parts.set_binary(3507, 1)
    parts.set_binary(3529, 1, "i4")
    parts.traces = np.concatenate(
        [parts.traces[:, :240], np.full((30, 240), 9, np.uint8), parts.traces[:, 240:]], axis=1
    )
    parts.save(path)
    path.write_bytes(path.read_bytes() + b"stanza".ljust(3200))
    source = SegyVolume(path, SegyOptions())
    with SegyResult(tmp_path / "r.sgy", INT8, source=source, overwrite=False, note="") as result:
        write_all(result, facies(source.geometry), source.geometry, Orientation.INLINE)
    raw = (tmp_path / "r.sgy").read_bytes()
    assert raw[-3200:] == b"stanza".ljust(3200)
    traces = np.frombuffer(raw[3600:-3200], np.uint8).reshape(30, 520)
    assert np.array_equal(traces[:, :480], parts.traces[:, :480])
    assert np.array_equal(cube(SegyVolume(tmp_path / "r.sgy", SegyOptions())), facies(source.geometry))


@pytest.mark.parametrize("encoding", ["cp037", "ascii"])
def test_the_note_goes_into_the_last_empty_line(encoding: str):
    lines = [f"line {number}" for number in range(1, 41)]
    lines[11] = lines[20] = ""
    raw = encode_text(lines).decode("cp037").encode(encoding)
    noted = decode_text(add_note(raw, "facies of\ntoday")).splitlines()
    assert noted[20] == "C21 facies of today"
    assert noted[:20] + noted[21:] == decode_text(raw).splitlines()[:20] + decode_text(raw).splitlines()[21:]


def test_the_note_replaces_line_39_where_none_is_empty():
    raw = encode_text([f"line {number}" for number in range(1, 41)])
    noted = decode_text(add_note(raw, "x" * 200)).splitlines()
    assert noted[38] == "C39 " + "x" * 76
    assert noted[39] == "C40 line 40"


def test_a_text_header_that_was_never_filled_in_takes_the_note():
    noted = add_note(bytes(3200), "facies")
    assert noted[:3120] == bytes(3120)
    assert noted[3120:] in ("C40 facies".ljust(80).encode("cp037"), b"C40 facies".ljust(80))


@pytest.mark.parametrize("kind", ["geometry", "volume"])
def test_a_source_that_is_no_segy_gives_a_plain_file(tmp_path: Path, kind: str):
    geometry = grid()
    geometry.live[1, 1] = False
    source = geometry if kind == "geometry" else MemoryVolume(smooth(geometry.shape), geometry)
    values = facies(geometry)
    with SegyResult(tmp_path / "r.sgy", INT8, source=source, overwrite=False, note="FACIES BY TEST") as result:
        write_all(result, values, geometry, Orientation.CROSSLINE)
    back = SegyVolume(tmp_path / "r.sgy", SegyOptions())
    values[1, 1] = 0
    assert np.array_equal(cube(back), values)
    assert np.array_equal(back.geometry.live, geometry.live)
    assert back.text.startswith("C 1 FACIES BY TEST\nC 2 SAMPLES: 40, EVERY 4 MS, FROM 0 MS\nC 3 INLINES")
    assert "C 3 INLINES: 100-105, AT BYTES 189-192" in back.text


def test_an_existing_file_is_replaced_only_on_request(tmp_path: Path):
    source = odd_source(tmp_path / "source.sgy", ">")
    path = tmp_path / "r.sgy"
    path.write_bytes(b"mine")
    with pytest.raises(SurveyError, match="exists already"):
        SegyResult(path, INT8, source=source, overwrite=False, note="")
    assert path.read_bytes() == b"mine"
    with SegyResult(path, INT8, source=source, overwrite=True, note=""):
        assert path.read_bytes() == b"mine"
    assert SegyVolume(path, SegyOptions()).dtype == INT8


def test_the_source_is_never_the_result(tmp_path: Path):
    source = odd_source(tmp_path / "source.sgy", ">")
    (tmp_path / "link.sgy").symlink_to(tmp_path / "source.sgy")
    for name in ("source.sgy", "link.sgy"):
        with pytest.raises(SurveyError, match="is the input itself"):
            SegyResult(tmp_path / name, INT8, source=source, overwrite=True, note="")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_result_leaves_nothing(tmp_path: Path, error: type[BaseException]):
    source = odd_source(tmp_path / "source.sgy", ">")
    folder = tmp_path / "new"

    def interrupted() -> None:
        with SegyResult(folder / "r.sgy", INT8, source=source, overwrite=False, note="") as result:
            write_all(result, facies(source.geometry), source.geometry, Orientation.INLINE)
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(folder.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is found out when the file is laid out, before hours of prediction."""
    source = odd_source(tmp_path / "source.sgy", ">")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sam_seismic.survey.segy.skeleton.add_note", full)
    result = SegyResult(tmp_path / "new" / "r.sgy", INT8, source=source, overwrite=False, note="")
    with pytest.raises(SurveyError, match="No space left on device") as caught, result:
        pass
    assert "cannot be written: No space left on device" in caught.value.problem
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("value", [128, -129, np.nan])
def test_values_without_a_place_in_the_format_are_refused(tmp_path: Path, value: float):
    """Never wrapped around to another class."""
    with (
        pytest.raises(SurveyError, match=r"do not fit a SEG-Y of 8-bit integer \(8\), -128 to 127"),
        SegyResult(tmp_path / "r.sgy", INT8, source=grid(), overwrite=False, note="") as result,
    ):
        result.write(Section(Orientation.INLINE, 100, np.full((40, 5), value), np.ones(5, np.bool_)))
    assert list(tmp_path.iterdir()) == []


def test_values_of_dead_traces_are_not_looked_at(tmp_path: Path):
    geometry = grid()
    geometry.live[0, 2] = False
    values = np.ones((40, 5))
    values[:, 2] = np.nan
    with SegyResult(tmp_path / "r.sgy", INT8, source=geometry, overwrite=False, note="") as result:
        result.write(Section(Orientation.INLINE, 100, values, geometry.live[0]))
    assert cube(SegyVolume(tmp_path / "r.sgy", SegyOptions()))[0, :, 0].tolist() == [1, 1, 0, 1, 1]


def test_sections_that_do_not_fit_are_refused(tmp_path: Path):
    with SegyResult(tmp_path / "r.sgy", INT8, source=grid(), overwrite=False, note="") as result:
        with pytest.raises(SurveyError, match=r"IL 100 has \(39, 5\) samples and traces, the file \(40, 5\)"):
            result.write(Section(Orientation.INLINE, 100, np.zeros((39, 5)), np.ones(5, np.bool_)))
        with pytest.raises(SurveyError, match="there is no crossline 7"):
            result.write(Section(Orientation.CROSSLINE, 7, np.zeros((40, 6)), np.ones(6, np.bool_)))


@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.bool_])
def test_types_that_segy_does_not_hold(tmp_path: Path, dtype: type[np.generic]):
    with pytest.raises(SurveyError, match="SEG-Y has no sample format for"):
        SegyResult(tmp_path / "r.sgy", np.dtype(dtype), source=grid(), overwrite=False, note="")
