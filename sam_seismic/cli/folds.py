"""The outcome of a cross-validation comes in; its table, a row a fold, is printed on stdout."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sam_seismic.cli.tables import show_files
from sam_seismic.cli.terminal import print_json, print_table
from sam_seismic.scoring.score_table import number

if TYPE_CHECKING:  # these modules import torch, which a table does not need
    from sam_seismic.report.folds_file import CrossValidation, FoldResult
    from sam_seismic.scoring.fold_scores import CrossValidationScores, Spread
    from sam_seismic.scoring.scores import FaciesScores

MOST_COLUMNS = 6
"""Folds that have a column each; more do not fit a terminal."""


def show_folds(found: "CrossValidation | None", *, json: bool = False) -> None:
    """Print the scores of each fold, their mean and standard deviation, and the pooled scores beside the guesses.

    None, where other folds are still to be scored, prints nothing: the listener was told.
    """
    if found is None:
        return
    if json:
        print_json(found.as_dict())
        return
    print_table(
        "Folds", ("fold", "run", "held out"), [(str(f.number), str(f.run), f.parts["test"]) for f in found.folds]
    )
    shown = found.folds if len(found.folds) <= MOST_COLUMNS else ()
    columns = ("IoU on held-out lines", *(f"fold {fold.number}" for fold in shown), "mean", "std", "pooled")
    print_table(f"All {found.network.pooled.voxels:,} voxels, each scored in one fold", columns, _rows(found, shown))
    if not shown:
        print(f"the scores of each fold are in {found.files[-1]}")
    for note in found.notes:
        print(f"note: {note}")
    show_files(found.files)


def _rows(found: "CrossValidation", shown: "Sequence[FoldResult]") -> list[tuple[str, ...]]:
    """The IoU of each class, then the mean IoU of the networks and of the guesses: of each fold, and over all folds."""
    network, pooled = found.network, found.network.pooled
    rows = [
        _row(name, [float(fold.scores.iou[at]) for fold in shown], network.spreads.iou[name], float(pooled.iou[at]))
        for at, name in enumerate(pooled.names)
    ]
    rows.append(_mean_row("mean IoU", [fold.scores for fold in shown], network))
    for name, each in found.guesses.items():
        rows.append(_mean_row(f"guess by {name}", [fold.guesses[name] for fold in shown], each))
    return rows


def _mean_row(name: str, folds: "Sequence[FaciesScores]", over: "CrossValidationScores") -> tuple[str, ...]:
    return _row(name, [each.mean_iou for each in folds], over.spreads.mean_iou, over.pooled.mean_iou)


def _row(name: str, folds: "Sequence[float]", spread: "Spread", pooled: float) -> tuple[str, ...]:
    over = ("-" if value is None else number(value) for value in (spread.mean, spread.std))
    return (name, *map(number, folds), *over, number(pooled))
