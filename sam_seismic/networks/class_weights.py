"""A network's configuration comes in; which of its weights belong to one class alone goes out.

No network or head needs to say so: it is found by comparing the network with one for one class more. A class must have
the same number of rows of a weight, class after class along the first axis, or modules of its own that are numbered
by class. A weight that depends on the number of classes in another way belongs to no class.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from sam_seismic.config import NetworkConfig
from sam_seismic.networks import build_network

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class ClassRows:
    """The part of a weight that belongs to one class.

    Args:
        name: of the weight in `state_dict()`.
        rows: along its first axis.
    """

    name: str
    rows: slice


@dataclass(frozen=True)
class ClassWeights:
    """The weights of a network that depend on its classes.

    Args:
        by_class: of each class, its parts of weights, by a name that is the same for all classes.
        names: all weights that belong to classes, or depend on their number in another way.
    """

    by_class: tuple[Mapping[str, ClassRows], ...]
    names: frozenset[str]

    def only_divided(self) -> "ClassWeights":
        """Without the weights that belong to no single class."""
        return replace(self, names=frozenset(each.name for weights in self.by_class for each in weights.values()))


def class_weights(config: NetworkConfig, classes: int) -> ClassWeights:
    """The weights of each class of a network with so many classes; nothing is computed, and no memory is taken."""
    with torch.device("meta"):
        own, wider = (_shapes(build_network(config, count)) for count in (classes, classes + 1))
    by_class: list[dict[str, ClassRows]] = [{} for _ in range(classes)]
    names = set()
    for name, shape in wider.items():
        if name in own and own[name] != shape:
            names.add(name)
            rows = shape[0] - own[name][0]
            if (rows * classes, *shape[1:]) == own[name]:
                for number, weights in enumerate(by_class):
                    weights[name] = ClassRows(name, slice(number * rows, (number + 1) * rows))
        elif name not in own and (pattern := _pattern(name, classes, own)) is not None:
            for number, weights in enumerate(by_class):
                weights[pattern] = ClassRows(pattern.replace("*", str(number)), slice(None))
                names.add(weights[pattern].name)
    return ClassWeights(tuple(by_class), frozenset(names))


def _shapes(network: torch.nn.Module) -> Shapes:
    return {name: tuple(weight.shape) for name, weight in network.state_dict().items()}


def _pattern(name: str, number: int, own: Shapes) -> str | None:
    """`head.mlps.5.bias` of class 5 -> `head.mlps.*.bias`, if class 0 has such a weight, too."""
    parts = name.split(".")
    for position, part in enumerate(parts):
        pattern = ".".join([*parts[:position], "*", *parts[position + 1 :]])
        if part == str(number) and pattern.replace("*", "0") in own:
            return pattern
    return None
