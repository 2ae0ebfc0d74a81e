"""Networks that map a canvas to facies logits: one file for each kind, listed here by its YAML name."""

from pathlib import Path

from sam_seismic.config import NetworkConfig
from sam_seismic.networks.network import Network
from sam_seismic.networks.prior import Prior
from sam_seismic.networks.sam import SamNetwork
from sam_seismic.networks.vit import VitNetwork

NETWORKS: dict[str, type[Network]] = {
    "sam": SamNetwork,
    "vit": VitNetwork,
}
"""By `model.kind`."""


def build_network(
    config: NetworkConfig, classes: int, *, weights: Path | None = None, initialise: bool = True
) -> Network:
    """The network of a configuration.

    Args:
        config: the section `model:`.
        classes: number of facies.
        weights: file of the initial weights; None for random weights.
        initialise: whether to draw random weights; False if all weights are loaded afterwards.

    Raises:
        WeightsError: the file is damaged, unsafe or of another network.
    """
    return NETWORKS[config.kind].create(config, classes, weights=weights, initialise=initialise)


def find_weights(config: NetworkConfig) -> Path | None:
    """The file of the initial weights of a training; None for random weights.

    Raises:
        WeightsError: the file does not exist.
    """
    return NETWORKS[config.kind].weights_file(config)


def weights_notes(config: NetworkConfig, *, values: bool = True) -> list[str]:
    """What is to be told of the initial weights of a training, such as parts that the file lacks.

    Args:
        config: the section `model:`.
        values: whether all numbers are looked at, which reads the whole file.

    Raises:
        WeightsError: `build_network` could not use the file.
    """
    return NETWORKS[config.kind].weights_notes(config, values=values)


__all__ = ["NETWORKS", "Network", "Prior", "SamNetwork", "VitNetwork", "build_network", "find_weights", "weights_notes"]
