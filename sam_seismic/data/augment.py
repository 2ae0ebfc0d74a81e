"""Geophysically sound augmentation: a section and its labels come in, another section that could be real goes out.

A horizontal flip views the same geology from the other side. A vertical flip would turn the arrow of time, and a
polarity reversal would change what a reflection means: neither is done here.
"""

import numpy as np
from numpy.typing import NDArray

AmplitudeAndLabels = tuple[NDArray[np.float32], NDArray[np.uint8]]


def augment(
    amplitude: NDArray[np.float32],
    labels: NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    flip: float,
    jitter: float,
) -> AmplitudeAndLabels:
    """Flip the trace axis by chance and scale the amplitudes a little.

    Args:
        amplitude: float32[sample, trace] in [-1, 1].
        labels: uint8[sample, trace], class indices.
        rng: the only source of chance.
        flip: chance of a horizontal flip.
        jitter: the amplitude factor is drawn from 1 - jitter to 1 + jitter.

    Returns:
        Arrays of the same shapes; amplitudes are clipped to [-1, 1] again.
    """
    flipped = rng.random() < flip
    factor = np.float32(rng.uniform(1.0 - jitter, 1.0 + jitter))
    if flipped:
        amplitude, labels = amplitude[:, ::-1], labels[:, ::-1]
    return np.clip(amplitude * factor, -1.0, 1.0), np.ascontiguousarray(labels)
