"""Class probabilities of a section come in; the values that an output stores go out: classes, confidence, entropy."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.facies import FaciesTable

Probabilities = NDArray[np.float32]
"""float32[class, sample, trace], summing to 1 over the classes."""


class Product(ABC):
    """What an output stores for each voxel."""

    @abstractmethod
    def of(self, probabilities: Probabilities) -> NDArray[np.generic]:
        """float32[class, sample, trace] -> [sample, trace]."""


@dataclass(frozen=True)
class FaciesIndex(Product):
    """The index of the most probable class, uint8."""

    def of(self, probabilities: Probabilities) -> NDArray[np.generic]:
        """float32[class, sample, trace] -> uint8[sample, trace]."""
        return np.asarray(probabilities.argmax(axis=0), np.uint8)


@dataclass(frozen=True)
class Facies(Product):
    """The label value of the most probable class, int16."""

    table: FaciesTable

    def of(self, probabilities: Probabilities) -> NDArray[np.generic]:
        """float32[class, sample, trace] -> int16[sample, trace]."""
        return self.table.decode(probabilities.argmax(axis=0).astype(np.uint8))


@dataclass(frozen=True)
class Probability(Product):
    """The probability of one class, which is given by its index."""

    index: int

    def of(self, probabilities: Probabilities) -> NDArray[np.generic]:
        """float32[class, sample, trace] -> float32[sample, trace]."""
        return np.asarray(probabilities[self.index])


@dataclass(frozen=True)
class Confidence(Product):
    """The probability of the most probable class: from 1 / classes to 1."""

    def of(self, probabilities: Probabilities) -> NDArray[np.generic]:
        """float32[class, sample, trace] -> float32[sample, trace]."""
        return np.asarray(probabilities.max(axis=0))


@dataclass(frozen=True)
class Entropy(Product):
    """Shannon entropy divided by its maximum, the logarithm of the number of classes: 0 certain, 1 undecided."""

    def of(self, probabilities: Probabilities) -> NDArray[np.generic]:
        """float32[class, sample, trace] -> float32[sample, trace]."""
        total = np.zeros(probabilities.shape[1:], np.float32)
        for probability in probabilities:  # class by class, without a second array of all classes
            # The limit of x log x at 0 is 0; the bound keeps the logarithm finite there.
            total -= probability * np.log(np.maximum(probability, np.finfo(np.float32).tiny))
        return np.asarray(np.clip(total / np.float32(np.log(len(probabilities))), 0, 1))
