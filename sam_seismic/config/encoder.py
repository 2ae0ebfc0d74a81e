"""The key `model.encoder:`: the method of tuning an image encoder."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sam_seismic.config.base import Kinds, Model


class EncoderKind(Model):
    """Base of the tuning methods; each has its own key `kind` and its own options."""

    freezes: ClassVar[bool] = True
    """Whether the first layers are frozen, so that their output can be stored in the embedding store."""

    @property
    def words(self) -> str:
        """The kind with its options, such as `last_blocks (3)`."""
        raise NotImplementedError

    @property
    def checkpoints(self) -> bool | None:
        """Whether trained blocks recompute activations in the backward pass; None if no block is trained."""
        return None

    def problem_with(self, *, network: str, name: str, depth: int) -> str | None:  # noqa: ARG002
        """Error message if the method cannot tune an encoder; None if it can.

        Args:
            network: `kind` of the network that contains the encoder.
            name: short name of the network, such as `vit_b`.
            depth: number of blocks of the encoder.
        """
        return None


class FrozenEncoder(EncoderKind):
    """The whole encoder is frozen, and runs once for each section."""

    kind: Literal["frozen"] = "frozen"
    """Chooses this kind."""

    @property
    def words(self) -> str:
        """`frozen`."""
        return self.kind


class LastBlocksEncoder(EncoderKind):
    """The last blocks and the neck are trained: more time and memory than `frozen`, much less than `full`."""

    kind: Literal["last_blocks"] = "last_blocks"
    """Chooses this kind."""
    blocks: int = Field(ge=1)
    """Number of blocks that are trained, counted from the end."""
    checkpointing: bool = False
    """Recompute the activations of trained blocks in the backward pass instead of storing them: slower, less memory."""

    @property
    def words(self) -> str:
        """`last_blocks (3)`."""
        return f"{self.kind} ({self.blocks})"

    @property
    def checkpoints(self) -> bool:
        """The option `checkpointing`."""
        return self.checkpointing

    def problem_with(self, *, network: str, name: str, depth: int) -> str | None:  # noqa: ARG002
        """At least one block must be frozen."""
        if self.blocks < depth:
            return None
        got = f"(got {self.blocks}); encoder: full trains all"
        return f"encoder.blocks must be less than the {depth} that {name} has {got}"


class FullEncoder(EncoderKind):
    """The whole encoder is trained."""

    freezes: ClassVar[bool] = False
    kind: Literal["full"] = "full"
    """Chooses this kind."""
    checkpointing: bool = False
    """Recompute the activations of blocks in the backward pass instead of storing them: slower, less memory."""

    @property
    def words(self) -> str:
        """`full`."""
        return self.kind

    @property
    def checkpoints(self) -> bool:
        """The option `checkpointing`."""
        return self.checkpointing


EncoderConfig = Annotated[FrozenEncoder | LastBlocksEncoder | FullEncoder, Kinds()]
"""One model for each kind; the table `METHODS` in `tuning.methods` has the class that implements it."""
