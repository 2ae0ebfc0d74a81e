"""A file and what the user said about it go in; the two header positions that number its lines come out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.segy.geometry import (
    CANDIDATES,
    COORDINATES,
    STANDARD,
    Numbering,
    best_of,
    is_convincing,
    numberings,
)
from sam_seismic.survey.segy.headers import Layout
from sam_seismic.survey.segy.scan import OFFSET, TraceHeaders, peek, scan

_YAML = "(YAML: data.read.segy.inline_byte, data.read.segy.crossline_byte)"
_CDP = 21
_FEW = 0.1
_GATHERS = 0.3


def find_lines(path: Path, layout: Layout, options: SegyOptions) -> tuple[Numbering, TraceHeaders, str]:
    """Read the trace headers and decide which fields number the lines.

    One pass over the file where the standard positions, or those given, hold line numbers; else all candidates are
    read and compared.

    Returns:
        The numbering, the headers, and why it was chosen.

    Raises:
        SurveyError: no pair, or several equally good ones; prestack gathers; two traces in one place.
    """
    pairs = _pairs(options)
    if len(pairs) == 1 or (pairs[0] == STANDARD and not numberings(peek(path, layout, STANDARD), [STANDARD])[0].empty):
        headers = scan(path, layout, tuple(dict.fromkeys(pairs[0])))
        (first,) = numberings(headers.columns, pairs[:1])
        if len(pairs) == 1:
            _check_given(path, first, headers)
            return first, headers, f"given as bytes {first}"
        if is_convincing(first):
            return first, headers, f"at the standard bytes {first}"
    headers = scan(path, layout, tuple(dict.fromkeys(byte for pair in pairs for byte in pair)))
    chosen, why = _choose(path, headers, pairs)
    return chosen, headers, why


def _pairs(options: SegyOptions) -> tuple[tuple[int, int], ...]:
    """The pairs to look at: all of them, those with the one byte that is given, or just the one given."""
    inline, crossline = options.inline_byte, options.crossline_byte
    if inline is not None and crossline is not None:
        return ((inline, crossline),)
    if inline is not None:
        return tuple(dict.fromkeys((inline, byte) for _, byte in CANDIDATES if byte != inline))
    if crossline is not None:
        return tuple(dict.fromkeys((byte, crossline) for byte, _ in CANDIDATES if byte != crossline))
    return CANDIDATES + COORDINATES


def _choose(path: Path, headers: TraceHeaders, pairs: Sequence[tuple[int, int]]) -> tuple[Numbering, str]:
    """Compare the candidates; see `find_lines`."""
    candidates = numberings(headers.columns, pairs)
    standard = candidates[0] if pairs[0] == STANDARD else None
    if standard is not None:
        if is_convincing(standard):
            return standard, f"at the standard bytes {standard}"
        _check_places(path, standard, headers, few_only=True)
        if standard.single and standard.score > 0 and not _constant_zero(standard):
            return standard, f"a single line, at the standard bytes {standard}"
        if standard.score == 0 and len(headers.checked[OFFSET]) > 1:
            raise _looks_prestack(path, standard, headers, candidates)
    winners = best_of([each for each in candidates if each.pair not in COORDINATES])
    winners = winners or best_of(candidates)
    if len(winners) == 1:
        return winners[0], f"found at bytes {winners[0]}, the only candidates that form a regular grid"
    if winners:
        raise SurveyError(
            problem=f"{path}: several pairs of header positions number its {len(headers.dead)} traces equally "
            f"well{_listed(winners)}",
            fix=f"name the right one: {_options(winners[0])}",
        )
    if standard is not None and standard.score > 0:
        poor = "a single line with an empty number" if standard.single else "no full grid, but nothing is better"
        return standard, f"taken from the standard bytes ({poor}) {standard}"
    if standard is not None and not standard.empty and not standard.too_sparse:
        _check_places(path, standard, headers, few_only=False)
    raise _no_grid(path, headers, candidates)


def _check_given(path: Path, given: Numbering, headers: TraceHeaders) -> None:
    """Refuse positions given by hand that do not number the lines of a volume."""
    if given.empty or given.too_sparse:
        raise SurveyError(
            problem=f"{path}: the header positions given hold no line numbers of a grid{_listed([given])}",
            fix=f"name others, or none and let them be found: --inline-byte, --crossline-byte {_YAML}",
        )
    _check_places(path, given, headers, few_only=False)


def _check_places(path: Path, lines: Numbering, headers: TraceHeaders, *, few_only: bool) -> None:
    """Refuse prestack gathers and repeated traces.

    Args:
        path: the file, for the message.
        lines: a numbering.
        headers: the headers it is from.
        few_only: whether many repeats may mean that these are no line numbers at all.
    """
    if lines.empty or lines.too_sparse or not lines.repeats:
        return
    offsets = headers.checked[OFFSET]
    if len(offsets) > 1 and lines.repeats >= _GATHERS * lines.traces:
        raise SurveyError(
            problem=f"{path}: prestack: {lines.traces} traces share {lines.taken} inline/crossline places (bytes "
            f"{lines.bytes}), and the offset at byte 37 runs from {min(offsets)} to {max(offsets)}",
            fix="stack it, or export one offset as a post-stack volume",
        )
    if few_only and lines.repeats > _FEW * lines.traces:
        return
    first, second = lines.first_repeat()
    place = f"inline {lines.inline.column[first]}, crossline {lines.crossline.column[first]}"
    raise SurveyError(
        problem=f"{path}: traces {first + 1} and {second + 1} are both {place} (bytes {lines.bytes}); in all "
        f"{lines.repeats} of {lines.traces} traces repeat a place that another one holds",
        fix="remove the repeated traces, stack the gathers, or, if the line numbers are elsewhere, name their bytes: "
        f"--inline-byte 9 --crossline-byte 21 {_YAML}",
    )


def _looks_prestack(
    path: Path, standard: Numbering, headers: TraceHeaders, candidates: Sequence[Numbering]
) -> SurveyError:
    offsets = headers.checked[OFFSET]
    grids = sorted((each for each in candidates if not each.single and each.score > 0), key=lambda each: -each.score)
    return SurveyError(
        problem=f"{path}: no line numbers at the standard bytes ({standard}), and the offset at byte 37 takes "
        f"{len(offsets)} values from {min(offsets)} to {max(offsets)}: these look like prestack gathers"
        + (f". Other positions:{_listed(grids)}" if grids else ""),
        fix=f"stack it; if it is a post-stack volume, name its line numbers: {_options(grids[0] if grids else None)}",
    )


def _no_grid(path: Path, headers: TraceHeaders, candidates: Sequence[Numbering]) -> SurveyError:
    fix = f"name them: {_options(None)}"
    running: NDArray[np.int32] | None = headers.columns.get(_CDP)
    if running is not None and len(np.unique(running)) == len(running):
        fix += "; for a 2D line numbered by CDP (byte 21): --inline-byte 189 --crossline-byte 21"
    telling = [each for each in candidates if not each.empty]
    tried = ", ".join(each.bytes for each in candidates if each.empty)
    return SurveyError(
        problem=f"{path}: no pair of header positions gives a regular grid for {len(headers.dead)} traces"
        f"{_listed(telling)}" + (f"\n  the same in every trace: {tried}" if tried else ""),
        fix=fix,
    )


def _constant_zero(lines: Numbering) -> bool:
    """Whether one of the two was never filled in."""
    return any(len(numbers) == 1 and numbers[0] == 0 for numbers in (lines.inlines, lines.crosslines))


def _listed(lines: Sequence[Numbering]) -> str:
    return "".join(f"\n  {each}" for each in lines)


def _options(lines: Numbering | None) -> str:
    inline, crossline = (5, 21) if lines is None else lines.pair
    return f"--inline-byte {inline} --crossline-byte {crossline} {_YAML}"


def describe_headers(
    lines: Numbering, checked: Mapping[int, tuple[int, ...]], names: Mapping[int, str]
) -> tuple[str, ...]:
    """Notes on places without a trace, uneven steps, and fields that should be constant and are not."""
    notes = []
    if lines.taken < lines.places:
        notes.append(f"{lines.places - lines.taken} of {lines.places} places of the grid hold no trace")
    for name, numbers in (("inline", lines.inlines), ("crossline", lines.crosslines)):
        steps = np.unique(np.diff(numbers.astype(np.int64)))
        if len(steps) > 1:
            notes.append(
                f"{name} numbers step unevenly, by {steps[0]} to {steps[-1]}: lines without traces are left out"
            )
    for byte, name in names.items():
        if len(checked[byte]) > 1:
            values = checked[byte]
            notes.append(f"{name} (byte {byte}) varies from {min(values)} to {max(values)}; {values[0]} is used")
    return tuple(notes)
