"""The one YAML of an experiment, as a frozen and checked Config."""

from sam_seismic.config.data import (
    DataConfig,
    ReadOptions,
    RegionConfig,
    SegyOptions,
    SplitConfig,
    SyntheticConfig,
)
from sam_seismic.config.loading import dump_config, load_config, parse_config
from sam_seismic.config.schema import Config
from sam_seismic.config.training import InputConfig, ModelConfig, TrainConfig, TrainerConfig

__all__ = [
    "Config",
    "DataConfig",
    "InputConfig",
    "ModelConfig",
    "ReadOptions",
    "RegionConfig",
    "SegyOptions",
    "SplitConfig",
    "SyntheticConfig",
    "TrainConfig",
    "TrainerConfig",
    "dump_config",
    "load_config",
    "parse_config",
]
