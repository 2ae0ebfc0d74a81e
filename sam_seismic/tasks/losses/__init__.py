"""Losses of a training: one file for each, listed here by its YAML name."""

from sam_seismic.config import LossConfig
from sam_seismic.tasks.losses.cross_entropy_dice import CrossEntropyDiceLoss
from sam_seismic.tasks.losses.loss import Loss
from sam_seismic.tasks.losses.lovasz import LovaszLoss

LOSSES: dict[str, type[Loss]] = {
    "cross_entropy_dice": CrossEntropyDiceLoss,
    "lovasz": LovaszLoss,
}
"""By `train.loss.kind`."""


def build_loss(config: LossConfig) -> Loss:
    """The loss of a configuration."""
    return LOSSES[config.kind](config)


__all__ = ["LOSSES", "Loss", "build_loss"]
