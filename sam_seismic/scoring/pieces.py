"""Label sections come in, truth and prediction; how many pieces each class has, and how small they are, goes out.

A piece is a connected set of voxels of one class on one section; the same body on two sections is two pieces. By
default voxels that touch at a corner are connected, so that a dipping layer one sample thick is one piece.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import generate_binary_structure, label

from sam_seismic.scoring.compared import compared
from sam_seismic.scoring.formulas import ratios
from sam_seismic.scoring.scores import by_name, plain


@dataclass(frozen=True, eq=False)
class PieceCounts:
    """The pieces of one labelling, the truth or a prediction.

    Args:
        pieces: int64[class], number of pieces.
        voxels: int64[class], number of voxels.
        small: int64[class], voxels in small pieces.
    """

    pieces: NDArray[np.int64]
    voxels: NDArray[np.int64]
    small: NDArray[np.int64]

    def __add__(self, other: "PieceCounts") -> "PieceCounts":
        return PieceCounts(self.pieces + other.pieces, self.voxels + other.voxels, self.small + other.small)

    def as_dict(self, names: tuple[str, ...]) -> dict[str, Any]:
        """For metrics.json: shares are fractions of the voxels of the class, or of all."""
        return {
            "pieces": dict(zip(names, self.pieces.tolist(), strict=True)),
            "share_in_small_pieces": by_name(names, ratios(self.small, self.voxels)),
            "all_pieces": int(self.pieces.sum()),
            "share_of_all_in_small_pieces": plain(float(ratios(self.small.sum(), self.voxels.sum()))),
        }


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces of truth and prediction. `+` adds those of two sections.

    Args:
        names: names of the classes.
        smaller_than: a piece of fewer voxels is small.
        connectivity: 4: voxels that share a side are connected; 8: or a corner.
        truth, prediction: their pieces.
    """

    names: tuple[str, ...]
    smaller_than: int
    connectivity: Literal[4, 8]
    truth: PieceCounts
    prediction: PieceCounts

    def __add__(self, other: "Pieces") -> "Pieces":
        rules = (self.names, self.smaller_than, self.connectivity)
        assert rules == (other.names, other.smaller_than, other.connectivity), "counted alike"
        return Pieces(*rules, self.truth + other.truth, self.prediction + other.prediction)

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return {
            "smaller_than": self.smaller_than,
            "connectivity": self.connectivity,
            "truth": self.truth.as_dict(self.names),
            "prediction": self.prediction.as_dict(self.names),
        }


def pieces(
    truth: NDArray[np.uint8],
    prediction: NDArray[np.uint8],
    names: tuple[str, ...],
    *,
    smaller_than: int,
    connectivity: Literal[4, 8] = 8,
) -> Pieces:
    """Count the pieces of a section.

    Args:
        truth: uint8[sample, trace] class indices; IGNORE is not interpreted.
        prediction: uint8[sample, trace] class indices; IGNORE is not predicted. Voxels that one of them leaves out are
            not looked at in the other, and may cut a body into pieces in both.
        names: names of the classes.
        smaller_than: a piece of fewer voxels is small.
        connectivity: 4: voxels that share a side are connected; 8: or a corner.
    """
    counts = [_count(labels, len(names), smaller_than, connectivity) for labels in compared(truth, prediction)]
    return Pieces(names, smaller_than, connectivity, *counts)


def _count(labels: NDArray[np.uint8], classes: int, smaller_than: int, connectivity: Literal[4, 8]) -> PieceCounts:
    touching = generate_binary_structure(2, 1 if connectivity == 4 else 2)
    counts = np.zeros((3, classes), np.int64)  # [(pieces, voxels, small), class]
    for index in np.unique(labels[labels < classes]).tolist():
        numbered, number = label(labels == index, touching)  # int32[sample, trace], pieces from 1
        sizes = np.bincount(numbered.ravel(), minlength=number + 1)[1:]  # [piece]
        counts[:, index] = number, sizes.sum(), sizes[sizes < smaller_than].sum()
    return PieceCounts(*counts)
