"""Sample interval and start: what cannot be meant is noticed, what is given is used, each trace keeps its own start."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import ReadOptions, SegyOptions
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.hdf5.copying import write_hdf5
from sam_seismic.survey.horizons import HorizonTable
from sam_seismic.survey.sample_interval import stated_interval_ms
from sam_seismic.survey.segy import SegyVolume, write_segy
from sam_seismic.survey.volume import Section, Volume
from tests.survey.segy_files import Parts, grid, smooth


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    write_segy(tmp_path / "a.sgy", smooth((6, 5, 40)), grid())
    return Parts.of(tmp_path / "a.sgy", 400)


def advised(notes: tuple[str, ...]) -> SegyOptions:
    """The options that notes name."""
    named = {name: re.search(rf"--{name} (-?[\d.]+)", "\n".join(notes)) for name in ("sample-interval", "start")}
    return SegyOptions(**{name.replace("-", "_"): float(found[1]) for name, found in named.items() if found})


@pytest.mark.parametrize(("stored", "meant"), [(4, 4.0), (2, 2.0), (0, 4.0), (50000, 50.0)])
def test_an_interval_that_cannot_be_meant_is_noted_with_the_way_out(
    tmp_path: Path, parts: Parts, stored: int, meant: float
):
    """4 is 4 ms, or 4 m, by a writer that did not convert: 0.004 ms are not taken without a word."""
    parts.set_binary(3217, stored, "u2")
    parts.set_field(117, stored, "u2")
    path = parts.save(tmp_path / "a.sgy")
    (note,) = SegyVolume(path).notes
    assert f"--sample-interval {meant:g} (YAML: data.read.segy.sample_interval)" in note
    volume = SegyVolume(path, advised((note,)))
    assert (volume.geometry.sample_interval_ms, volume.notes) == (meant, ())
    assert stated_interval_ms(volume) == meant


@pytest.mark.parametrize("binary", [0, 4])
def test_the_traces_may_know_the_interval(tmp_path: Path, parts: Parts, binary: int):
    parts.set_binary(3217, binary, "u2")
    parts.set_field(117, 2000, "u2")
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    assert volume.geometry.sample_interval_ms == 2.0
    assert "sample interval 2000 us is taken from the first trace: the binary header has" in volume.notes[0]


def test_an_assumed_interval_is_none_that_a_copy_states(tmp_path: Path, parts: Parts):
    parts.set_binary(3217, 0)
    parts.set_field(117, 0, "u2")
    source = SegyVolume(parts.save(tmp_path / "a.sgy"))
    write_hdf5(source, tmp_path / "a.h5")
    assert [stated_interval_ms(each) for each in (source, open_volume(tmp_path / "a.h5"))] == [None, None]


@pytest.mark.parametrize(("scalar", "start"), [(0, 1000.0), (-10, 100.0)])
def test_a_start_in_byte_105_is_used_and_noted(tmp_path: Path, parts: Parts, scalar: int, start: float):
    """Kingdom writes it there."""
    parts.set_field(105, 1000, "i2")
    parts.set_field(215, scalar, "i2")
    path = parts.save(tmp_path / "a.sgy")
    volume = SegyVolume(path)
    assert volume.geometry.start_ms == start
    assert f"START {start:g} ms TAKEN FROM BYTE 105" in volume.notes[0]
    assert SegyVolume(path, advised(volume.notes)).geometry.start_ms == 0
    parts.set_field(109, 20, "i2")  # the standard's place wins
    again = SegyVolume(parts.save(path))
    assert (again.geometry.start_ms, again.notes) == (20 / 1000 * start, ())


@pytest.mark.parametrize("lag", [-40, 7, np.arange(30)])
def test_what_is_no_start_in_byte_105_is_not_used_but_told(tmp_path: Path, parts: Parts, lag: object):
    parts.set_field(105, lag, "i2")
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    assert volume.geometry.start_ms == 0
    assert "byte 105 holds" in volume.notes[0]


def tops(volume: Volume, path: Path) -> list[str]:
    """Times of the second class, which begins at sample 10 of each trace."""
    classes = np.repeat(np.arange(40) >= 10, len(volume.geometry.crosslines)).reshape(40, -1).astype(np.uint8)
    facies = FaciesTable(("over", "under"), (0, 1))
    with HorizonTable(path, volume, facies, overwrite=True) as table:
        for line in volume.geometry.inlines.tolist():
            live = volume.geometry.live_along(Orientation.INLINE, line)
            table.write(Section(Orientation.INLINE, line, classes, live))
    with path.open(newline="") as file:
        return [row["under_ms"] for row in csv.DictReader(file)]


def test_horizons_count_from_the_start_of_each_trace(tmp_path: Path, parts: Parts):
    """Also in a copy as HDF5; a start that is given holds for all."""
    parts.set_field(109, np.where(np.arange(30) < 7, 500, 1000), "i2")
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    assert tops(volume, tmp_path / "h.csv") == ["540"] * 7 + ["1040"] * 23
    write_hdf5(volume, tmp_path / "a.h5")
    assert tops(open_volume(tmp_path / "a.h5"), tmp_path / "h.csv") == ["540"] * 7 + ["1040"] * 23
    given = SegyVolume(tmp_path / "a.sgy", SegyOptions(start=250.0, sample_interval=2.0))
    assert tops(given, tmp_path / "h.csv") == ["270"] * 30
    write_hdf5(given, tmp_path / "b.h5")
    assert tops(open_volume(tmp_path / "b.h5"), tmp_path / "h.csv") == ["270"] * 30


def test_padding_without_a_delay_does_not_set_the_start(tmp_path: Path, parts: Parts):
    parts.set_field(109, np.where(np.arange(30) < 7, 0, 1000), "i2")
    volume = SegyVolume(parts.save(tmp_path / "a.sgy"))
    assert volume.geometry.start_ms == 1000
    assert "varies from 0 to 1000; 1000 is used" in volume.notes[0]


def test_starts_of_a_crossline(tmp_path: Path, parts: Parts):
    parts.set_field(109, np.repeat(np.arange(6) * 100, 5), "i2")  # one start an inline
    starts = SegyVolume(parts.save(tmp_path / "a.sgy")).starts_ms(Orientation.CROSSLINE, 302)
    assert starts is not None
    assert starts.tolist() == [0, 100, 200, 300, 400, 500]


def test_times_apply_to_seg_y_alone(tmp_path: Path):
    np.save(tmp_path / "a.npy", smooth((6, 5, 40)))
    with pytest.raises(Exception, match=r"segy.start cannot apply to NumPy arrays"):
        open_volume(tmp_path / "a.npy", ReadOptions(segy=SegyOptions(start=1.0)))
