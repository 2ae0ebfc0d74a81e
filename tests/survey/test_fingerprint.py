"""A fingerprint changes with whatever changes the amplitudes that are read, and with nothing else."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr
from PIL import Image

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey import fingerprint as fingerprints
from sam_seismic.survey.fingerprint import fingerprint
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.hdf5 import write_hdf5
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.survey.volume import Volume
from tests.survey.segy_files import Parts

INLINE, CROSSLINE = Orientation.INLINE, Orientation.CROSSLINE
SHAPE = (20, 20, 20)
STORES = Path(__file__).parent / "mdio_stores"
TIME = 1_700_000_000_123_456_789
"""Nanoseconds at which the files of these tests were changed last."""


def values(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Whole numbers up to 100: float32[inline, crossline, sample]."""
    return np.random.default_rng(0).integers(-100, 100, shape).astype(np.float32)


def stamped(path: Path, time: int = TIME) -> Path:
    """A file or all files of a folder, last changed at a time."""
    for file in path.rglob("*") if path.is_dir() else [path]:
        os.utime(file, ns=(time, time))
    return path


def save_segy(folder: Path) -> Path:
    grid = Geometry.complete(range(10, 30), range(40, 60), SHAPE[2])
    write_segy(folder / "a.sgy", values(), grid, format="ieee")
    return folder / "a.sgy"


def save_npy(folder: Path) -> Path:
    np.save(folder / "a.npy", values())
    return folder / "a.npy"


def save_npz(folder: Path) -> Path:
    np.savez_compressed(folder / "a.npz", values())
    return folder / "a.npz"


def save_hdf5(folder: Path) -> Path:
    write_hdf5(MemoryVolume(values(), Geometry.complete(range(10, 30), range(40, 60), SHAPE[2])), folder / "a.h5")
    return folder / "a.h5"


def save_mdio(folder: Path, version: int) -> Path:
    shutil.unpack_archive(STORES / f"version_{version}.zip", folder)
    return folder / f"v{version}.mdio"


def save_pictures(folder: Path) -> Path:
    (folder / "a").mkdir()
    for position, section in enumerate(values()):
        Image.fromarray((section.T + 100).astype(np.uint8)).save(folder / "a" / f"il_{position}.png")
    return folder / "a"


FORMATS: dict[str, Callable[[Path], Path]] = {
    "segy": save_segy,
    "npy": save_npy,
    "npz": save_npz,
    "hdf5": save_hdf5,
    "mdio 0": lambda folder: save_mdio(folder, 0),
    "mdio 1": lambda folder: save_mdio(folder, 1),
    "pictures": save_pictures,
}


def of(path: Path, orientation: Orientation = INLINE, **options: object) -> str:
    return fingerprint(open_volume(path, ReadOptions.model_validate(options)), orientation)


@pytest.mark.parametrize("form", FORMATS)
def test_a_copy_has_the_fingerprint_of_its_source(tmp_path: Path, form: str):
    """Another mount, another name, another process: what was kept for the survey is still that of the survey."""
    path = stamped(FORMATS[form](tmp_path))
    before = of(path)
    assert len(before) == 32
    assert int(before, 16)
    assert of(path) == before
    other = tmp_path / "other" / f"moved{path.suffix}"
    other.parent.mkdir()
    shutil.copytree(path, other) if path.is_dir() else shutil.copy2(path, other)
    assert of(other) == before
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert of(other) == before


@pytest.mark.parametrize("form", FORMATS)
def test_a_later_change_is_another_survey(tmp_path: Path, form: str):
    """One nanosecond of one file is enough, though all that is looked at is the same."""
    path = stamped(FORMATS[form](tmp_path))
    before = of(path)
    file = max(path.rglob("*")) if path.is_dir() else path
    assert file.is_file()
    stamped(file, TIME + 1)
    assert of(path) != before
    stamped(file)
    assert of(path) == before


def test_a_file_that_grew_is_another_survey(tmp_path: Path):
    """Even where what was put behind its end is not read."""
    path = stamped(save_npy(tmp_path))
    before = of(path)
    with path.open("ab") as file:
        file.write(b"1")
    assert of(stamped(path)) != before


@pytest.mark.parametrize("position", [0, 3, 19])
def test_a_sample_of_a_section_that_is_looked_at(tmp_path: Path, position: int):
    """First and last sections always are; size and time say nothing here."""
    path = stamped(save_npy(tmp_path))
    before, array = of(path), np.load(path)
    array[position, 7, 11] += 1
    np.save(path, array)
    assert of(stamped(path)) != before


def test_a_sample_elsewhere_is_told_by_the_time_alone(tmp_path: Path):
    """What the docstring allows to stay unseen, and that a file is not read whole."""
    path = stamped(save_npy(tmp_path))
    before, array = of(path), np.load(path)
    array[1, 7, 11] += 1
    np.save(path, array)
    assert of(path) != before
    assert of(stamped(path)) == before


def test_how_many_sections_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    volume, read = open_volume(save_npy(tmp_path)), []
    section = volume.section
    monkeypatch.setattr(volume, "section", lambda way, line: (read.append((way, line)), section(way, line))[1])
    fingerprint(volume, CROSSLINE)
    assert read == [(CROSSLINE, line) for line in (0, 3, 5, 8, 11, 14, 16, 19)]


def test_orientations_differ(tmp_path: Path):
    """Though the survey be the same along both."""
    array = values()
    np.save(tmp_path / "a.npy", array + array.swapaxes(0, 1))
    assert of(tmp_path / "a.npy", INLINE) != of(tmp_path / "a.npy", CROSSLINE)


def test_axes_of_a_cube(tmp_path: Path):
    """Sizes do not tell them apart. Named or assumed is the same, where it is the same."""
    path = save_npy(tmp_path)
    orders = ["inline,crossline,sample", "sample,crossline,inline", "sample,inline,crossline"]
    assert len({of(path, axes=order) for order in orders}) == 3
    assert of(path) in {of(path, axes=order) for order in orders}


@pytest.mark.parametrize("ending", [".npz", ".h5"])
def test_two_arrays_of_a_file_are_two_surveys(tmp_path: Path, ending: str):
    """They may differ only where nothing is looked at."""
    path = tmp_path / f"a{ending}"
    if ending == ".npz":
        np.savez(path, a=values(), b=values())
    else:
        with h5py.File(path, "w") as file:
            file["a"], file["b"] = values(), values()
    assert of(path, key="a") != of(path, key="b")


def test_two_variables_of_a_store_are_two_surveys(tmp_path: Path):
    path = save_mdio(tmp_path, 1)
    group = zarr.open_group(str(path))
    source = group["amplitude"]
    copy = group.create_array(
        "muted", data=source[:], chunks=(4, 4, 8), dimension_names=source.metadata.dimension_names
    )
    assert copy.shape == source.shape
    assert of(path, key="muted") != of(path, key="amplitude")


def test_metadata_of_a_store_belong_to_it(tmp_path: Path):
    """Those of Zarr 2 lie in hidden files; what a desktop leaves there does not count."""
    path = stamped(save_mdio(tmp_path, 0))
    before = of(path)
    (path / ".DS_Store").touch()
    assert of(path) == before
    stamped(path / "data" / "chunked_012" / ".zarray", TIME + 1)
    assert of(path) != before


def test_reading_options_of_segy(tmp_path: Path):
    """The same bytes, read as other numbers or from other places."""
    path = tmp_path / "a.sgy"
    grid = Geometry.complete(range(10, 30), range(40, 60), SHAPE[2])
    write_segy(path, values().astype(np.int16), grid, format="int16")
    parts = Parts.of(path, 240 + 2 * SHAPE[2])
    parts.set_field(9, parts.field(193))  # a second pair, the other way round
    parts.set_field(21, parts.field(189))
    parts.save(stamped(path))
    stamped(path)
    ways = [{}, {"format": "uint16"}, {"inline_byte": 9, "crossline_byte": 21}]
    assert len({of(path, segy=way) for way in ways}) == 3
    named = {"inline_byte": 189, "crossline_byte": 193, "format": "int16", "endian": "big"}
    assert of(path, segy=named) == of(path)


def test_which_of_two_traces_of_a_place_is_read(tmp_path: Path):
    """One repeated place in a section that is not looked at."""
    path = save_segy(tmp_path)
    parts = Parts.of(path, 240 + 4 * SHAPE[2])
    again = parts.traces[25:26].copy()  # inline 11, the second
    again[:, 240:244] = 0
    parts.traces = np.concatenate([parts.traces, again])
    parts.save(path)
    found = {way: of(path, segy={"duplicates": way}) for way in ("first", "last")}
    assert found["first"] != found["last"]


def test_a_dead_trace(tmp_path: Path):
    """A trace of zeros that becomes a dead one: its samples stay, its mark changes."""
    path = save_segy(tmp_path)
    parts = Parts.of(path, 240 + 4 * SHAPE[2])
    parts.traces[25, 240:] = 0
    before = of(stamped(parts.save(path)))
    kinds = parts.field(29, "i2").copy()
    kinds[25] = 2
    parts.set_field(29, kinds, "i2")
    volume = open_volume(stamped(parts.save(path)))
    assert not volume.geometry.live[1, 5]
    assert fingerprint(volume, INLINE) != before


def test_grid_of_the_same_file(tmp_path: Path):
    """Line numbers and times are part of what is read."""
    array = values()
    surveys = [
        MemoryVolume(
            array, Geometry.complete(range(first, first + 20), range(step, 20 * step + step, step), 20, **time)
        )
        for first, step, time in [
            (0, 1, {}),
            (1, 1, {}),
            (0, 2, {}),
            (0, 1, {"sample_interval_ms": 2.0}),
            (0, 1, {"start_ms": 8.0}),
        ]
    ]
    assert len({fingerprint(volume, INLINE) for volume in surveys}) == 5


def test_an_added_line(tmp_path: Path):
    """In the middle of a folder, so that first and last stay; a file that is no section does not count."""
    path = save_pictures(tmp_path)
    spare = (path / "il_9.png").rename(tmp_path / "spare.png")
    before = of(path)
    (path / "notes.txt").touch()
    assert of(path) == before
    spare.rename(path / "il_9.png")
    assert of(path) != before


def test_loose_sections(tmp_path: Path):
    """Pictures of any size form no grid, and are known by their lines."""
    for line, width in ((3, 20), (5, 30), (9, 20)):
        Image.fromarray(np.full((10, width), line, np.uint8)).save(tmp_path / f"il_{line}.png")
    stamped(tmp_path)
    before = of(tmp_path)
    assert not open_volume(tmp_path).has_grid
    (tmp_path / "il_5.png").rename(tmp_path / "il_6.png")
    assert of(tmp_path) != before
    (tmp_path / "il_6.png").rename(tmp_path / "il_5.png")
    assert of(tmp_path) == before
    assert of(tmp_path, CROSSLINE) != before


def test_a_volume_in_memory_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It has no file whose change would tell, though its name may be that of one."""
    array, grid = values(), Geometry.complete(range(20), range(20), 20)
    monkeypatch.chdir(tmp_path)
    named = MemoryVolume(array, grid, path=Path("a.npy"))
    before = fingerprint(named, INLINE)
    save_npy(tmp_path)
    assert fingerprint(named, INLINE) == before
    for position in range(20):
        other = array.copy()
        other[position, 3, 4] += 1
        assert fingerprint(MemoryVolume(other, grid), INLINE) != before


def test_the_bytes_of_the_values_and_their_order_in_memory_say_nothing():
    """Big-endian samples, integers and a transposed view are the same amplitudes."""
    array, grid = values(), Geometry.complete(range(20), range(20), 20)
    same = [array, array.astype(">f4"), array.astype(np.int16), np.asfortranarray(array)]
    assert len({fingerprint(MemoryVolume(each, grid), CROSSLINE) for each in same}) == 1


def test_the_fingerprint_of_today():
    """Embeddings that were kept must be found by a later release: if this changes on purpose, raise VERSION."""
    array = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    volume = MemoryVolume(array, Geometry.complete(range(20), range(20), 20))
    assert fingerprint(volume, INLINE) == "ac23bfb72e5ab9898f9e678cc71bc143"


@pytest.mark.parametrize(
    ("form", "known"),
    [
        ("segy", "a3515654bfc530817a67a3e29da5b00e"),
        ("npy", "72d4fef213ef10d434af25b2d182ec01"),
        ("mdio 1", "cf3399553487c943db94f5a4e8118bff"),
    ],
)
def test_the_fingerprint_of_files_of_today(tmp_path: Path, form: str, known: str):
    """The same for files and for folders of files, whose names, sizes and times of change are hashed."""
    assert of(stamped(FORMATS[form](tmp_path))) == known


def test_another_process_finds_the_same(tmp_path: Path):
    path = save_npy(tmp_path)
    code = (
        "import sys; from pathlib import Path\n"
        "from sam_seismic.survey.fingerprint import fingerprint\n"
        "from sam_seismic.survey.formats import open_volume\n"
        "from sam_seismic.survey.geometry import Orientation\n"
        "print(fingerprint(open_volume(Path(sys.argv[1])), Orientation.INLINE))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        check=True,
        text=True,
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert elsewhere.stdout.strip() == of(path)


def test_a_change_of_what_is_hashed_changes_all(monkeypatch: pytest.MonkeyPatch):
    volume = model_survey((8, 16, 32), 0).labelled().amplitude
    before = fingerprint(volume, INLINE)
    monkeypatch.setattr(fingerprints, "VERSION", fingerprints.VERSION + 1)
    assert fingerprint(volume, INLINE) != before


def test_a_file_that_is_gone(tmp_path: Path):
    volume: Volume = open_volume(save_npy(tmp_path))
    volume.path.unlink()
    with pytest.raises(SurveyError, match=r"a\.npy: can no longer be read"):
        fingerprint(volume, INLINE)
