"""Trained parameters come in; AdamW and its learning rate schedule, a warm-up and a cosine decay, go out."""

import math
from collections.abc import Callable

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from sam_seismic.config import TrainConfig

RATE_FLOOR = 0.01
"""Learning rate at the end of the cosine, as a share of its peak."""


def build_optimiser(groups: list[tuple[list[nn.Parameter], float]], train: TrainConfig, *, fused: bool) -> AdamW:
    """AdamW for groups of parameters.

    Args:
        groups: parameters of each group and their peak learning rate; empty groups are left out.
        train: the optimisation.
        fused: update in one pass over the memory. Lightning cannot clip gradients for it in mixed precision.
    """
    return AdamW(
        [{"params": parameters, "lr": rate} for parameters, rate in groups if parameters],
        weight_decay=train.weight_decay,
        fused=fused,
    )


def build_schedule(
    optimiser: Optimizer, steps: int, *, warmup: float, ahead: Callable[[], int] = lambda: 0
) -> LambdaLR:
    """A linear rise over a share of the steps, then a cosine decay.

    Args:
        optimiser: whose rates are changed.
        steps: of the whole run.
        warmup: share of the steps over which the rate rises.
        ahead: asked at each step how many steps further the rate is than the steps that were taken.
    """
    return LambdaLR(optimiser, lambda step: rate_at(step + ahead(), steps, warmup=warmup))


def rate_at(step: int, steps: int, *, warmup: float) -> float:
    """Learning rate at a step as a share of its peak: a linear rise, then a cosine decay to RATE_FLOOR."""
    rise = max(1, round(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    progress = min(1.0, (step - rise) / max(1, steps - rise))
    return RATE_FLOOR + (1 - RATE_FLOOR) * (1 + math.cos(math.pi * progress)) / 2
