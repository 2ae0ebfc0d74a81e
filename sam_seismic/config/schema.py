"""The configuration of an experiment as frozen models: type, bounds and default of each key of the YAML."""

from typing import Self

from pydantic import model_validator

from sam_seismic.config.base import ExpandedPath, Model
from sam_seismic.config.data import DataConfig
from sam_seismic.config.model import NetworkConfig, SamConfig
from sam_seismic.config.training import InputConfig, TrainConfig, TrainerConfig


class Config(Model):
    """Configuration of one experiment."""

    data: DataConfig
    input: InputConfig = InputConfig()
    model: NetworkConfig = SamConfig()
    """The network, which of its parts are trained, and its class head."""
    train: TrainConfig = TrainConfig()
    trainer: TrainerConfig = TrainerConfig()
    output: ExpandedPath | None = None
    """The run folder; if not set, runs/NAME-OF-THE-YAML."""

    @property
    def caches(self) -> bool:
        """Whether the output of the frozen part of the network is stored and training reads it from the store."""
        return self.model.freezes and self.train.cache is not False

    def of_fold(self, number: int) -> Self:
        """The same experiment with one fold of its cross-validation, counted from 1."""
        return self.model_copy(update={"data": self.data.of_fold(number)})

    @model_validator(mode="after")
    def _check_store(self) -> Self:
        if self.train.cache and not self.model.freezes:
            why = self.model.why_nothing_is_frozen
            raise ValueError(f"train.cache: true cannot apply to {why}, which changes with every step")
        if self.train.store is not None and not self.caches:
            other = "leave train.cache: false out" if self.model.freezes else f"set {self.model.to_freeze}"
            raise ValueError(f"train.store cannot apply where nothing is stored: leave it out, or {other}")
        if self.caches and self.input.jitter and not self.input.jittered_copies:
            raise ValueError(
                f"input.jitter: {self.input.jitter:g} makes a new image in every epoch, which cannot be stored: set "
                "input.jittered_copies: 3 to store 3 copies of each section, or input.jitter: 0, or train.cache: false"
            )
        return self

    @model_validator(mode="after")
    def _check_sharding(self) -> Self:
        if self.trainer.strategy == "fsdp" and self.model.freezes:
            raise ValueError(
                "trainer.strategy: fsdp shards the trained parameters, which are few without model.encoder: full: "
                "leave trainer.strategy out"
            )
        return self

    @model_validator(mode="after")
    def _check_validation(self) -> Self:
        if self.train.patience is not None and self.data.split.validates_nothing:
            raise ValueError("train.patience counts validations, and cannot apply to data.split.val: 0")
        every, epochs = self.trainer.val_every_epochs, self.train.epochs
        if every > epochs:
            raise ValueError(
                f"trainer.val_every_epochs: {every} is more than train.epochs: {epochs}, so that no epoch would be "
                "validated and no best checkpoint selected"
            )
        pictures = self.train.pictures
        if pictures % every:
            raise ValueError(
                f"train.pictures: {pictures} is no multiple of trainer.val_every_epochs: {every}; a picture shows "
                "what a validation predicts"
            )
        return self
