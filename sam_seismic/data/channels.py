"""A gray section comes in, three channels go out, normalised as the images that SAM was pretrained on."""

import torch
from torch import Tensor

PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)
"""Mean and deviation of ImageNet on the 0-255 scale, as in SAM (Kirillov et al. 2023, public checkpoints)."""


def to_channels(amplitude: Tensor) -> Tensor:
    """Repeat a gray section into three normalised channels.

    Args:
        amplitude: float32[sample, trace] in [-1, 1]. The sign is preserved: -1 is black, 0 is mid-gray, 1 is white.

    Returns:
        float32[3, sample, trace], about -2 to 2.6.
    """
    gray = (amplitude + 1.0) * 127.5
    mean = torch.tensor(PIXEL_MEAN).view(3, 1, 1)
    std = torch.tensor(PIXEL_STD).view(3, 1, 1)
    return (gray.expand(3, -1, -1) - mean) / std  # [3, sample, trace]
