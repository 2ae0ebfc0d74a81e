"""A volume comes in; its lines, times, headers and coordinates go out, as plain data and as table rows."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.inspection.live_map import coarse
from sam_seismic.report.blocks import LiveMap, Rows
from sam_seismic.survey.geometry import Orientation, describe_lines
from sam_seismic.survey.volume import Volume

_TRIED_LINES = 64
"""Lines whose traces are looked at for positions."""
_TRIED = 9
"""Lines from each end of the survey to its middle that are tried until one has positions."""
TEXT_LINES = 3
"""Number of lines of the text header that are shown."""
_CARD = re.compile(r"^\s*C\s{0,2}\d{1,2}\b")


def grid_facts(volume: Volume) -> dict[str, Any]:
    """Size, lines and times; None for values that sections without a grid do not have."""
    if not volume.has_grid:
        lines = {f"{o}s": _span(volume.lines(o)) for o in Orientation}
        return {"shape": None, **lines, "sample_interval_ms": None, "start_ms": None, "live_traces": None}
    geometry = volume.geometry
    return {
        "shape": list(geometry.shape),
        **{f"{o}s": _span(geometry.lines(o)) for o in Orientation},
        "sample_interval_ms": geometry.sample_interval_ms,
        "start_ms": geometry.start_ms,
        "live_traces": int(geometry.live.sum()),
    }


def _span(lines: NDArray[np.int32]) -> dict[str, int | None] | None:
    if len(lines) == 0:
        return None
    steps = np.unique(np.diff(lines))
    step = int(steps[0]) if len(steps) == 1 else (1 if len(lines) == 1 else None)
    return {"first": int(lines[0]), "last": int(lines[-1]), "step": step}


def file_facts(volume: Volume) -> dict[str, Any]:
    """Format of the file; None for values that the format does not have."""
    facts = volume.source_facts
    return {
        "format": volume.encoding,
        "byte_order": facts.byte_order,
        "inline_byte": facts.inline_byte,
        "crossline_byte": facts.crossline_byte,
        "line_numbers": facts.line_numbers,
        "segyio": None if (second := volume.second_reading) is None else {"opens": second.opens, "why": second.why},
        "revision": facts.revision,
        "length_unit": facts.length_unit,
        "text_header": None if facts.text_header is None else text_lines(facts.text_header),
        # SEG-Y only: headers stored in other formats may be damaged although the samples are readable.
        "coordinates": None if facts.standard is None else coordinate_facts(volume),
    }


def text_lines(text: str) -> list[str]:
    """Non-empty lines of a text header, without card numbers and repeated blanks."""
    printable = ("".join(each if each.isprintable() else " " for each in line) for line in text.splitlines())
    lines = (" ".join(_CARD.sub("", line).split()) for line in printable)
    return [line for line in lines if sum(each.isalnum() for each in line) > 2]


def coordinate_facts(volume: Volume) -> dict[str, Any] | None:
    """Ranges of X and Y over the outer lines, their unit if they are angles, and the bin size; None: no coordinates."""
    along = {o: _outer(volume, o) for o in Orientation}
    if not any(along.values()):
        return None
    found = np.concatenate([line for lines in along.values() for line in lines])  # [trace, 2]
    found = found[np.isfinite(found).all(axis=1)]
    if not found.size or not np.ptp(found, axis=0).any():
        return None
    (x0, y0), (x1, y1) = found.min(axis=0).tolist(), found.max(axis=0).tolist()
    angles = volume.angle_unit
    spacing = {o: None if angles else _spacing(lines) for o, lines in along.items()}
    without, looked_at = _without_position(volume)
    return {
        "x": [x0, x1],
        "y": [y0, y1],
        "without_position": without,
        "looked_at": looked_at,
        "angle_unit": angles,
        # The distance of traces in an inline is the distance of crosslines, and vice versa.
        "inline_spacing": spacing[Orientation.CROSSLINE],
        "crossline_spacing": spacing[Orientation.INLINE],
    }


def _without_position(volume: Volume) -> tuple[int, int]:
    """How many live traces have no X and Y, and of how many, on all inlines or on _TRIED_LINES of them."""
    lines = volume.lines(Orientation.INLINE)
    without = looked_at = 0
    for line in lines[np.unique(np.rint(np.linspace(0, len(lines) - 1, _TRIED_LINES)).astype(int))].tolist():
        live = volume.stored.live_along(Orientation.INLINE, line)
        found = volume.coordinates(Orientation.INLINE, line)
        looked_at += int(live.sum())
        without += int(live.sum()) if found is None else int((live & ~np.isfinite(found).all(axis=1)).sum())
    return without, looked_at


def _outer(volume: Volume, orientation: Orientation) -> list[NDArray[np.float64]]:
    """X and Y along the first and the last line: float64[trace, 2] each; empty if the file has none."""
    lines = volume.lines(orientation)
    if not len(lines):
        return []
    ends = []
    for inward in (np.linspace(0, 0.5, _TRIED), np.linspace(1, 0.5, _TRIED)):  # padding may have no positions
        for line in dict.fromkeys(lines[np.rint(inward * (len(lines) - 1)).astype(int)].tolist()):
            found = volume.coordinates(orientation, line)
            if found is None:
                return []
            if np.isfinite(found).any():
                ends.append(found)
                break
    return ends


def _spacing(lines: list[NDArray[np.float64]]) -> float | None:
    """Mean distance of traces; a median would be affected by coordinates rounded to whole metres."""
    for line in lines:
        known = np.flatnonzero(np.isfinite(line).all(axis=1))
        if len(known) > 1:
            first, last = line[known[0]], line[known[-1]]
            return float(np.hypot(*(last - first))) / int(known[-1] - known[0])
    return None


def grid_rows(volume: Volume) -> list[tuple[str, str]]:
    """Table rows of lines and times."""
    rows = [(f"{o}s", f"{len(volume.lines(o)):,}: {describe_lines(volume.lines(o))}") for o in Orientation]
    if not volume.has_grid:
        return rows
    geometry = volume.geometry
    end = geometry.start_ms + (geometry.samples - 1) * geometry.sample_interval_ms
    times = f"every {geometry.sample_interval_ms:g} ms, {geometry.start_ms:g}-{end:g} ms"
    live, places = int(geometry.live.sum()), geometry.live.size
    share = "all live" if live == places else f"{live:,} of {places:,} live ({100 * live / places:.1f} %)"
    rows += [
        ("samples", f"{geometry.samples:,} {times}"),
        ("traces", share if live != places else f"{live:,}, {share}"),
    ]
    return rows


def file_rows(volume: Volume, facts: dict[str, Any]) -> Rows:
    """Table rows of the file format."""
    source = volume.source_facts
    written = [
        str(facts["format"]),
        f"{source.byte_order} endian" if source.byte_order else None,
        source.standard,
        f"revision {source.revision}" if source.revision else None,
    ]
    rows = [("format", ", ".join(each for each in written if each))]
    if source.line_numbers is not None:
        at = f"inline at byte {source.inline_byte}, crossline at byte {source.crossline_byte}"
        rows.append(("line numbers", "in no header field" if source.inline_byte is None else at))
        rows.append(("because", source.line_numbers))
    if facts["segyio"] is not None:
        second = facts["segyio"]
        rows.append(
            ("segyio", "opens it strictly" if second["opens"] else f"does not open it strictly: {second['why']}")
        )
    if source.standard is not None:
        rows += _coordinate_rows(facts)
    text = facts["text_header"]
    if text is not None:
        rows += [("text header" if not at else "", line) for at, line in enumerate(text[:TEXT_LINES])]
    return rows if text != [] else [*rows, ("text header", "empty")]


def _coordinate_rows(facts: dict[str, Any]) -> Rows:
    found = facts["coordinates"]
    if found is None:
        return [("coordinates", "none in the headers")]
    unit = found["angle_unit"] or facts["length_unit"]
    named = f" {unit}" if unit else " (unit not said)"
    digits = {None: 1, "degrees": 6}.get(found["angle_unit"], 2)
    missing = found["without_position"]
    lacking = f"; {missing:,} of {found['looked_at']:,} traces have no position" if missing else ""
    rows = [("coordinates", f"X {_range(found['x'], digits)}, Y {_range(found['y'], digits)}{named}{lacking}")]
    bins = [
        f"{found[f'{o}_spacing']:.4g}{f' {unit}' if unit else ''} between {o}s"
        for o in Orientation
        if found[f"{o}_spacing"] is not None
    ]
    return [*rows, ("bin", ", ".join(bins))] if bins else rows


def _range(span: list[float], most: int) -> str:
    digits = 0 if all(value == round(value) for value in span) else most
    return f"{span[0]:,.{digits}f} to {span[1]:,.{digits}f}"


def live_map(volume: Volume) -> LiveMap | None:
    """Map of live traces; None if all traces are live."""
    if not volume.has_grid or volume.geometry.live.all():
        return None
    return map_of("Live traces", volume, volume.geometry.live)


def map_of(title: str, volume: Volume, live: NDArray[np.bool_]) -> LiveMap:
    """A map of bool[inline, crossline], which may have only some of the survey's lines."""
    ends = [(int(lines[0]), int(lines[-1])) for lines in map(volume.geometry.lines, Orientation)]
    return LiveMap(title, coarse(live), *ends)
