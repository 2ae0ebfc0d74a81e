"""Line numbers that cannot be used go in; an error comes out that says what was found and how to go on."""

from collections.abc import Sequence
from pathlib import Path

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.segy.geometry import Numbering
from sam_seismic.survey.segy.grid_fit import FittedGrid
from sam_seismic.survey.segy.scan import OFFSET, TraceHeaders

_YAML = "(YAML: data.read.segy.inline_byte, data.read.segy.crossline_byte)"


def no_grid_given(path: Path, given: Numbering) -> SurveyError:
    """Positions named by the user hold no line numbers."""
    return SurveyError(
        problem=f"{path}: the header positions given hold no line numbers of a grid{_listed([given])}",
        fix=f"name others, or none and let them be found: --inline-byte, --crossline-byte {_YAML}; or "
        + _without_numbers(given.traces, None).partition("; if other bytes")[0],
    )


def gathers(path: Path, lines: Numbering, headers: TraceHeaders) -> SurveyError:
    """Many traces of different offsets share a place."""
    offsets = headers.checked[OFFSET]
    return SurveyError(
        problem=f"{path}: prestack: {lines.traces} traces share {lines.taken} inline/crossline places (bytes "
        f"{lines.bytes}), and the offset at byte 37 runs from {min(offsets)} to {max(offsets)}",
        fix="stack it, or export one offset as a post-stack volume",
    )


def repeated(path: Path, lines: Numbering, other: Numbering | None) -> SurveyError:
    """Several traces hold one place; another pair of positions may form a grid."""
    first, second = lines.first_repeat()
    place = f"inline {lines.inline.column[first]}, crossline {lines.crossline.column[first]}"
    elsewhere = f", or, if its line numbers are elsewhere, name their bytes: {_options(other)}" if other else ""
    return SurveyError(
        problem=f"{path}: traces {first + 1} and {second + 1} are both {place} (bytes {lines.bytes}); in all "
        f"{lines.repeats} of {lines.traces} traces repeat a place that another one holds",
        fix="say which trace of a place to read: --duplicates first|last (YAML: data.read.segy.duplicates); or remove "
        f"the repeated traces, or stack the gathers{elsewhere}",
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
        fix="stack it; if it is a post-stack volume, "
        + (f"name its line numbers: {_options(grids[0])}" if grids else _without_numbers(headers.traces, None)),
    )


def no_grid(
    path: Path, headers: TraceHeaders, candidates: Sequence[Numbering], fitted: FittedGrid | None
) -> SurveyError:
    """No pair of positions fits; X and Y may lie on a grid."""
    telling = [each for each in candidates if not each.empty]
    tried = ", ".join(each.bytes for each in candidates if each.empty)
    return SurveyError(
        problem=f"{path}: no pair of header positions gives a regular grid for {headers.traces} traces"
        f"{_listed(telling)}" + (f"\n  the same in every trace: {tried}" if tried else ""),
        fix=_without_numbers(headers.traces, fitted),
    )


def no_single_line(path: Path, lines: Numbering, fitted: FittedGrid) -> SurveyError:
    """The header positions hold one line, X and Y several."""
    return SurveyError(
        problem=f"{path}: bytes {lines} are a single line; by their coordinates the traces lie on several: {fitted}",
        fix=_without_numbers(lines.traces, fitted),
    )


def two_byte_numbers(path: Path, lines: Numbering, first: int, second: int) -> SurveyError:
    """A field of 4 bytes holds two line numbers of 2 bytes each, which together number one long line."""
    long = max((lines.inline, lines.crossline), key=lambda axis: len(axis.lines))
    return SurveyError(
        problem=f"{path}: bytes {long.byte} and {long.byte + 2} hold line numbers of 2 bytes each, {first} x {second} "
        "lines; line numbers are read from 4 bytes",
        fix=f"write them into fields of 4 bytes with other software; or number the lines from 1 by the order of the "
        f"traces: --traces-per-line {second} (YAML: data.read.segy.traces_per_line)",
    )


def no_coordinates(path: Path, traces: int) -> SurveyError:
    """A grid is to be fitted to X and Y, and there are none."""
    return SurveyError(
        problem=f"{path}: no field of the trace headers holds coordinates that a grid could be fitted to (tried bytes "
        "181/185, 73/77, 81/85)",
        fix=_without_numbers(traces, None),
    )


def no_fitted_grid(path: Path, traces: int, pair: tuple[int, int]) -> SurveyError:
    """X and Y lie on no grid."""
    return SurveyError(
        problem=f"{path}: the coordinates at bytes {pair[0]}/{pair[1]} lie on no regular grid of lines that follow "
        "each other in the file",
        fix=_without_numbers(traces, None),
    )


def uneven_lines(path: Path, traces: int, given: int) -> SurveyError:
    """The traces do not fill lines of the given length."""
    near = min((count for count in range(1, traces + 1) if traces % count == 0), key=lambda count: abs(count - given))
    return SurveyError(
        problem=f"{path}: {traces} traces do not fill lines of {given}",
        fix=f"give a number that divides them, as --traces-per-line {near}, or all of them for a single line: "
        f"--traces-per-line {traces} (YAML: data.read.segy.traces_per_line)",
    )


def check_one_way(path: Path, options: SegyOptions) -> None:
    """Refuse options that contradict each other.

    Raises:
        SurveyError: lines are to be numbered in two ways.
    """
    ways = {
        "--inline-byte or --crossline-byte": options.inline_byte is not None or options.crossline_byte is not None,
        "--grid-from-coordinates": bool(options.grid_from_coordinates),
        "--traces-per-line": options.traces_per_line is not None,
    }
    given = [name for name, is_given in ways.items() if is_given]
    if len(given) > 1:
        raise SurveyError(
            problem=f"{path}: {' and '.join(given)} number the lines in different ways", fix="give one of them"
        )


def _without_numbers(traces: int, fitted: FittedGrid | None) -> str:
    """How a file is read whose headers hold no line numbers."""
    order = (
        f"by the order of the traces: --traces-per-line {traces} for a single line, or the number of traces of each "
        "line (YAML: data.read.segy.traces_per_line)"
    )
    if fitted is not None:
        return (
            f"number its lines by its coordinates, {fitted}: --grid-from-coordinates "
            f"(YAML: data.read.segy.grid_from_coordinates: true); or {order}"
        )
    return f"number its lines {order}; if other bytes hold line numbers, name them: --inline-byte, --crossline-byte"


def _listed(lines: Sequence[Numbering]) -> str:
    return "".join(f"\n  {each}" for each in lines)


def _options(lines: Numbering) -> str:
    inline, crossline = lines.pair
    return f"--inline-byte {inline} --crossline-byte {crossline} {_YAML}"
