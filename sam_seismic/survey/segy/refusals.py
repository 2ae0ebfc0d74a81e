"""Line numbers that cannot be used go in; an error comes out that says what was found and how to go on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.segy.geometry import Numbering
from sam_seismic.survey.segy.scan import OFFSET, TraceHeaders

_YAML = "(YAML: data.read.segy.inline_byte, data.read.segy.crossline_byte)"
_CDP = 21


def no_grid_given(path: Path, given: Numbering) -> SurveyError:
    """Positions named by the user hold no line numbers."""
    return SurveyError(
        problem=f"{path}: the header positions given hold no line numbers of a grid{_listed([given])}",
        fix=f"name others, or none and let them be found: --inline-byte, --crossline-byte {_YAML}",
    )


def gathers(path: Path, lines: Numbering, headers: TraceHeaders) -> SurveyError:
    """Many traces of different offsets share a place."""
    offsets = headers.checked[OFFSET]
    return SurveyError(
        problem=f"{path}: prestack: {lines.traces} traces share {lines.taken} inline/crossline places (bytes "
        f"{lines.bytes}), and the offset at byte 37 runs from {min(offsets)} to {max(offsets)}",
        fix="stack it, or export one offset as a post-stack volume",
    )


def repeated(path: Path, lines: Numbering) -> SurveyError:
    """Several traces hold one place."""
    first, second = lines.first_repeat()
    place = f"inline {lines.inline.column[first]}, crossline {lines.crossline.column[first]}"
    return SurveyError(
        problem=f"{path}: traces {first + 1} and {second + 1} are both {place} (bytes {lines.bytes}); in all "
        f"{lines.repeats} of {lines.traces} traces repeat a place that another one holds",
        fix="say which trace of a place to read: --duplicates first|last (YAML: data.read.segy.duplicates); or remove "
        "the repeated traces, stack the gathers, or, if the line numbers are elsewhere, name their bytes: "
        f"--inline-byte 9 --crossline-byte 21 {_YAML}",
    )


def tied(path: Path, winners: Sequence[Numbering]) -> SurveyError:
    """Several pairs of positions fit equally well."""
    return SurveyError(
        problem=f"{path}: several pairs of header positions number its {winners[0].traces} traces equally "
        f"well{_listed(winners)}",
        fix=f"name the right one: {_options(winners[0])}",
    )


def looks_prestack(
    path: Path, standard: Numbering, headers: TraceHeaders, candidates: Sequence[Numbering]
) -> SurveyError:
    """No line numbers at the standard positions, and offsets that vary."""
    offsets = headers.checked[OFFSET]
    grids = sorted((each for each in candidates if not each.single and each.score > 0), key=lambda each: -each.score)
    return SurveyError(
        problem=f"{path}: no line numbers at the standard bytes ({standard}), and the offset at byte 37 takes "
        f"{len(offsets)} values from {min(offsets)} to {max(offsets)}: these look like prestack gathers"
        + (f". Other positions:{_listed(grids)}" if grids else ""),
        fix=f"stack it; if it is a post-stack volume, name its line numbers: {_options(grids[0] if grids else None)}",
    )


def no_grid(path: Path, headers: TraceHeaders, candidates: Sequence[Numbering]) -> SurveyError:
    """No pair of positions fits."""
    fix = f"name them: {_options(None)}"
    running: NDArray[np.int32] | None = headers.columns.get(_CDP)
    if running is not None and len(np.unique(running)) == len(running):
        fix += "; for a 2D line numbered by CDP (byte 21): --inline-byte 189 --crossline-byte 21"
    telling = [each for each in candidates if not each.empty]
    tried = ", ".join(each.bytes for each in candidates if each.empty)
    return SurveyError(
        problem=f"{path}: no pair of header positions gives a regular grid for {headers.traces} traces"
        f"{_listed(telling)}" + (f"\n  the same in every trace: {tried}" if tried else ""),
        fix=fix,
    )


def _listed(lines: Sequence[Numbering]) -> str:
    return "".join(f"\n  {each}" for each in lines)


def _options(lines: Numbering | None) -> str:
    inline, crossline = (5, 21) if lines is None else lines.pair
    return f"--inline-byte {inline} --crossline-byte {crossline} {_YAML}"
