"""Channels have the input range of SAM, and augmentation makes plausible sections."""

import numpy as np
import pytest
import torch

from sam_seismic.data.augment import Augmentation, Variant
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


def test_a_flip_reverses_traces_and_labels_but_not_time():
    amplitude, labels = pair()
    flip = Variant(flipped=True)
    np.testing.assert_array_equal(flip.amplitude(amplitude), amplitude[:, ::-1])
    np.testing.assert_array_equal(flip.labels(labels), labels[:, ::-1])
    np.testing.assert_array_equal(Variant().amplitude(amplitude), amplitude)
    np.testing.assert_array_equal(Variant().labels(labels), labels)


def test_jitter_is_one_factor_for_a_section_and_stays_in_range():
    amplitude, labels = pair()
    changed = Variant(factor=1.3).amplitude(amplitude)
    np.testing.assert_array_equal(changed, np.clip(amplitude * np.float32(1.3), -1, 1))
    assert np.abs(changed).max() == 1
    np.testing.assert_array_equal(Variant(factor=1.3).labels(labels), labels)


def augmentation(flip: float = 0.5, jitter: float = 0.2, copies: int = 0, seed: int = 5) -> Augmentation:
    return Augmentation(flip, jitter, copies, seed)


def test_variants_depend_only_on_seed_epoch_and_section():
    """A resumed run and another worker process draw the same variants."""
    drawn = [augmentation().draw(section, epoch) for section in range(20) for epoch in range(5)]
    assert drawn == [augmentation().draw(section, epoch) for section in range(20) for epoch in range(5)]
    assert len({variant.factor for variant in drawn}) == 100
    assert all(0.8 <= variant.factor <= 1.2 for variant in drawn)
    assert 25 < sum(variant.flipped for variant in drawn) < 75
    assert drawn != [augmentation(seed=6).draw(section, epoch) for section in range(20) for epoch in range(5)]


@pytest.mark.parametrize(
    ("flip", "jitter", "copies", "count"),
    [(0.0, 0.0, 0, 1), (1.0, 0.0, 0, 1), (0.5, 0.0, 0, 2), (0.5, 0.1, 1, 2), (0.5, 0.1, 3, 6), (0.0, 0.1, 4, 4)],
)
def test_the_listed_variants_are_those_that_can_be_drawn(flip: float, jitter: float, copies: int, count: int):
    """The embedding store must hold every variant that training draws, and no other."""
    drawn = augmentation(flip, jitter, copies)
    for section in (0, 7):
        every = drawn.variants(section)
        assert len(every) == len(set(every)) == count
        assert {drawn.draw(section, epoch) for epoch in range(200)} == set(every)
    if jitter:
        assert not {v.factor for v in drawn.variants(0)} & {v.factor for v in drawn.variants(7)}
