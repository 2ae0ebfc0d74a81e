"""A volume of any format goes in, an HDF5 file with the same samples comes out, compared with its source."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.identity import stamp
from sam_seismic.files.resume_journal import Journal
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.hdf5.layout import VERSION
from sam_seismic.survey.hdf5.reader import Hdf5Volume
from sam_seismic.survey.hdf5.writer import Hdf5Result, Origin
from sam_seismic.survey.volume import Volume

Done = Callable[[int, int], None]
"""Called with (sections finished, sections in all)."""
BUDGET = 256 * 2**20
"""Bytes of samples in memory at a time; one section, where that is larger."""


def write_hdf5(
    source: Volume,
    path: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    read: ReadOptions | None = None,
    progress: Done | None = None,
) -> None:
    """Copy a volume into an HDF5 file of blocks, some lines at a time, and compare every sample with the source.

    Args:
        source: any volume whose sections form a grid.
        path: the HDF5 file.
        overwrite: whether an existing file may be replaced.
        resume: go on with what an earlier run left, if it left anything.
        read: how the source was opened; a resumed run must open it likewise.
        progress: told of sections copied and compared; both count.

    Raises:
        SurveyError: the path exists or is the source, the source has no grid, the disk is full, the copy differs, or
            what an earlier run left is of another job or may not be gone on with.
    """
    if path.exists() and any(path.samefile(file) for file in {source.path, *source.files} if file.exists()):
        raise SurveyError(problem=f"{path}: is the input itself", fix="choose another name for the output")
    orientation = source.fast_orientation
    lines = source.geometry.lines(orientation).tolist()
    with Journal([path], _job(source, read), steps=len(lines), resume=resume, overwrite=overwrite) as journal:
        copy = Hdf5Result(
            path,
            source.dtype,
            geometry=source.geometry,
            overwrite=journal.overwrite or journal.complete,
            note=f"copied from {source.path.name}",
            origin=origin_of(source),
            start=journal.start,
        )
        journal.claim()
        if journal.complete and path.exists() and not copy.temporary.exists():
            return  # an earlier run was killed when all was done
        with copy:
            tell = _teller(progress, 2 * len(lines))
            _copy(source, copy, orientation, journal, tell)
            if differs := _difference(source, Hdf5Volume(copy.temporary), orientation, tell):
                copy.keep, journal.finished = False, 0
                raise SurveyError(
                    problem=f"{path}: {differs} samples",
                    fix="the disk or the source changed while it was copied: convert again",
                )


def _teller(progress: Done | None, total: int) -> Callable[[int], None]:
    return lambda done: None if progress is None else progress(done, total)


def origin_of(source: Volume) -> Origin:
    """What a copy keeps of how its source was read."""
    if isinstance(source, Hdf5Volume):  # a copy of a copy keeps what the first one did
        return Origin(source.notes, source.why, source.inline_byte, source.crossline_byte, source.segy_template)
    notes, facts = tuple(f"{source.path.name}: {note}" for note in source.notes), source.source_facts
    return Origin(notes, facts.line_numbers, facts.inline_byte, facts.crossline_byte, source.segy_template)


def _job(source: Volume, read: ReadOptions | None) -> dict[str, Any]:
    """What must be the same when an interrupted run is resumed."""
    grid = source.geometry
    return {
        "input": _stamp(source),
        "read": None if read is None else read.model_dump(mode="json"),
        "grid": [str(grid), grid.sample_interval_ms, grid.start_ms, int(np.count_nonzero(grid.live))],
        "sample type": f"{source.dtype} {source.encoding}",
        "header positions": list(origin_of(source).bytes),
        "version of the layout": VERSION,
    }


def _stamp(source: Volume) -> Any:
    """Data that stay the same while the files of a volume are not changed."""
    if source.by_file:
        return [stamp(file) for file in source.files]
    return stamp(source.path) if source.path.exists() else str(source.path)


def _copy(
    source: Volume, copy: Hdf5Result, orientation: Orientation, journal: Journal, tell: Callable[[int], None]
) -> None:
    """Copy the lines that are not finished yet, as many at a time as BUDGET allows."""
    lines = source.geometry.lines(orientation).tolist()
    across = len(source.geometry.lines(orientation.across))
    block = copy.block[0 if orientation is Orientation.INLINE else 1]
    many = BUDGET // (across * source.geometry.samples * source.dtype.itemsize) // block * block
    begin = journal.finished
    while begin < len(lines):
        end = min(begin + max(many, 1), len(lines))
        if many and begin % block == 0:
            copy.write_box(orientation, begin, _read(source, orientation, lines[begin:end]))
        else:
            end = begin + 1
            copy.write(source.section(orientation, lines[begin]))
        journal.advance(end, [copy])
        tell(end)
        begin = end


def _read(source: Volume, orientation: Orientation, lines: list[int]) -> NDArray[np.generic]:
    """Neighbouring sections: [line, trace, sample]."""
    traces = len(source.geometry.lines(orientation.across))
    box = np.empty((len(lines), traces, source.geometry.samples), source.dtype)
    for place, line in enumerate(lines):
        box[place] = source.section(orientation, line).values.T  # [sample, trace] -> [trace, sample]
    return box


def _difference(source: Volume, copy: Volume, orientation: Orientation, tell: Callable[[int], None]) -> str:
    """The first section that differs, in words; empty where all samples are the same."""
    lines = source.geometry.lines(orientation).tolist()
    for done, line in enumerate(lines, start=1):
        original, copied = source.section(orientation, line), copy.section(orientation, line)
        same = original.values == copied.values
        if not same.all():
            same |= (original.values != original.values) & (copied.values != copied.values)  # NaN is NaN
        if not same.all() or not np.array_equal(original.live, copied.live):
            return f"{original.name} differs from its source in {np.count_nonzero(~same)}"
        tell(len(lines) + done)
    return ""
