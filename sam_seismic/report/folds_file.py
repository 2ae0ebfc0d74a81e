"""The scores of a cross-validation come in; folds.json and folds.csv go out."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam_seismic.files.atomic import write_text
from sam_seismic.scoring.fold_scores import CrossValidationScores, Spread, in_all_folds
from sam_seismic.scoring.scores import FaciesScores

MEANS = ("pixel_accuracy", "mean_class_accuracy", "frequency_weighted_iou", "mean_iou")
"""Scores over all classes, as columns of the table."""


@dataclass(frozen=True, eq=False)
class FoldResult:
    """The scores of one fold.

    Args:
        number: counted from 1.
        run: its run folder.
        parts: by the name of a part, its lines in words.
        held_out: by orientation, the line numbers that are held out.
        scores: of its network on the held-out lines.
        guesses: by name, on the same lines.
    """

    number: int
    run: Path
    parts: Mapping[str, str]
    held_out: Mapping[str, Sequence[int]]
    scores: FaciesScores
    guesses: Mapping[str, FaciesScores]

    def as_dict(self) -> dict[str, Any]:
        """Plain data; the scores are as in metrics.json."""
        return {
            "fold": self.number,
            "run": str(self.run),
            "held_out": {name: list(lines) for name, lines in self.held_out.items()},
            "parts": dict(self.parts),
            **self.scores.as_dict(),
            "guesses": {name: each.as_dict() for name, each in self.guesses.items()},
        }


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Result of a cross-validation.

    Args:
        folds: in the order of their numbers.
        notes: what the scores do not say by themselves.
        files: that were written.
    """

    folds: tuple[FoldResult, ...]
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def network(self) -> CrossValidationScores:
        """Scores of the networks."""
        return CrossValidationScores(tuple(fold.scores for fold in self.folds))

    @property
    def guesses(self) -> dict[str, CrossValidationScores]:
        """Scores of the guesses that could be made in each fold, by name."""
        return in_all_folds([fold.guesses for fold in self.folds])

    def as_dict(self) -> dict[str, Any]:
        """The contents of folds.json."""
        return {
            **self.network.as_dict(),
            "guesses": {name: each.as_dict() for name, each in self.guesses.items()},
            "folds": [fold.as_dict() for fold in self.folds],
            "notes": list(self.notes),
        }


def write_folds(found: CrossValidation, scores: Path, table: Path) -> None:
    """Write the scores as JSON, and as a table: a row a fold, then mean, std and pooled."""
    write_text(scores, json.dumps(found.as_dict(), indent=2))
    names, guesses = found.folds[0].scores.names, found.guesses
    header = ["fold", "held_out", "voxels", *MEANS, *(f"iou/{name}" for name in names)]
    header += [f"guess/{name}/mean_iou" for name in guesses]
    rows = [
        [fold.number, fold.parts["test"], *_cells(fold.scores, [fold.guesses[name] for name in guesses])]
        for fold in found.folds
    ]
    spreads, of_guesses = found.network.spreads, [each.spreads.mean_iou for each in guesses.values()]
    columns: list[Spread] = [*(getattr(spreads, name) for name in MEANS), *spreads.iou.values(), *of_guesses]
    rows.append(["mean", "", "", *(_cell(each.mean) for each in columns)])
    rows.append(["std", "", "", *(_cell(each.std) for each in columns)])
    rows.append(["pooled", "", *_cells(found.network.pooled, [each.pooled for each in guesses.values()])])
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    write_text(table, text.getvalue())


def _cells(scores: FaciesScores, guesses: Sequence[FaciesScores]) -> list[object]:
    plain = scores.as_dict()
    values = [*(plain[name] for name in MEANS), *plain["iou"].values()]
    values += [each.as_dict()["mean_iou"] for each in guesses]
    return [scores.voxels, *map(_cell, values)]


def _cell(value: float | None) -> float | str:
    return "" if value is None else round(value, 6)
