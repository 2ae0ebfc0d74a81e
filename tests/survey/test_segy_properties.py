"""For any grid, format and gaps: what is written is read back, and results open strictly in another program."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segyio
from hypothesis import given
from hypothesis import strategies as st

from sam_seismic.config import SegyOptions
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.segy import SegyResult, SegyVolume, write_segy
from sam_seismic.survey.segy.formats import format_named
from sam_seismic.survey.volume import Section
from tests.survey.segy_files import CODES, crossline_cube, cube, write_all

FORMATS = ("ibm", "ieee", "int32", "int16", "int8", "float64", "uint32", "uint16", "uint8")
SIZES = st.tuples(st.integers(2, 6), st.integers(2, 6), st.integers(1, 30))


def grid_of(shape: tuple[int, int, int], first: tuple[int, int], step: tuple[int, int]) -> Geometry:
    lines = [range(start, start + count * by, by) for start, count, by in zip(first, shape, step, strict=False)]
    return Geometry.complete(list(lines[0]), list(lines[1]), shape[2])


def values_for(name: str, shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """Values that the format holds exactly."""
    chance, given = np.random.default_rng(seed), format_named(name).given
    if given.kind in "iu":
        bounds = np.iinfo(given)
        return chance.integers(bounds.min, bounds.max, shape, given, endpoint=True)
    return (chance.integers(-(2**20), 2**20, shape) / 64).astype(np.float32)


@given(
    name=st.sampled_from(FORMATS),
    endian=st.sampled_from(["big", "little"]),
    shape=SIZES,
    first=st.tuples(st.integers(-500, 30000), st.integers(-500, 30000)),
    step=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    pair=st.sampled_from([(189, 193), (9, 21), (5, 21), (17, 25), (181, 185)]),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, data: Any, **case: Any):
    shape, name, endian, pair = case["shape"], case["name"], case["endian"], case["pair"]
    full = grid_of(shape, case["first"], case["step"])
    live = np.ones(full.live.shape, bool)
    # A line without any trace is no line of the file; the rest may miss any trace.
    for at in data.draw(st.lists(st.integers(0, live.size - 1), max_size=live.size // 4)):
        live.flat[at] = False
    live[:, 0], live[0] = True, True
    grid = Geometry(full.inlines, full.crosslines, full.samples, 2.0, 100.0, live)
    values = values_for(name, shape, case["seed"])
    path = tmp_path_factory.mktemp("any") / "a.sgy"
    write_segy(path, values, grid, format=name, endian=endian, inline_byte=pair[0], crossline_byte=pair[1])
    options = SegyOptions(inline_byte=pair[0], crossline_byte=pair[1], format=name, endian=endian)
    volume = SegyVolume(path, options)
    assert volume.geometry.same_grid(grid)
    np.testing.assert_array_equal(volume.geometry.live, live)
    expected = np.where(live[:, :, None], values, 0)
    np.testing.assert_array_equal(cube(volume), expected)
    np.testing.assert_array_equal(crossline_cube(volume), expected)


@given(
    shape=SIZES,
    dtype=st.sampled_from(list(CODES)),
    source=st.sampled_from(["ibm", "ieee", "int16"]),
    sorting=st.sampled_from(list(Orientation)),
    orientation=st.sampled_from(list(Orientation)),
    seed=st.integers(0, 2**32 - 1),
)
def test_results_open_strictly_in_segyio(tmp_path_factory: pytest.TempPathFactory, **case: Any):
    """As predict writes them: any sample type, section by section along either orientation, from either sorting."""
    folder, shape = tmp_path_factory.mktemp("any"), case["shape"]
    grid = grid_of(shape, (100, 300), (1, 2))
    write_segy(folder / "a.sgy", values_for(case["source"], shape, 0), grid, format=case["source"])
    if case["sorting"] is Orientation.CROSSLINE:
        resort(folder / "a.sgy", shape, format_named(case["source"]).size)
    source = SegyVolume(folder / "a.sgy", SegyOptions(format=case["source"]))
    chance = np.random.default_rng(case["seed"])
    values = chance.integers(-9, 9, shape).astype(case["dtype"])
    with SegyResult(folder / "f.sgy", case["dtype"], source=source, overwrite=False, note="FACIES") as result:
        write_all(result, values, grid, case["orientation"])
    with segyio.open(folder / "f.sgy", strict=True) as file, segyio.open(folder / "a.sgy", strict=True) as original:
        assert int(file.format) == CODES[case["dtype"]]
        np.testing.assert_array_equal(file.ilines, grid.inlines)
        np.testing.assert_array_equal(file.xlines, grid.crosslines)
        assert file.sorting == original.sorting
        for position, line in enumerate(grid.inlines):
            np.testing.assert_array_equal(file.iline[line], values[position])
        for theirs, ours in zip(original.header, file.header, strict=True):
            assert dict(theirs) == dict(ours)


def resort(path: Path, shape: tuple[int, int, int], size: int) -> None:
    """Bring the traces of a file into the order of crosslines."""
    raw = path.read_bytes()
    traces = np.frombuffer(raw[3600:], np.uint8).reshape(shape[0], shape[1], 240 + shape[2] * size)
    path.write_bytes(raw[:3600] + traces.transpose(1, 0, 2).tobytes())


def test_a_trace_passed_over_gets_the_samples_of_its_place(tmp_path: Path):
    """Both traces of a doubled place lie at the same spot: neither may look unpredicted."""
    grid = grid_of((3, 4, 5), (1, 1), (1, 1))
    write_segy(tmp_path / "a.sgy", np.ones(grid.shape, np.float32), grid)
    raw = (tmp_path / "a.sgy").read_bytes()
    traces = np.frombuffer(raw[3600:], np.uint8).reshape(12, 260)
    doubled = np.concatenate([traces[:6], traces[5:6], traces[6:]])  # IL 2, XL 2 once more
    (tmp_path / "a.sgy").write_bytes(raw[:3600] + doubled.tobytes())
    source = SegyVolume(tmp_path / "a.sgy", SegyOptions(duplicates="first"))
    values = np.arange(60).reshape(grid.shape).astype(np.int8)
    with SegyResult(tmp_path / "f.sgy", np.dtype(np.int8), source=source, overwrite=False, note="F") as result:
        for position, line in enumerate(grid.inlines.tolist()):
            result.write(Section(Orientation.INLINE, line, values[position].T, np.ones(4, bool)))
    with segyio.open(tmp_path / "f.sgy", ignore_geometry=True) as file:
        expected = np.insert(values.reshape(12, 5), 6, values.reshape(12, 5)[5], axis=0)
        np.testing.assert_array_equal(file.trace.raw[:], expected)
