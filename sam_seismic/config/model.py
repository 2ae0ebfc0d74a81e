"""The `model:` section: the network, which of its parts are trained, and its class head."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sam_seismic.config.base import KIND, Model, UserPath, as_kind
from sam_seismic.config.encoder import EncoderConfig, FrozenEncoder, LastBlocksEncoder
from sam_seismic.config.sam_sizes import SIZES

SAM_SIZES = Literal["vit_t", "vit_b", "vit_l", "vit_h"]


class TokenHead(Model):
    """SAM's mask decoder with one mask token and one hypernetwork for each class."""

    kind: Literal["tokens"] = "tokens"
    """Chooses this kind."""


HeadConfig = Annotated[TokenHead, BeforeValidator(as_kind, json_schema_input_type=Literal["tokens"] | TokenHead)]
"""One model for each kind; the table `HEADS` in `networks.heads` has the class that implements it."""


class EncoderNetworkConfig(Model):
    """Options common to networks that consist of an image encoder and a head."""

    encoder: EncoderConfig = FrozenEncoder()
    """`frozen` trains nothing of the encoder; `last_blocks` trains its last `blocks` blocks and the neck; `full`
    trains all of it."""
    compile: bool = False
    """Compile the encoder's blocks with torch.compile: takes minutes at the start and pays off in long GPU runs."""

    needs_weights: ClassVar[bool] = False
    """Whether training starts from a weights file."""

    @property
    def name(self) -> str:
        """Short name of the network, such as `vit_b`."""
        raise NotImplementedError

    @property
    def encoder_depth(self) -> int:
        """Number of encoder blocks."""
        raise NotImplementedError

    @property
    def freezes(self) -> bool:
        """Whether the first layers are frozen, so that their output for a section can be stored."""
        return self.encoder.freezes

    @property
    def trained_words(self) -> str:
        """What is trained, such as `encoder last_blocks (3)`."""
        encoder = self.encoder
        blocks = f" ({encoder.blocks})" if isinstance(encoder, LastBlocksEncoder) else ""
        return f"encoder {encoder.kind}{blocks}" + (" with checkpointing" if encoder.checkpointing else "")

    @model_validator(mode="after")
    def _blocks_to_train(self) -> Self:
        encoder, depth = self.encoder, self.encoder_depth
        if isinstance(encoder, LastBlocksEncoder) and encoder.blocks >= depth:
            raise ValueError(
                f"encoder.blocks must be less than the {depth} that {self.name} has (got {encoder.blocks}); "
                "encoder: full trains all"
            )
        return self


class SamConfig(EncoderNetworkConfig):
    """SAM with a class head."""

    kind: Literal["sam"] = "sam"
    """Chooses this kind."""
    size: SAM_SIZES = "vit_b"
    """Size of the image encoder; vit_t is a small size of our own for demos and tests, without published weights."""
    weights: UserPath | Literal["random"] | None = None
    """A checkpoint file with Meta's parameter names, or `random` for random weights (tests, and vit_t). If not set,
    the official file of this size in the weights folder."""
    decoder: Literal["frozen", "full"] = "full"
    """`full` trains the whole mask decoder; `frozen` trains only the parts of the head that SAM does not have."""
    head: HeadConfig = TokenHead()
    """The head that computes one logit plane for each class from the image embedding."""

    needs_weights: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The size of the image encoder."""
        return self.size

    @property
    def encoder_depth(self) -> int:
        """Number of encoder blocks."""
        return SIZES[self.size].depth

    @property
    def trained_words(self) -> str:
        """`encoder frozen, decoder full`."""
        return f"{super().trained_words}, decoder {self.decoder}"

    @model_validator(mode="after")
    def _something_to_train(self) -> Self:
        frozen = self.encoder.kind == "frozen"
        if frozen and self.decoder == "frozen":
            raise ValueError("encoder and decoder cannot both be frozen: nothing would be trained")
        if self.size == "vit_t" and self.weights is None:
            raise ValueError("weights: random is needed for vit_t: no weights are published for it")
        if self.weights == "random" and self.encoder.freezes and self.size != "vit_t":
            raise ValueError("a frozen encoder with random weights is useless: give weights, or encoder: full")
        return self


class VitConfig(EncoderNetworkConfig):
    """A plain vision transformer whose linear head maps each token to the class logits of its patch.

    Training always starts from random weights.
    """

    kind: Literal["vit"] = "vit"
    """Chooses this kind."""
    width: int = Field(default=192, ge=16)
    """Number of channels of a token; must be a multiple of `heads`."""
    depth: int = Field(default=6, ge=1, le=48)
    """Number of blocks."""
    heads: int = Field(default=3, ge=1)
    """Number of attention heads of a block, among which the channels are divided."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Dropout probability in attention and feed-forward layers during training."""

    @property
    def name(self) -> str:
        """Width and depth, such as `vit 192 x 6`."""
        return f"vit {self.width} x {self.depth}"

    @property
    def encoder_depth(self) -> int:
        """Number of encoder blocks."""
        return self.depth

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads (got {self.width} and {self.heads})")
        return self


def _default_kind(value: Any) -> Any:
    """Select SAM where no kind is given."""
    value = as_kind(value)
    return {KIND: "sam"} | value if isinstance(value, dict) else value


NetworkConfig = Annotated[
    Annotated[SamConfig | VitConfig, Field(discriminator="kind")],
    BeforeValidator(_default_kind, json_schema_input_type=Literal["vit"] | SamConfig | VitConfig),
]
"""One model for each kind; the table `NETWORKS` in `networks` has the class that implements it."""
