"""A file and what the user said about it go in; the two header positions that number its lines come out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import SegyOptions
from sam_seismic.survey.segy import refusals
from sam_seismic.survey.segy.geometry import (
    CANDIDATES,
    COORDINATES,
    STANDARD,
    Numbering,
    best_of,
    best_with_repeats,
    is_convincing,
    numberings,
)
from sam_seismic.survey.segy.headers import SegyLayout
from sam_seismic.survey.segy.scan import OFFSET, TraceHeaders, peek, scan

_GATHERS = 0.3
"""If offsets vary and at least this share of the traces repeats a place, the file holds gathers."""


@dataclass(frozen=True, eq=False)
class Lines:
    """The grid of a file as its trace headers number it: all that a pass over them is made for.

    Args:
        pair: byte positions of the inline and the crossline number.
        inlines: int32[inline], the numbers that occur, ascending.
        crosslines: int32[crossline], likewise.
        index: int32[inline, crossline], number of the trace of each place, from 0, -1 where there is none.
        repeats: int32[repeat, 2], traces passed over because another one holds their place, and that one.
        dead: int32[dead], traces marked as dead, ascending.
        checked: distinct values of fields that should be constant, by byte position, the first trace's value first.
        why: how the positions were found, in words.
    """

    pair: tuple[int, int]
    inlines: NDArray[np.int32]
    crosslines: NDArray[np.int32]
    index: NDArray[np.int32]
    repeats: NDArray[np.int32]
    dead: NDArray[np.int32]
    checked: Mapping[int, tuple[int, ...]]
    why: str


def find_lines(path: Path, layout: SegyLayout, options: SegyOptions) -> Lines:
    """Read the trace headers and decide which fields number the lines.

    One pass over the file where the standard positions, or those given, hold line numbers; else all candidates are
    read and compared.

    Raises:
        SurveyError: no pair, or several equally good ones; prestack gathers; two traces in one place, unless the
            options say which of them to read.
    """
    chosen, headers, why = _find(path, layout, options)
    index, repeats = chosen.index(options.duplicates or "last")
    return Lines(chosen.pair, chosen.inlines, chosen.crosslines, index, repeats, headers.dead, headers.checked, why)


def _find(path: Path, layout: SegyLayout, options: SegyOptions) -> tuple[Numbering, TraceHeaders, str]:
    pairs = _pairs(options)
    if len(pairs) == 1 or (pairs[0] == STANDARD and not numberings(peek(path, layout, STANDARD), [STANDARD])[0].empty):
        headers = scan(path, layout, tuple(dict.fromkeys(pairs[0])))
        (first,) = numberings(headers.columns, pairs[:1])
        if len(pairs) == 1:
            if first.empty or first.too_sparse:
                raise refusals.no_grid_given(path, first)
            _check_places(path, first, headers, options)
            return first, headers, f"given as bytes {first}"
        if is_convincing(first):
            return first, headers, f"at the standard bytes {first}"
    headers = scan(path, layout, tuple(dict.fromkeys(byte for pair in pairs for byte in pair)))
    chosen, why = _choose(path, headers, numberings(headers.columns, pairs), options)
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


def _choose(
    path: Path, headers: TraceHeaders, candidates: Sequence[Numbering], options: SegyOptions
) -> tuple[Numbering, str]:
    """Compare the candidates; see `find_lines`."""
    standard = candidates[0] if candidates[0].pair == STANDARD else None
    if standard is not None and (why := _grounds(path, headers, candidates, options)):
        return standard, why
    winners = best_of([each for each in candidates if each.pair not in COORDINATES])
    winners = winners or best_of(candidates)
    if len(winners) > 1:
        raise refusals.tied(path, winners)
    if not winners and standard is not None and standard.score > 0:
        poor = "a single line with an empty number" if standard.single else "no full grid, but nothing is better"
        return standard, f"taken from the standard bytes ({poor}) {standard}"
    winners = winners or best_with_repeats([each for each in candidates if each.pair not in COORDINATES])
    if len(winners) == 1:
        _check_places(path, winners[0], headers, options)
        return winners[0], f"found at bytes {winners[0]}, the only candidates that form a regular grid"
    if standard is not None and not standard.empty and not standard.too_sparse:
        _check_places(path, standard, headers, options)
        return standard, f"taken from the standard bytes (many traces repeat a place) {standard}"
    raise refusals.no_grid(path, headers, candidates)


def _grounds(path: Path, headers: TraceHeaders, candidates: Sequence[Numbering], options: SegyOptions) -> str | None:
    """Why the standard positions, the first candidate, are taken before others are looked at; None: they are not."""
    standard = candidates[0]
    if is_convincing(standard):
        return f"at the standard bytes {standard}"
    _refuse_gathers(path, standard, headers)
    if standard.few_repeats:
        _check_places(path, standard, headers, options)
        return f"at the standard bytes {standard}"
    if standard.single and standard.score > 0 and not _constant_zero(standard):
        return f"a single line, at the standard bytes {standard}"
    if standard.score == 0 and len(headers.checked[OFFSET]) > 1:
        raise refusals.looks_prestack(path, standard, headers, candidates)
    return None


def _check_places(path: Path, lines: Numbering, headers: TraceHeaders, options: SegyOptions) -> None:
    """Refuse prestack gathers, and repeated traces unless the user said which of them to read."""
    _refuse_gathers(path, lines, headers)
    if lines.repeats and options.duplicates is None:
        raise refusals.repeated(path, lines)


def _refuse_gathers(path: Path, lines: Numbering, headers: TraceHeaders) -> None:
    if lines.empty or lines.too_sparse:
        return
    if len(headers.checked[OFFSET]) > 1 and lines.repeats >= _GATHERS * lines.traces:
        raise refusals.gathers(path, lines, headers)


def _constant_zero(lines: Numbering) -> bool:
    """Whether one of the two was never filled in."""
    return any(len(numbers) == 1 and numbers[0] == 0 for numbers in (lines.inlines, lines.crosslines))
