"""From a canvas to facies logits: one file a kind of network, listed here by the word that the YAML has for it."""

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


def build_network(config: NetworkConfig, classes: int, *, weights: Path | None = None, drawn: bool = True) -> Network:
    """The network of a configuration.

    Args:
        config: the section `model:`.
        classes: how many facies.
        weights: the file that it starts from; None for random weights.
        drawn: whether random weights are drawn; not where all weights will be loaded.

    Raises:
        WeightsError: the file is damaged, unsafe or of another network.
    """
    return NETWORKS[config.kind].create(config, classes, weights=weights, drawn=drawn)


def find_weights(config: NetworkConfig) -> Path | None:
    """The weights file that a training starts from; None for random weights.

    Raises:
        WeightsError: it is not there.
    """
    return NETWORKS[config.kind].weights_file(config)


__all__ = ["NETWORKS", "Network", "Prior", "SamNetwork", "VitNetwork", "build_network", "find_weights"]
