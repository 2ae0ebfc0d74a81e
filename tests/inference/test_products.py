"""Products of probabilities: their values are within bounds, correct at both bounds, and never NaN."""

import numpy as np
import pytest

from sam_seismic.inference import Confidence, Entropy, Facies, FaciesIndex, Probability
from sam_seismic.survey.facies import FaciesTable

SURE = np.array([1, 0, 0], np.float32)[:, None, None]  # [class, sample, trace]
UNDECIDED = np.full((3, 1, 1), 1 / 3, np.float32)
HALF = np.array([0.5, 0.5, 0], np.float32)[:, None, None]


@pytest.mark.parametrize(
    ("given", "entropy", "confidence"), [(SURE, 0, 1), (UNDECIDED, 1, 1 / 3), (HALF, 0.63093, 0.5)]
)
def test_entropy_and_confidence(given: np.ndarray, entropy: float, confidence: float):
    assert Entropy().of(given) == pytest.approx(entropy, abs=1e-5)
    assert Confidence().of(given) == pytest.approx(confidence)


def test_entropy_stays_in_bounds():
    """Rounding must not give values below 0 or above 1."""
    given = np.random.default_rng(0).dirichlet(np.full(5, 0.05), (40, 30)).astype(np.float32).transpose(2, 0, 1)
    entropy = Entropy().of(given)
    assert entropy.shape == (40, 30)
    assert entropy.dtype == np.float32
    assert entropy.min() >= 0
    assert entropy.max() <= 1
    logs = np.log(given, out=np.zeros_like(given), where=given > 0)
    np.testing.assert_allclose(entropy, -(given * logs).sum(axis=0) / np.log(5), atol=1e-5)


def test_classes_and_probabilities():
    given = np.array([[[0.1, 0.5]], [[0.7, 0.2]], [[0.2, 0.3]]], np.float32)
    np.testing.assert_array_equal(FaciesIndex().of(given), [[1, 0]])
    np.testing.assert_array_equal(Facies(FaciesTable(("a", "b", "c"), (1, 2, 6))).of(given), [[2, 1]])
    np.testing.assert_array_equal(Probability(2).of(given), given[2])
