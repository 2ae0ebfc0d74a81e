"""What an experiment's YAML can say: every key with its type, its bounds and its default, as frozen models."""

from pathlib import Path
from typing import Self

from pydantic import model_validator

from sam_seismic.config.base import Model
from sam_seismic.config.data import DataConfig
from sam_seismic.config.training import InputConfig, ModelConfig, TrainConfig, TrainerConfig


class Config(Model):
    """One experiment."""

    data: DataConfig
    input: InputConfig = InputConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    trainer: TrainerConfig = TrainerConfig()
    output: Path | None = None
    """The run folder; by default runs/NAME-OF-THE-YAML."""

    @model_validator(mode="after")
    def _something_is_measured(self) -> Self:
        every, epochs = self.trainer.val_every_epochs, self.train.epochs
        if every > epochs:
            raise ValueError(
                f"trainer.val_every_epochs: {every} never comes in train.epochs: {epochs}, so no checkpoint is the best"
            )
        return self
