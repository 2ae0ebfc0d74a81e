"""Observations of an experiment come in; a page in Markdown with means, deviations and tests goes out."""

import math
from collections.abc import Iterable, Mapping, Sequence

from sam_seismic.scoring.observations import (
    MEAN_IOU,
    Condition,
    Observation,
    Spread,
    by_share,
    comparisons_on,
    conditions,
    guesses_in,
)
from sam_seismic.scoring.paired_tests import Comparison

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Header and rows."""

PAIR = (
    "A pair is two cells that differ in the method alone: same seed, share, facies and orientation. The differences of "
    "their mean IoU are tested by Wilcoxon's two-sided signed-rank test; Holm's correction is over the tests of one "
    "table."
)
SHOWN = (
    (MEAN_IOU, "mean IoU"),
    ("mean_class_accuracy", "class acc."),
    ("pixel_accuracy", "pixel acc."),
    ("frequency_weighted_iou", "weighted IoU"),
)
"""Metrics of the table, and their headings."""


def experiment_page(observations: Sequence[Observation], costs: Mapping[str, tuple[int, Spread]], *, title: str) -> str:
    """The page.

    Args:
        observations: of all done cells.
        costs: by method: trainable parameters, and seconds that the training of a cell took.
        title: of the page.
    """
    lines = [f"# {title}", "Mean ± standard deviation over the seeds; n is their number.", ""]
    for condition in conditions(observations):
        lines += [f"## Scored on {condition}", "", *_markdown(*condition_rows(observations, condition)), ""]
    lines += ["## Cost", "", *_markdown(*cost_rows(costs)), "", "## Tests", PAIR, ""]
    for name in dict.fromkeys(each.condition.evaluated_on for each in observations):
        found = comparisons_on(observations, name)
        table = ["", *_markdown(*comparison_rows(found))] if found else ["One method: no tests."]
        lines += [f"Scored on {name}:", *table, ""]
    return "\n".join(lines).rstrip() + "\n"


def condition_rows(observations: Sequence[Observation], condition: Condition, *, metrics: int = len(SHOWN)) -> Table:
    """Header and rows of the scores under a condition: a row for each share and method, guesses last.

    `metrics` is the number of columns of SHOWN.
    """
    shown = SHOWN[:metrics]
    guesses = guesses_in(observations)
    spreads = {metric: by_share(observations, condition, metric=metric) for metric, _ in shown}
    shares = sorted({share for found in spreads[MEAN_IOU].values() for share in found})
    methods = sorted(spreads[MEAN_IOU], key=lambda method: method in guesses)
    rows = []
    for share in shares:
        for method in methods:
            if share not in spreads[MEAN_IOU][method]:
                continue
            found = [spreads[metric].get(method, {}).get(share) for metric, _ in shown]
            count = "" if method in guesses else str(spreads[MEAN_IOU][method][share].count)
            cells = ["-" if spread is None else str(spread) for spread in found]
            rows.append((method, percent(share), count, *cells))
    return ("method", "lines", "n", *(heading for _, heading in shown)), rows


def cost_rows(costs: Mapping[str, tuple[int, Spread]]) -> Table:
    """Header and rows of what the methods cost."""
    rows: list[tuple[str, ...]] = [
        (method, f"{parameters:,}", "-" if math.isnan(seconds.mean) else f"{seconds.mean:.0f}", str(seconds.count))
        for method, (parameters, seconds) in costs.items()
    ]
    return ("method", "trainable parameters", "seconds a training", "cells"), rows


def comparison_rows(found: Iterable[Comparison]) -> Table:
    """Header and rows of the tests between methods."""
    rows: list[tuple[str, ...]] = [
        (
            f"{each.one} - {each.other}",
            str(each.pairs),
            "-" if math.isnan(each.median) else f"{each.median:+.3f}",
            f"n/a: {each.why}" if each.p is None else p_value(each.p),
            "n/a" if each.corrected is None else p_value(each.corrected),
        )
        for each in found
    ]
    return ("methods", "pairs", "median difference", "p", "p (Holm)"), rows


def p_value(p: float) -> str:
    """Three digits, or a bound."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def percent(share: float) -> str:
    """`10 %`."""
    return f"{100 * share:g} %"


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    numeric = ["---:" if name not in ("method", "methods") else "---" for name in header]
    return [
        f"| {' | '.join(header)} |",
        f"|{'|'.join(numeric)}|",
        *(f"| {' | '.join(cell.replace('|', '-') for cell in row)} |" for row in rows),
    ]
