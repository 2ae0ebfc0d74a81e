"""Rows of the image encoder: ours against `transformers` and `segment-anything`, all with the same random weights."""

import copy
import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from sam_seismic.sam import CANVAS, EncoderSize, attention

from .apart import peaks
from .measure import EVERY_SIZE, PRECISIONS, TINY, Settings, Work, counted, largest_difference, matrix_product, timed
from .peers import meta_encoder, random_encoder, transformers_encoder
from .rows import Row

SECTION = (255, 701)
"""Samples and traces: a crossline of F3 in the benchmark of Alaudah et al."""
CANVASES = {
    "square": "square 1024 x 1024",
    "skipped": "square 1024 x 1024, padding skipped",
    "resized": "resized 384 x 1024",
    "tight": "tight 256 x 704",
}
"""Of a section. Peers take the square only."""
PEERS = ("transformers", "segment-anything")


@dataclass(frozen=True)
class Pass:
    """One way to embed sections.

    Args:
        who: ours, or one of PEERS.
        size: a name of EVERY_SIZE.
        canvas: a name of CANVASES.
        precision: a name of PRECISIONS.
        batch: sections at a time.
    """

    who: str
    size: str
    canvas: str
    precision: str
    batch: int

    def __str__(self) -> str:
        return f"{self.who}:{self.size}:{self.canvas}:{self.precision}:{self.batch}"

    @classmethod
    def parse(cls, text: str) -> "Pass":
        """From its text."""
        who, size, canvas, precision, batch = text.split(":")
        return cls(who, size, canvas, precision, int(batch))


class Encoders:
    """The encoders of one size, made when they are asked for. They share their weights, so that vit_h fits."""

    def __init__(self, size: EncoderSize, device: torch.device) -> None:
        self.device = device
        self.ours = random_encoder(size).to(device)

    @cached_property
    def bfloat16(self) -> nn.Module:
        """Ours, cast."""
        return copy.deepcopy(self.ours).to(torch.bfloat16)

    @cached_property
    def transformers(self) -> nn.Module:
        """Of the library of that name."""
        return transformers_encoder(self.ours)

    @cached_property
    def meta(self) -> nn.Module:
        """Of `segment-anything`."""
        return meta_encoder(self.ours)

    def encoder(self, who: str, precision: str) -> nn.Module:
        """The one that runs."""
        if who == "ours":
            return self.ours if precision == "float32" else self.bfloat16
        return self.transformers if who == "transformers" else self.meta

    def work(self, run: Pass) -> Work:
        """What makes embeddings float[batch, 256, h, w]; the canvases lie ready."""
        x = canvases(run.canvas, run.batch).to(self.device)
        encoder = self.encoder(run.who, run.precision)
        if run.who == "ours":
            shown = SECTION if run.canvas == "skipped" else None
            return partial(_embed, encoder, x.to(PRECISIONS[run.precision]), shown=shown)
        return partial(_embed_theirs, encoder, x, autocast=run.precision == "bfloat16")


@torch.inference_mode()
def _embed(encoder: nn.Module, x: Tensor, *, shown: tuple[int, int] | None) -> Tensor:
    out: Tensor = encoder(x, shown=shown)
    return out


@torch.inference_mode()
def _embed_theirs(encoder: nn.Module, x: Tensor, *, autocast: bool) -> Tensor:
    # As their documentation and most of their users do; transformers could be cast as a whole, too.
    with torch.autocast(x.device.type, torch.bfloat16, enabled=autocast):
        out = encoder(x)
    return out if isinstance(out, Tensor) else out.last_hidden_state


def canvases(name: str, batch: int) -> Tensor:
    """Sections of random pixels on their canvases, float32[batch, 3, height, width]; one gray section in 3 channels."""
    section = torch.randn(batch, 1, *SECTION, generator=torch.Generator().manual_seed(1)).expand(-1, 3, -1, -1)
    if name == "resized":
        rows = round(SECTION[0] * CANVAS / SECTION[1])
        section = functional.interpolate(section, size=(rows, CANVAS), mode="bilinear")  # [batch, 3, 372, 1024]
    height, width = {"resized": (384, CANVAS), "tight": (256, 704)}.get(name, (CANVAS, CANVAS))
    return functional.pad(section, (0, width - section.shape[-1], 0, height - section.shape[-2]))


def measure(settings: Settings) -> Iterator[Row]:
    """A row for each size, precision, batch, canvas and peer."""
    for size, layout in settings.sizes.items():
        encoders = Encoders(layout, settings.device)
        for precision, batch in itertools.product(settings.precisions, settings.batches):
            yield from _measure(Pass("ours", size, "square", precision, batch), encoders, settings)


def _measure(plain: Pass, encoders: Encoders, settings: Settings) -> Iterator[Row]:
    """All ways to embed with one size, precision and batch, in turns."""
    ours = [replace(plain, canvas=canvas) for canvas in CANVASES]
    theirs = [replace(plain, who=peer) for peer in PEERS]
    works = {run: encoders.work(run) for run in (*ours, *theirs)}
    memory = peaks("encoder", works, settings) if plain.precision in settings.memory else {}
    # What broke off for want of memory must not take this process with it.
    works = {run: work for run, work in works.items() if memory.get(run) != math.inf}
    product, of_product = matrix_product(settings, plain.precision)
    product()
    works[ours[1]]()  # the padding that is skipped later is embedded, once
    first, flop = {run: work() for run, work in works.items() if run in theirs}, {}
    for run in ours:
        first[run] = works[run]()
        with network_alone():
            _, flop[run] = counted(works[run])
    seconds = timed({"limit": product} | {str(run): work for run, work in works.items()}, settings)
    for run in ours:
        each = seconds[str(run)] / run.batch
        row = Row(
            group="encoder",
            what=f"{run.size}, {CANVASES[run.canvas]}, {run.precision}, batch {run.batch}",
            seconds=each,
            memory=memory.get(run),
            rate=flop[run] / run.batch / each / 1e9,
            limit=of_product / seconds["limit"] / 1e9,
        )
        same = run.precision == "float32" and run.canvas in ("square", "skipped")
        for peer in theirs:
            if peer not in works:
                yield replace(row, against=f"{peer.who}: needs more memory than is free")
                continue
            yield replace(
                row,
                against=f"{peer.who}{'' if run.canvas in ('square', 'skipped') else ', square'}",
                their_seconds=seconds[str(peer)] / run.batch,
                their_memory=memory.get(peer),
                difference=largest_difference(first[run], first[peer]) if same else None,
            )


@contextmanager
def network_alone() -> Iterator[None]:
    """Inside, the bias is added to the scores, not made by a product with ones: that is no arithmetic of SAM's."""
    ours = attention.chunked_bias_attention
    attention.chunked_bias_attention = attention.full_bias_attention
    try:
        yield
    finally:
        attention.chunked_bias_attention = ours


def prepare(text: str) -> Work:
    """A pass from its text, on the CPU; a tiny network has read programs and tables from the disk."""
    run, cpu = Pass.parse(text), torch.device("cpu")
    Encoders(TINY, cpu).work(replace(run, batch=1))()
    return Encoders(EVERY_SIZE[run.size], cpu).work(run)
