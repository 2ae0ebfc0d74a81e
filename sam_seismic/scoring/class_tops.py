"""Label sections come in, truth and prediction; how far the tops of classes lie apart goes out, in samples and in ms.

The top of a class on a trace is its uppermost sample, the one that `predict --horizons` writes. It is a true pick where
an interpreted sample of another class lies directly above it; at the first sample of a trace, or below a sample that is
not interpreted, nobody knows how far up the class goes. On each trace, a class with a true pick is found if the
prediction has the class too, and missed if not; a class that the truth lacks is a false pick if the prediction has it;
a class whose true top is not known is not compared.

Distances are predicted minus true sample numbers: positive where the predicted top is too deep. They are whole numbers,
counted in a histogram, so quantiles are exact: the smallest distance that at least this share of picks does not exceed
(definition 1 of Hyndman and Fan 1996, "Sample quantiles in statistical packages", The American Statistician 50(4)).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.scoring.compared import compared
from sam_seismic.scoring.scores import plain
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.horizons import find_tops

ALL = "all"
"""Key of the picks of all classes together."""


@dataclass(frozen=True, eq=False)
class TopDistances:
    """Distances of the tops of one class, or of several, in samples; nan where there are none.

    Args:
        histogram: int64[distance], number of picks found, from -reach to reach samples; its length is odd.
        missed: true picks on traces without a predicted one.
        false: predicted picks on traces whose truth lacks the class.
    """

    histogram: NDArray[np.int64]
    missed: int
    false: int

    @property
    def found(self) -> int:
        """Picks whose distance is known."""
        return int(self.histogram.sum())

    @property
    def bias(self) -> float:
        """Mean signed distance; positive: too deep."""
        return float((self._distances * self.histogram).sum() / self.found) if self.found else math.nan

    @property
    def mean(self) -> float:
        """Mean absolute distance."""
        return float((abs(self._distances) * self.histogram).sum() / self.found) if self.found else math.nan

    def quantile(self, share: float) -> float:
        """The smallest absolute distance that at least a share of the picks, between 0 and 1, does not exceed."""
        if not self.found:
            return math.nan
        reach = len(self.histogram) // 2
        sizes = self.histogram[reach:].copy()  # [absolute distance]
        sizes[1:] += self.histogram[:reach][::-1]
        return float(np.argmax(sizes.cumsum() >= share * self.found - 1e-9))

    def as_dict(self, sample_interval_ms: float | None = None) -> dict[str, Any]:
        """For metrics.json: distances in samples, and in ms if the interval is given."""
        distances = {
            "bias": self.bias,
            "mean": self.mean,
            "median": self.quantile(0.5),
            "percentile_90": self.quantile(0.9),
        }
        counts = {"found": self.found, "missed": self.missed, "false": self.false}
        in_ms = {} if sample_interval_ms is None else {f"{k}_ms": v * sample_interval_ms for k, v in distances.items()}
        return counts | {key: plain(value) for key, value in (distances | in_ms).items()}

    @property
    def _distances(self) -> NDArray[np.int64]:
        return np.arange(len(self.histogram)) - len(self.histogram) // 2


@dataclass(frozen=True, eq=False)
class ClassTops:
    """Distances of the tops of each class. `+` adds the picks of two sections.

    Args:
        names: names of the classes.
        histogram: int64[class, distance], number of picks found, from -reach to reach samples; see `TopDistances`.
        missed: int64[class].
        false: int64[class].
    """

    names: tuple[str, ...]
    histogram: NDArray[np.int64]
    missed: NDArray[np.int64]
    false: NDArray[np.int64]

    def __add__(self, other: "ClassTops") -> "ClassTops":
        assert self.names == other.names, "only tops of the same classes are added"
        length = max(self.histogram.shape[1], other.histogram.shape[1])
        histogram = sum(
            np.pad(each, ((0, 0), 2 * ((length - each.shape[1]) // 2,))) for each in (self.histogram, other.histogram)
        )
        return ClassTops(self.names, np.asarray(histogram), self.missed + other.missed, self.false + other.false)

    @property
    def classes(self) -> dict[str, TopDistances]:
        """By the name of the class."""
        counts = zip(self.names, self.histogram, self.missed.tolist(), self.false.tolist(), strict=True)
        return {name: TopDistances(histogram, missed, false) for name, histogram, missed, false in counts}

    @property
    def all(self) -> TopDistances:
        """The picks of all classes together."""
        return TopDistances(self.histogram.sum(axis=0), int(self.missed.sum()), int(self.false.sum()))

    def as_dict(self, sample_interval_ms: float | None = None) -> dict[str, Any]:
        """For metrics.json: distances in samples, and in ms if the interval is given."""
        by_class = {name: tops.as_dict(sample_interval_ms) for name, tops in self.classes.items()}
        return {"classes": by_class, ALL: self.all.as_dict(sample_interval_ms)}


def class_tops(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], names: tuple[str, ...]) -> ClassTops:
    """Compare the tops of a section.

    Args:
        truth: uint8[sample, trace] class indices; IGNORE is not interpreted.
        prediction: uint8[sample, trace] class indices; IGNORE is not predicted. Samples that one of them leaves out are
            not looked at in the other.
        names: names of the classes.
    """
    truth, prediction = compared(truth, prediction)
    true, predicted = find_tops(truth, len(names)), find_tops(prediction, len(names))  # int32[trace, class]
    traces, above = np.arange(len(true))[:, None], np.maximum(true - 1, 0)
    is_pick = (true > 0) & (truth[above, traces] != IGNORE)  # [trace, class]
    found = is_pick & (predicted >= 0)
    reach = max(len(truth) - 1, 0)
    histogram = np.zeros((len(names), 2 * reach + 1), np.int64)
    place, index = np.nonzero(found)
    np.add.at(histogram, (index, (predicted - true)[place, index] + reach), 1)
    missed, false = is_pick & (predicted < 0), (true < 0) & (predicted >= 0)
    return ClassTops(names, histogram, missed.sum(axis=0), false.sum(axis=0))
