"""Scores by name come in; the header and the rows of a table go out."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it imports numpy, which the command line needs only to compute
    from sam_seismic.scoring.scores import FaciesScores

HEADER = ("", "mean IoU", "weighted IoU", "pixel acc.", "class acc.")


def score_rows(scores: Mapping[str, "FaciesScores"]) -> list[tuple[str, ...]]:
    """A row for each name, with the columns of HEADER."""
    return [
        (
            name,
            number(each.mean_iou),
            number(each.frequency_weighted_iou),
            number(each.pixel_accuracy),
            number(each.mean_class_accuracy),
        )
        for name, each in scores.items()
    ]


def number(value: float) -> str:
    """A score with three digits; n/a for nan, where there is no score."""
    return "n/a" if math.isnan(value) else f"{value:.3f}"
