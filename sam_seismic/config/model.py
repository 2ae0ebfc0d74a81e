"""The `model:` section: the network, which of its parts are trained, and its class head."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sam_seismic.config.base import KIND, Kinds, Model, UserPath, word_of
from sam_seismic.config.encoder import EncoderConfig, FrozenEncoder
from sam_seismic.config.sam_sizes import SIZES

SAM_SIZES = Literal["vit_t", "vit_b", "vit_l", "vit_h"]
_NEXT_SMALLER = {"vit_h": "vit_l", "vit_l": "vit_b"}
"""By size: the next smaller size with published weights."""


class TokenHead(Model):
    """SAM's mask decoder with one mask token and one hypernetwork for each class."""

    kind: Literal["tokens"] = "tokens"
    """Chooses this kind."""


HeadConfig = Annotated[TokenHead, Kinds()]
"""One model for each kind; the table `HEADS` in `networks.heads` has the class that implements it."""


class NetworkKind(Model):
    """Base of the network kinds; each has its own key `kind` and its own options.

    Subclasses must implement `name`. The other properties are right for a network that is trained as a whole from
    random weights.
    """

    init_from: UserPath | None = None
    """Start from the weights of an earlier training, of any survey and any classes: RUN/checkpoints/best.ckpt, or the
    folder RUN for its best.ckpt. The network must be of the same kind and size; weights of a class are taken by its
    name. If not set, training starts from `weights` where a network has them, else from random ones."""

    @property
    def name(self) -> str:
        """Short name of the network, such as `vit_b`."""
        raise NotImplementedError

    @property
    def structure(self) -> dict[str, object]:
        """The options that weights depend on, by key; by default all that the kind adds."""
        common = {KIND, *EncoderNetworkConfig.model_fields}
        return {key: getattr(self, key) for key in type(self).model_fields if key not in common}

    @property
    def trained_words(self) -> str:
        """The trained parts, such as `encoder last_blocks (3)`."""
        return "all of it"

    @property
    def weights_words(self) -> str:
        """Description of the initial weights."""
        return "random weights" if self.init_from is None else str(self.init_from)

    @property
    def freezes(self) -> bool:
        """Whether the first layers are frozen, so that their output can be stored in the embedding store."""
        return False

    @property
    def why_nothing_is_frozen(self) -> str:
        """For messages: the setting that prevents freezing."""
        return f"model.kind: {word_of(type(self))}"

    @property
    def to_freeze(self) -> str:
        """For messages: the setting that freezes a part."""
        return "a model.kind that has an encoder, such as sam"

    @property
    def compiles(self) -> bool:
        """Whether the blocks are compiled."""
        return False

    @property
    def lighter(self) -> tuple[str, ...]:
        """Settings, not chosen yet, with which training the same network needs less memory."""
        return ()

    @property
    def smaller(self) -> tuple[str, ...]:
        """Settings that choose a smaller network."""
        return ()


class EncoderNetworkConfig(NetworkKind):
    """Base of networks that consist of an image encoder and a head."""

    encoder: EncoderConfig = FrozenEncoder()
    """Which part of the encoder is trained."""
    compile: bool = False
    """Compile the encoder's blocks with torch.compile: takes minutes at the start, makes long runs on a GPU faster."""

    @property
    def encoder_depth(self) -> int:
        """Number of encoder blocks."""
        raise NotImplementedError

    @property
    def freezes(self) -> bool:
        """Whether the tuning method freezes the first layers of the encoder."""
        return self.encoder.freezes

    @property
    def why_nothing_is_frozen(self) -> str:
        """The tuning method."""
        return f"model.encoder: {self.encoder.words}"

    @property
    def to_freeze(self) -> str:
        """Tuning methods that freeze a part."""
        return "model.encoder: frozen or last_blocks"

    @property
    def compiles(self) -> bool:
        """The option `compile`."""
        return self.compile

    @property
    def lighter(self) -> tuple[str, ...]:
        """Checkpointing, if blocks are trained without it."""
        return ("model.encoder.checkpointing=true",) if self.encoder.checkpoints is False else ()

    @property
    def trained_words(self) -> str:
        """The trained parts, such as `encoder last_blocks (3)`."""
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
    """Size of the image encoder; vit_t is a small size for demos and tests, without published weights."""
    weights: UserPath | Literal["random"] | None = None
    """A weights file of SAM (docs/weights.md lists which), or `random` for random weights (tests, and vit_t). If not
    set, the official file of this size in the weights folder. Beside `init_from` no file is needed; if one is given,
    the parts that `init_from` does not have start from it."""
    decoder: Literal["frozen", "full"] = "full"
    """`full` trains the whole mask decoder; `frozen` trains only the parts of the head that SAM does not have."""
    head: HeadConfig = TokenHead()
    """The head that computes one logit plane for each class from the image embedding."""

    @property
    def name(self) -> str:
        """The size of the image encoder."""
        return self.size

    @property
    def structure(self) -> dict[str, object]:
        """The size; what a head lacks or has of its own is told when weights are taken over."""
        return {"size": self.size}

    @property
    def weights_words(self) -> str:
        """The weights file, or whether random or the official weights are used."""
        if self.init_from is not None:
            return super().weights_words
        if self.weights == "random":
            return "random weights: not SAM's"
        return "the official weights" if self.weights is None else str(self.weights)

    @property
    def smaller(self) -> tuple[str, ...]:
        """The next smaller size."""
        return (f"model.size={_NEXT_SMALLER[self.size]}",) if self.size in _NEXT_SMALLER else ()

    @property
    def encoder_depth(self) -> int:
        """Number of encoder blocks."""
        return SIZES[self.size].depth

    @property
    def trained_words(self) -> str:
        """The trained parts, such as `encoder frozen, decoder full`."""
        return f"{super().trained_words}, decoder {self.decoder}"

    @model_validator(mode="after")
    def _something_to_train(self) -> Self:
        frozen = self.encoder.kind == "frozen"
        if frozen and self.decoder == "frozen":
            raise ValueError("encoder and decoder cannot both be frozen: nothing would be trained")
        if self.init_from is not None:
            return self
        if self.size == "vit_t" and self.weights is None:
            raise ValueError("weights: random is needed for vit_t: no weights are published for it")
        if self.weights == "random" and self.encoder.freezes and self.size != "vit_t":
            raise ValueError("a frozen encoder with random weights is useless: give weights, or encoder: full")
        return self


class VitConfig(EncoderNetworkConfig):
    """A plain vision transformer whose linear head maps each token to the class logits of its patch.

    There are no published weights for it.
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
        """Width and depth: `vit 192 x 6`."""
        return f"vit {self.width} x {self.depth}"

    @property
    def structure(self) -> dict[str, object]:
        """All but dropout."""
        return {"width": self.width, "depth": self.depth, "heads": self.heads}

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
"""One model for each kind; the table `NETWORKS` in `networks` has the class that implements it."""
