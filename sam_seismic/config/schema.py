"""What an experiment's YAML can say: every key with its type, its bounds and its default, as frozen models."""

from pathlib import Path
from typing import Self

from pydantic import model_validator

from sam_seismic.config.base import Model
from sam_seismic.config.data import DataConfig
from sam_seismic.config.model import NetworkConfig, SamConfig
from sam_seismic.config.training import InputConfig, TrainConfig, TrainerConfig


class Config(Model):
    """One experiment."""

    data: DataConfig
    input: InputConfig = InputConfig()
    model: NetworkConfig = SamConfig()
    """Which network, and which of its parts are trained."""
    train: TrainConfig = TrainConfig()
    trainer: TrainerConfig = TrainerConfig()
    output: Path | None = None
    """The run folder; by default runs/NAME-OF-THE-YAML."""

    @property
    def caches(self) -> bool:
        """Whether what the frozen part of the network makes of a section is kept and trained from."""
        return self.model.freezes and self.train.cache is not False

    @model_validator(mode="after")
    def _what_is_cached(self) -> Self:
        if self.train.cache and not self.model.freezes:
            why = self.model.why_nothing_is_frozen
            raise ValueError(f"train.cache: true cannot apply to {why}, which changes with every step")
        if self.train.store is not None and not self.caches:
            raise ValueError("train.store cannot apply where nothing is kept: remove it, or train.cache: false")
        if self.caches and self.input.jitter and not self.input.jittered_copies:
            raise ValueError(
                f"input.jitter: {self.input.jitter:g} makes a new image each time, which cannot be encoded once: set "
                "input.jittered_copies: 3 to keep so many of each section, or input.jitter: 0, or train.cache: false"
            )
        return self

    @model_validator(mode="after")
    def _what_is_shared_out(self) -> Self:
        if self.trainer.strategy == "fsdp" and self.model.freezes:
            raise ValueError(
                "trainer.strategy: fsdp shares out what is trained, which without model.encoder: full is little: leave "
                "trainer.strategy out"
            )
        return self

    @model_validator(mode="after")
    def _something_is_measured(self) -> Self:
        every, epochs = self.trainer.val_every_epochs, self.train.epochs
        if every > epochs:
            raise ValueError(
                f"trainer.val_every_epochs: {every} never comes in train.epochs: {epochs}, so no checkpoint is the best"
            )
        return self
