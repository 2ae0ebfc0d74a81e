"""A network and the weights of an earlier one come in; it gets those that fit, by their names, and says which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sam_seismic.config import NetworkConfig
from sam_seismic.networks.class_weights import class_weights
from sam_seismic.networks.network import Network


@dataclass(frozen=True)
class NetworkSource:
    """The network that weights are taken from.

    Args:
        config: its options.
        classes: names of its classes.
        state: its weights.
    """

    config: NetworkConfig
    classes: Sequence[str]
    state: Mapping[str, Tensor]


@dataclass(frozen=True)
class WarmStart:
    """What a network took from another one.

    Args:
        taken: weights that it took, those of classes not counted.
        lacking: weights that the other network has not, or has in another shape; `*` stands for each class.
        unused: weights of the other network that this one has not.
        classes: names of the classes whose weights it took.
        new_classes: names of the classes that the other network does not have.
        unused_classes: names of the other network's classes that this one does not have.
    """

    taken: tuple[str, ...]
    lacking: tuple[str, ...]
    unused: tuple[str, ...]
    classes: tuple[str, ...]
    new_classes: tuple[str, ...]
    unused_classes: tuple[str, ...]


def take_weights(network: Network, config: NetworkConfig, classes: Sequence[str], source: NetworkSource) -> WarmStart:
    """Give a network the weights of another one: those of a class by the name of the class, the others by their own.

    Args:
        network: changed in place.
        config: its options.
        classes: names of its classes.
        source: the other network.
    """
    own, state = network.state_dict(), source.state
    mine, theirs = class_weights(config, len(classes)), class_weights(source.config, len(source.classes))
    if tuple(classes) == tuple(source.classes):  # then weights of several classes together fit, too
        mine, theirs = mine.only_divided(), theirs.only_divided()
    named = [name for name in own if name not in mine.names]
    taken = [name for name in named if name in state and name not in theirs.names and _fits(own[name], state[name])]
    known = [name for name in classes if name in source.classes]
    lacking = dict.fromkeys(name for name in named if name not in taken)
    with torch.no_grad():
        for name in taken:
            own[name].copy_(state[name])
        for name in known:
            there = theirs.by_class[source.classes.index(name)]
            for pattern, here in mine.by_class[classes.index(name)].items():
                found = state[there[pattern].name][there[pattern].rows] if pattern in there else None
                if found is None or not _fits(own[here.name][here.rows], found):
                    lacking[pattern] = None
                else:
                    own[here.name][here.rows].copy_(found)
    return WarmStart(
        taken=tuple(taken),
        lacking=tuple(lacking),
        unused=tuple(name for name in state if name not in theirs.names and name not in taken),
        classes=tuple(known),
        new_classes=tuple(name for name in classes if name not in known),
        unused_classes=tuple(name for name in source.classes if name not in known),
    )


def _fits(weight: Tensor, other: Tensor) -> bool:
    return weight.shape == other.shape
