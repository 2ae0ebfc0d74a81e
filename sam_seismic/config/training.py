"""The `input:`, `train:` and `trainer:` sections."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sam_seismic.config.base import Model, UserPath
from sam_seismic.config.loss import CrossEntropyDice, LossConfig
from sam_seismic.config.sam_sizes import CANVAS, PATCH

TrainingPrecision = Literal["32-true", "16-mixed", "bf16-mixed"]
"""Lightning's names; with a mixed precision the weights of the frozen part are converted to half precision."""
Precision = Literal["32", "bf16", "16"]
"""Precision of the encoder's weights in `eval` and `predict`; logits and probabilities are always float32."""


class InputConfig(Model):
    """How amplitudes are scaled, augmented and placed on the canvas."""

    clip_percentile: float = Field(default=99.5, gt=50, le=100)
    """Amplitudes are clipped at this percentile of |amplitude| over the training lines and scaled to [-1, 1]."""
    fit: Literal["pad", "resize"] = "pad"
    """`pad` does not scale the section and pads it with zeros to the right and below; `resize` first scales its long
    side to the canvas."""
    side: int = Field(default=CANVAS, ge=64, le=CANVAS, multiple_of=PATCH)
    """Side of the square canvas, or longest side of a tight canvas, in pixels; SAM was pretrained at 1024."""
    canvas: Literal["square", "tight"] = "square"
    """`square` is the canvas that SAM was pretrained on; `tight` leaves out the patches of padding, which is much
    faster."""
    flip: float = Field(default=0.5, ge=0, le=1)
    """Probability that a training section is flipped horizontally."""
    jitter: float = Field(default=0.0, ge=0, lt=1)
    """The amplitudes of a training section are multiplied by a random factor from 1 - jitter to 1 + jitter."""
    jittered_copies: int = Field(default=0, ge=0)
    """Number of fixed jitter factors for each section, so that each jittered copy can be stored; 0 draws a new factor
    in every epoch."""

    @model_validator(mode="after")
    def _copies_are_jittered(self) -> Self:
        if self.jittered_copies and not self.jitter:
            raise ValueError(f"jittered_copies: {self.jittered_copies} cannot apply without jitter")
        return self


class TrainConfig(Model):
    """Optimisation of the network."""

    epochs: int = Field(default=50, ge=1)
    """Number of passes over the training sections."""
    batch_size: int = Field(default=2, ge=1)
    """Number of sections in a step, on each device."""
    learning_rate: float = Field(default=1e-4, gt=0)
    """Peak learning rate of AdamW, reached after the warm-up and followed by a cosine decay to 1 % of it."""
    encoder_rate: float = Field(default=1.0, gt=0)
    """Learning rate of the trained part of the encoder, as a multiple of `learning_rate`."""
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of all steps over which the learning rate rises linearly to its peak."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Weight decay of AdamW."""
    loss: LossConfig = CrossEntropyDice()
    """The loss that is minimised."""
    patience: int | None = Field(default=None, ge=1)
    """Stop after this many validations without a higher validation mean IoU; if not set, all epochs are run."""
    cache: bool | None = None
    """Run the frozen part of the encoder once for each section, store its output on disk and train from the store. If
    not set, this is done whenever a part of the encoder is frozen."""
    store: UserPath | None = None
    """Folder of the embedding store; if not set, `embeddings` in the user's cache, $SAM_SEISMIC_CACHE."""
    checkpoint_every: int | None = Field(default=1000, ge=1)
    """Largest number of steps between two writings of last.ckpt, hence of steps lost when a run is killed. If not set,
    it is written at the end of an epoch only, and not of every epoch if epochs are short compared with the writing."""
    pictures: int = Field(default=0, ge=0)
    """Number of epochs from one picture of the middle validation sections to the next, for report/film.gif; 0 draws
    none. The first validation and that of the last epoch are always pictured."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Seed of the random weights, the order of sections, and the augmentation."""


class TrainerConfig(Model):
    """Arguments of Lightning's Trainer, under its names."""

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto"
    """`auto` uses a GPU if there is one, else the CPU."""
    devices: int | list[int] | Literal["auto"] = "auto"
    """Number of devices on each node, or a list of device numbers. `auto` uses one for each Slurm task on the node;
    without Slurm, all visible GPUs, or one CPU process."""
    num_nodes: int | Literal["auto"] = "auto"
    """Number of nodes. `auto` uses the number of nodes in the Slurm job, or 1 without Slurm."""
    strategy: str = "auto"
    """How several processes train. `auto` gives each process a copy of the whole network; `fsdp` shards parameters,
    gradients and optimizer state over the processes, which training all of vit_h may need."""
    precision: TrainingPrecision = "32-true"
    """`16-mixed` and `bf16-mixed` compute in half precision, and convert the frozen part of the encoder to it."""
    accumulate_grad_batches: int = Field(default=1, ge=1)
    """Number of steps whose gradients are accumulated before the weights are updated."""
    gradient_clip_val: float | None = Field(default=1.0, gt=0)
    """Gradients are scaled down to this total norm where it is larger; if not set, they are not clipped."""
    val_every_epochs: int = Field(default=1, ge=1)
    """Number of epochs from one validation to the next."""
