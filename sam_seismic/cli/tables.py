"""Outcomes of workflows come in; tables and lists of files are printed on stdout."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sam_seismic.cli.blocks import show_block
from sam_seismic.cli.terminal import print_table
from sam_seismic.scoring.score_table import HEADER, number, score_rows

if TYPE_CHECKING:  # these modules import torch, which a table does not need
    from sam_seismic.inspection.request import Inspection
    from sam_seismic.scoring.by_distance import DistanceBin
    from sam_seismic.scoring.evaluator import ScoreDetails
    from sam_seismic.scoring.scores import FaciesScores
    from sam_seismic.workflows.demo import DemoOutcome
    from sam_seismic.workflows.evaluate import Evaluation
    from sam_seismic.workflows.score import Scoring


SHORT_NAMES = {
    "majority class": "majority",
    "depth only": "depth",
    "nearest line": "nearest",
    "interpolation": "interp.",
}
"""Names of guesses as headers of narrow columns."""


def show_scores(scores: "FaciesScores", guesses: Mapping[str, "FaciesScores"], untrained: Collection[str] = ()) -> None:
    """Print the scores of each class, marked if it was never trained on, then the means beside those of the guesses."""
    share = scores.confusion.sum(axis=1) / max(1, scores.voxels)
    print_table(
        "Facies",
        ("class", "share", "accuracy", "IoU"),
        [
            (
                f"{name} (never trained on)" if name in untrained else name,
                percent(float(part)),
                number(float(accuracy)),
                number(float(iou)),
            )
            for name, part, accuracy, iou in zip(scores.names, share, scores.class_accuracy, scores.iou, strict=True)
        ],
    )
    rows = {
        "network" if guesses else "prediction": scores,
        **{f"guess by {name}": each for name, each in guesses.items()},
    }
    print_table(
        f"All {scores.voxels:,} voxels",
        HEADER,
        score_rows(rows),
    )


def show_evaluation(found: "Evaluation") -> None:
    """Print the scores of `eval`, its notes, and the files that it wrote."""
    _show_evaluation_scores(found)
    if found.files:
        show_files(found.files)


def _show_evaluation_scores(found: "Evaluation") -> None:
    show_scores(found.scores, found.guesses, found.untrained)
    _show_intervals(found.found.details)
    _show_directions(found.found.directions)
    _show_distances(found.found.details.by_distance)
    _show_tops(found.found.details)
    _show_protocol(found.protocol)
    for note in found.notes:
        print(f"note: {note}")


def show_scoring(found: "Scoring") -> None:
    """Print the scores of `score`: those of the first prediction, and of others beside it; then the files."""
    details = next(iter(found.details.values()))
    show_scores(found.first, details.guesses)
    _show_intervals(details)
    if len(found.scores) > 1:
        print_table(
            "Side by side",
            HEADER,
            score_rows(found.scores),
        )
    _show_distances(details.by_distance)
    _show_tops(details)
    if found.files:
        show_files(found.files)


def _show_intervals(details: "ScoreDetails") -> None:
    """Print the confidence intervals of the scores, or why there are none."""
    known = {name: each for name, each in details.intervals.items() if each is not None}
    if not known:
        print("no confidence intervals: too few independent lines\n")
        return
    told = [f"{name.replace('_', ' ')} {each.low:.3f} to {each.high:.3f}" for name, each in known.items()]
    any_one = next(iter(known.values()))
    print(
        f"{100 * any_one.level:.0f} % intervals: {', '.join(told)} (lines are correlated over "
        f"{details.correlation_length:.3g} lines)\n"
    )


def _show_directions(directions: Mapping[str, "FaciesScores"]) -> None:
    """Print the scores of each direction of prediction, if there are several."""
    if len(directions) < 2:
        return
    print_table(
        "Network by direction",
        ("", "mean IoU", "pixel acc.", "voxels"),
        [
            (name, number(each.mean_iou), number(each.pixel_accuracy), f"{each.voxels:,}")
            for name, each in directions.items()
        ],
    )


def _show_distances(bins: Sequence["DistanceBin"]) -> None:
    """Print the mean IoU of the network and the guesses by distance to the nearest training line."""
    if not bins:
        return
    names = list(bins[0].scores)
    print_table(
        "Mean IoU by distance to the nearest training line",
        ("lines", "voxels", *(SHORT_NAMES.get(name, name) for name in names)),
        [
            (str(each), f"{each.scores[names[0]].voxels:,}", *(number(each.scores[name].mean_iou) for name in names))
            for each in bins
        ],
    )


def _show_tops(details: "ScoreDetails") -> None:
    """Print how far the predicted class tops are from the true ones."""
    if details.tops is None:
        return
    from sam_seismic.report.evaluation_page import tops_block  # noqa: PLC0415  # imports matplotlib

    block = tops_block(details.tops, details.sample_interval_ms)
    print_table(f"{block.title} ({block.note})", block.header, block.rows)


def _show_protocol(protocol: Mapping[str, Any]) -> None:
    """Print the figures that a benchmark reports."""
    figures = {name: value for name, value in protocol.items() if isinstance(value, float)}
    if figures:
        print_table(
            f"By the rules of {protocol['name']}",
            ("", ""),
            [(name.replace("_", " "), number(value)) for name, value in figures.items()],
        )


def show_inspection(found: "Inspection") -> None:
    """Print the blocks of `inspect`, then its warnings and the files that it wrote."""
    for position, block in enumerate(found.blocks):
        if position:
            print()
        show_block(block)
    if found.warnings:
        print()
    for warning in found.warnings:
        print(f"note: {warning}")
    if found.files:
        show_files(found.files)


def show_demo(outcome: "DemoOutcome") -> None:
    """Print the scores of the demo, its files and its duration."""
    _show_evaluation_scores(outcome.evaluation)
    show_files(outcome.files)
    print(f"finished in {outcome.seconds / 60:.1f} minutes")


def show_files(files: Sequence[Path]) -> None:
    """Print the files that were written, one a line, so that they can be copied."""
    print("written:")
    for path in files:
        print(f"  {path}/" if path.is_dir() else f"  {path}")


def percent(share: float) -> str:
    """A share as a percentage."""
    return f"{100 * share:.1f} %"
