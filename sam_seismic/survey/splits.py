"""Blocks of neighbouring lines with a guard gap: which sections are trained on and which only measure.

Neighbouring seismic lines are near copies, and every inline crosses every crossline. A score on lines that were drawn
at random therefore measures memory. Here a split is made of regions, rectangles of the survey that do not touch. Each
section is cut to the traces inside its region, so no validation line crosses a training region in either direction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.files.units import counted
from sam_seismic.survey.geometry import Orientation, describe_lines
from sam_seismic.survey.volume import Volume

MIN_TRACES = 16
"""Sections that a region cuts narrower than this are left out: they show too little."""


@dataclass(frozen=True)
class Region:
    """A rectangle of a survey by line numbers, both ends included; None runs over the whole survey."""

    inlines: tuple[int, int] | None = None
    crosslines: tuple[int, int] | None = None

    def along(self, orientation: Orientation) -> tuple[int, int] | None:
        """The range of line numbers of an orientation."""
        return self.inlines if orientation is Orientation.INLINE else self.crosslines

    def overlaps(self, other: "Region") -> bool:
        """Whether two regions share a trace."""
        return all(_ranges_meet(self.along(orientation), other.along(orientation)) for orientation in Orientation)

    def __str__(self) -> str:
        named = [(o.short, self.along(o)) for o in Orientation]
        return ", ".join(f"{name} {span[0]}-{span[1]}" for name, span in named if span) or "whole survey"


@dataclass(frozen=True)
class SectionRef:
    """Where a section is: its orientation, its line and the run of its traces that counts (None: all of them)."""

    orientation: Orientation
    line: int
    traces: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """`IL 100`."""
        return f"{self.orientation.short} {self.line}"


def block_regions(
    lines: Sequence[int] | NDArray[np.int32],
    along: Orientation,
    *,
    val: float,
    test: float,
    guard: int,
    interpreted: NDArray[np.int32] | None = None,
) -> dict[str, Region]:
    """Cut the interpreted lines of an axis into blocks: train, gap, val, gap, test.

    Args:
        lines: ascending line numbers of the axis.
        along: the orientation of these lines.
        val, test: shares of the interpreted lines; test may be 0.
        guard: lines of the axis that lie between two blocks at least, interpreted or not.
        interpreted: ascending line numbers of those that hold labels; None: all of them.

    Raises:
        SurveyError: too few lines for the blocks and their gaps.
    """
    every = np.asarray(lines)
    held = every if interpreted is None else interpreted
    blocks = _blocks(every, held, val=val, test=test, guard=guard)
    if blocks is None:
        wanted = _counts(len(held), val=val, test=test)
        dense = len(held) == len(every)
        what = f"{len(held)} {along}s"
        if not dense:
            what = f"{len(held)} of {len(every)} {along}s are interpreted ({describe_lines(held)}): they"
        raise SurveyError(
            problem=f"{what} are too few for {wanted['val']} to validate, {wanted['test']} to test and gaps of {guard} "
            "lines",
            fix="lower data.split.val, data.split.test or data.split.guard, or give data.split.regions"
            if dense
            else _narrower(every, held, val=val, test=test, guard=guard),
        )
    return {name: region_of(along, int(block[0]), int(block[-1])) for name, block in blocks.items()}


def _counts(lines: int, *, val: float, test: float) -> dict[str, int]:
    """Number of lines to validate and to test."""
    return {"val": max(1, round(lines * val)), "test": max(1, round(lines * test)) if test else 0}


def _blocks(
    every: NDArray[np.int32], held: NDArray[np.int32], *, val: float, test: float, guard: int
) -> dict[str, NDArray[np.int32]] | None:
    """The lines of each block, from the last to the first; None if none are left to train on."""
    counts = _counts(len(held), val=val, test=test)
    left, blocks = held, {}
    for name in ("test", "val"):
        if not counts[name]:
            continue
        if len(left) < counts[name]:
            return None
        blocks[name] = left[-counts[name] :]
        first = int(np.searchsorted(every, blocks[name][0]))  # its position among all lines of the axis
        left = left[np.searchsorted(every, left) < first - guard]
    return {"train": left, **dict(reversed(blocks.items()))} if len(left) else None


def _narrower(every: NDArray[np.int32], held: NDArray[np.int32], *, val: float, test: float, guard: int) -> str:
    """What to change so that there are lines for each block: a smaller gap, or no test."""
    for share in dict.fromkeys((test, 0.0)):
        for gap in range(guard, -1, -1):
            if _blocks(every, held, val=val, test=share, guard=gap) is not None:
                keys = ["data.split.test: 0"] if share != test else []
                keys += [f"data.split.guard: {gap}"] if gap != guard else []
                return f"set {' and '.join(keys)}, interpret more lines, or give data.split.regions"
    return "interpret at least two lines: one to train on, one to validate"


def check_apart(regions: Mapping[str, Region]) -> None:
    """Refuse regions that share traces.

    Raises:
        SurveyError: two of them overlap, so a score on one would measure the other.
    """
    for (name, region), (other_name, other) in combinations(regions.items(), 2):
        if region.overlaps(other):
            raise SurveyError(
                problem=f"the regions {name} ({region}) and {other_name} ({other}) share traces",
                fix="move them apart in data.split.regions, with a gap of some lines between",
            )


def check_disjoint(parts: Mapping[str, Sequence[SectionRef]]) -> None:
    """Refuse parts that share a section.

    Raises:
        SurveyError: one orientation and line is in two of them.
    """
    for (name, refs), (other_name, others) in combinations(parts.items(), 2):
        shared = sorted({ref.name for ref in refs} & {ref.name for ref in others})
        if shared:
            more = f" and {len(shared) - 5} more" if len(shared) > 5 else ""
            raise SurveyError(
                problem=f"{', '.join(shared[:5])}{more}: both in {name} and in {other_name}, so a score "
                "would measure memory",
                fix=f"keep each section in only one of the folders {name} and {other_name}",
            )


def without_gap(parts: Mapping[str, Sequence[SectionRef]], guard: int) -> list[str]:
    """Where sections of two parts are near copies, or cross: `IL 121 of val is next to IL 120 of train`.

    Args:
        parts: uncut sections by the name of their part, lines ascending.
        guard: lines that should lie between two parts, in steps of the line numbers within a part.
    """
    found = []
    for (name, refs), (other_name, others) in combinations(parts.items(), 2):
        for orientation in Orientation:
            here, there = _lines_of(refs, orientation), _lines_of(others, orientation)
            distances = np.abs(here[:, None] - there[None])  # [line here, line there]
            if distances.size and distances.min() <= guard * min(_step(here), _step(there)):
                at, other_at = np.unravel_index(int(distances.argmin()), distances.shape)
                short = orientation.short
                found.append(f"{short} {there[other_at]} of {other_name} is next to {short} {here[at]} of {name}")
            if len(here) and len(_lines_of(others, orientation.across)):
                found.append(f"{orientation.across}s of {other_name} cross {orientation}s of {name}")
    return found


def sections_in(
    region: Region,
    volume: Volume,
    orientations: Sequence[Orientation],
    interpreted: Mapping[Orientation, NDArray[np.bool_]] | None = None,
) -> tuple[SectionRef, ...]:
    """The sections of a region, by orientation, then line.

    Sections that the region cuts narrower than MIN_TRACES are left out. Of loose sections without a common grid it is
    not known which traces lie inside: a region then holds whole sections of the orientations whose lines it names.

    Args:
        region: the rectangle.
        volume: the survey.
        orientations: of the sections.
        interpreted: by orientation bool[line, trace], from `interpreted_sections`: where labels stand. Sections
            without a label in the region are left out. None: labels do not matter.
    """
    refs: list[SectionRef] = []
    for orientation in orientations:
        if not volume.has_grid and region.along(orientation) is None and region.along(orientation.across) is not None:
            continue
        window = _trace_window(region, volume, orientation)
        if window is not None and window[1] - window[0] < MIN_TRACES:
            continue
        lines = volume.lines(orientation)
        if interpreted is not None:
            lines = lines[interpreted[orientation][:, slice(*window or (None,))].any(axis=1)]
        refs += [SectionRef(orientation, int(line), window) for line in _within(lines, region.along(orientation))]
    return tuple(refs)


def left_out(region: Region, volume: Volume, orientations: Sequence[Orientation]) -> list[str]:
    """What `sections_in` leaves out: `crosslines left out: 6 traces wide, at least 16 are needed`."""
    windows = {orientation: _trace_window(region, volume, orientation) for orientation in orientations}
    return [
        f"{orientation}s left out: {counted(window[1] - window[0], 'trace')} wide, at least {MIN_TRACES} are needed"
        for orientation, window in windows.items()
        if window is not None and window[1] - window[0] < MIN_TRACES
    ]


def describe_sections(refs: Sequence[SectionRef]) -> str:
    """`12 inlines 1075-1086, 256 crosslines 1000-1510 step 2`."""
    rows = []
    for orientation in Orientation:
        lines = sorted({ref.line for ref in refs if ref.orientation is orientation})
        if lines:
            cuts = dict.fromkeys(ref.traces for ref in refs if ref.orientation is orientation and ref.traces)
            width = f" ({' and '.join(str(cut[1] - cut[0]) for cut in cuts)} traces each)" if cuts else ""
            rows.append(f"{len(lines)} {orientation}{'s' if len(lines) > 1 else ''} {describe_lines(lines)}{width}")
    return ", ".join(rows) or "no sections"


def _trace_window(region: Region, volume: Volume, orientation: Orientation) -> tuple[int, int] | None:
    """Run of traces of a section that lie in the region; None when all do."""
    span = region.along(orientation.across)
    if span is None or not volume.has_grid:
        return None
    across = volume.geometry.lines(orientation.across)
    start, stop = int(np.searchsorted(across, span[0])), int(np.searchsorted(across, span[1], side="right"))
    return None if stop - start == len(across) else (start, stop)


def _lines_of(refs: Sequence[SectionRef], orientation: Orientation) -> NDArray[np.int64]:
    """Line numbers of one orientation: int64[line]."""
    return np.array([ref.line for ref in refs if ref.orientation is orientation], dtype=np.int64)


def _step(lines: NDArray[np.int64]) -> int:
    """Smallest distance of two ascending lines; 1 where there are no two."""
    return int(np.diff(lines).min()) if len(lines) > 1 else 1


def _within(lines: NDArray[np.int32], span: tuple[int, int] | None) -> NDArray[np.int32]:
    return lines if span is None else lines[(lines >= span[0]) & (lines <= span[1])]


def region_of(along: Orientation, first: int, last: int) -> Region:
    """The region of the lines of an orientation from the first to the last."""
    return Region(inlines=(first, last)) if along is Orientation.INLINE else Region(crosslines=(first, last))


def _ranges_meet(a: tuple[int, int] | None, b: tuple[int, int] | None) -> bool:
    return a is None or b is None or (a[0] <= b[1] and b[0] <= a[1])
