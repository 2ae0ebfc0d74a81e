"""Scores with their details come in; the blocks of a report on them go out, from the verdict down to the fine print."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sam_seismic.report.blocks import Columns, Facts
from sam_seismic.report.drawings import curves_drawing, map_drawing
from sam_seismic.report.page_blocks import Drawing, HeatTable, Notes, PageBlock
from sam_seismic.report.scores import row_shares, short_count
from sam_seismic.report.style import class_colors
from sam_seismic.scoring.class_tops import ClassTops
from sam_seismic.scoring.evaluator import PREDICTION, LineScores, ScoreDetails
from sam_seismic.scoring.score_table import HEADER, number, score_rows
from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.survey.geometry import Geometry, Orientation


def verdict_blocks(scores: FaciesScores, details: ScoreDetails, notes: Sequence[str]) -> list[PageBlock]:
    """The scores beside those of the guesses, and what the reader should not miss."""
    rows = {PREDICTION: scores, **{f"guess: {name}": each for name, each in details.guesses.items()}}
    table = Columns(
        f"Scores of {scores.voxels:,} voxels",
        HEADER,
        score_rows(rows),
        shares=[0.0 if math.isnan(each.mean_iou) else each.mean_iou for each in rows.values()],
        note=intervals_note(details),
    )
    return [table, *([Notes("Read this first", notes)] if notes else [])]


def intervals_note(details: ScoreDetails) -> str:
    """The confidence intervals of the scores in a sentence, or why there are none."""
    known = {name: each for name, each in details.intervals.items() if each is not None}
    if not known:
        return "No confidence intervals: too few independent lines."
    told = [f"{name.replace('_', ' ')} {each.low:.3f} to {each.high:.3f}" for name, each in known.items()]
    level = next(iter(known.values())).level
    return (
        f"{100 * level:.0f} % intervals, by resampling blocks of lines, which are correlated over "
        f"{details.correlation_length:.3g} lines: {', '.join(told)}."
    )


def class_blocks(scores: FaciesScores) -> list[PageBlock]:
    """The scores of each class, and the confusion matrix."""
    share = scores.confusion.sum(axis=1) / max(1, scores.voxels)
    table = Columns(
        "Classes",
        ("class", "share", "accuracy", "IoU"),
        [
            (name, f"{100 * part:.1f} %", number(float(accuracy)), number(float(iou)))
            for name, part, accuracy, iou in zip(scores.names, share, scores.class_accuracy, scores.iou, strict=True)
        ],
        shares=np.nan_to_num(scores.iou).tolist(),
        colors=class_colors(len(scores.names)),
    )
    shares = row_shares(scores.confusion)
    cells = [
        [
            None if math.isnan(part) else (part / 100, f"{part:.0f} %" if part >= 0.5 else short_count(int(count)))
            for part, count in zip(row, counts, strict=True)
        ]
        for row, counts in zip(shares.tolist(), scores.confusion, strict=True)
    ]
    matrix = HeatTable("Confusion", scores.names, cells, rows="true class", columns="predicted class")
    return [table, matrix]


def direction_blocks(directions: Mapping[str, FaciesScores]) -> list[PageBlock]:
    """The scores of each direction of prediction, if there are several."""
    if len(directions) < 2:
        return []
    rows = [
        (name, number(each.mean_iou), number(each.pixel_accuracy), f"{each.voxels:,}")
        for name, each in directions.items()
    ]
    note = "unmerged: inlines and crosslines in one matrix, so that each voxel counts twice."
    return [Columns("By direction", ("", "mean IoU", "pixel acc.", "voxels"), rows, note=note)]


def distance_blocks(details: ScoreDetails) -> list[PageBlock]:
    """The mean IoU of network and guesses by distance to the nearest training line: a table and a curve."""
    bins = details.by_distance
    if not bins:
        return []
    names = list(bins[0].scores)
    rows = [(str(each), *(number(each.scores[name].mean_iou) for name in names)) for each in bins]
    table = Columns("By distance to the nearest training line", ("lines", *names), rows)
    middles = [math.sqrt(each.first * each.last) for each in bins]
    curves = {name: (middles, [each.scores[name].mean_iou for each in bins]) for name in names}
    drawing = curves_drawing(
        curves, x="lines to the nearest training line", y="mean IoU", log=True, highlight=PREDICTION
    )
    return [table, Drawing("Where the network begins to pay", drawing, _crossover(details))]


def _crossover(details: ScoreDetails) -> str:
    """Where the network is better than each guess, in a sentence."""
    ahead = []
    for each in details.by_distance:
        mine = each.scores[PREDICTION].mean_iou
        ahead.append(all(mine > other.mean_iou for name, other in each.scores.items() if name != PREDICTION))
    if all(ahead):
        return "The network is ahead of each guess at every distance."
    if not any(ahead):
        return "At no distance is the network ahead of each guess."
    won = [str(each) for each, first in zip(details.by_distance, ahead, strict=True) if first]
    return f"The network is ahead of each guess at {', '.join(won)} lines."


def shape_blocks(details: ScoreDetails) -> list[PageBlock]:
    """What an interpreter looks at: how far the tops are off, ragged boundaries, wrong order, scattered pieces."""
    blocks: list[PageBlock] = []
    if details.tops is not None:
        blocks.append(tops_block(details.tops, details.sample_interval_ms))
    facts = []
    if details.boundaries is not None:
        near = details.boundaries.distance
        facts.append(("boundary IoU", f"{number(details.boundaries.mean_iou)}, within {near} samples and traces"))
    if details.transitions is not None:
        told = details.transitions.as_dict()
        facts.append(("order of the truth, from the top", ", ".join(told["order"])))
        for name in ("truth", "prediction"):
            each = told[name]
            share = each["share_out_of_order"]
            of = "" if share is None else f", {100 * share:.2g} %"
            facts.append(
                (f"out of order, {name}", f"{each['out_of_order']:,} of {each['transitions']:,} transitions{of}")
            )
    if details.pieces is not None:
        told = details.pieces.as_dict()
        for name in ("truth", "prediction"):
            each = told[name]
            share = each["share_of_all_in_small_pieces"]
            small = (
                "" if share is None else f"; {100 * share:.2g} % in pieces of fewer than {told['smaller_than']} voxels"
            )
            facts.append((f"pieces in the sections, {name}", f"{each['all_pieces']:,}{small}"))
    return [*blocks, *([Facts("Shapes", facts)] if facts else [])]


def tops_block(tops: ClassTops, sample_interval_ms: float | None) -> Columns:
    """Distances of the predicted class tops from the true ones, in ms where the sample interval is known."""
    unit, factor = ("samples", 1.0) if sample_interval_ms is None else ("ms", sample_interval_ms)
    rows = [
        (
            name,
            *(
                "n/a" if math.isnan(value) else f"{value * factor:.3g}"
                for value in (top.mean, top.quantile(0.5), top.quantile(0.9), top.bias)
            ),
            f"{top.found:,}",
            f"{top.missed:,}",
            f"{top.false:,}",
        )
        for name, top in {**tops.classes, "all": tops.all}.items()
        if top.found + top.missed + top.false
    ]
    header = ("class", "mean", "median", "90 %", "bias", "found", "missed", "false")
    return Columns(f"Distance of class tops in {unit}", header, rows, note="bias: positive is too deep")


def calibration_blocks(details: ScoreDetails) -> list[PageBlock]:
    """How often the network is right by how sure it is."""
    found = details.calibration
    if found is None or not found.voxels.any():
        return []
    held = found.voxels > 0
    curve = {"network": (found.mean_confidence[held].tolist(), found.accuracy[held].tolist())}
    surer = "surer than it is right" if found.overconfidence > 0 else "less sure than it is right"
    note = (
        f"On the dashed line, the network is as often right as it is sure. Expected calibration error "
        f"{number(found.expected_error)}; on the whole {surer}, by {abs(found.overconfidence):.3f}."
    )
    svg = curves_drawing(curve, x="confidence", y="share that is right", highlight="network", diagonal=True)
    return [Drawing("Reliability", svg, note)]


def line_blocks(lines: Sequence[LineScores], grids: Mapping[str, Geometry]) -> list[PageBlock]:
    """Where the errors lie: mean IoU along the lines, and a map of each part that lies on a grid.

    Args:
        lines: scores of each section.
        grids: of the parts that lie on one, by name.
    """
    blocks: list[PageBlock] = []
    for part in dict.fromkeys(line.part for line in lines):
        here = [line for line in lines if line.part == part]
        curves = {
            f"{orientation}s": (
                [line.line for line in here if line.orientation is orientation],
                [line.scores.mean_iou for line in here if line.orientation is orientation],
            )
            for orientation in Orientation
            if any(line.orientation is orientation for line in here)
        }
        if len(here) > 1:
            blocks.append(Drawing(f"Along the lines of {part}", curves_drawing(curves, x="line", y="mean IoU")))
        if part in grids and len(here) > 1:
            shares, inlines, crosslines = error_map(here, grids[part])
            svg = map_drawing(shares, inlines=inlines, crosslines=crosslines, label="share of wrong samples")
            blocks.append(Drawing(f"Where {part} is wrong", svg, "Each trace of the map is one of the survey."))
    return blocks


def error_map(
    lines: Sequence[LineScores], grid: Geometry
) -> tuple[NDArray[np.float64], tuple[int, int], tuple[int, int]]:
    """Share of wrong samples of each trace, float64[inline, crossline] of a rectangle, and its first and last lines."""
    found = np.full(grid.live.shape, np.nan)
    for line in lines:
        at = grid.index(line.orientation, line.line)
        run = slice(line.first_trace, line.first_trace + len(line.errors))
        if line.orientation is Orientation.INLINE:
            found[at, run] = line.errors
        else:
            found[run, at] = line.errors
    known = np.isfinite(found)
    rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    if not len(rows):
        return found, (int(grid.inlines[0]), int(grid.inlines[-1])), (int(grid.crosslines[0]), int(grid.crosslines[-1]))
    cut = found[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return (
        cut,
        (int(grid.inlines[rows[0]]), int(grid.inlines[rows[-1]])),
        (int(grid.crosslines[columns[0]]), int(grid.crosslines[columns[-1]])),
    )


def provenance_block(facts: Mapping[str, str]) -> Facts:
    """What the scores were made from and with."""
    return Facts("How it was made", list(facts.items()))
