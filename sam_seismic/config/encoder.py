"""The key `model.encoder:`: which part of an image encoder is trained."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from sam_seismic.config.base import Model, as_kind


class FrozenEncoder(Model):
    """The whole encoder is frozen, so each section is encoded only once."""

    freezes: ClassVar[bool] = True
    """Whether the first layers are frozen, so that their output for a section can be stored."""
    checkpointing: ClassVar[bool] = False
    """There is no backward pass through a frozen encoder."""
    kind: Literal["frozen"] = "frozen"
    """Chooses this kind."""


class LastBlocksEncoder(Model):
    """The last blocks and the neck are trained: slower than `frozen`, much faster than `full`."""

    freezes: ClassVar[bool] = True
    kind: Literal["last_blocks"] = "last_blocks"
    """Chooses this kind."""
    blocks: int = Field(ge=1)
    """Number of blocks that are trained, counted from the end."""
    checkpointing: bool = False
    """Recompute the activations of trained blocks in the backward pass instead of storing them: slower, less memory."""


class FullEncoder(Model):
    """The whole encoder is trained."""

    freezes: ClassVar[bool] = False
    kind: Literal["full"] = "full"
    """Chooses this kind."""
    checkpointing: bool = False
    """Recompute the activations of blocks in the backward pass instead of storing them: slower, less memory."""


EncoderConfig = Annotated[
    Annotated[FrozenEncoder | LastBlocksEncoder | FullEncoder, Field(discriminator="kind")],
    BeforeValidator(
        as_kind,
        json_schema_input_type=Literal["frozen", "full"] | FrozenEncoder | LastBlocksEncoder | FullEncoder,
    ),
]
"""One model for each kind; the table `METHODS` in `tuning.methods` has the class that implements it."""
