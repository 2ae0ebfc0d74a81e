"""What `model:` can say: which network, which of its parts are trained, and what gives the classes."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sam_seismic.config.base import KIND, Model, UserPath, as_kind
from sam_seismic.config.encoder import EncoderConfig, FrozenEncoder, LastBlocksEncoder
from sam_seismic.config.sam_sizes import SIZES

SAM_SIZES = Literal["vit_t", "vit_b", "vit_l", "vit_h"]


class TokenHead(Model):
    """SAM's mask decoder with one mask token and one hypernetwork a class."""

    kind: Literal["tokens"] = "tokens"
    """Chooses this kind."""


HeadConfig = Annotated[TokenHead, BeforeValidator(as_kind, json_schema_input_type=Literal["tokens"] | TokenHead)]
"""One model a kind; `networks.heads` has the table of what each does."""


class EncoderNetworkConfig(Model):
    """What networks of an image encoder and a head have in common."""

    encoder: EncoderConfig = FrozenEncoder()
    """`frozen`; `last_blocks` trains the last `blocks` blocks and the neck; `full` trains all of the encoder."""
    compile: bool = False
    """Compile the encoder's blocks with torch.compile: minutes at the start, worth it on a GPU in long runs."""

    needs_weights: ClassVar[bool] = False
    """Whether it starts from a weights file."""

    @property
    def name(self) -> str:
        """The network in a few words, such as `vit_b`."""
        raise NotImplementedError

    @property
    def encoder_depth(self) -> int:
        """Blocks of the encoder."""
        raise NotImplementedError

    @property
    def freezes(self) -> bool:
        """Whether a part is frozen below what is trained, so that what it makes of a section can be kept."""
        return self.encoder.freezes

    @property
    def trained_words(self) -> str:
        """What is trained: `encoder last_blocks (3)`, ..."""
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
    """Size of the image encoder; vit_t is ours, for demonstrations and tests: no weights are published for it."""
    weights: UserPath | Literal["random"] | None = None
    """A checkpoint file in Meta's names; nothing: the official file of this size from the weights folder;
    `random`: none, for tests and for vit_t, which has no published weights."""
    decoder: Literal["frozen", "full"] = "full"
    """`full`: all of the mask decoder is trained; `frozen`: only what is new in the head."""
    head: HeadConfig = TokenHead()
    """What turns an embedding into one logit plane a class."""

    needs_weights: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The size."""
        return self.size

    @property
    def encoder_depth(self) -> int:
        """Blocks of the image encoder."""
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
            raise ValueError("a frozen encoder with random weights sees nothing: give weights, or encoder: full")
        return self


class VitConfig(EncoderNetworkConfig):
    """A plain vision transformer with one linear layer from each token to the class logits of its patch.

    It always starts from random weights.
    """

    kind: Literal["vit"] = "vit"
    """Chooses this kind."""
    width: int = Field(default=192, ge=16)
    """Channels of a token."""
    depth: int = Field(default=6, ge=1, le=48)
    """Blocks."""
    heads: int = Field(default=3, ge=1)
    """Attention heads of a block; they share the width."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of the activations that is dropped in attention and feed-forward layers while training."""

    @property
    def name(self) -> str:
        """Width and depth."""
        return f"vit {self.width} x {self.depth}"

    @property
    def encoder_depth(self) -> int:
        """Blocks of the encoder."""
        return self.depth

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads (got {self.width} and {self.heads})")
        return self


def _default_kind(value: Any) -> Any:
    """SAM, where no kind is named."""
    value = as_kind(value)
    return {KIND: "sam"} | value if isinstance(value, dict) else value


NetworkConfig = Annotated[
    Annotated[SamConfig | VitConfig, Field(discriminator="kind")],
    BeforeValidator(_default_kind, json_schema_input_type=Literal["vit"] | SamConfig | VitConfig),
]
"""One model a kind; `networks` has the table of what each is."""
