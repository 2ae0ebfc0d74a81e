"""A large file goes in; the grid of its lines comes out, from a cache where its trace headers were read before.

The cache is a folder of the user: `headers` in $SAM_SEISMIC_CACHE where that is set, else in the system's place for
caches (`~/.cache/sam-seismic` on Linux). It may be removed at any time.
"""

import hashlib
import json
import os
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import SegyOptions
from sam_seismic.config.places import CACHE, cache_folder
from sam_seismic.files.atomic import remove_abandoned, whole_file
from sam_seismic.files.identity import FileState
from sam_seismic.survey.segy.headers import SegyLayout
from sam_seismic.survey.segy.lines import Lines, find_lines
from sam_seismic.survey.segy.samples import TraceFile

LONG_PASS = 64 << 20
"""The headers of files from this size on, in bytes, are cached; those of smaller ones are read fast enough."""
MOST_ENTRIES = 64
MOST_BYTES = 1 << 30
"""Bounds of the cache; the entries used last stay."""
_LAYOUT = 2
"""Raise it with every change of what an entry holds, or of how line numbers are found."""
_PROBED = 64
_PROBED_BYTES = 1 << 20
"""Of the first and of the last trace."""
_ABANDONED_S = 3600.0
_ARRAYS = ("inlines", "crosslines", "index", "repeats", "dead")


def kept_lines(path: Path, layout: SegyLayout, options: SegyOptions) -> tuple[Lines, tuple[str, ...]]:
    """What `find_lines` finds, without a pass over the file where one was made before, by any process.

    An entry is used only for the very same file: path, size, times of the last change, and a probe of its content.

    Args:
        path: the file.
        layout: where its traces lie.
        options: what the user said about it.

    Returns:
        The grid, and a note where it could not be kept.

    Raises:
        SurveyError: see `find_lines`.
    """
    if layout.end < LONG_PASS:
        return find_lines(path, layout, options), ()
    identity = _identity(path, layout, options)
    entry = folder() / f"{hashlib.sha256(identity.encode()).hexdigest()[:40]}.npz"
    if (kept := _load(entry, identity, layout)) is not None:
        return kept, ()
    lines = find_lines(path, layout, options)
    if _identity(path, layout, options) != identity:
        return lines, ()  # it changes while it is read
    try:
        _store(entry, identity, lines)
        _prune(entry.parent)
    except OSError as error:
        why = error.strerror or error
        return lines, (
            f"{entry.parent}: cannot be written ({why}): the headers will be read again next time; another place: "
            f"export {CACHE}=FOLDER",
        )
    return lines, ()


def folder() -> Path:
    """The folder of kept headers."""
    return cache_folder("headers")


def _identity(path: Path, layout: SegyLayout, options: SegyOptions) -> str:
    """A text that differs between files, states of a file, and ways of reading it."""
    state = FileState.of(path)
    known = {
        "cache": _LAYOUT,
        "path": str(path.resolve()),
        "size": state.size,
        # A program can set the first time back after a change; the second one is set by the system alone.
        "changed": [state.modified_ns, state.changed_ns],
        "content": _probe(path, layout),
        "layout": [layout.order, layout.form.name, layout.samples, layout.start, layout.header, layout.traces],
        "options": options.model_dump(mode="json"),
    }
    return json.dumps(known)


def _probe(path: Path, layout: SegyLayout) -> str:
    """Hash of the head, the first and the last trace, and headers of traces spread over the file."""
    traces = np.unique(np.linspace(0, layout.traces - 1, _PROBED).astype(np.int64))
    file = TraceFile(path, layout)
    found = hashlib.sha256()
    with path.open("rb") as head:
        found.update(head.read(layout.start))
    found.update(file.headers(traces).tobytes())
    outer = traces[[0, -1]] if len(traces) > 1 else traces
    found.update(file.read(outer, 0, min(layout.trace_bytes, _PROBED_BYTES)).tobytes())
    return found.hexdigest()


def _load(entry: Path, identity: str, layout: SegyLayout) -> Lines | None:
    """An entry; None where there is none that is whole, of this file, and written by this user or the system."""
    try:
        if entry.stat().st_uid not in (os.geteuid(), 0):
            return None  # another user may have put anything there
        with zipfile.ZipFile(entry) as archive:
            if archive.testzip() is not None:
                return None
        with np.load(entry, allow_pickle=False) as stored:
            said = json.loads(stored["said"].tobytes())
            if said["identity"] != identity:
                return None
            arrays = {name: stored[name] for name in _ARRAYS}
        lines = Lines(
            pair=None if said["pair"] is None else (said["pair"][0], said["pair"][1]),
            checked={int(byte): tuple(values) for byte, values in said["checked"].items()},
            why=said["why"],
            notes=tuple(said["notes"]),
            **arrays,
        )
        os.utime(entry)  # used last
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile):
        return None  # damaged, or of another program: it is written anew
    return lines if _fits(lines, layout) else None


def _fits(lines: Lines, layout: SegyLayout) -> bool:
    """Whether an entry can be of a file of this layout."""
    arrays: list[NDArray[np.int32]] = [getattr(lines, name) for name in _ARRAYS]
    numbers = [lines.index, lines.repeats, lines.dead]
    return (
        all(each.dtype == np.int32 for each in arrays)
        and lines.index.shape == (len(lines.inlines), len(lines.crosslines))
        and all(not each.size or (each.min() >= -1 and each.max() < layout.traces) for each in numbers)
    )


def _store(entry: Path, identity: str, lines: Lines) -> None:
    """Write an entry; it appears under its name when it is whole, whoever else writes it at the same time."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    said = {"identity": identity, "pair": lines.pair, "checked": lines.checked, "why": lines.why, "notes": lines.notes}
    arrays = {name: getattr(lines, name) for name in _ARRAYS}
    with whole_file(entry) as file:
        np.savez(file, said=np.frombuffer(json.dumps(said).encode(), np.uint8), **arrays)


def _prune(kept: Path) -> None:
    """Remove the entries not used for longest beyond the bounds, and what killed processes left."""
    remove_abandoned(kept, age_s=_ABANDONED_S)
    entries = []
    for each in kept.glob("*.npz"):
        with suppress(FileNotFoundError):  # another process removed it
            status = each.stat()
            entries.append((status.st_mtime_ns, status.st_size, each))
    total = 0
    for number, (_, size, each) in enumerate(sorted(entries, reverse=True)):
        total += size
        if number >= MOST_ENTRIES or (total > MOST_BYTES and number > 0):
            each.unlink(missing_ok=True)
