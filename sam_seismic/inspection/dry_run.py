"""A configuration comes in; its network is run without content; the memory and the work of each part go out.

The network is built on PyTorch's `meta` device and run on fake tensors, which have shapes but no content, through the
very code that trains and predicts: the frozen part of the encoder, one step of training above it, forward and backward,
and one prediction. A counter notes each storage as it is made and as it goes, and each product. Any network can be run
so. Of encoder blocks that run without gradients, which hold nothing, those that are alike are run once.
"""

import contextlib
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd.graph import get_gradient_edge

from sam_seismic.config import Config
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.batches import Batch, CanvasBatch, EmbeddingBatch
from sam_seismic.data.canvas import frame_of
from sam_seismic.data.frame import Frame
from sam_seismic.inspection.op_counter import OnGpu, OpCounter, Work
from sam_seismic.networks import build_network
from sam_seismic.sam import BlockEncoder
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.volume import Orientation
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.encoder_cut import EncoderCut
from sam_seismic.tuning.store import set_frozen_precision

PREDICTED_AT_A_TIME = 2
"""Sections that `predict` and `eval` take at a time unless told otherwise."""


@dataclass(frozen=True)
class PartCost:
    """What one part of a run takes.

    Args:
        held: bytes at its peak, beside what was there before.
        work: all of it.
    """

    held: int
    work: Work


@dataclass(frozen=True)
class Rehearsal:
    """What a run of the network without content showed.

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
    below: PartCost | None
    forward: PartCost
    step: PartCost
    loaded: int
    prediction: PartCost


def rehearse(config: Config, facies: FaciesTable, shape: tuple[int, int], *, gpu: bool) -> Rehearsal:
    """Run a training step and a prediction without content.

    Args:
        config: the experiment.
        facies: its classes.
        shape: (samples, traces) of its largest section.
        gpu: whether on one GPU, else on the CPU.
    """
    task = blank_task(config, facies)
    set_frozen_precision(task.network.cut, config)
    frame = frame_of(shape, config.input)
    kept = kept_part(task)
    with _faked(task, gpu=gpu) as counter:
        weights = counter.live
        below = None if kept is None else _frozen_cost(counter, kept, frame, count=config.train.batch_size)
        forward, step = _step_cost(counter, task, config, frame)
        trained = sum(each.nbytes for each in task.parameters() if each.requires_grad)
    whole = blank_task(config, facies)
    with _faked(whole, gpu=gpu) as counter:
        loaded = counter.live
        prediction = _prediction_cost(counter, whole, frame)
    return Rehearsal(weights, trained, below, forward, step, loaded, prediction)


def blank_task(config: Config, facies: FaciesTable) -> FaciesSegmentation:
    """The network that a configuration asks for, without content: its parameters can be counted, and take no room."""
    with torch.device("meta"):
        network = build_network(config.model, len(facies))
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
    return FaciesSegmentation(network, metadata, config.train)


def kept_part(task: FaciesSegmentation) -> EncoderCut | None:
    """The encoder, cut above its frozen part; None where nothing is frozen."""
    cut = task.network.cut
    return None if cut is None or cut.frozen.empty else cut


@contextlib.contextmanager
def _faked(task: nn.Module, *, gpu: bool) -> Iterator[OpCounter]:
    """Inside, tensors have no content, the task is one of them, and a counter counts them."""
    with (
        FakeTensorMode(allow_non_fake_inputs=True),
        OpCounter() as counter,
        OnGpu(counter) if gpu else contextlib.nullcontext(),
    ):
        task.to_empty(device="cpu")
        yield counter


def _frozen_cost(counter: OpCounter, cut: EncoderCut, frame: Frame, *, count: int) -> PartCost:
    """The frozen part of the encoder, for a few canvases, which are counted too."""
    before = counter.live
    images = torch.zeros(count, 3, *frame.canvas_shape)
    with _equal_blocks_once(counter, cut.encoder):
        cut.run_frozen(images[:1], shown=frame.placed_shape)  # what is padding is remembered from then on
        counter.start_again()
        cut.run_frozen(images, shown=frame.placed_shape)
    return PartCost(counter.peak - before, counter.work)


def _step_cost(counter: OpCounter, task: FaciesSegmentation, config: Config, frame: Frame) -> tuple[PartCost, PartCost]:
    """A step of training from what is kept, or from canvases where nothing is frozen: (forward, all of it)."""
    count, cut, before = config.train.batch_size, kept_part(task), counter.live
    if cut is None:
        images = tuple(torch.zeros(3, *frame.canvas_shape) for _ in range(count))
        kind: type[Batch] = CanvasBatch
    else:
        dtype = torch.float16 if config.caches else cut.dtype
        images = tuple(torch.zeros(cut.feature_shape(frame.canvas_shape), dtype=dtype) for _ in range(count))
        kind = EmbeddingBatch
    labels = tuple(torch.zeros(frame.section_shape, dtype=torch.uint8) for _ in range(count))
    batch = _batch(kind, images, frame, labels)
    counter.start_again()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.trainer.precision != "32-true"):
        loss = task.loss(task.section_logits(batch), batch)
    forward = PartCost(counter.peak - before, counter.work)
    # With the loss itself `OnGpu` would be left, and blocks that are computed again would be on the CPU.
    torch.autograd.backward(get_gradient_edge(loss), torch.ones_like(loss))
    return forward, PartCost(counter.peak - before, counter.work)


def _prediction_cost(counter: OpCounter, task: FaciesSegmentation, frame: Frame) -> PartCost:
    before = counter.live
    images = tuple(torch.zeros(3, *frame.canvas_shape) for _ in range(PREDICTED_AT_A_TIME))
    counter.start_again()
    with torch.no_grad(), _equal_blocks_once(counter, task):
        for logits in task.section_logits(_batch(CanvasBatch, images, frame)):
            logits.softmax(dim=0)
    return PartCost(counter.peak - before, counter.work)


class _RunOnce(nn.Module):
    """Runs a block once for each kind of block and of input; for equal ones it adds what that took.

    Args:
        block: that holds nothing beyond its call: it runs without gradients.
        costs: by kind, shared by the blocks of a network.
        counter: is told of the work.
    """

    def __init__(self, block: nn.Module, costs: dict[Hashable, Work], counter: OpCounter) -> None:
        super().__init__()
        self.block = block
        self._kind = (type(block), *(tuple(each.shape) for each in block.parameters()))
        self._costs, self._counter = costs, counter

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens -> tokens of the same shape."""
        kind = (self._kind, tuple(tokens.shape), tokens.dtype)
        if kind in self._costs:
            self._counter.work += self._costs[kind]
            return torch.empty_like(tokens)
        before = self._counter.work
        out: torch.Tensor = self.block(tokens)
        self._costs[kind] = self._counter.work - before
        return out


@contextlib.contextmanager
def _equal_blocks_once(counter: OpCounter, network: nn.Module) -> Iterator[None]:
    """Inside, of the blocks of an encoder that are alike only the first is run: large ones take seconds each."""
    encoders = [module for module in network.modules() if isinstance(module, BlockEncoder)]
    whole = [encoder.blocks for encoder in encoders]
    costs: dict[Hashable, Work] = {}
    for encoder in encoders:
        encoder.blocks = nn.ModuleList(_RunOnce(block, costs, counter) for block in encoder.blocks)
    try:
        yield
    finally:
        for encoder, blocks in zip(encoders, whole, strict=True):
            encoder.blocks = blocks


def _batch(
    kind: type[Batch], images: tuple[torch.Tensor, ...], frame: Frame, labels: tuple[torch.Tensor, ...] = ()
) -> Batch:
    """Sections of one frame, whose numbers do not matter."""
    count = len(images)
    return kind(images, (frame,) * count, (SectionRef(Orientation.INLINE, 0),) * count, labels)
