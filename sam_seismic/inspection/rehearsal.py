"""A configuration comes in; its network is walked without content; the memory and the work of each part go out.

The network is built on PyTorch's `meta` device and walked with fake tensors, which have shapes but no content, through
the very code that trains and predicts: the frozen part of the encoder, one step of training above it, forward and
backward, and one prediction. A tape notes each storage as it is made and as it goes, and each product. Of the blocks
that run without gradients, which hold nothing, one of each kind stands for all of its kind.
"""

import contextlib
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd.graph import get_gradient_edge

from sam_seismic.config import Config
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.dataset import Batch, fitted
from sam_seismic.data.frame import Frame
from sam_seismic.inspection.op_counter import OnGpu, OpCounter, Work
from sam_seismic.sam import ImageEncoder, build_sam
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.cut import below, shape_below
from sam_seismic.tuning.store import hold_frozen

PREDICTED_AT_A_TIME = 2
"""Sections that `predict` and `eval` take at a time unless told otherwise."""


@dataclass(frozen=True)
class Walk:
    """One part of a run.

    Args:
        held: bytes at its peak, beside what was there before.
        work: all of it.
    """

    held: int
    work: Work


@dataclass(frozen=True)
class Rehearsal:
    """What was seen on the way.

    Args:
        weights: bytes of the network, as a training holds it.
        trained: bytes of what is trained of it; its gradients are as large.
        below: the frozen part of the encoder, for a batch; None where none is frozen.
        forward: of a step of training, from there on.
        step: the same, forward and backward.
        loaded: bytes of the network, as a prediction holds it.
        prediction: of `PREDICTED_AT_A_TIME` sections.
    """

    weights: int
    trained: int
    below: Walk | None
    forward: Walk
    step: Walk
    loaded: int
    prediction: Walk


def rehearse(config: Config, facies: FaciesTable, shape: tuple[int, int], *, gpu: bool) -> Rehearsal:
    """Walk through a training and a prediction.

    Args:
        config: the experiment.
        facies: its classes.
        shape: (samples, traces) of its largest section.
        gpu: whether on one GPU, else on the CPU.
    """
    task = blank_task(config, facies)
    hold_frozen(task.image_encoder, config)
    frame = fitted(shape, config.input)
    blocks = config.model.blocks_below
    with _faked(task, gpu=gpu) as tape:
        weights = tape.live
        walked = None
        if blocks != 0:
            walked = _walk_below(tape, task.image_encoder, frame, count=config.train.batch_size, blocks=blocks)
        forward, step = _walk_step(tape, task, config, frame)
        trained = sum(each.nbytes for each in task.parameters() if each.requires_grad)
    whole = blank_task(config, facies)
    with _faked(whole, gpu=gpu) as tape:
        loaded = tape.live
        prediction = _walk_prediction(tape, whole, frame)
    return Rehearsal(weights, trained, walked, forward, step, loaded, prediction)


def blank_task(config: Config, facies: FaciesTable) -> FaciesSegmentation:
    """The network that a configuration asks for, without content: its parameters can be counted, and take no room."""
    with torch.device("meta"):
        sam = build_sam(config.model.size)
    metadata = CheckpointMetadata(
        data=config.data,
        inputs=config.input,
        model=config.model,
        facies=facies,
        scale=AmplitudeScale(0.0, 1.0),
        split=(),
        weights_hash=None,
        version="",
    )
    return FaciesSegmentation(sam, metadata, config.train)


@contextlib.contextmanager
def _faked(task: nn.Module, *, gpu: bool) -> Iterator[OpCounter]:
    """Inside, tensors have no content, the task is one of them, and a tape counts them."""
    with (
        FakeTensorMode(allow_non_fake_inputs=True),
        OpCounter() as tape,
        OnGpu(tape) if gpu else contextlib.nullcontext(),
    ):
        task.to_empty(device="cpu")
        yield tape


def _walk_below(tape: OpCounter, encoder: ImageEncoder, frame: Frame, *, count: int, blocks: int | None) -> Walk:
    """The frozen part of the encoder, for a few canvases, which are counted too."""
    before = tape.live
    short, times = shortened(encoder, blocks)
    depth = None if blocks is None else short.depth
    images = torch.zeros(count, 3, *frame.canvas_shape)
    below(short, images[:1], blocks=depth, shown=frame.placed_shape)  # what is padding is remembered from then on
    tape.start_again()
    with _counted(tape, short, times) as more:
        below(short, images, blocks=depth, shown=frame.placed_shape)
    return Walk(tape.peak - before, tape.work + more())


def _walk_step(tape: OpCounter, task: FaciesSegmentation, config: Config, frame: Frame) -> tuple[Walk, Walk]:
    """A step of training from what is kept, or from canvases where none of the encoder is frozen: (forward, all)."""
    count, blocks, before = config.train.batch_size, config.model.blocks_below, tape.live
    shape, dtype = (3, *frame.canvas_shape), torch.float32
    if blocks != 0:
        shape = shape_below(task.image_encoder, frame.canvas_shape, blocks=blocks)
        dtype = torch.float16 if config.caches else task.image_encoder.pos_embed.dtype
    images = tuple(torch.zeros(shape, dtype=dtype) for _ in range(count))
    labels = tuple(torch.zeros(frame.section_shape, dtype=torch.uint8) for _ in range(count))
    batch = Batch(images, (frame,) * count, labels, ("",) * count, kept=blocks != 0)
    tape.start_again()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.trainer.precision != "32-true"):
        loss = task.loss(task.section_logits(batch), batch)
    forward = Walk(tape.peak - before, tape.work)
    # With the loss itself `OnGpu` would be left, and blocks that are computed again would be on the CPU.
    torch.autograd.backward(get_gradient_edge(loss), torch.ones_like(loss))
    return forward, Walk(tape.peak - before, tape.work)


def _walk_prediction(tape: OpCounter, task: FaciesSegmentation, frame: Frame) -> Walk:
    before, encoder = tape.live, task.image_encoder  # which goes on living
    task.image_encoder, times = shortened(encoder, None)
    images = [torch.zeros(3, *frame.canvas_shape) for _ in range(PREDICTED_AT_A_TIME)]
    tape.start_again()
    with torch.no_grad(), _counted(tape, task.image_encoder, times) as more:
        for logits in task.logits_of(images, [frame] * PREDICTED_AT_A_TIME):
            logits.softmax(dim=0)
    return Walk(tape.peak - before, tape.work + more())


def shortened(encoder: ImageEncoder, blocks: int | None) -> tuple[ImageEncoder, list[int]]:
    """The first blocks of an encoder, one of each kind, and how many blocks each of them stands for.

    Kinds are windowed ones before the first that attends over the whole canvas, which leave padding out; those that
    attend over it; and windowed ones after.
    """
    numbers = range(encoder.depth if blocks is None else blocks)
    wide = [number for number in numbers if number in encoder.size.global_blocks]
    first = wide[0] if wide else len(numbers)
    kinds = [list(numbers[:first]), wide, [number for number in numbers[first:] if number not in wide]]
    kinds = [kind for kind in kinds if kind]
    short = copy.copy(encoder)
    short._modules = encoder._modules | {"blocks": nn.ModuleList(encoder.blocks[kind[0]] for kind in kinds)}
    short.size = replace(encoder.size, depth=len(kinds), global_blocks=(1, encoder.depth))
    return short, [len(kind) for kind in kinds]


@contextlib.contextmanager
def _counted(tape: OpCounter, short: ImageEncoder, times: Sequence[int]) -> Iterator[Any]:
    """Gives what adds the work of the blocks that are left out."""
    spent: dict[nn.Module, Work] = {}

    def begin(block: nn.Module, *_: object) -> None:
        spent[block] = tape.work

    def end(block: nn.Module, *_: object) -> None:
        spent[block] = tape.work - spent[block]

    hooks = [
        hook
        for block in short.blocks
        for hook in (block.register_forward_pre_hook(begin), block.register_forward_hook(end))
    ]
    try:
        yield lambda: sum(
            ((count - 1) * spent[block] for block, count in zip(short.blocks, times, strict=True)), start=Work()
        )
    finally:
        for hook in hooks:
            hook.remove()
