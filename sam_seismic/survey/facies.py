"""Facies classes: label values of a file <-> class indices of the network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.null_values import is_float_null

IGNORE = 255
"""The class index of voxels that are neither trained on nor scored."""


class UnknownLabelsError(SurveyError):
    """Label values that are neither a class nor left out."""


@dataclass(frozen=True)
class FaciesTable:
    """The classes of a survey, in the order of their indices.

    Args:
        names: one a class.
        values: the label value that each class has in files; by default 0, 1, 2, ...
        ignored: label values that mean "not interpreted" in files; NaN, infinity, -999.25, 1e30 and other null values
            that are no class always do.
    """

    names: tuple[str, ...]
    values: tuple[int, ...] = ()
    ignored: tuple[float, ...] = (IGNORE,)

    def __post_init__(self) -> None:
        if not self.values:
            object.__setattr__(self, "values", tuple(range(len(self.names))))
        assert len(self.values) == len(self.names), "config checks that each name has one value"

    def __len__(self) -> int:
        return len(self.names)

    def with_fill(self) -> tuple["FaciesTable", int]:
        """A label value that means "not interpreted", and the table in which it does; this one where it has one."""
        whole = [int(value) for value in self.ignored if math.isfinite(value) and value == int(value)]
        if whole:
            return self, whole[0]
        fill = next(value for value in (IGNORE, -1, *range(256)) if value not in self.values)
        return replace(self, ignored=(*self.ignored, fill)), fill

    def holds_labels(self, labels: NDArray[np.generic]) -> NDArray[np.bool_]:
        """Where label values do not mean "not interpreted": bool, same shape."""
        return ~self.ignores(labels)

    def ignores(self, labels: NDArray[np.generic]) -> NDArray[np.bool_]:
        """Where label values mean "not interpreted", named values and null values: bool, same shape."""
        found = _among(labels, self.ignored)
        nulls = is_float_null(labels)
        return found | (nulls & ~_among(labels, self.values)) if nulls.any() else found

    def encode(self, labels: NDArray[np.generic], where: str) -> NDArray[np.uint8]:
        """Label values of a file -> class indices uint8, same shape; ignored values become IGNORE.

        Args:
            labels: integers, or floats that hold whole numbers.
            where: the file and section, for the message.

        Raises:
            UnknownLabelsError: a value is neither a class nor ignored.
            SurveyError: a value is no whole number, which no setting can make a class.
        """
        present = np.unique(labels)
        strange = present[~_among(present, self.values) & ~self.ignores(present)]
        if len(strange):
            check_whole(strange, where)
            raise UnknownLabelsError(
                problem=f"{where}: label values {_listed(strange)} are not among the classes {_listed(self.values)}",
                fix="add the missing classes to data.classes, give data.label_values, or list values to leave out "
                "in data.ignore_values",
            )
        indices = np.full(labels.shape, IGNORE, dtype=np.uint8)
        for index, value in enumerate(self.values):
            indices[labels == value] = index
        return indices

    def decode(self, indices: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Class indices -> the label values that files have, int16, same shape."""
        return np.asarray(self.values, dtype=np.int16)[indices]


def nulls_in(labels: NDArray[np.generic], facies: FaciesTable | None = None) -> NDArray[np.bool_]:
    """Where labels are null values, which are neither a class nor named as ignored: bool, same shape."""
    found = is_float_null(labels)
    return found & ~_among(labels, [*facies.values, *facies.ignored]) if facies is not None and found.any() else found


def _among(labels: NDArray[np.generic], values: Sequence[float]) -> NDArray[np.bool_]:
    """Where labels are one of some values, which are rounded as the labels are: bool, same shape."""
    if labels.dtype.kind != "f":
        return np.isin(labels, values)
    with np.errstate(over="ignore"):
        return np.isin(labels, np.asarray(values, labels.dtype))


def _listed(values: NDArray[np.generic] | tuple[int, ...]) -> str:
    shown = ", ".join(str(value) for value in values[:8])
    return f"{shown}, ..." if len(values) > 8 else shown


def check_whole(values: NDArray[np.generic], where: str) -> None:
    """Refuse label values that are no whole numbers: as an integer, a probability of 0.7 would become class 0.

    Args:
        values: of any type and shape.
        where: the file and section, for the message.

    Raises:
        SurveyError: a value has a fraction, is NaN or infinite.
    """
    if not np.issubdtype(values.dtype, np.floating):
        return
    floats = values.astype(np.float64)
    strange = floats[~np.isfinite(floats) | (floats != np.floor(floats))]
    if strange.size:
        raise SurveyError(
            problem=f"{where} holds {strange[0]:g}, which is no label value: label values are whole numbers",
            fix="give a volume of labels, not one of amplitudes or probabilities; where nothing is interpreted, store "
            "255",
        )
