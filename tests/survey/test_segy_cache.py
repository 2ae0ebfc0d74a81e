"""The headers of a large file are read once; a file that is not the very same is read anew."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.segy import SegyVolume, cache, write_segy
from tests.survey.segy_files import Parts, crossline_cube, cube, grid, smooth


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, for files of any size."""
    monkeypatch.setenv("SAM_SEISMIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "LONG_PASS", 0)
    return tmp_path / "cache" / "headers"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A grid with missing and dead traces and a delay that varies, numbered at other bytes."""
    geometry = grid()
    geometry.live[0, :2] = False
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), geometry, inline_byte=9, crossline_byte=21)
    parts = Parts.of(tmp_path / "a.sgy", 400)
    parts.set_field(29, np.where(np.arange(28) == 7, 2, 1), "i2")
    parts.set_field(109, np.arange(28), "i2")
    return parts.save(tmp_path / "a.sgy")


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files whose lines were looked for."""
    made: list[Path] = []
    find = cache.find_lines

    def counted(path: Path, layout: object, options: object) -> cache.Lines:
        made.append(path)
        return find(path, layout, options)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "find_lines", counted)
    return made


def test_the_second_opening_needs_no_pass(entries: Path, file: Path, passes: list[Path]):
    """All that the first one knew is there: grid, dead traces, notes, samples."""
    first, second = SegyVolume(file), SegyVolume(file)
    assert passes == [file]
    assert len(list(entries.iterdir())) == 1
    assert second.geometry.same_grid(first.geometry)
    assert np.array_equal(second.geometry.live, first.geometry.live)
    assert np.array_equal(second.index, first.index)
    assert second.index.dtype == np.int32
    assert (second.notes, second.why) == (first.notes, first.why)
    assert (second.inline_byte, second.crossline_byte) == (9, 21)
    assert second.geometry.start_ms == first.geometry.start_ms
    assert any("varies from 0 to 27" in note for note in second.notes)
    assert np.array_equal(cube(second), cube(first))
    assert np.array_equal(crossline_cube(second), cube(first))


def test_small_files_leave_no_trace(entries: Path, file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cache, "LONG_PASS", 64 << 20)
    SegyVolume(file)
    assert not entries.exists()


def test_another_process_finds_it(entries: Path, file: Path, passes: list[Path]):
    """A worker that starts afresh reads the entry."""
    code = (
        "import sys; from pathlib import Path; from sam_seismic.survey.segy import SegyVolume, cache\n"
        "cache.LONG_PASS = 0; print(SegyVolume(Path(sys.argv[1])).why)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert SegyVolume(file).why == done.stdout.strip()
    assert passes == []


@pytest.mark.parametrize("change", ["options", "time", "size", "place"])
def test_another_file_or_question_is_looked_at_anew(entries: Path, file: Path, passes: list[Path], change: str):
    before = SegyVolume(file)
    options, path = SegyOptions(), file
    if change == "options":
        options = SegyOptions(inline_byte=9, crossline_byte=21)
    elif change == "time":
        os.utime(file, ns=(1, 1))
    elif change == "size":
        parts = Parts.of(file, 400)
        parts.traces = parts.traces[:-5]
        parts.save(file)
    else:
        path = file.rename(file.with_name("b.sgy"))
    after = SegyVolume(path, options)
    assert len(passes) == 2
    assert after.traces == (before.traces - 5 if change == "size" else before.traces)
    assert len(list(entries.iterdir())) == 2


def test_headers_that_changed_behind_size_and_time(entries: Path, file: Path):
    """Size and time put back: the system's own time of change tells, and the content does (see the next tests)."""
    before = SegyVolume(file)
    status = file.stat()
    parts = Parts.of(file, 400)
    parts.set_field(9, parts.field(9) + 1000)
    with file.open("r+b") as open_file:
        open_file.seek(3600)
        open_file.write(parts.traces.tobytes())
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert np.array_equal(SegyVolume(file).geometry.inlines, before.geometry.inlines + 1000)


@pytest.mark.parametrize("trace", [0, 13, 27])
def test_the_probe_sees_a_trace_header(file: Path, trace: int):
    """One byte of a line number, in the first, a middle and the last trace."""
    layout = SegyVolume(file).layout
    before = cache._probe(file, layout)
    parts = Parts.of(file, 400)
    parts.traces[trace, 11] ^= 1
    assert cache._probe(parts.save(file), layout) != before


def test_the_probe_of_many_traces_sees_the_head_and_the_last_sample(tmp_path: Path):
    write_segy(tmp_path / "a.sgy", smooth((20, 20, 8)), grid(20, 20, 8))
    layout, raw = SegyVolume(tmp_path / "a.sgy").layout, bytearray((tmp_path / "a.sgy").read_bytes())
    seen = {cache._probe(tmp_path / "a.sgy", layout)}
    for at in (10, 3300, 3600 + 239, 3600 + 250, len(raw) - 1):
        raw[at] ^= 1
        (tmp_path / "a.sgy").write_bytes(raw)
        seen.add(cache._probe(tmp_path / "a.sgy", layout))
    assert len(seen) == 6


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "foreign", "text", "other identity", "wrong numbers"])
def test_a_damaged_entry_is_ignored_and_written_anew(entries: Path, file: Path, passes: list[Path], damage: str):
    before = SegyVolume(file)
    (entry,) = entries.iterdir()
    whole = entry.read_bytes()
    if damage == "flipped":
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 255
        entry.write_bytes(flipped)
    elif damage == "foreign":
        with entry.open("wb") as open_file:
            np.savez(open_file, something=np.arange(3))
    elif damage in ("other identity", "wrong numbers"):
        with np.load(entry) as stored:
            arrays = dict(stored)
        if damage == "other identity":
            arrays["said"] = np.frombuffer(arrays["said"].tobytes().replace(b"cache", b"cachf"), np.uint8)
        else:
            arrays["index"] = arrays["index"] + 1000
        np.savez(entry, **arrays)
    else:
        entry.write_bytes({"empty": b"", "cut": whole[:-100], "text": b"To whom it may concern"}[damage])
    after = SegyVolume(file)
    assert np.array_equal(cube(after), cube(before))
    assert passes == [file, file]
    SegyVolume(file)
    assert passes == [file, file]


def test_a_folder_that_cannot_be_written_is_noted(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "occupied").write_text("a file, not a folder")
    monkeypatch.setenv("SAM_SEISMIC_CACHE", str(tmp_path / "occupied"))
    before = SegyVolume(file)
    monkeypatch.setattr(cache, "LONG_PASS", 0)
    volume = SegyVolume(file)
    assert np.array_equal(cube(volume), cube(before))
    (note,) = set(volume.notes) - set(before.notes)
    assert note.startswith(f"{tmp_path / 'occupied' / 'headers'}: cannot be written (")


def test_a_refusal_is_not_kept(entries: Path, file: Path):
    parts = Parts.of(file, 400)
    parts.traces[17, :240] = parts.traces[4, :240]
    parts.save(file)
    for _ in range(2):
        with pytest.raises(SurveyError, match="traces 5 and 18 are both"):
            SegyVolume(file)
    assert not entries.exists()
    assert len(SegyVolume(file, SegyOptions(duplicates="first")).repeats) == 1
    assert SegyVolume(file, SegyOptions(duplicates="first")).repeats.tolist() == [[17, 4]]
    assert SegyVolume(file, SegyOptions(duplicates="last")).repeats.tolist() == [[4, 17]]


def test_a_file_that_changes_while_it_is_read_is_not_kept(entries: Path, file: Path, monkeypatch: pytest.MonkeyPatch):
    find = cache.find_lines

    def changing(path: Path, layout: object, options: object) -> cache.Lines:
        os.utime(path, ns=(1, 1))
        return find(path, layout, options)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "find_lines", changing)
    SegyVolume(file)
    assert not entries.exists()


def test_the_entries_used_last_stay(entries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passes: list[Path]):
    monkeypatch.setattr(cache, "MOST_ENTRIES", 2)
    files = []
    for name in "abc":
        files.append(tmp_path / f"{name}.sgy")
        write_segy(files[-1], smooth((3, 3, 8)), grid(3, 3, 8))
    for number, file in enumerate(files[:2]):
        SegyVolume(file)
        for entry in entries.iterdir():  # times of access a second apart, whatever the clock's ticks are
            os.utime(entry, ns=(10**9 * number, entry.stat().st_mtime_ns - 10**9))
    SegyVolume(files[0])
    SegyVolume(files[2])
    assert len(list(entries.iterdir())) == 2
    passes.clear()
    for file in (files[0], files[2], files[1]):
        SegyVolume(file)
    assert passes == [files[1]]


def test_bytes_are_bounded_and_leavings_removed(entries: Path, file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cache, "MOST_BYTES", 1)
    entries.mkdir(parents=True)
    for name, age in (("old.part", 1e6), ("young.part", 0), ("old.npz", 1e6)):
        (entries / name).write_bytes(b"x")
        os.utime(entries / name, ((entries / name).stat().st_mtime - age,) * 2)
    SegyVolume(file)
    left = {each.name for each in entries.iterdir()}
    assert "young.part" in left
    assert not {"old.part", "old.npz"} & left
    assert len(left) == 2


def test_many_writers_at_once(entries: Path, file: Path):
    """Each leaves a whole entry."""
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(lambda _: hashlib.sha256(cube(SegyVolume(file)).tobytes()).hexdigest(), range(16)))
    assert len(set(digests)) == 1
    (entry,) = entries.iterdir()
    with np.load(entry) as stored:
        assert stored["index"].shape == (6, 5)
