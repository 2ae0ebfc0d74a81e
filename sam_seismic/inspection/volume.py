"""A volume comes in; its size, format and the statistics of its amplitudes or labels go out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sam_seismic.errors import SurveyError
from sam_seismic.files.several_paths import name_of
from sam_seismic.files.unfinished import check_output
from sam_seismic.files.units import counted
from sam_seismic.inspection.amplitudes import AmplitudeStatistics, draws_per_section, measure_section, merge_statistics
from sam_seismic.inspection.grid import file_facts, file_rows, grid_facts, grid_rows, live_map, map_of
from sam_seismic.inspection.labels import (
    check_named,
    count_labels,
    label_facts,
    label_table,
    looks_like_labels,
    named_by,
    warnings_of,
)
from sam_seismic.inspection.line_choice import LineChoice, choose_lines
from sam_seismic.inspection.line_correlation import (
    LAGS,
    LineCorrelation,
    line_correlation,
    mean_correlation,
    split_advice,
    trace_correlation,
)
from sam_seismic.inspection.number_format import format_amount, format_percent
from sam_seismic.inspection.request import Inspection, InspectRequest
from sam_seismic.inspection.several_files import files_table, several_facts
from sam_seismic.listener import Listener
from sam_seismic.report import AmplitudeCounts, LabelCounts, note_on_labels, volume_picture
from sam_seismic.report.blocks import Columns, Facts, Histogram, LiveMap, ReportBlock
from sam_seismic.survey.amplitudes import as_amplitudes
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labelled import name_null
from sam_seismic.survey.null_values import null_name
from sam_seismic.survey.volume import Volume

MOST_BYTES = 256 << 20
"""Amplitudes of a volume up to this size are measured on all lines, those of a larger one on 64 lines or more."""

CORRELATED_SECTIONS = 16
"""Number of sections whose traces are correlated with each other."""
MUCH_CLIPPED = 1e-3
"""Share of clipped samples above which there is a warning."""
MAPPED_SHARE = 0.01
"""Least share of constant traces for which a map of the traces with data is shown."""

Findings = tuple[dict[str, Any], Sequence[ReportBlock], Sequence[str]]
"""Facts, blocks and warnings."""


def inspect_volume(request: InspectRequest, listener: Listener) -> Inspection:
    """Report what a volume contains.

    Raises:
        SurveyError: it cannot be read, or an option does not apply to it.
    """
    if request.picture is not None:
        if request.picture.suffix.lower() != ".png":
            raise SurveyError(problem=f"{request.picture}: pictures are drawn as PNG", fix="end the name in .png")
        check_output(request.picture, overwrite=request.overwrite)
    volume = open_volume(request.paths, request.read)
    is_labels = request.labels or looks_like_labels(volume)
    if request.config is not None and not is_labels:
        raise SurveyError(
            problem=f"{request.path}: --config names the classes of labels, and this looks like amplitudes",
            fix="leave --config out; if these are labels, add --labels",
        )
    grid, file = grid_facts(volume), file_facts(volume)
    facts, blocks, suspicions = _labels(volume, request, listener) if is_labels else _amplitudes(volume, listener)
    warnings = (*volume.notes, *suspicions, *_picture_notes(request))
    live = live_map(volume)
    top = Facts(str(name_of(request.paths)), [*grid_rows(volume), *file_rows(volume, file)])
    has_map = any(isinstance(block, LiveMap) for block in blocks)
    several = [files_table(volume)] if volume.by_file else []
    drawn = [top, *several, *([live] if live is not None and not has_map else []), *blocks]
    files = _draw(request, volume, facts, labels=is_labels)
    plain = {**grid, **file, **several_facts(volume), **facts, "warnings": list(warnings)}
    return Inspection(plain, drawn, _without_repetition(volume, warnings), files)


def _picture_notes(request: InspectRequest) -> tuple[str, ...]:
    """What a user should know of the names in the picture, if one is drawn."""
    if request.picture is None or request.config is None:
        return ()
    note = note_on_labels(named_by(request.config).names)
    return () if note is None else (note,)


def _without_repetition(volume: Volume, warnings: Iterable[str]) -> tuple[str, ...]:
    """The warnings without the one that repeats a row of the first table."""
    shown = f"line numbers {volume.source_facts.line_numbers}"
    return tuple(warning for warning in warnings if warning != shown)


def _draw(request: InspectRequest, volume: Volume, facts: Mapping[str, Any], *, labels: bool) -> tuple[Path, ...]:
    if request.picture is None:
        return ()
    facies = None if request.config is None else named_by(request.config)
    counts: AmplitudeCounts | LabelCounts | None = None
    if labels:
        counts = LabelCounts({int(value): count for value, count in facts["classes"].items()})
    elif facts["amplitude"]["min"] != facts["amplitude"]["max"]:
        found = facts["amplitude"]
        edges, bins = np.array(found["histogram"]["edges"]), np.array(found["histogram"]["counts"])
        counts = AmplitudeCounts(edges, bins, found["percentiles"])
    volume_picture(request.picture, volume, facies=facies, labels=labels, distribution=counts)
    return (request.picture,)


def _labels(volume: Volume, request: InspectRequest, listener: Listener) -> Findings:
    facies = None if request.config is None else named_by(request.config)
    counts = count_labels(volume, listener, facies)
    if facies is not None and request.config is not None:
        check_named(counts, facies, path=request.path, config=request.config)
    return label_facts(counts, facies), [label_table(counts, facies)], warnings_of(counts, facies)


def _amplitudes(stored: Volume, listener: Listener) -> Findings:
    volume = as_amplitudes(stored)
    chosen = choose_lines(volume, MOST_BYTES)
    most, across = draws_per_section(len(chosen)), list[LineCorrelation]()
    by_section = []
    for done, (orientation, line) in enumerate(chosen.sections, start=1):
        section = volume.section(orientation, line)
        by_section.append(measure_section(section, stored.section(orientation, line), most=most))
        if volume.has_grid and len(across) < CORRELATED_SECTIONS:
            across.append(trace_correlation(section))
        listener.progress("measure amplitudes", done, len(chosen))
    statistics = merge_statistics(by_section)
    correlation: dict[str, LineCorrelation] = {}
    if chosen.orientation is not None:
        correlation[f"{chosen.orientation}s"] = line_correlation(volume, chosen.orientation)
        correlation[f"{chosen.orientation.across}s"] = mean_correlation(across)
    known = {name: correlation[name] for name in sorted(correlation, reverse=True) if any(correlation[name].values())}
    facts: dict[str, Any] = {
        "amplitude": _amplitude_facts(statistics, volume, chosen),
        "measured_lines": len(chosen),
        "correlation": {name: {str(lag): r for lag, r in each.items()} for name, each in known.items()},
    }
    blocks: list[ReportBlock] = [Facts(f"Amplitudes ({chosen})", _amplitude_rows(statistics, facts["amplitude"]))]
    edges, counts = statistics.histogram()
    if statistics.low != statistics.high:
        blocks.append(Histogram("Histogram, p0.1 to p99.9 (heights are square roots)", edges, counts))
    if statistics.constant_traces >= MAPPED_SHARE * statistics.traces and statistics.constants and volume.has_grid:
        blocks.insert(0, _map_of_data(volume, chosen, statistics))
    if known:
        blocks.append(_correlation_table(known))
    facts["nulls"] = {null_name(value): traces for value, traces in statistics.constants.items()}
    return facts, blocks, [*volume.null_notes, *_amplitude_warnings(statistics, facts["amplitude"])]


def _amplitude_facts(statistics: AmplitudeStatistics, volume: Volume, chosen: LineChoice) -> dict[str, Any]:
    percentiles = statistics.percentiles()
    edges, counts = statistics.histogram()
    return {
        "min": statistics.low,
        "max": statistics.high,
        "p1": percentiles.get("p1"),
        "p99": percentiles.get("p99"),
        "mean": statistics.mean,
        "std": statistics.std,
        "percentiles": percentiles,
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
        "not_finite": statistics.nan + statistics.infinite,
        "nan": statistics.nan,
        "infinite": statistics.infinite,
        "traces_not_finite": statistics.not_finite_traces,
        "first_not_finite": _place(statistics, volume, chosen),
        "clipped": {"low": _clipped(statistics.lowest, statistics), "high": _clipped(statistics.highest, statistics)},
        "measured_traces": statistics.traces,
        "constant_traces": {f"{value:g}": traces for value, traces in statistics.constants.items()},
    }


def _clipped(extreme: tuple[float, int, int] | None, statistics: AmplitudeStatistics) -> dict[str, float] | None:
    if extreme is None:
        return None
    value, samples, traces = extreme
    varying = max(1, statistics.traces - statistics.constant_traces)
    return {"value": value, "sample_share": samples / statistics.count, "trace_share": traces / varying}


def _place(statistics: AmplitudeStatistics, volume: Volume, chosen: LineChoice) -> str | None:
    """Position of the first sample that is not finite: `IL 120, XL 305, 84 ms`."""
    if statistics.first_not_finite is None:
        return None
    name, trace, sample = statistics.first_not_finite
    if not volume.has_grid:
        return f"{name}, trace {trace + 1}, sample {sample + 1}"
    assert chosen.orientation is not None, "lines of a grid are of one orientation"
    geometry, across = volume.geometry, chosen.orientation.across
    time = geometry.start_ms + sample * geometry.sample_interval_ms
    return f"{name}, {across.short} {geometry.lines(across)[trace]}, {time:g} ms"


def _amplitude_rows(statistics: AmplitudeStatistics, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    if statistics.low is None or statistics.high is None:
        return [("values", _all_null(statistics) if statistics.constants else "none: no trace was measured")]
    rows = [("range", f"{statistics.low:,.6g} to {statistics.high:,.6g}")]
    if statistics.mean is not None and statistics.std is not None:
        rows.append(("mean, std", f"{format_amount(statistics.mean)}, {format_amount(statistics.std)}"))
    cells = {name: format_amount(value, digits=3) for name, value in facts["percentiles"].items()}
    widths = [max(len(name), len(value)) for name, value in cells.items()]
    rows += [
        (title, "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
        for title, line in (("percentiles", cells.keys()), ("", cells.values()))
    ]
    clipped = [
        f"{format_percent(each['sample_share'])} of the samples, in {format_percent(each['trace_share'])} of the "
        f"traces, are {format_amount(each['value'])}"
        for each in facts["clipped"].values()
        if each is not None
    ]
    rows += [("clipped" if not at else "", line) for at, line in enumerate(clipped or ["no"])]
    rows.append(("constant traces", _constant(statistics) or "none"))
    rows.append(("NaN, infinite", _not_finite(facts) or "none"))
    return rows


def _all_null(statistics: AmplitudeStatistics) -> str:
    """`all NaN`."""
    return "all " + " or ".join(null_name(value) for value in list(statistics.constants)[:3])


def _constant(statistics: AmplitudeStatistics) -> str:
    """Number of constant traces by value: `12 of 300 hold zeros alone, 3 of 300 hold -50 alone`."""
    named = {value: null_name(value) for value in statistics.constants}
    listed = list(statistics.constants.items())[:3]
    return ", ".join(f"{traces:,} of {statistics.traces:,} hold {named[value]} alone" for value, traces in listed)


def _not_finite(facts: Mapping[str, Any]) -> str:
    if not facts["not_finite"]:
        return ""
    return (
        f"{facts['nan']:,} NaN and {facts['infinite']:,} infinite samples in "
        f"{counted(facts['traces_not_finite'], 'trace')}, the first at {facts['first_not_finite']}"
    )


def _map_of_data(volume: Volume, chosen: LineChoice, statistics: AmplitudeStatistics) -> LiveMap:
    """Map of the traces that hold data: live according to their headers, and not constant."""
    holds = np.stack(statistics.holds)  # [line, trace]
    if chosen.orientation is Orientation.CROSSLINE:
        holds = holds.T  # [inline, crossline]
    return map_of(f"Traces that hold data ({chosen})", volume, holds)


def _correlation_table(correlation: Mapping[str, LineCorrelation]) -> Columns:
    header = ("lines apart", *map(str, LAGS))
    rows = [
        (name, *("-" if each[lag] is None else f"{each[lag]:.2f}" for lag in LAGS))
        for name, each in correlation.items()
    ]
    return Columns("Correlation of neighbouring lines", header, rows, note=split_advice(correlation))


def _amplitude_warnings(statistics: AmplitudeStatistics, facts: Mapping[str, Any]) -> list[str]:
    warnings = []
    if statistics.low is None:
        if statistics.constants:
            return [f"the amplitudes are {_all_null(statistics)}: nothing can be trained on or predicted"]
        return ["no live trace was measured"]
    if facts["not_finite"]:
        warnings.append(
            f"{_not_finite(facts)}: training and prediction will refuse these lines; to take such samples as zero: "
            f"{name_null(math.nan)}"
        )
    if statistics.low == statistics.high:
        warnings.append(f"all measured amplitudes are {statistics.low:g}")
        return warnings
    shares = [each["sample_share"] for each in facts["clipped"].values() if each is not None]
    if sum(shares) > MUCH_CLIPPED:
        warnings.append(
            f"{format_percent(sum(shares))} of the samples are clipped: strong reflections have lost their shape"
        )
    if statistics.low >= 0:
        warnings.append("no amplitude is negative: this looks like a picture or an attribute, not like reflections")
    return warnings
