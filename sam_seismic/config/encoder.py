"""What `model.encoder:` can say: which part of an image encoder is trained."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from sam_seismic.config.base import Model, as_kind


class FrozenEncoder(Model):
    """All of the encoder stays as it was loaded: it runs once a section."""

    freezes: ClassVar[bool] = True
    """Whether a part below the trained one is frozen, so that what it makes of a section can be kept."""
    checkpointing: ClassVar[bool] = False
    """Nothing of it is kept for a backward pass."""
    kind: Literal["frozen"] = "frozen"
    """Chooses this kind."""


class LastBlocksEncoder(Model):
    """The last blocks and the neck are trained: dearer than frozen, far cheaper than full."""

    freezes: ClassVar[bool] = True
    kind: Literal["last_blocks"] = "last_blocks"
    """Chooses this kind."""
    blocks: int = Field(ge=1)
    """How many blocks are trained."""
    checkpointing: bool = False
    """Compute activations of trained blocks twice rather than keep them for the backward pass: slower, less memory."""


class FullEncoder(Model):
    """All of the encoder is trained."""

    freezes: ClassVar[bool] = False
    kind: Literal["full"] = "full"
    """Chooses this kind."""
    checkpointing: bool = False
    """Compute the activations of blocks twice rather than keep them for the backward pass: slower, less memory."""


EncoderConfig = Annotated[
    Annotated[FrozenEncoder | LastBlocksEncoder | FullEncoder, Field(discriminator="kind")],
    BeforeValidator(
        as_kind,
        json_schema_input_type=Literal["frozen", "full"] | FrozenEncoder | LastBlocksEncoder | FullEncoder,
    ),
]
"""One model a kind; `tuning.methods` has the table of what each does."""
