"""The scores of an evaluation come in; the figures that a public benchmark reports, by its own rules, go out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import UserError
from sam_seismic.scoring.formulas import ratios
from sam_seismic.scoring.scores import FaciesScores, plain

SEAM_AI_WEIGHTS = (1, 1, 1, 1, 20, 20)
"""Of the classes with label values 1 to 6, in this order."""


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What the rules of a benchmark are applied to.

    Args:
        delivered: scores of what `predict` would deliver, each voxel counted once.
        directions: scores of the inlines and of the crosslines, each alone; one where only one direction is read.
        values: label value of each class.
    """

    delivered: FaciesScores
    directions: Sequence[FaciesScores]
    values: Sequence[int]


def seam_ai(found: Evaluated) -> dict[str, Any]:
    """SEG and SEAM AI 2020 facies challenge on Parihaka: F1 of six classes, weighted 1, 1, 1, 1, 20, 20, over 44.

    The weights belong to the classes by ascending label value. A class that neither truth nor prediction holds has
    no F1: its weight is left out of the sum and of the 44. The challenge's own volumes hold all six.

    Raises:
        UserError: there are not six classes.
    """
    if len(found.values) != len(SEAM_AI_WEIGHTS):
        raise UserError(
            problem=f"seam-ai weights the F1 of six classes, and there are {len(found.values)}: "
            + ", ".join(found.delivered.names),
            fix="score only the six classes of the SEAM AI (Parihaka) survey by this protocol",
        )
    weights = np.empty(len(found.values))
    weights[np.argsort(found.values)] = SEAM_AI_WEIGHTS  # [class]
    return {"weighted_f1": plain(weighted_mean(found.delivered.f1, weights))}


def f3_benchmark(found: Evaluated) -> dict[str, Any]:
    """F3 facies benchmark (Alaudah et al. 2019, Interpretation 7(3)): all inlines and all crosslines in one matrix.

    The directions are not merged, so each voxel of both test volumes counts twice.

    Raises:
        UserError: not every voxel was scored in both directions.
    """
    if len(found.directions) != 2 or found.directions[0].voxels != found.directions[1].voxels:
        counted = " and ".join(f"{each.voxels:,}" for each in found.directions)
        raise UserError(
            problem="f3-benchmark scores each voxel as part of an inline and of a crossline, but by direction "
            f"{counted} voxels were scored",
            fix="score a volume that is read in both orientations, with the same traces in both",
        )
    return (found.directions[0] + found.directions[1]).as_dict()


PROTOCOLS: Mapping[str, Callable[[Evaluated], dict[str, Any]]] = {"seam-ai": seam_ai, "f3-benchmark": f3_benchmark}
"""What each benchmark reports, for metrics.json, by the name that a user gives."""


def weighted_mean(scores: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Mean of float64[class] by weights float64[class]; a class without a score is left out, and its weight."""
    known = np.isfinite(scores)
    return float(ratios((scores[known] * weights[known]).sum(), weights[known].sum()))
