"""What `train.loss:` can say: what a training minimises."""

from typing import Annotated, Literal

from pydantic import Field

from sam_seismic.config.base import Kinds, Model


class CrossEntropyDice(Model):
    """Cross-entropy plus soft Dice, both over all labelled voxels of a step."""

    kind: Literal["cross_entropy_dice"] = "cross_entropy_dice"
    """Chooses this kind."""
    dice: float = Field(default=1.0, ge=0)
    """Weight of the Dice loss beside the cross-entropy."""


class Lovasz(Model):
    """Lovasz-softmax: a smooth stand-in for one minus the mean IoU, section by section."""

    kind: Literal["lovasz"] = "lovasz"
    """Chooses this kind."""


LossConfig = Annotated[CrossEntropyDice | Lovasz, Kinds()]
"""One model a kind; `tasks.losses` has the table of what each computes."""
