"""Layers shared by the parts of SAM: feature maps float[B, C, h, w] or tokens float[..., C] go in and come out."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class SkipInitialisation(TorchFunctionMode):
    """Context in which PyTorch's layers do not initialise their weights: that takes longer than loading them."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return without a call for functions of `torch.nn.init`; call all others."""
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == nn.init.__name__:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


class LayerNorm2d(nn.Module):
    """Layer norm over the channels at each position of a feature map (Ba et al. 2016, "Layer Normalization")."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """float[B, C, h, w] -> float[B, C, h, w]."""
        x = x.permute(0, 2, 3, 1)  # [B, h, w, C]
        x = functional.layer_norm(x, self.weight.shape, self.weight, self.bias, eps=1e-6)
        return x.permute(0, 3, 1, 2)  # [B, C, h, w]


class FeedForward(nn.Module):
    """The feed-forward network of a transformer block (Vaswani et al. 2017, "Attention Is All You Need", eq. 2).

    Args:
        channels: channels of a token.
        hidden: channels between the two linear layers.
        activation: applied after the first linear layer.
    """

    def __init__(self, channels: int, hidden: int, *, activation: nn.Module) -> None:
        super().__init__()
        self.lin1 = nn.Linear(channels, hidden)
        self.lin2 = nn.Linear(hidden, channels)
        self.act = activation

    def forward(self, x: Tensor) -> Tensor:
        """float[..., C] -> float[..., C]."""
        out: Tensor = self.lin2(self.act(self.lin1(x)))
        return out


class Perceptron(nn.Module):
    """Linear layers with ReLU between them, applied to tokens of the mask decoder.

    Args:
        inputs: channels of the input.
        hidden: channels between the layers.
        outputs: channels of the output.
        depth: number of linear layers.
    """

    def __init__(self, inputs: int, hidden: int, *, outputs: int, depth: int = 3) -> None:
        super().__init__()
        widths = [inputs, *[hidden] * (depth - 1), outputs]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """float[..., inputs] -> float[..., outputs]."""
        *hidden, last = self.layers
        for layer in hidden:
            x = functional.relu(layer(x))
        out: Tensor = last(x)
        return out
