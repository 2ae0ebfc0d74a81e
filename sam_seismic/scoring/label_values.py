"""A section of truth and one of prediction, as their files hold them, come in; the values that are scored go out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import IGNORE, check_whole
from sam_seismic.survey.null_values import equal_to, is_float_null
from sam_seismic.survey.volume import Section

VALUES = IGNORE
"""Number of label values that can be scored: 0 to 254."""


@dataclass(frozen=True, eq=False)
class ComparedValues:
    """Label values of a section.

    Args:
        truth: uint8[sample, trace]; IGNORE where it is not scored.
        prediction: uint8[sample, trace]; IGNORE where the truth is.
        unpredicted: number of interpreted traces that are not scored, because the prediction is dead there.
    """

    truth: NDArray[np.uint8]
    prediction: NDArray[np.uint8]
    unpredicted: int

    def confusion(self) -> NDArray[np.int64]:
        """Voxels int64[truth value, predicted value]."""
        scored = self.truth != IGNORE
        pairs = self.truth[scored].astype(np.int64) * VALUES + self.prediction[scored]
        return np.bincount(pairs, minlength=VALUES * VALUES).reshape(VALUES, VALUES)


def compare_values(
    truth: Section,
    prediction: Section,
    *,
    names: tuple[str, str],
    null: float | None = None,
    mapping: Mapping[int, int] | None = None,
) -> ComparedValues:
    """The label values of a section that are scored.

    Voxels whose truth is negative, 255 or a null value are not scored, nor traces that are dead in the prediction: dead
    traces of the format, and traces with only negative values or only 255, which mark dead traces in arrays.

    Args:
        truth, prediction: the same section, as their files hold it.
        names: of both files, for messages.
        null: one more null value of the truth.
        mapping: label value of the truth by that of the prediction, for those that differ.

    Raises:
        SurveyError: the sections differ in size, or a value is not a whole number from 0 to 254.
    """
    if truth.shape != prediction.shape:
        raise SurveyError(
            problem=f"{truth.name}: truth has {truth.shape[0]} samples x {truth.shape[1]} traces, "
            f"{names[1]} has {prediction.shape[0]} x {prediction.shape[1]}",
            fix="score a prediction of the same survey",
        )
    nulls = is_float_null(truth.values)
    if null is not None:
        nulls |= equal_to(truth.values, null)
    check_whole(truth.values[:, truth.live][~nulls[:, truth.live]], f"{names[0]}: {truth.name}")
    with np.errstate(invalid="ignore"):
        values = truth.values.astype(np.float64)  # [sample, trace]
        labelled = (values >= 0) & (values != IGNORE) & truth.live[None] & ~nulls
    guess = prediction.values.astype(np.float64)  # [sample, trace]
    dead = ~prediction.live | (guess < 0).all(axis=0) | (guess == IGNORE).all(axis=0)  # [trace]
    dead |= is_float_null(prediction.values).all(axis=0)
    unpredicted = int(np.count_nonzero(labelled.any(axis=0) & dead))
    labelled[:, dead] = False
    found = [np.full(truth.shape, IGNORE, np.uint8) for _ in range(2)]
    for each, section, name in zip(found, (truth, prediction), names, strict=True):
        each[labelled] = _label_values(section.values[labelled], f"{name}: {truth.name}")
    if mapping:
        found[1][labelled] = _mapped(found[1][labelled], mapping)
    return ComparedValues(found[0], found[1], unpredicted)


def _mapped(values: NDArray[np.uint8], mapping: Mapping[int, int]) -> NDArray[np.uint8]:
    """Label values of the prediction as those of the truth, uint8[voxel]."""
    table = np.arange(256, dtype=np.uint8)
    table[list(mapping)] = list(mapping.values())
    return np.asarray(table[values])


def _label_values(values: NDArray[np.generic], where: str) -> NDArray[np.uint8]:
    """Convert the values of labelled voxels to uint8[voxel].

    Raises:
        SurveyError: a value is not a whole number, is negative, or is not below VALUES.
    """
    check_whole(values, where)
    numbers = values.astype(np.float64)  # cannot overflow, unlike integers
    unknown = numbers[(numbers < 0) | (numbers >= VALUES)]
    if unknown.size:
        raise SurveyError(
            problem=f"{where} holds the label value {unknown[0]:g}, which cannot be scored: classes are 0 to 254, "
            "and negative values and 255 mean not interpreted in the truth only",
            fix="number the classes 0 to 254, and predict a class wherever the truth has one",
        )
    return numbers.astype(np.uint8)
