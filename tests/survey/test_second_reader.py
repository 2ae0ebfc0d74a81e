"""segyio reads each SEG-Y before it gets its name, and `inspect` says whether it opens a file strictly."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.segy import SegyResult, SegyVolume, write_segy
from sam_seismic.survey.segy.second_reader import drawn_traces
from sam_seismic.survey.segy.writer import _Filled
from sam_seismic.survey.volume import Section
from tests.cli.running import invoke

GRID = Geometry.complete(range(100, 112), range(300, 320), 48)
VALUES = np.random.default_rng(1).normal(0, 1000, (12, 20, 48)).astype(np.float32)


def spoil(monkeypatch: pytest.MonkeyPatch, change: Callable[[bytearray], None]) -> None:
    """Change the file when all is written, as a faulty disk or a fault of ours does."""
    publish = _Filled.publish

    def spoiled(self: _Filled) -> None:
        content = bytearray(self.temporary.read_bytes())
        change(content)
        self.temporary.write_bytes(content)
        publish(self)

    monkeypatch.setattr(_Filled, "publish", spoiled)


def cut_last_trace(content: bytearray) -> None:
    del content[-(240 + 48 * 4) :]


def change_last_sample(content: bytearray) -> None:
    content[-4:] = b"\x41\x20\x00\x00"


def change_first_header(content: bytearray) -> None:
    content[3600 + 192] ^= 1


@pytest.mark.parametrize("endian", ["big", "little"])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (cut_last_trace, "239 traces, not 240"),
        (change_last_sample, "other samples in trace 240"),
        (change_first_header, "another header of trace 1, at byte 193"),
    ],
)
def test_a_file_that_is_not_as_meant_gets_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[bytearray], None], told: str, endian: str
):
    spoil(monkeypatch, change)
    with pytest.raises(SurveyError, match=told) as caught:
        write_segy(tmp_path / "a.sgy", VALUES, GRID, endian=endian)  # type: ignore[arg-type]
    assert "segyio" in caught.value.problem
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("copied", [True, False])
@pytest.mark.parametrize("format", ["ibm", "ieee", "int32", "int16", "float64", "int8", "uint8"])
def test_what_is_written_as_meant_is_published(tmp_path: Path, format: str, copied: bool):
    whole = VALUES if format in ("ibm", "ieee", "float64") else (VALUES / 100 + 60).clip(0, 100).astype(np.int8)
    write_segy(tmp_path / "a.sgy", whole, GRID, format=format, endian="little")  # type: ignore[arg-type]
    if not copied:
        return
    source = SegyVolume(tmp_path / "a.sgy")
    with SegyResult(tmp_path / "b.sgy", np.dtype(np.int8), source=source, overwrite=False, note="x") as result:
        for line in GRID.inlines.tolist():
            result.write(Section(Orientation.INLINE, line, np.ones((48, 20), np.int8), np.ones(20, np.bool_)))
    assert (SegyVolume(tmp_path / "b.sgy").section(Orientation.INLINE, 105).values == 1).all()


def test_traces_are_drawn_by_a_seed_and_are_few():
    drawn = drawn_traces(1_000_000)
    assert (drawn[0], drawn[-1], len(drawn)) == (0, 999_999, 34)
    assert np.array_equal(drawn, drawn_traces(1_000_000))
    assert drawn_traces(1).tolist() == [0]


def test_inspect_says_whether_segyio_opens_a_file(tmp_path: Path):
    path = tmp_path / "whole.sgy"
    write_segy(path, VALUES, GRID, inline_byte=9, crossline_byte=21, endian="little")
    assert json.loads(invoke("inspect", path, "--json").stdout)["segyio"] == {"opens": True, "why": None}
    assert "opens it strictly" in invoke("inspect", path).stdout
    live = np.ones((12, 20), np.bool_)
    live[3, 5] = False
    holes = Geometry(GRID.inlines, GRID.crosslines, 48, 4.0, 0.0, live)
    write_segy(tmp_path / "holes.sgy", VALUES, holes)
    found = json.loads(invoke("inspect", tmp_path / "holes.sgy", "--json").stdout)["segyio"]
    assert not found["opens"]
    assert "239 traces lie on 240 places" in found["why"]
    assert "does not open it strictly" in " ".join(invoke("inspect", tmp_path / "holes.sgy").stdout.split())
    np.save(tmp_path / "a.npy", VALUES)
    assert json.loads(invoke("inspect", tmp_path / "a.npy", "--json").stdout)["segyio"] is None


def test_a_way_to_open_an_irregular_file_is_named_and_works(tmp_path: Path):
    import segyio  # noqa: PLC0415

    live = np.ones((12, 20), np.bool_)
    live[3, 5] = False
    write_segy(tmp_path / "a.sgy", VALUES, Geometry(GRID.inlines, GRID.crosslines, 48, 4.0, 0.0, live))
    second = SegyVolume(tmp_path / "a.sgy").second_reading
    assert "segyio.open(..., ignore_geometry=True)" in (second.why or "")
    with segyio.open(str(tmp_path / "a.sgy"), ignore_geometry=True) as file:
        assert file.tracecount == 239
