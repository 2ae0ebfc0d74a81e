"""Repeated traces: refused unless the user says which to read; then the others are passed over, and it is said."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import SegyOptions
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import SegyResult, SegyVolume, write_segy
from tests.survey.segy_files import Parts, changed, crossline_cube, cube, grid, refusal, smooth, write_all


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    """30 traces of 400 bytes, and two more of the places of traces 5 and 12 behind them, with other samples."""
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    parts = Parts.of(tmp_path / "a.sgy", 400)
    again = parts.traces[[4, 11]].copy()
    again[:, 240:] = parts.traces[[0, 1], 240:]
    parts.traces = np.concatenate([parts.traces, again])
    return parts.save(tmp_path / "a.sgy")


def expected(keep: str) -> np.ndarray:
    values = smooth((6, 5, 40))
    if keep == "last":
        values[0, 4], values[2, 1] = values[0, 0].copy(), values[0, 1].copy()
    return values


def test_the_refusal_names_the_option(twice: Path):
    error = refusal(twice)
    assert "traces 5 and 31 are both inline 100, crossline 304 (bytes 189/193)" in error.problem
    assert "2 of 32 traces repeat a place" in error.problem
    assert "--duplicates first|last (YAML: data.read.segy.duplicates)" in error.fix


@pytest.mark.parametrize("bytes_", [{}, {"inline_byte": 189, "crossline_byte": 193}, {"inline_byte": 189}])
@pytest.mark.parametrize("keep", ["first", "last"])
def test_the_trace_that_was_asked_for_is_read(twice: Path, keep: str, bytes_: dict[str, int]):
    volume = SegyVolume(twice, SegyOptions.model_validate({"duplicates": keep, **bytes_}))
    assert np.array_equal(cube(volume), expected(keep))
    assert np.array_equal(crossline_cube(volume), expected(keep))
    pairs = [[4, 30], [11, 31]] if keep == "last" else [[30, 4], [31, 11]]
    assert volume.repeats.tolist() == pairs
    assert volume.repeats.dtype == np.int32
    passed_over, read = np.array(pairs[0]) + 1
    said = f"2 traces are passed over, as another one of their place is read: trace {passed_over} for trace {read} "
    assert any(note.startswith(said) for note in volume.notes)
    assert volume.geometry.live.all()


def test_three_traces_of_one_place(tmp_path: Path):
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    parts = Parts.of(tmp_path / "a.sgy", 400)
    parts.traces = parts.traces[[*range(30), 3, 3]]
    parts.save(tmp_path / "a.sgy")
    for keep, pairs in (("first", [[30, 3], [31, 3]]), ("last", [[3, 31], [30, 31]])):
        volume = SegyVolume(tmp_path / "a.sgy", SegyOptions.model_validate({"duplicates": keep}))
        assert volume.repeats.tolist() == pairs


def test_at_other_positions(twice: Path):
    """Positions are found although a few traces repeat a place; without the option both traces are named."""

    def moved(parts: Parts) -> None:
        parts.set_field(9, parts.field(189))
        parts.set_field(21, parts.field(193))
        parts.set_field(189, 0)
        parts.set_field(193, 0)

    changed(twice, moved)
    assert "traces 5 and 31 are both inline 100, crossline 304 (bytes 9/21)" in refusal(twice).problem
    volume = SegyVolume(twice, SegyOptions(duplicates="first"))
    assert (volume.inline_byte, volume.crossline_byte) == (9, 21)
    assert np.array_equal(cube(volume), expected("first"))


@pytest.mark.parametrize("keep", ["first", "last"])
def test_gathers_without_offsets_are_read_when_asked_for(tmp_path: Path, keep: str):
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    parts = Parts.of(tmp_path / "a.sgy", 400)
    parts.traces = np.repeat(parts.traces, 4, axis=0)
    parts.traces[::4, 240:] = 0
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"), SegyOptions.model_validate({"duplicates": keep}))
    assert np.array_equal(cube(volume), smooth((6, 5, 40)) * (keep == "last"))
    assert len(volume.repeats) == 90
    assert volume.notes[0].startswith("line numbers taken from the standard bytes (many traces repeat a place)")


@pytest.mark.parametrize("options", [{}, {"inline_byte": 189, "crossline_byte": 193}])
def test_prestack_stays_refused(tmp_path: Path, options: dict[str, object]):
    """One of many offsets would be no stack; the option is not offered either."""
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    parts = Parts.of(tmp_path / "a.sgy", 400)
    parts.traces = np.repeat(parts.traces, 4, axis=0)
    parts.set_field(37, np.tile([100, 200, 300, 400], 30))
    error = refusal(parts.save(tmp_path / "a.sgy"), duplicates="first", **options)
    assert "prestack: 120 traces share 30 inline/crossline places" in error.problem
    assert "duplicates" not in error.fix


def test_the_option_where_nothing_repeats(tmp_path: Path):
    """A survey has several files, and one of them may be clean."""
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    volume = SegyVolume(tmp_path / "a.sgy", SegyOptions(duplicates="last"))
    assert volume.repeats.shape == (0, 2)
    assert volume.notes == ()
    assert np.array_equal(volume.section(Orientation.INLINE, 103).values.T, smooth((6, 5, 40))[3])


@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("keep", ["first", "last"])
def test_both_traces_of_a_place_get_its_samples(twice: Path, tmp_path: Path, keep: str, orientation: Orientation):
    """A result has all traces of its source; whichever is read, a program that loads it sees the same."""
    source = SegyVolume(twice, SegyOptions.model_validate({"duplicates": keep}))
    values = np.random.default_rng(0).integers(0, 6, (6, 5, 40), np.int8)
    with SegyResult(tmp_path / "r.sgy", np.dtype(np.int8), source=source, overwrite=False, note="") as result:
        write_all(result, values, source.geometry, orientation)
    old, new = Parts.of(twice, 400), Parts.of(tmp_path / "r.sgy", 280)
    assert np.array_equal(old.traces[:, :240], new.traces[:, :240])
    for option in ("first", "last"):
        back = SegyVolume(tmp_path / "r.sgy", SegyOptions.model_validate({"duplicates": option}))
        assert np.array_equal(cube(back), values)
