"""A file and what the user said about it go in; the two header positions that number its lines come out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
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
from sam_seismic.survey.segy.other_pairs import numbering_fields
from sam_seismic.survey.segy.scan import OFFSET, TraceHeaders, peek, scan
from sam_seismic.survey.segy.unnumbered import CDP, by_position, on_fitted_grid, read_positions, several_lines

_GATHERS = 0.3
"""If offsets vary and at least this share of the traces repeats a place, the file holds gathers."""


@dataclass(frozen=True, eq=False)
class Lines:
    """The grid of a file as its trace headers number it: all that a pass over them is made for.

    Args:
        pair: byte positions of the inline and the crossline number; None where they are in no field.
        inlines: int32[inline], the numbers that occur, ascending.
        crosslines: int32[crossline], likewise.
        index: int32[inline, crossline], number of the trace of each place, from 0, -1 where there is none.
        repeats: int32[repeat, 2], traces passed over because another one holds their place, and that one.
        dead: int32[dead], traces marked as dead, ascending.
        checked: distinct values of fields that should be constant, by byte position, the first trace's value first.
        why: how the positions were found, in words.
        notes: what else was assumed.
    """

    pair: tuple[int, int] | None
    inlines: NDArray[np.int32]
    crosslines: NDArray[np.int32]
    index: NDArray[np.int32]
    repeats: NDArray[np.int32]
    dead: NDArray[np.int32]
    checked: Mapping[int, tuple[int, ...]]
    why: str
    notes: tuple[str, ...] = ()


def find_lines(path: Path, layout: SegyLayout, options: SegyOptions) -> Lines:
    """Read the trace headers and decide which fields number the lines.

    One pass over the file where the standard positions, or those given, hold line numbers; else all candidates are
    read and compared.

    Raises:
        SurveyError: no pair, or several equally good ones; prestack gathers; two traces in one place, unless the
            options say which of them to read.
    """
    refusals.check_one_way(path, options)
    if options.grid_from_coordinates:
        positions = read_positions(path, layout)
        numbering, known, why = on_fitted_grid(path, positions)
        _check_places(path, layout, numbering, positions.headers, options)
        return _lines(numbering, positions.headers, options, why, pair=None, known=known)
    if options.traces_per_line is not None:
        return _by_position(path, scan(path, layout, (CDP,)), options)
    found = _find(path, layout, options)
    if found is None:
        return _unnumbered(path, layout, options)
    chosen, headers, why = found
    if chosen.single and chosen.traces > 1 and (grid := several_lines(read_positions(path, layout))) is not None:
        raise refusals.no_single_line(path, chosen, grid)
    if chosen.single and (counts := _two_in_one(chosen)) is not None:
        raise refusals.two_byte_numbers(path, chosen, *counts)
    return _lines(chosen, headers, options, why, pair=chosen.pair)


def _lines(
    numbering: Numbering,
    headers: TraceHeaders,
    options: SegyOptions,
    why: str,
    *,
    pair: tuple[int, int] | None,
    known: NDArray[np.int64] | None = None,
) -> Lines:
    """The grid of a numbering, of all traces or of the known ones: int64[trace]."""
    index, repeats = numbering.index(options.duplicates or "last")
    if known is not None:
        index = np.where(index >= 0, known[index], -1).astype(np.int32)
        repeats = known[repeats].astype(np.int32)
    notes = (f"the line numbers are stored as {numbering.floats}, and read as such",) if numbering.floats else ()
    return Lines(
        pair, numbering.inlines, numbering.crosslines, index, repeats, headers.dead, headers.checked, why, notes
    )


def _by_position(path: Path, headers: TraceHeaders, options: SegyOptions) -> Lines:
    numbering, why = by_position(path, headers, options)
    return _lines(numbering, headers, options, why, pair=None)


def _unnumbered(path: Path, layout: SegyLayout, options: SegyOptions) -> Lines:
    """A 2D line whose traces nothing numbers, told by its coordinates; see `find_lines`."""
    positions = read_positions(path, layout)
    named = options.inline_byte is not None or options.crossline_byte is not None
    if (grid := several_lines(positions)) is None and positions.is_path and not named:
        return _by_position(path, positions.headers, options)
    headers = scan(path, layout, tuple(dict.fromkeys(byte for pair in CANDIDATES for byte in pair)))
    raise refusals.no_grid(path, headers, numberings(headers.columns, CANDIDATES), grid)


def _find(path: Path, layout: SegyLayout, options: SegyOptions) -> tuple[Numbering, TraceHeaders, str] | None:
    """The numbering that fits, the headers, and why it was taken; None where nothing numbers the traces."""
    pairs = _pairs(options)
    if len(pairs) == 1 or (pairs[0] == STANDARD and not numberings(peek(path, layout, STANDARD), [STANDARD])[0].empty):
        headers = scan(path, layout, tuple(dict.fromkeys(pairs[0])))
        (first,) = numberings(headers.columns, pairs[:1])
        if len(pairs) == 1:
            if first.empty or first.too_sparse:
                raise refusals.no_grid_given(path, first)
            _check_places(path, layout, first, headers, options)
            return first, headers, f"given as bytes {first}"
        if is_convincing(first):
            return first, headers, f"at the standard bytes {first}"
    headers = scan(path, layout, (*dict.fromkeys(byte for pair in pairs for byte in pair), OFFSET))
    candidates = numberings(headers.columns, pairs)
    chosen = _choose(path, layout, headers, candidates, options) or _other(path, layout, options)
    if chosen is not None:
        return chosen[0], headers, chosen[1]
    poor = _poor(path, layout, headers, candidates, options)
    return None if poor is None else (poor[0], headers, poor[1])


def _other(path: Path, layout: SegyLayout, options: SegyOptions) -> tuple[Numbering, str] | None:
    """The best pair of all other fields, if one is good and no other as good."""
    given = tuple(byte for byte in (options.inline_byte, options.crossline_byte) if byte is not None)
    fields = numbering_fields(path, layout)
    pairs = [pair for pair in combinations(fields, 2) if not given]
    if options.inline_byte is not None:
        pairs = [(options.inline_byte, byte) for byte in fields if byte not in given]
    elif options.crossline_byte is not None:
        pairs = [(byte, options.crossline_byte) for byte in fields if byte not in given]
    if not pairs:
        return None
    columns = scan(path, layout, tuple(dict.fromkeys((*given, *fields)))).columns
    winners = best_of(numberings(columns, pairs))
    if len(winners) > 1:
        raise refusals.tied(path, winners)
    if not winners:
        return None
    inline, crossline = winners[0].pair
    swap = "" if given else f"; the other way round: --inline-byte {crossline} --crossline-byte {inline}"
    return winners[0], f"found at bytes {winners[0]}, where no usual pair forms a grid{swap}"


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
    path: Path, layout: SegyLayout, headers: TraceHeaders, candidates: Sequence[Numbering], options: SegyOptions
) -> tuple[Numbering, str] | None:
    """Compare the candidates, see `find_lines`; None where none of them forms a grid."""
    standard = candidates[0] if candidates[0].pair == STANDARD else None
    if standard is not None and (why := _grounds(path, layout, headers, candidates, options)):
        return standard, why
    winners = best_of([each for each in candidates if each.pair not in COORDINATES])
    if not winners and standard is not None and standard.score > 0 and not standard.single:
        return standard, f"taken from the standard bytes (no full grid, but nothing is better) {standard}"
    winners = winners or best_of(candidates)
    if len(winners) > 1:
        raise refusals.tied(path, winners)
    winners = winners or best_with_repeats([each for each in candidates if each.pair not in COORDINATES])
    if len(winners) != 1:
        return None
    _check_places(path, layout, winners[0], headers, options)
    return winners[0], f"found at bytes {winners[0]}, the only candidates that form a regular grid"


def _poor(
    path: Path, layout: SegyLayout, headers: TraceHeaders, candidates: Sequence[Numbering], options: SegyOptions
) -> tuple[Numbering, str] | None:
    """What the standard positions hold, where nothing is better; None where it is nothing."""
    standard = candidates[0]
    if standard.pair != STANDARD or standard.empty or standard.too_sparse:
        return None
    if standard.score > 0:
        return standard, f"taken from the standard bytes (a single line with an empty number) {standard}"
    _check_places(path, layout, standard, headers, options)
    return standard, f"taken from the standard bytes (many traces repeat a place) {standard}"


def _grounds(
    path: Path, layout: SegyLayout, headers: TraceHeaders, candidates: Sequence[Numbering], options: SegyOptions
) -> str | None:
    """Why the standard positions, the first candidate, are taken before others are looked at; None: they are not."""
    standard = candidates[0]
    if is_convincing(standard):
        return f"at the standard bytes {standard}"
    _refuse_gathers(path, standard, headers)
    if standard.few_repeats:
        _check_places(path, layout, standard, headers, options)
        return f"at the standard bytes {standard}"
    if standard.single and standard.score > 0 and not _constant_zero(standard):
        return f"a single line, at the standard bytes {standard}"
    if standard.score == 0 and len(headers.checked[OFFSET]) > 1 and not _offset_is_a_copy(headers):
        raise refusals.looks_prestack(path, standard, headers, candidates)
    return None


def _offset_is_a_copy(headers: TraceHeaders) -> bool:
    """Whether the offset field holds what another field does: some writers put a line number there."""
    offsets = headers.columns[OFFSET]
    return any(byte != OFFSET and np.array_equal(column, offsets) for byte, column in headers.columns.items())


def _check_places(
    path: Path, layout: SegyLayout, lines: Numbering, headers: TraceHeaders, options: SegyOptions
) -> None:
    """Refuse prestack gathers, and repeated traces unless the user said which of them to read."""
    _refuse_gathers(path, lines, headers)
    if lines.repeats and options.duplicates is None:
        raise refusals.repeated(path, lines, _grid_elsewhere(path, layout, lines))


def _grid_elsewhere(path: Path, layout: SegyLayout, lines: Numbering) -> Numbering | None:
    """The usual pair that forms a grid where the one looked at does not; None where none does."""
    headers = scan(path, layout, tuple(dict.fromkeys(byte for pair in CANDIDATES for byte in pair)))
    others = numberings(headers.columns, [pair for pair in CANDIDATES if pair != lines.pair])
    return next(iter(best_of(others)), None)


def _refuse_gathers(path: Path, lines: Numbering, headers: TraceHeaders) -> None:
    if lines.empty or lines.too_sparse:
        return
    if len(headers.checked[OFFSET]) > 1 and lines.repeats >= _GATHERS * lines.traces:
        raise refusals.gathers(path, lines, headers)


def _constant_zero(lines: Numbering) -> bool:
    """Whether one of the two was never filled in."""
    return any(len(numbers) == 1 and numbers[0] == 0 for numbers in (lines.inlines, lines.crosslines))


def _two_in_one(lines: Numbering) -> tuple[int, int] | None:
    """How many different numbers of 2 bytes stand in each half of a field of 4, if these number a full grid."""
    numbers = max(lines.inlines, lines.crosslines, key=len)
    high, low = (np.unique(half) for half in (numbers >> 16, numbers & 0xFFFF))
    several = min(len(high), len(low)) > 1 and high[0] > 0
    return (len(high), len(low)) if several and len(numbers) == lines.traces == len(high) * len(low) else None
