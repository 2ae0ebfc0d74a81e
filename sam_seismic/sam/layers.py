"""Layers that more than one part of SAM uses: feature maps or tokens go in, the same shape comes out."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional


class LayerNorm2d(nn.Module):
    """Layer norm over the channels of a feature map, each position on its own."""

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
    """The two-layer network of a transformer block."""

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
    """Linear layers with ReLU between them: the heads that read a token of the mask decoder.

    Args:
        inputs: channels that come in.
        hidden: channels between the layers.
        outputs: channels that go out.
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
