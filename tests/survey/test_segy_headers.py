"""What stands in the headers of a SEG-Y file besides line numbers is read, and noted where it disagrees."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import SegyOptions
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import SegyVolume, layout, write_segy
from sam_seismic.survey.segy.times import ASSUMED_INTERVAL
from tests.survey.segy_files import Parts, cube, grid, refusal, smooth


@pytest.mark.parametrize(("scalar", "factor"), [(-100, 0.01), (-1, 1.0), (10, 10.0), (0, 1.0), (1, 1.0)])
def test_coordinates_are_scaled(tmp_path: Path, scalar: int, factor: float):
    """Negative scalars divide, positive ones multiply, zero does nothing: along both orientations, at every trace."""
    path = tmp_path / "a.sgy"
    place = np.stack(np.meshgrid(np.arange(5) * 25.0, np.arange(6) * 10.0), axis=2)
    geometry = grid()
    geometry.live[2, 3] = False
    write_segy(path, smooth((6, 5, 40)), geometry, coordinates=place)
    parts = Parts.of(path, 240 + 160)
    parts.set_field(71, scalar, "i2")
    volume = SegyVolume(parts.save(path), SegyOptions())
    expected = place * 100 * factor
    expected[2, 3] = np.nan
    for at, line in enumerate(volume.geometry.inlines):
        assert np.allclose(volume.coordinates(Orientation.INLINE, int(line)), expected[at], equal_nan=True)
    for at, line in enumerate(volume.geometry.crosslines):
        assert np.allclose(volume.coordinates(Orientation.CROSSLINE, int(line)), expected[:, at], equal_nan=True)
    assert volume.coordinate_scalar == (scalar,)


def test_a_coordinate_scalar_that_varies_is_noted_and_obeyed(tmp_path: Path):
    path = tmp_path / "a.sgy"
    place = np.stack(np.meshgrid(np.arange(5) * 25.0, np.arange(6) * 10.0), axis=2)
    write_segy(path, smooth((6, 5, 40)), grid(), coordinates=place)
    parts = Parts.of(path, 400)
    scalars = np.array([-100, -10, 0, 1, 10])
    parts.set_field(71, np.tile(scalars, 6), "i2")
    volume = SegyVolume(parts.save(path), SegyOptions())
    factors = np.array([0.01, 0.1, 1, 1, 10])[:, np.newaxis]
    assert np.allclose(volume.coordinates(Orientation.INLINE, 104), place[4] * 100 * factors)
    assert volume.coordinate_scalar == (-100, -10, 0, 1, 10)
    assert volume.notes == ("coordinate scalar (byte 71) varies from -100 to 10; each trace's own is used",)


@pytest.mark.parametrize(("code", "unit"), [(0, None), (1, "m"), (2, "ft"), (3, None), (256, None)])
@pytest.mark.parametrize("order", [">", "<"])
def test_the_unit_of_length(tmp_path: Path, order: str, code: int, unit: str | None):
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid(), endian="big" if order == ">" else "little")
    parts = Parts.of(path, 400, order=order)
    parts.set_binary(3255, code)
    assert SegyVolume(parts.save(path), SegyOptions()).length_unit == unit


@pytest.mark.parametrize(
    ("stored", "revision"),
    [((0, 0), "0"), ((1, 0), "1.0"), ((0, 1), "1.0"), ((2, 0), "2.0"), ((2, 1), "2.1"), ((0, 2), "2.0"), ((9, 9), "0")],
)
def test_the_revision(tmp_path: Path, stored: tuple[int, int], revision: str):
    """Also where a writer swapped its two bytes; what no standard knows is read by the rules of the first."""
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    parts.head[3500:3502] = bytes(stored)
    volume = SegyVolume(parts.save(path), SegyOptions())
    assert volume.revision == revision
    assert np.array_equal(cube(volume), smooth((6, 5, 40)))


def test_source_coordinates_serve_where_those_of_the_cdp_are_empty(tmp_path: Path):
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 240 + 160)
    parts.set_field(73, 25 * (np.arange(30) % 5))
    parts.set_field(77, 1000 + 50 * (np.arange(30) // 5))
    volume = SegyVolume(parts.save(path), SegyOptions())
    places = volume.coordinates(Orientation.INLINE, 101)
    assert places is not None
    assert places.tolist() == [[25 * trace, 1050] for trace in range(5)]


@pytest.mark.parametrize("encoding", ["cp037", "ascii"])
def test_text_header_in_ebcdic_and_ascii(tmp_path: Path, encoding: str):
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid(), text=["CLIENT: NOBODY"])
    parts = Parts.of(path, 400)
    parts.head[:3200] = bytes(parts.head[:3200]).decode("cp037").encode(encoding)
    text = SegyVolume(parts.save(path), SegyOptions()).text
    assert text.splitlines()[0] == "C 1 CLIENT: NOBODY"
    assert text.splitlines()[39] == "C40 END TEXTUAL HEADER"


@pytest.mark.parametrize("count", [1, 3, -1])
def test_extended_text_headers_are_skipped(tmp_path: Path, count: int):
    """A count, or -1 and a stanza that ends them."""
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    parts.set_binary(3505, count)
    stanzas = ["((SEG: Location Data ver 1.0))", "nothing", "((SEG: EndText))"][-abs(count) if count > 0 else 0 :]
    parts.head += b"".join(stanza.ljust(3200).encode("cp037") for stanza in stanzas)
    volume = SegyVolume(parts.save(path), SegyOptions())
    assert np.array_equal(cube(volume), smooth((6, 5, 40)))
    assert volume.extended_headers == len(stanzas)


def test_stanzas_without_a_last_one_end_where_the_traces_begin(tmp_path: Path):
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    parts.set_binary(3505, -1)
    parts.head += b"((SEG: Anything))".ljust(6400)
    volume = SegyVolume(parts.save(path), SegyOptions())
    assert np.array_equal(cube(volume), smooth((6, 5, 40)))
    assert volume.extended_headers == 2


@pytest.mark.parametrize("order", [">", "<"])
def test_revision_2_says_where_the_first_trace_begins(tmp_path: Path, order: str):
    """Extended headers of any number without a last one; an offset that cannot be is not believed."""
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid(), endian="big" if order == ">" else "little")
    parts = Parts.of(path, 400, order=order)
    parts.head[3500:3502] = bytes([2, 0])
    parts.set_binary(3505, -1)
    parts.head += b"the first has words".ljust(3200) + bytes(3200)
    for offset, found in ((10000, True), (9999, False), (2**63, False), (3600, False)):
        parts.set_binary(3521, offset, "u8")
        parts.save(path)
        if found:
            volume = SegyVolume(path, SegyOptions())
            assert np.array_equal(cube(volume), smooth((6, 5, 40)))
            assert volume.extended_headers == 2
        else:
            assert "in all 7 of 38 traces repeat a place" in refusal(path).problem


def test_stanzas_that_never_end_are_not_looked_for_in_the_traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Extended headers of any number, and none of them the last: the search stops where the traces begin."""
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    parts.set_binary(3505, -1)
    looked = []
    ends = layout.ends_stanzas
    monkeypatch.setattr(layout, "ends_stanzas", lambda raw: looked.append(raw) or ends(raw))
    volume = SegyVolume(parts.save(path), SegyOptions())
    assert np.array_equal(cube(volume), smooth((6, 5, 40)))
    assert len(looked) == 1


def test_extended_headers_that_are_not_there_are_noted(tmp_path: Path):
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    parts.set_binary(3505, 2)
    volume = SegyVolume(parts.save(path), SegyOptions())
    assert volume.notes == ("the binary header declares 2 extended text headers, the file holds none",)


@pytest.mark.parametrize(("minor", "width"), [(0, "i4"), (0, "i2"), (1, "i2")])
def test_revision_2_extensions(tmp_path: Path, minor: int, width: str):
    """Long sample count, fractional interval, a second trace header a trace, and a stanza behind the traces."""
    path, values = tmp_path / "a.sgy", smooth((6, 5, 40))
    write_segy(path, values, grid())
    parts = Parts.of(path, 400)
    parts.head[3500:3502] = bytes([2, minor])
    parts.set_binary(3221, 0)
    parts.set_binary(3269, 40, "u4")
    parts.set_binary(3273, 0, "i2")
    parts.head[3272:3280] = np.array(333.25, ">f8").tobytes()
    parts.set_binary(3507, 1, width)
    if minor == 1:
        parts.set_binary(3509, 1)  # the type of the survey
    parts.set_binary(3529, 1, "i4")
    parts.traces = np.concatenate(
        [parts.traces[:, :240], np.full((30, 240), 9, np.uint8), parts.traces[:, 240:]], axis=1
    )
    parts.save(path)
    with path.open("ab") as file:
        file.write(b"stanza".ljust(3200))
    volume = SegyVolume(path, SegyOptions())
    assert np.array_equal(cube(volume), values)
    assert volume.geometry.sample_interval_ms == 0.33325


def test_revision_0_ignores_the_fields_of_later_ones(tmp_path: Path):
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    parts.head[3500:3502] = bytes(2)
    parts.set_binary(3269, 77, "u4")
    parts.set_binary(3507, 3)
    volume = SegyVolume(parts.save(path), SegyOptions())
    assert np.array_equal(cube(volume), smooth((6, 5, 40)))


def test_intervals_that_disagree_are_both_named(tmp_path: Path):
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    parts.set_field(117, 2000, "u2")
    volume = SegyVolume(parts.save(path), SegyOptions())
    assert volume.geometry.sample_interval_ms == 4.0
    assert volume.notes == (
        "sample interval 4000 us in the binary header, 2000 us in the first trace: the former is used",
    )
    parts.set_binary(3217, 0)
    volume = SegyVolume(parts.save(path), SegyOptions())
    assert volume.geometry.sample_interval_ms == 2.0
    assert "taken from the first trace" in volume.notes[0]
    parts.set_field(117, 0, "u2")
    assert ASSUMED_INTERVAL in SegyVolume(parts.save(path), SegyOptions()).notes


def test_intervals_that_disagree_in_later_traces_are_named(tmp_path: Path):
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    parts.set_field(117, np.where(np.arange(30) > 20, 2000, 4000), "u2")
    assert SegyVolume(parts.save(path), SegyOptions()).notes == (
        "sample interval 4000 us in the binary header, 2000 us in some traces: the former is used",
    )


def test_sample_count_of_the_traces_serves_where_the_binary_header_is_wrong(tmp_path: Path):
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    for wrong in (0, 999):
        parts.set_binary(3221, wrong)
        volume = SegyVolume(parts.save(path), SegyOptions())
        assert np.array_equal(cube(volume), smooth((6, 5, 40)))
        assert f"sample count 40 is taken from the first trace header; the binary header's {wrong}" in volume.notes[0]


def test_a_delay_that_varies_is_noted(tmp_path: Path):
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    parts.set_field(109, np.arange(30) + 4, "i2")
    volume = SegyVolume(parts.save(path), SegyOptions())
    assert volume.geometry.start_ms == 4.0
    (note,) = volume.notes
    assert note.startswith("delay of the first sample (byte 109) varies from 4 to 33; 4 is used, and each trace's own")


def test_traces_marked_dead_are_dead(tmp_path: Path):
    """A trace that says it is dead is not live, and its samples are zero whatever they hold."""
    path = tmp_path / "a.sgy"
    write_segy(path, smooth((6, 5, 40)), grid())
    parts = Parts.of(path, 400)
    parts.set_field(29, np.where(np.arange(30) == 7, 2, 1), "i2")
    volume = SegyVolume(parts.save(path), SegyOptions())
    section = volume.section(Orientation.INLINE, 101)
    assert section.live.tolist() == [True, True, False, True, True]
    assert not section.values[:, 2].any()
    assert volume.notes == ("1 trace is marked as dead (byte 29 is 2 or 3)",)
