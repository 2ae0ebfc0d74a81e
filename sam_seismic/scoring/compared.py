"""Two label sections come in, truth and prediction; both go out with IGNORE wherever one of them has it."""

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.facies import IGNORE


def compared(truth: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Leave out of both sections what one of them lacks: neither edges nor pieces there are compared.

    Args:
        truth: uint8[sample, trace] class indices; IGNORE is not interpreted.
        prediction: uint8[sample, trace] class indices; IGNORE is not predicted, as in dead traces.

    Returns:
        Copies of both, uint8[sample, trace].
    """
    assert truth.shape == prediction.shape, "of one section"
    left_out = (truth == IGNORE) | (prediction == IGNORE)  # [sample, trace]
    ignored = np.uint8(IGNORE)
    return np.where(left_out, ignored, truth), np.where(left_out, ignored, prediction)
