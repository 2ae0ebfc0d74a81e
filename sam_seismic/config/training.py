"""What the `input:`, `train:` and `trainer:` sections can say."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sam_seismic.config.base import Model, UserPath
from sam_seismic.config.loss import CrossEntropyDice, LossConfig
from sam_seismic.config.sam_sizes import CANVAS, PATCH

TrainingPrecision = Literal["32-true", "16-mixed", "bf16-mixed"]
"""Lightning's names; where training is mixed, what is frozen is held in half precision."""
Precision = Literal["32", "bf16", "16"]
"""What the encoder is held in to evaluate and predict; logits and probabilities are float32 always."""


class InputConfig(Model):
    """From amplitudes to the canvas that SAM sees."""

    clip_percentile: float = Field(default=99.5, gt=50, le=100)
    """Amplitudes are clipped at +- this percentile of |amplitude| over the training lines, then scaled to [-1, 1]."""
    fit: Literal["pad", "resize"] = "pad"
    """`pad`: as it is, zeros to the right and below; `resize`: the long side to the canvas, then pad."""
    side: int = Field(default=CANVAS, ge=64, le=CANVAS, multiple_of=PATCH)
    """Side of the square canvas, in pixels; SAM was pretrained at 1024. The longest side of a tight one."""
    canvas: Literal["square", "tight"] = "square"
    """`square`: as SAM was pretrained; `tight`: only the 16-pixel patches that show something, many times faster."""
    flip: float = Field(default=0.5, ge=0, le=1)
    """Chance of a horizontal flip of a training section."""
    jitter: float = Field(default=0.0, ge=0, lt=1)
    """Amplitudes of a training section are multiplied by 1 +- up to this."""
    jittered_copies: int = Field(default=0, ge=0)
    """Draw the factors of a section once, so many of them, rather than a new one each time: each can be kept."""

    @model_validator(mode="after")
    def _copies_are_jittered(self) -> Self:
        if self.jittered_copies and not self.jitter:
            raise ValueError(f"jittered_copies: {self.jittered_copies} cannot apply without jitter")
        return self


class TrainConfig(Model):
    """The optimisation."""

    epochs: int = Field(default=50, ge=1)
    """Passes over the training sections."""
    batch_size: int = Field(default=2, ge=1)
    """Sections a step, on each device."""
    learning_rate: float = Field(default=1e-4, gt=0)
    """Peak rate of AdamW, reached after the warm-up, then a cosine down to 1 % of it."""
    encoder_rate: float = Field(default=1.0, gt=0)
    """The encoder's learning rate as a multiple of the decoder's, when it is trained."""
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the steps over which the rate rises."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Of AdamW."""
    loss: LossConfig = CrossEntropyDice()
    """What is minimised."""
    patience: int | None = Field(default=None, ge=1)
    """Stop when the validation mean IoU has not risen for so many epochs."""
    cache: bool | None = None
    """Run the frozen part of the encoder once a section, keep what comes out on disk and train from that; nothing:
    wherever a part is frozen."""
    store: UserPath | None = None
    """Folder of what is kept; nothing: `embeddings` in the user's cache, $SAM_SEISMIC_CACHE."""
    checkpoint_every: int | None = Field(default=1000, ge=1)
    """Steps after which last.ckpt is written again at the latest: what a run loses that is killed; nothing: at the ends
    of epochs only, and where those take less time than twenty checkpoints, of some of them."""
    seed: int = Field(default=0, ge=0)
    """Of random weights, the order of sections, and augmentation."""


class TrainerConfig(Model):
    """What Lightning's Trainer is given, in its own words."""

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto"
    """`auto`: a GPU where there is one, else the CPU."""
    devices: int | list[int] | Literal["auto"] = "auto"
    """Of each node. `auto`: as many as Slurm granted tasks, else all GPUs that can be seen, or one CPU process."""
    num_nodes: int | Literal["auto"] = "auto"
    """`auto`: as many as Slurm granted, else 1."""
    strategy: str = "auto"
    """How several processes train. `auto`: each keeps the whole network; `fsdp`: each keeps a share of its parameters,
    gradients and optimizer state, which all of SAM's largest encoder may need."""
    precision: TrainingPrecision = "32-true"
    """`16-mixed` and `bf16-mixed` compute in half precision, and hold the frozen part of the encoder in it."""
    accumulate_grad_batches: int = Field(default=1, ge=1)
    """Steps whose gradients are added up before the weights change."""
    gradient_clip_val: float | None = Field(default=1.0, gt=0)
    """Largest norm of all gradients together; nothing: no limit."""
    val_every_epochs: int = Field(default=1, ge=1)
    """Epochs from one validation to the next."""
