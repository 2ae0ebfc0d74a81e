"""A volume goes in; a hash of its amplitudes as they are read comes out, without reading most of them."""

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.files.identity import file_states
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.volume import Volume

VERSION = 1
"""Raise it with every change of what is hashed, or of the samples that a reader makes of the same file."""
PROBED = 8
"""Sections of a file that are read: the first, the last, and others spread evenly between them."""


def fingerprint(volume: Volume, orientation: Orientation) -> str:
    """A hash that differs between two surveys, and between two ways of reading one survey.

    It is made of the sizes and times of change of the files, which of their samples are read, the grid, and the content
    of a few sections; of a volume in memory, the content of all sections. A copy that keeps the time of change has the
    fingerprint of its source, wherever it lies. A change that keeps the size of a file and sets its time of change back
    is seen only in these few sections.

    Args:
        volume: the amplitudes.
        orientation: of the sections that are meant.

    Returns:
        32 hexadecimal digits, the same in any process and on any machine.

    Raises:
        SurveyError: a file is gone since the volume was opened, or damaged where it is looked at.
    """
    files = [row for path in volume.files for row in _file_rows(path, volume)]
    facts = {"version": VERSION, "orientation": orientation, "files": sorted(files), "placement": volume.placement}
    digest = Digest()
    digest.add_text(json.dumps(facts))
    add_grid(digest, volume, orientation)
    lines = volume.lines(orientation)
    probed = len(lines) if not files else min(PROBED, len(lines))
    for position in np.rint(np.linspace(0, len(lines) - 1, probed)).astype(np.int64):
        section = volume.section(orientation, int(lines[position]))
        digest.add_text(section.name)
        digest.add(section.values, "<f4")
        digest.add(volume.stored.live_along(orientation, int(lines[position])), "u1")  # null values show in the samples
    return digest.hexdigest()


class Digest:
    """A hash of texts and arrays. The length of each is hashed too: "ab", "c" is not "a", "bc"."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def add_text(self, text: str) -> None:
        """A text."""
        raw = text.encode()
        self._hash.update(len(raw).to_bytes(8, "little"))
        self._hash.update(raw)

    def add(self, values: NDArray[np.generic], dtype: str) -> None:
        """An array in a type whose bytes are the same everywhere."""
        self.add_text(f"{dtype} {values.shape}")
        self._hash.update(values.astype(dtype).tobytes())

    def hexdigest(self) -> str:
        """32 hexadecimal digits."""
        return self._hash.hexdigest()


def add_grid(digest: Digest, volume: Volume, orientation: Orientation) -> None:
    """The grid; of loose sections, which have none, the numbers of their lines."""
    if not volume.has_grid:
        digest.add(volume.lines(orientation), "<i4")
        return
    grid = volume.geometry
    digest.add_text(json.dumps([int(grid.samples), float(grid.sample_interval_ms), float(grid.start_ms)]))
    digest.add(grid.inlines, "<i4")
    digest.add(grid.crosslines, "<i4")
    digest.add(grid.live, "u1")


def _file_rows(path: Path, volume: Volume) -> list[tuple[str, int, int]]:
    """Name below the volume, size and time of change (ns) of a file, or of each file in a folder.

    Of several files of one survey it is the name of each, whether they are listed or their folder is given.
    """
    root = path.parent if volume.stored.by_file else volume.path
    try:
        states = file_states(path)
    except OSError as error:
        raise SurveyError(
            problem=f"{path}: can no longer be read: {error}", fix="check that it is still there"
        ) from error
    return [(state.path.relative_to(root).as_posix(), state.size, state.modified_ns) for state in states]
