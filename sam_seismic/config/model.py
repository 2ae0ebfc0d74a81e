"""The `model:` section: the network, which of its parts are trained, and its class head."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sam_seismic.config.base import Kinds, Model, UserPath, word_of
from sam_seismic.config.encoder import EncoderConfig, FrozenEncoder
from sam_seismic.config.sam_sizes import SIZES

SAM_SIZES = Literal["vit_t", "vit_b", "vit_l", "vit_h"]
_SMALLER = {"vit_h": "vit_l", "vit_l": "vit_b"}
"""The next smaller size that weights are published for."""


class TokenHead(Model):
    """SAM's mask decoder with one mask token and one hypernetwork for each class."""

    kind: Literal["tokens"] = "tokens"
    """Chooses this kind."""


HeadConfig = Annotated[TokenHead, Kinds()]
"""One model a kind; `networks.heads` has the table of what each does."""


class NetworkKind(Model):
    """What every network answers; each has a key `kind` and options of its own.

    Only `name` must be written: what else stands here serves a network that is trained whole, from random weights.
    """

    @property
    def name(self) -> str:
        """Short name of the network, such as `vit_b`."""
        raise NotImplementedError

    @property
    def trained_words(self) -> str:
        """What is trained: `encoder last_blocks (3)`, ..."""
        return "all of it"

    @property
    def weights_words(self) -> str:
        """What training starts from."""
        return "random weights"

    @property
    def freezes(self) -> bool:
        """Whether a part is frozen below what is trained, so that its output can be stored."""
        return False

    @property
    def why_nothing_is_frozen(self) -> str:
        """The setting, for messages, because of which it does not freeze."""
        return f"model.kind: {word_of(type(self))}"

    @property
    def to_freeze(self) -> str:
        """What to set, for messages, so that a part is frozen."""
        return "a model.kind that has an encoder, such as sam"

    @property
    def compiles(self) -> bool:
        """Whether its blocks are to be compiled."""
        return False

    @property
    def lighter(self) -> tuple[str, ...]:
        """Settings that lower the memory of a training of the same network, and are not made yet."""
        return ()

    @property
    def smaller(self) -> tuple[str, ...]:
        """Settings that make it a smaller network."""
        return ()


class EncoderNetworkConfig(NetworkKind):
    """What networks of an image encoder and a head have in common."""

    encoder: EncoderConfig = FrozenEncoder()
    """What of the encoder is trained."""
    compile: bool = False
    """Compile the encoder's blocks with torch.compile: minutes at the start, worth it on a GPU in long runs."""

    @property
    def encoder_depth(self) -> int:
        """Number of encoder blocks."""
        raise NotImplementedError

    @property
    def freezes(self) -> bool:
        """As the way of tuning does."""
        return self.encoder.freezes

    @property
    def why_nothing_is_frozen(self) -> str:
        """The way of tuning."""
        return f"model.encoder: {self.encoder.words}"

    @property
    def to_freeze(self) -> str:
        """Ways of tuning that freeze a part."""
        return "model.encoder: frozen or last_blocks"

    @property
    def compiles(self) -> bool:
        """As given."""
        return self.compile

    @property
    def lighter(self) -> tuple[str, ...]:
        """Checkpointing, where blocks are trained without it."""
        return ("model.encoder.checkpointing=true",) if self.encoder.checkpoints is False else ()

    @property
    def trained_words(self) -> str:
        """What is trained: `encoder last_blocks (3)`, ..."""
        return f"encoder {self.encoder.words}" + (" with checkpointing" if self.encoder.checkpoints else "")

    @model_validator(mode="after")
    def _encoder_can_be_tuned(self) -> Self:
        kind = word_of(type(self))
        if problem := self.encoder.problem_with(network=kind, name=self.name, depth=self.encoder_depth):
            raise ValueError(problem)
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

    @property
    def name(self) -> str:
        """The size of the image encoder."""
        return self.size

    @property
    def weights_words(self) -> str:
        """The file, or that none or the official one is used."""
        if self.weights == "random":
            return "random weights: not SAM's"
        return "the official weights" if self.weights is None else str(self.weights)

    @property
    def smaller(self) -> tuple[str, ...]:
        """The next smaller size."""
        return (f"model.size={_SMALLER[self.size]}",) if self.size in _SMALLER else ()

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


NetworkConfig = Annotated[SamConfig | VitConfig, Kinds(default="sam")]
"""One model a kind; `networks` has the table of what each is."""
