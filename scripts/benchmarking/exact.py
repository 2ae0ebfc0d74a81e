"""Rows of how far each encoder in float32 is from ours in float64: a difference between two may be due to either."""

import copy
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from .encoder import PEERS, Encoders, Pass, canvases
from .measure import Settings
from .rows import Row


def measure(settings: Settings) -> Iterator[Row]:
    """A row for each size and implementation, on the square canvas."""
    for size, layout in settings.sizes.items():
        encoders = Encoders(layout, settings.device)
        exact = _in_float64(encoders)
        for who in ("ours", *PEERS):
            work = encoders.work(Pass(who, size, "square", "float32", 1))
            begin = time.perf_counter()
            out = work().cpu()
            seconds = time.perf_counter() - begin
            yield Row(
                group="exact",
                what=f"{who}: {size}, square 1024 x 1024",
                seconds=seconds,
                against=f"float64, numbers up to {float(exact.abs().max()):.1f}",
                difference=float((out.double() - exact).abs().max()),
            )


@torch.inference_mode()
def _in_float64(encoders: Encoders) -> Tensor:
    """Embedding float64[1, 256, 64, 64] by ours."""
    encoder = copy.deepcopy(encoders.ours).double()
    out: Tensor = encoder(canvases("square", 1).to(encoders.device).double())
    return out.cpu()
