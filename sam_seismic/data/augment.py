"""Augmentation of sections: a section and its labels come in, a geologically plausible variant goes out.

A horizontal flip shows the same geology from the other side. A vertical flip would reverse time, and a polarity
reversal would change the meaning of reflections, so neither is used.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Variant:
    """An augmented version of a section.

    Args:
        flipped: whether the order of its traces is reversed.
        factor: of its amplitudes; exact in float32, so that a file name can hold it.
    """

    flipped: bool = False
    factor: float = 1.0

    def amplitude(self, amplitude: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32[sample, trace] in [-1, 1] -> that of the variant, clipped to [-1, 1] again."""
        amplitude = amplitude[:, ::-1] if self.flipped else amplitude
        return amplitude if self.factor == 1 else np.clip(amplitude * np.float32(self.factor), -1.0, 1.0)

    def labels(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8[sample, trace] -> that of the variant."""
        return np.ascontiguousarray(labels[:, ::-1]) if self.flipped else labels


UNCHANGED = Variant()


@dataclass(frozen=True)
class Augmentation:
    """Draws variants of training sections at random.

    Args:
        flip: chance of a horizontal flip.
        jitter: the amplitude factor is drawn from 1 - jitter to 1 + jitter.
        copies: number of factors of a section; 0: a new factor each time.
        seed: of the random numbers.
    """

    flip: float
    jitter: float
    copies: int
    seed: int

    def draw(self, section: int, epoch: int) -> Variant:
        """The variant of a section in an epoch.

        Args:
            section: its position in the data set.
            epoch: counted from 0.
        """
        rng = np.random.default_rng([self.seed, epoch, section])
        flipped = bool(rng.random() < self.flip)
        if self.copies:
            factors = self._factors(section)
            return Variant(flipped, factors[int(rng.integers(len(factors)))])
        return Variant(flipped, _factor(rng, self.jitter))

    def variants(self, section: int) -> list[Variant]:
        """All variants of a section that can be drawn; needs `copies` or no jitter, else there are too many."""
        assert self.copies or not self.jitter, "a new factor each time: the variants cannot be listed"
        flips = [flipped for flipped, chance in ((False, 1 - self.flip), (True, self.flip)) if chance > 0]
        return [Variant(flipped, factor) for flipped in flips for factor in self._factors(section)]

    def _factors(self, section: int) -> list[float]:
        # 2**63 is no epoch, so these random numbers differ from those of all epochs.
        rng = np.random.default_rng([self.seed, 2**63, section])
        return [_factor(rng, self.jitter) for _ in range(max(1, self.copies))]


def _factor(rng: np.random.Generator, jitter: float) -> float:
    return float(np.float32(rng.uniform(1.0 - jitter, 1.0 + jitter)))
