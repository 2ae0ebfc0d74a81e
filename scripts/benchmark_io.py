"""Measure how fast volumes are read and converted, against raw reads of the same bytes and plain segyio.

    .venv/bin/python scripts/benchmark_io.py                  a SEG-Y of 2.4 GB is made, and removed: needs 8 GB of disk
    .venv/bin/python scripts/benchmark_io.py --segy FILE      a file of your own, sorted by inlines
    .venv/bin/python scripts/benchmark_io.py --fill docs/benchmarks.md       put the tables there
    .venv/bin/python scripts/benchmark_io.py --quick          small, to see that it runs

It prints the tables, and with --json FILE writes the figures.
"""

import argparse
import itertools
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import segyio

from sam_seismic.config import ReadOptions
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.hdf5 import write_hdf5
from sam_seismic.survey.segy import SegyVolume, write_segy
from sam_seismic.survey.volume import Volume

SHAPE = (800, 700, 1000)
QUICK = (24, 20, 60)
PIECE = 4 * 2**20
BEGIN, END = "<!-- benchmark_io -->", "<!-- end of benchmark_io -->"
"""Between them the tables stand in a page."""
PATTERNS = ("sweep", "random")

Read = Callable[[int], object]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        what: was read, and how.
        cold: whether the file was dropped from the system's cache before each round.
        megabytes: of samples (or of the file) a round.
        seconds: median of the rounds.
        raw: bytes a second of a plain sequential read in the same rounds, MB/s, from the same cache.
        sections: read a round; 0 where none were.
    """

    what: str
    cold: bool
    megabytes: float
    seconds: float
    raw: float
    sections: int = 0

    @property
    def speed(self) -> float:
        """MB/s."""
        return self.megabytes / self.seconds

    def __str__(self) -> str:
        sections = f"{self.sections / self.seconds:.0f}" if self.sections else ""
        share = f"{100 * self.speed / self.raw:.0f} %" if self.raw else ""
        cache = "cold" if self.cold else "warm"
        return f"| {self.what} | {cache} | {sections} | {self.speed:.0f} | {share} |"


def main() -> None:
    """Make the files, measure in rounds, print."""
    given = _arguments()
    shape = QUICK if given.quick else given.size
    folder = Path(tempfile.mkdtemp(prefix="benchmark-io-", dir=given.folder))
    # Headers of large files are remembered: here, that must be measured, and nobody's own cache is touched.
    os.environ["SAM_SEISMIC_CACHE"] = str(folder / "cache")
    try:
        segy = given.segy or _make_segy(folder / "volume.sgy", shape)
        rows = [*_measure_whole(segy, folder, given.rounds), *_measure_sections(segy, folder, given)]
    finally:
        shutil.rmtree(folder)
    table = "\n".join(
        ["| what | cache | sections/s | MB/s | of raw reading |", "|---|---|---|---|---|", *map(str, rows)]
    )
    print(f"{table}\n\n{_summary(rows)}")
    if given.fill is not None:
        given.fill.write_text(_filled(given.fill.read_text(), f"{table}\n\n{_summary(rows)}"))
    if given.json is not None:
        plain = [{**asdict(row), "megabytes_per_second": row.speed} for row in rows]
        given.json.write_text(json.dumps(plain, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segy", type=Path, help="a SEG-Y sorted by inlines, instead of one that is made")
    parser.add_argument("--size", type=int, nargs=3, default=SHAPE, metavar=("IL", "XL", "SAMPLES"))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where files are made")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sections", type=int, default=64, help="sections a round")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--fill", type=Path, help="replace the table in this page: docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true", help="a tiny volume, to see that it runs")
    return parser.parse_args()


def _make_segy(path: Path, shape: tuple[int, int, int]) -> Path:
    chance = np.random.default_rng(0)
    section = chance.normal(size=shape[1:]).astype(np.float32)  # [crossline, sample]
    grid = Geometry.complete(range(100, 100 + shape[0]), range(300, 300 + shape[1]), shape[2])
    lines = (np.roll(section, line, axis=1) for line in range(shape[0]))
    write_segy(path, lines, grid, format="ieee")
    return path


def _measure_whole(segy: Path, folder: Path, rounds: int) -> list[Row]:
    """Opening, with and without remembered headers, and converting; each beside a raw read of the file."""
    size = segy.stat().st_size / 1e6
    rows = []
    for cold in (True, False):
        raw, fresh, again = [], [], []
        for _ in range(rounds):
            raw.append(_timed(lambda: _read_raw(segy), segy, cold=cold))
            shutil.rmtree(folder / "cache", ignore_errors=True)
            fresh.append(_timed(lambda: SegyVolume(segy), segy, cold=cold))
            again.append(_timed(lambda: SegyVolume(segy), segy, cold=cold))
        speed = size / statistics.median(raw)
        rows.append(Row("raw sequential read of the SEG-Y", cold, size, statistics.median(raw), speed))
        rows.append(Row("opening the SEG-Y: header pass", cold, size, statistics.median(fresh), speed))
        rows.append(Row("opening it again: headers remembered", cold, size, statistics.median(again), speed))
    volume = SegyVolume(segy)
    seconds = _timed(lambda: write_hdf5(volume, folder / "volume.h5"), segy, cold=True)
    rows.append(Row("convert to HDF5, written and compared", True, size, seconds, rows[0].speed))
    _write_npy(volume, folder / "volume.npy")
    return rows


def _write_npy(volume: Volume, path: Path) -> None:
    header = {"descr": np.dtype(volume.dtype).str, "fortran_order": False, "shape": volume.geometry.shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for line in volume.geometry.inlines.tolist():
            np.ascontiguousarray(volume.section(Orientation.INLINE, line).values.T).tofile(file)


def _measure_sections(segy: Path, folder: Path, given: argparse.Namespace) -> list[Row]:
    """Sections of either orientation, neighbours and at random, from each format in turn within a round."""
    files = {"SEG-Y": segy, "segyio": segy, "HDF5": folder / "volume.h5", "npy": folder / "volume.npy"}
    for path in files.values():
        with path.open("rb+" if path.parent == folder else "rb") as file:
            os.fsync(file.fileno())  # what is not on the disk cannot be dropped from the cache
    geometry = SegyVolume(segy).geometry
    rows = []
    for orientation, pattern, cold in itertools.product(Orientation, PATTERNS, (True, False)):
        alone = cold and pattern == "random"
        many = min(given.sections // 8 if alone else given.sections, len(geometry.lines(orientation)))
        size = many * geometry.samples * len(geometry.lines(orientation.across)) * 4
        times: dict[str, list[float]] = {name: [] for name in ("raw", *files)}
        for chosen in _rounds(len(geometry.lines(orientation)), many, pattern, given.rounds):
            times["raw"].append(_timed(partial(_read_raw, segy, size), segy, cold=cold))
            for name, path in files.items():
                with _reader(name, path, orientation) as read:
                    times[name].append(_each(read, path, chosen, cold=cold, alone=alone))
        median = {name: statistics.median(found) for name, found in times.items()}
        raw = size / 1e6 / median["raw"]
        what = f"{orientation}s, {'each by itself, ' if alone else ''}{pattern}"
        rows += [Row(f"{what}: {name}", cold, size / 1e6, median[name], raw, many) for name in files]
    return rows


def _rounds(lines: int, many: int, pattern: str, rounds: int) -> Iterator[list[int]]:
    """Positions of the lines of each round: others in each, neighbours or spread."""
    chance = np.random.default_rng(1)
    for _ in range(rounds):
        first = int(chance.integers(0, lines - many + 1))
        neighbours = list(range(first, first + many))
        yield neighbours if pattern == "sweep" else chance.permutation(lines)[:many].tolist()


@contextmanager
def _reader(name: str, path: Path, orientation: Orientation) -> Iterator[Read]:
    """What reads the section at a position along its axis."""
    if name == "segyio":
        with segyio.open(path, iline=189, xline=193) as file:
            sections = file.iline if orientation is Orientation.INLINE else file.xline
            numbers = file.ilines if orientation is Orientation.INLINE else file.xlines
            yield lambda position: sections[numbers[position]]
        return
    volume = open_volume(path, ReadOptions(axes="inline,crossline,sample") if name == "npy" else ReadOptions())
    lines = volume.lines(orientation).tolist()
    yield lambda position: volume.section(orientation, lines[position])


def _each(read: Read, path: Path, positions: Iterable[int], *, cold: bool, alone: bool) -> float:
    """Seconds to read sections, with the file dropped from the cache at the start, or before each of them."""
    if cold:
        _drop(path)
    else:
        _read_raw(path)
    seconds = 0.0
    for position in positions:
        if alone:
            _drop(path)
        begin = time.perf_counter()
        read(position)
        seconds += time.perf_counter() - begin
    return seconds


def _timed(work: Callable[[], object], path: Path, *, cold: bool) -> float:
    if cold:
        _drop(path)
    else:
        _read_raw(path)
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _read_raw(path: Path, most: int | None = None) -> None:
    """Read a file from its beginning on, all of it or so many bytes, and do nothing with it."""
    left, piece = path.stat().st_size if most is None else most, bytearray(PIECE)
    with path.open("rb", buffering=0) as file:
        while left > 0 and (done := file.readinto(memoryview(piece)[: min(left, PIECE)])):
            left -= done


def _drop(path: Path) -> None:
    """Drop a file from the system's cache; a disk may have one of its own."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _summary(rows: list[Row]) -> str:
    """What the aims are about, in words."""
    found = {(row.what, row.cold): row for row in rows}
    lines = []
    for (what, cold), row in found.items():
        if what.endswith(": HDF5") and (other := found.get((what.replace(": HDF5", ": segyio"), cold))):
            times = other.seconds / row.seconds
            lines.append(f"| {what.removesuffix(': HDF5')} | {'cold' if cold else 'warm'} | {times:.1f} x |")
    return "\n".join(["| HDF5 against segyio | cache | sections/s |", "|---|---|---|", *lines])


def _filled(page: str, tables: str) -> str:
    """A page with its tables replaced."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"the page has no place for the tables, between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"


if __name__ == "__main__":
    main()
