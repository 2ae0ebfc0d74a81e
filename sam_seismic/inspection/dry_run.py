"""A configuration comes in; its network is run on fake tensors; the memory and the work of each part go out.

The network is built on PyTorch's `meta` device and run on fake tensors, which have shapes but no data, by the code that
trains and predicts: the frozen part of the encoder, one training step of the rest, forward and backward, and one
prediction. A counter records the creation and the release of each storage, and each product. This works for any
network. Where encoder blocks run without gradients, only the first of several equal blocks is run.
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
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.encoder_cut import EncoderCut
from sam_seismic.tuning.store import set_frozen_precision

PREDICTED_AT_A_TIME = 2
"""Default batch size of `predict` and `eval`."""


@dataclass(frozen=True)
class PartCost:
    """Memory and work of one part of a run.

    Args:
        peak: peak memory in bytes, above that at the start of the part.
        work: work of the part.
    """

    peak: int
    work: Work


@dataclass(frozen=True)
class DryRun:
    """Measurements of a run on fake tensors.

    Args:
        weights: bytes of the network during training.
        trained: bytes of the trained parameters, and also of their gradients.
        frozen_part: the frozen part of the encoder, for one batch; None if nothing is frozen.
        forward: forward pass of a training step, from the output of the frozen part.
        step: forward and backward pass of the same step.
        loaded: bytes of the network during prediction.
        prediction: prediction of `PREDICTED_AT_A_TIME` sections.
    """

    weights: int
    trained: int
    frozen_part: PartCost | None
    forward: PartCost
    step: PartCost
    loaded: int
    prediction: PartCost


def dry_run(config: Config, facies: FaciesTable, shape: tuple[int, int], *, gpu: bool) -> DryRun:
    """Run a training step and a prediction on fake tensors.

    Args:
        config: the experiment.
        facies: classes of the survey.
        shape: (samples, traces) of its largest section.
        gpu: whether to count as on one GPU; else as on the CPU.
    """
    task = meta_task(config, facies)
    set_frozen_precision(task.network.cut, config)
    frame = frame_of(shape, config.input)
    cut = frozen_cut(task)
    with _fake_tensors(task, gpu=gpu) as counter:
        weights = counter.live
        frozen_part = None if cut is None else _frozen_cost(counter, cut, frame, count=config.train.batch_size)
        forward, step = _step_cost(counter, task, config, frame)
        trained = sum(each.nbytes for each in task.parameters() if each.requires_grad)
    whole = meta_task(config, facies)
    with _fake_tensors(whole, gpu=gpu) as counter:
        loaded = counter.live
        prediction = _prediction_cost(counter, whole, frame)
    return DryRun(weights, trained, frozen_part, forward, step, loaded, prediction)


def meta_task(config: Config, facies: FaciesTable) -> FaciesSegmentation:
    """The task of a configuration on the `meta` device: parameters have shapes but take no memory."""
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


def frozen_cut(task: FaciesSegmentation) -> EncoderCut | None:
    """The encoder, cut after its frozen part; None if nothing is frozen."""
    cut = task.network.cut
    return None if cut is None or cut.frozen.empty else cut


@contextlib.contextmanager
def _fake_tensors(task: nn.Module, *, gpu: bool) -> Iterator[OpCounter]:
    """Context in which new tensors and the task's parameters are fake, and a counter counts them."""
    with (
        FakeTensorMode(allow_non_fake_inputs=True),
        OpCounter() as counter,
        OnGpu(counter) if gpu else contextlib.nullcontext(),
    ):
        task.to_empty(device="cpu")
        yield counter


def _frozen_cost(counter: OpCounter, cut: EncoderCut, frame: Frame, *, count: int) -> PartCost:
    """Cost of running the frozen part on `count` canvases, which are included."""
    before = counter.live
    images = torch.zeros(count, 3, *frame.canvas_shape)
    with _equal_blocks_once(counter, cut.encoder):
        cut.run_frozen(images[:1], shown=frame.placed_shape)  # caches the tokens of padding
        counter.reset()
        cut.run_frozen(images, shown=frame.placed_shape)
    return PartCost(counter.peak - before, counter.work)


def _step_cost(counter: OpCounter, task: FaciesSegmentation, config: Config, frame: Frame) -> tuple[PartCost, PartCost]:
    """Cost of a training step from stored features, or from canvases if nothing is frozen: (forward, whole step)."""
    count, cut, before = config.train.batch_size, frozen_cut(task), counter.live
    if cut is None:
        images = tuple(torch.zeros(3, *frame.canvas_shape) for _ in range(count))
        kind: type[Batch] = CanvasBatch
    else:
        dtype = torch.float16 if config.caches else cut.dtype
        images = tuple(torch.zeros(cut.feature_shape(frame.canvas_shape), dtype=dtype) for _ in range(count))
        kind = EmbeddingBatch
    labels = tuple(torch.zeros(frame.section_shape, dtype=torch.uint8) for _ in range(count))
    batch = _batch(kind, images, frame, labels)
    counter.reset()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.trainer.precision != "32-true"):
        loss = task.loss(task.section_logits(batch), batch)
    forward = PartCost(counter.peak - before, counter.work)
    # From the edge, since loss.backward() would leave `OnGpu`: checkpointed blocks would be recomputed as on the CPU.
    torch.autograd.backward(get_gradient_edge(loss), torch.ones_like(loss))
    return forward, PartCost(counter.peak - before, counter.work)


def _prediction_cost(counter: OpCounter, task: FaciesSegmentation, frame: Frame) -> PartCost:
    before = counter.live
    images = tuple(torch.zeros(3, *frame.canvas_shape) for _ in range(PREDICTED_AT_A_TIME))
    counter.reset()
    with torch.no_grad(), _equal_blocks_once(counter, task):
        for logits in task.section_logits(_batch(CanvasBatch, images, frame)):
            logits.softmax(dim=0)
    return PartCost(counter.peak - before, counter.work)


class _RunOnce(nn.Module):
    """Runs one block of each kind and input shape; for an equal block it only adds the same work.

    Args:
        block: a block that runs without gradients, so that it holds no memory after its call.
        costs: work by kind, shared by the blocks of a network.
        counter: the work is added to it.
    """

    def __init__(self, block: nn.Module, costs: dict[Hashable, Work], counter: OpCounter) -> None:
        super().__init__()
        self.block = block
        self._kind = (type(block), *(tuple(each.shape) for each in block.parameters()))
        self._costs, self._counter = costs, counter

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens -> tokens of the same shape."""
        kind = (self._kind, tuple(tokens.shape), tokens.dtype)
        before = self._counter.work
        if kind in self._costs:
            skipped = torch.empty_like(tokens)
            self._counter.work = before + self._costs[kind]  # which has the bytes of the result already
            return skipped
        out: torch.Tensor = self.block(tokens)
        self._costs[kind] = self._counter.work - before
        return out


@contextlib.contextmanager
def _equal_blocks_once(counter: OpCounter, network: nn.Module) -> Iterator[None]:
    """Context in which only the first of several equal encoder blocks is run: large blocks take seconds each."""
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
    """A batch of sections with one frame and arbitrary line numbers."""
    count = len(images)
    return kind(images, (frame,) * count, (SectionRef(Orientation.INLINE, 0),) * count, labels)
