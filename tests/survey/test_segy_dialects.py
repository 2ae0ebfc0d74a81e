"""The dialect matrix: files of all ways of writing SEG-Y are read sample by sample, and written back byte by byte."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.segy import SegyResult, SegyVolume
from tests.survey.segy_dialects import FACTORS, READ, SHAPE, Dialect, Written, every_pair, stored, write_dialect
from tests.survey.segy_files import crossline_cube, cube, write_all

NOTE = "WHAT CAME OUT OF A TEST"
RESULTS = ((8, "i1"), (3, "i2"), (5, "f4"))
"""Code and type of the samples of results."""


def check_read(volume: SegyVolume, written: Written, dialect: Dialect) -> None:
    geometry = volume.geometry
    assert geometry.inlines.tolist() == written.inlines
    assert geometry.crosslines.tolist() == written.crosslines
    assert np.array_equal(geometry.live, written.live)
    assert (geometry.samples, geometry.sample_interval_ms, geometry.start_ms) == (SHAPE[2], 2.0, 100.0)
    assert (volume.inline_byte, volume.crossline_byte) == dialect.pair
    assert volume.byte_order == {">": "big", "<": "little"}[dialect.order]
    assert volume.encoding.endswith(f"({dialect.code})")
    assert volume.dtype == np.dtype(READ[dialect.code])
    assert volume.extended_headers == dialect.texts
    assert volume.revision == ("0" if dialect.revision == (0, 0) else ".".join(map(str, dialect.revision)))
    assert volume.text.splitlines()[18] == "C19 SURVEY OF NOWHERE"
    assert volume.repeats.shape == (0, 2)
    for values in (cube(volume), crossline_cube(volume)):
        assert values.dtype == volume.dtype
        assert np.array_equal(values, written.values)
    # What is said is what is so: each assumption, and nothing else.
    assert any(note.startswith("little-endian") for note in volume.notes) == (dialect.order == "<")
    assert any(note.startswith("line numbers found") for note in volume.notes) == (dialect.pair != (189, 193))
    assert any("hold no trace" in note for note in volume.notes) == (dialect.missing != "none")
    assert len(volume.notes) == sum([dialect.order == "<", dialect.pair != (189, 193), dialect.missing != "none"])


def check_written(path: Path, written: Written, dialect: Dialect, *, code: int, values: np.ndarray) -> None:
    """The file of a result: its head but for one card and the format code, each trace in its place, its tail."""
    raw, head = path.read_bytes(), len(written.head)
    cards = {at // 80 for at in range(3200) if raw[at] != written.head[at]}
    assert len(cards) == 1
    (card,) = cards
    assert raw[80 * card : 80 * card + 80].decode(dialect.encoding)[4:].rstrip() == NOTE
    expected = bytearray(written.head)
    expected[80 * card : 80 * card + 80] = raw[80 * card : 80 * card + 80]
    expected[3224:3226] = code.to_bytes(2, {">": "big", "<": "little"}[dialect.order])
    assert raw[:head] == expected
    traces = [
        header + stored(values[place], dialect, code)
        for header, place in zip(written.headers, written.places, strict=True)
    ]
    assert raw[head:] == b"".join(traces) + written.tail


@pytest.mark.parametrize("seed", range(8))
def test_every_dialect(tmp_path: Path, seed: int):
    """Any two properties meet in some file: it is read along both orientations and written back, exactly."""
    for number, dialect in enumerate(every_pair(seed)):
        path, back = tmp_path / f"{number}.sgy", tmp_path / f"{number}_back.sgy"
        written = write_dialect(path, dialect, number)
        volume = SegyVolume(path)
        try:
            check_read(volume, written, dialect)
            code, kind = RESULTS[number % len(RESULTS)]
            values = np.random.default_rng(number).integers(-5, 100, SHAPE).astype(kind)
            with SegyResult(back, np.dtype(kind), source=volume, overwrite=False, note=NOTE) as result:
                write_all(result, values, volume.geometry, list(Orientation)[number % 2])
            check_written(back, written, dialect, code=code, values=values)
            values[~written.live] = 0
            assert np.array_equal(cube(SegyVolume(back)), values)
        except AssertionError as error:
            raise AssertionError(f"{dialect}, number {number}: {volume.notes}") from error
        path.unlink()
        back.unlink()


def test_the_matrix_is_full():
    """Every value of every property meets every value of every other one."""
    dialects = list(every_pair(0))
    names = list(FACTORS)
    for at, first in enumerate(names):
        for second in names[at + 1 :]:
            met = {(getattr(each, first), getattr(each, second)) for each in dialects}
            assert len(met) == len(FACTORS[first]) * len(FACTORS[second])
    assert 54 <= len(dialects) < 200
