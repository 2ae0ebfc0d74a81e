"""What the `input:`, `model:`, `train:` and `trainer:` sections can say."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sam_seismic.config.base import Model, UserPath


class InputConfig(Model):
    """From amplitudes to the canvas that SAM sees."""

    clip_percentile: float = Field(default=99.5, gt=50, le=100)
    """Amplitudes are clipped at +- this percentile of |amplitude| over the training lines, then scaled to [-1, 1]."""
    fit: Literal["pad", "resize"] = "pad"
    """`pad`: as it is, zeros to the right and below; `resize`: the long side to the canvas, then pad."""
    side: int = Field(default=1024, ge=64, le=1024, multiple_of=16)
    """Side of the square canvas, in pixels; SAM was pretrained at 1024."""
    flip: float = Field(default=0.5, ge=0, le=1)
    """Chance of a horizontal flip of a training section."""
    jitter: float = Field(default=0.1, ge=0, lt=1)
    """Amplitudes of a training section are multiplied by 1 +- up to this."""


class ModelConfig(Model):
    """Which SAM, and which of its parts are trained."""

    size: Literal["vit_t", "vit_b", "vit_l", "vit_h"] = "vit_b"
    weights: UserPath | Literal["random"] | None = None
    """A checkpoint file in Meta's names; nothing: the official file of this size from the weights folder;
    `random`: none, for tests and for vit_t, which has no published weights."""
    encoder: Literal["frozen", "full"] = "frozen"
    decoder: Literal["frozen", "full"] = "full"

    @model_validator(mode="after")
    def _something_to_train(self) -> Self:
        if self.encoder == "frozen" and self.decoder == "frozen":
            raise ValueError("encoder and decoder cannot both be frozen: nothing would be trained")
        if self.size == "vit_t" and self.weights is None:
            raise ValueError("weights: random is needed for vit_t: no weights are published for it")
        if self.weights == "random" and self.encoder == "frozen" and self.size != "vit_t":
            raise ValueError("a frozen encoder with random weights sees nothing: give weights, or encoder: full")
        return self


class TrainConfig(Model):
    """The optimisation."""

    epochs: int = Field(default=50, ge=1)
    batch_size: int = Field(default=2, ge=1)
    learning_rate: float = Field(default=1e-4, gt=0)
    """Peak rate of AdamW, reached after the warm-up, then a cosine down to 1 % of it."""
    encoder_rate: float = Field(default=1.0, gt=0)
    """The encoder's learning rate as a multiple of the decoder's, when it is trained."""
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the steps over which the rate rises."""
    weight_decay: float = Field(default=0.01, ge=0)
    dice: float = Field(default=1.0, ge=0)
    """Weight of the Dice loss beside the cross-entropy."""
    patience: int | None = Field(default=None, ge=1)
    """Stop when the validation mean IoU has not risen for so many epochs."""
    seed: int = Field(default=0, ge=0)


class TrainerConfig(Model):
    """What Lightning's Trainer is given, in its own words."""

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto"
    devices: int | list[int] | Literal["auto"] = "auto"
    num_nodes: int = Field(default=1, ge=1)
    strategy: str = "auto"
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    accumulate_grad_batches: int = Field(default=1, ge=1)
    gradient_clip_val: float | None = Field(default=1.0, gt=0)
    val_every_epochs: int = Field(default=1, ge=1)
