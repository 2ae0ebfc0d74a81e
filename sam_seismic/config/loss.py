"""The key `train.loss:`: the loss that training minimises."""

from typing import Annotated, Literal

from pydantic import Field

from sam_seismic.config.base import Kinds, Model


class CrossEntropyDice(Model):
    """Cross-entropy plus soft Dice loss, both over all labelled voxels of a step."""

    kind: Literal["cross_entropy_dice"] = "cross_entropy_dice"
    """Chooses this kind."""
    dice: float = Field(default=1.0, ge=0)
    """Weight of the Dice loss; the cross-entropy has weight 1."""


class Lovasz(Model):
    """Lovasz-softmax: a differentiable surrogate of one minus the mean IoU, averaged over sections."""

    kind: Literal["lovasz"] = "lovasz"
    """Chooses this kind."""


LossConfig = Annotated[CrossEntropyDice | Lovasz, Kinds()]
"""One model for each kind; the table `LOSSES` in `tasks.losses` has the class that implements it."""
