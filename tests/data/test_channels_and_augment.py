"""What SAM sees has SAM's input range, and augmentation makes sections that could be real."""

import numpy as np
import torch

from sam_seismic.data.augment import augment
from sam_seismic.data.channels import PIXEL_MEAN, PIXEL_STD, to_channels


def test_gray_levels_are_normalised_as_sam_was_trained():
    """-1 is black, 1 is white, each channel with its own mean and deviation on the 0-255 scale."""
    channels = to_channels(torch.tensor([[-1.0, 0.0, 1.0]]))
    assert channels.shape == (3, 1, 3)
    for channel, mean, std in zip(channels, PIXEL_MEAN, PIXEL_STD, strict=True):
        expected = (torch.tensor([0.0, 127.5, 255.0]) - mean) / std
        torch.testing.assert_close(channel[0], expected)
    torch.testing.assert_close(channels[:, 0, 2], torch.tensor([2.2489, 2.4286, 2.6400]), atol=1e-4, rtol=0)


def pair(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (6, 5)).astype(np.float32), rng.integers(0, 4, (6, 5)).astype(np.uint8)


def test_a_flip_takes_the_labels_along_and_leaves_time_alone():
    amplitude, labels = pair()
    flipped, flipped_labels = augment(amplitude, labels, np.random.default_rng(0), flip=1.0, jitter=0.0)
    np.testing.assert_array_equal(flipped, amplitude[:, ::-1])
    np.testing.assert_array_equal(flipped_labels, labels[:, ::-1])


def test_jitter_is_one_factor_a_section_and_keeps_the_range():
    amplitude, labels = pair()
    changed, same_labels = augment(amplitude, labels, np.random.default_rng(3), flip=0.0, jitter=0.5)
    inside = np.abs(changed) < 1
    factors = changed[inside] / amplitude[inside]
    assert np.ptp(factors) < 1e-5
    assert 0.5 <= factors[0] <= 1.5
    assert factors[0] != 1
    assert np.abs(changed).max() <= 1
    np.testing.assert_array_equal(same_labels, labels)


def test_the_same_generator_gives_the_same_section():
    amplitude, labels = pair()
    one, two = (augment(amplitude, labels, np.random.default_rng(5), flip=0.5, jitter=0.2) for _ in range(2))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
