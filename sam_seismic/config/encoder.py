"""The key `model.encoder:`: which part of an image encoder is trained."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sam_seismic.config.base import Kinds, Model


class EncoderKind(Model):
    """What every way of tuning an image encoder answers; each has a key `kind` and options of its own."""

    freezes: ClassVar[bool] = True
    """Whether a part below the trained one is frozen, so that its output can be stored."""

    @property
    def words(self) -> str:
        """The kind with its options: `last_blocks (3)`."""
        raise NotImplementedError

    @property
    def checkpoints(self) -> bool | None:
        """Whether activations of trained blocks are computed twice to save memory; None if no blocks are trained."""
        return None

    def problem_with(self, *, network: str, name: str, depth: int) -> str | None:  # noqa: ARG002
        """Why it cannot tune an encoder; None where it can.

        Args:
            network: the `kind` of the network whose encoder it is.
            name: the network in a few words, such as `vit_b`.
            depth: blocks of the encoder.
        """
        return None


class FrozenEncoder(EncoderKind):
    """All of the encoder stays as it was loaded: it runs once a section."""

    kind: Literal["frozen"] = "frozen"
    """Chooses this kind."""

    @property
    def words(self) -> str:
        """`frozen`."""
        return self.kind


class LastBlocksEncoder(EncoderKind):
    """The last blocks and the neck are trained: dearer than frozen, far cheaper than full."""

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
        """As given."""
        return self.checkpointing

    def problem_with(self, *, network: str, name: str, depth: int) -> str | None:  # noqa: ARG002
        """It must leave a block frozen."""
        if self.blocks < depth:
            return None
        got = f"(got {self.blocks}); encoder: full trains all"
        return f"encoder.blocks must be less than the {depth} that {name} has {got}"


class FullEncoder(EncoderKind):
    """All of the encoder is trained."""

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
        """As given."""
        return self.checkpointing


EncoderConfig = Annotated[FrozenEncoder | LastBlocksEncoder | FullEncoder, Kinds()]
"""One model a kind; `tuning.methods` has the table of what each does."""
