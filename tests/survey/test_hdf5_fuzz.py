"""Thousands of damaged HDF5 files: each is refused in words or read as something sound; no crash, hang or huge memory.

They are opened in other processes, so that a crash inside the HDF5 library is seen as one.
"""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from sam_seismic.config import SegyOptions
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.hdf5 import write_hdf5
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.segy import SegyVolume, write_segy

CASES = 1000
"""Of each kind of file."""
SHAPE = (9, 7, 40)
MEMORY = 3 * 2**30
"""Address space of a process that reads; numpy and the HDF5 library take a part of it from the start."""

READING = """
import json, resource, sys
from pathlib import Path
import numpy as np
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[4]), int(sys.argv[4])))
from sam_seismic.errors import SurveyError
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation

source, seed, cases = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
whole = np.frombuffer(source.read_bytes(), np.uint8)
path, now = source.with_suffix(f".{seed}.h5"), source.with_suffix(f".{seed}.now")
found = {"refused": 0, "read": 0}

def damaged(chance):
    raw = whole.copy()
    kind = chance.integers(0, 8)
    # What says where things are lies at the beginning.
    reach = len(raw) if kind == 7 else min(len(raw), 12000)
    for _ in range(int(chance.integers(1, 5))):
        at = int(chance.integers(0, reach))
        if kind == 0:
            raw = raw[: int(chance.integers(0, len(whole)))]
            break
        elif kind in (1, 2):
            raw[at] ^= np.uint8(1 << int(chance.integers(0, 8)))
        elif kind in (3, 7):
            raw[at] = chance.integers(0, 256)
        elif kind == 4:
            width = int(chance.choice([1, 2, 4, 8]))
            extreme = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
            raw[at : at + width] = extreme
        elif kind == 5:
            width = int(chance.integers(1, 64))
            raw[at : at + width] = np.resize(raw[int(chance.integers(0, reach)) :][:width], len(raw[at : at + width]))
        else:
            raw = np.concatenate([raw[:at], chance.integers(0, 256, int(chance.integers(1, 50)), np.uint8), raw[at:]])
    return raw.tobytes()

def check(volume):
    geometry = volume.geometry
    assert geometry.live.shape == geometry.shape[:2] and geometry.live.dtype == bool
    assert (geometry.live.view(np.uint8) <= 1).all()
    assert 0 < geometry.sample_interval_ms < np.inf and np.isfinite(geometry.start_ms)
    assert min(geometry.shape) > 0 and np.prod([float(n) for n in geometry.shape]) * volume.dtype.itemsize < 1e8
    for orientation in Orientation:
        lines = geometry.lines(orientation)
        assert lines.dtype == np.int32 and (np.diff(lines.astype(np.int64)) > 0).all()
        for line in dict.fromkeys((int(lines[0]), int(lines[-1]))):
            section = volume.section(orientation, line)
            assert section.shape == (geometry.samples, len(geometry.lines(orientation.across)))
            assert section.values.dtype == volume.dtype
            volume.coordinates(orientation, line)
    template = volume.segy_template
    if template is not None:
        assert template.index.shape == geometry.live.shape
        assert len(template.head()) == template.layout.start
        assert sum(len(headers) for headers in template.headers()) == template.layout.traces
        template.tail()
    assert all(isinstance(note, str) for note in volume.notes) and isinstance(volume.encoding, str)

for case in range(cases):
    path.write_bytes(damaged(np.random.default_rng([seed, case])))
    now.write_text(str(case))
    try:
        check(open_volume(path))
        found["read"] += 1
    except SurveyError as error:
        assert str(path) in error.problem and error.fix, error
        found["refused"] += 1
print(json.dumps(found))
"""


def made(folder: Path, kind: str) -> Path:
    """A sound file of a kind."""
    path = folder / f"{kind}.h5"
    grid = Geometry.complete(range(100, 109), range(300, 307), 40)
    grid.live[0, :3] = False
    values = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    if kind == "from_segy":
        coordinates = np.random.default_rng(1).uniform(1e5, 9e5, (9, 7, 2))
        write_segy(folder / "a.sgy", values, grid, coordinates=coordinates)
        write_hdf5(SegyVolume(folder / "a.sgy", SegyOptions()), path)
    elif kind == "labels":
        write_hdf5(MemoryVolume((values > 0).astype(np.int8), grid), path)
    else:
        with h5py.File(path, "w") as file:
            how = {"chunks": (4, 4, 16), "compression": "gzip", "shuffle": True} if kind == "foreign_packed" else {}
            file.create_dataset("seismic/amplitude", data=values, **how)
            file["weights"] = np.ones((3, 2))
    return path


@pytest.mark.parametrize("kind", ["from_segy", "labels", "foreign_packed", "foreign_plain"])
def test_damaged_files(tmp_path: Path, kind: str):
    path = made(tmp_path, kind)
    given = [str(path), "1", str(CASES), str(MEMORY)]
    ran = subprocess.run([sys.executable, "-c", READING, *given], capture_output=True, text=True, check=False)
    case = path.with_suffix(".1.now").read_text()
    assert ran.returncode == 0, f"case {case} ended with {ran.returncode}: {ran.stderr[-3000:]}"
    found = json.loads(ran.stdout)
    assert found["refused"] + found["read"] == CASES
    assert min(found.values()) > CASES // 50, found
