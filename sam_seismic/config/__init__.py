"""The YAML file of an experiment, as a frozen and validated Config."""

from sam_seismic.config.data import DataConfig, ReadOptions, SegyOptions, SyntheticConfig
from sam_seismic.config.labels import BodiesConfig, HorizonsConfig, InterpretationConfig
from sam_seismic.config.loading import dump_config, is_config_file, load_config, override_data, parse_config
from sam_seismic.config.loss import LossConfig
from sam_seismic.config.model import NetworkConfig, SamConfig, VitConfig
from sam_seismic.config.schema import Config
from sam_seismic.config.split import RegionConfig, SplitConfig
from sam_seismic.config.training import InputConfig, Precision, TrainConfig, TrainerConfig

__all__ = [
    "BodiesConfig",
    "Config",
    "DataConfig",
    "HorizonsConfig",
    "InputConfig",
    "InterpretationConfig",
    "LossConfig",
    "NetworkConfig",
    "Precision",
    "ReadOptions",
    "RegionConfig",
    "SamConfig",
    "SegyOptions",
    "SplitConfig",
    "SyntheticConfig",
    "TrainConfig",
    "TrainerConfig",
    "VitConfig",
    "dump_config",
    "is_config_file",
    "load_config",
    "override_data",
    "parse_config",
]
