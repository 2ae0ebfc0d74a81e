"""A network and its batches come in, as sizes alone; the memory that training and predicting take goes out.

The network is built on PyTorch's `meta` device and walked with fake tensors, which have shapes but no content: one
training step, forward and backward, and one prediction, through the very code that trains and predicts. A tape notes
each storage as it is made and as it goes, so whatever a method keeps for its backward pass is counted without a formula
of its own. What is counted:

- weights, gradients of what is trained (Lightning frees the last step's only after the next forward pass), and the two
  moments of AdamW; on a GPU its update makes one more copy of what is trained;
- activations at their peak: on the CPU, attention with a trained position bias holds its scores, heads x tokens^2, in
  every block; without gradients only the bias itself is held. On a GPU a fused kernel holds the bias, its gradient, and
  no scores. Mixed precision halves what autocast halves;
- `SLACK` for what no tensor shows: work space of kernels, and what the allocator cannot give back;
- `PROGRAM` or `PREDICTING` for Python, PyTorch and Lightning themselves, or `CONTEXT` on a GPU;
- loading: the network and the file's weights at once; after training the best checkpoint is loaded beside the trained
  network and its moments, to draw pictures.

Sections and volumes are read piece by piece and are small beside this. Measured on the CPU, peak resident memory of
whole trainings and predictions was 0.85 to 1.08 times the estimate; on a GPU it has not been measured.
"""

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sam_seismic.config import Config
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.dataset import Batch, fitted
from sam_seismic.sam import build_sam
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.tasks.checkpoint import Card
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.losses import facies_loss

PROGRAM, PREDICTING = 680 << 20, 520 << 20
"""Resident memory of a training, and of a prediction, whose network is next to nothing; measured."""
CONTEXT = 500 << 20
"""Of a GPU, that CUDA and its libraries take."""
SLACK = 1.1
PREDICTED_AT_A_TIME = 2
"""Sections that `predict` and `eval` take at a time unless told otherwise."""


@dataclass(frozen=True)
class Peak:
    """Bytes of one way to run on one kind of device; `peak` is no sum, since not all of it is held at once.

    Args:
        weights: of the network.
        training: gradients and moments of AdamW.
        activations: at their peak in one step.
        peak: of the whole run.
    """

    weights: int
    training: int
    activations: int
    peak: int


def blank_task(config: Config, facies: FaciesTable) -> FaciesSegmentation:
    """The network that a configuration asks for, without content: its parameters can be counted, and take no room."""
    with torch.device("meta"):
        sam = build_sam(config.model.size)
    card = Card(
        data=config.data,
        inputs=config.input,
        model=config.model,
        facies=facies,
        scale=AmplitudeScale(0.0, 1.0),
        split=(),
        weights_hash=None,
        version="",
    )
    return FaciesSegmentation(sam, card, config.train)


def training_peak(config: Config, facies: FaciesTable, shape: tuple[int, int], *, gpu: bool) -> Peak:
    """The memory of training.

    Args:
        config: the experiment.
        facies: its classes.
        shape: (samples, traces) of its largest section.
        gpu: whether on one GPU, else on the CPU.
    """
    task = blank_task(config, facies)
    batch = config.train.batch_size
    with _faked(task, gpu=gpu) as tape:
        trained = [parameter for parameter in task.parameters() if parameter.requires_grad]
        weights = tape.live
        moments = [torch.zeros_like(parameter) for parameter in trained for _ in range(2)]
        gradients = sum(parameter.nbytes for parameter in trained)
        fixed = tape.live
        samples = _blank_batch(config, [shape] * batch)
        with _precision(config):
            loss = _loss(task, samples)
        forward = tape.peak + gradients
        loss.backward()  # type: ignore[no-untyped-call]
        step = max(forward, tape.peak, fixed + gradients * (2 if gpu else 1))
        del moments
    held = fixed - weights + gradients
    loading = fixed + 2 * weights  # of the best checkpoint, for the pictures; more than the first loading took
    whole = CONTEXT + int(SLACK * step) if gpu else PROGRAM + max(int(SLACK * step), loading)
    return Peak(weights, held, max(0, step - fixed - gradients), whole)


def predicting_peak(config: Config, facies: FaciesTable, shape: tuple[int, int], *, gpu: bool) -> Peak:
    """The memory of predicting a few sections at a time; arguments as those of `training_peak`."""
    task = blank_task(config, facies)
    with _faked(task, gpu=gpu) as tape:
        weights = tape.live
        samples = _blank_batch(config, [shape] * PREDICTED_AT_A_TIME)
        with torch.no_grad():
            for logits in task.logits_of(samples.images, samples.frames):
                logits.softmax(dim=0)
        step = tape.peak
    whole = CONTEXT + int(SLACK * step) if gpu else PREDICTING + max(int(SLACK * step), 2 * weights)
    return Peak(weights, 0, step - weights, whole)


def _loss(task: FaciesSegmentation, batch: Batch) -> Tensor:
    logits = task.section_logits(batch)
    voxels = torch.cat([section.flatten(1) for section in logits], dim=1)  # [class, voxels of the batch]
    labels = torch.cat([label.flatten() for label in batch.labels])
    return facies_loss(voxels, labels, dice_weight=1.0)


def _blank_batch(config: Config, shapes: Sequence[tuple[int, int]]) -> Batch:
    frames = tuple(fitted(shape, config.input) for shape in shapes)
    labels = tuple(torch.zeros(shape, dtype=torch.uint8) for shape in shapes)
    images = tuple(torch.zeros(3, *frame.canvas_shape) for frame in frames)
    return Batch(images, frames, labels, tuple("" for _ in shapes))


def _precision(config: Config) -> contextlib.AbstractContextManager[Any]:
    mixed = config.trainer.precision != "32-true"
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=mixed)


@contextlib.contextmanager
def _faked(task: nn.Module, *, gpu: bool) -> Iterator["Tape"]:
    """Inside, tensors have no content, the task is one of them, and a tape counts them."""
    fused = FusedAttention() if gpu else contextlib.nullcontext()
    with FakeTensorMode(allow_non_fake_inputs=True), Tape() as tape, fused:
        task.to_empty(device="cpu")
        yield tape


class Tape(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors that are made inside: those that live now, and the most that did."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = 0
        self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, Tensor):
                self._note(each)
        return made

    def _note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        size = storage.nbytes()
        self._known.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size


class FusedAttention(TorchFunctionMode):
    """Attention that holds what a fused GPU kernel holds: its inputs, its output, and no scores."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        given = kwargs or {}
        if func is nn.functional.scaled_dot_product_attention:
            return _Fused.apply(*args, given.get("attn_mask"))  # type: ignore[no-untyped-call]
        return func(*args, **given)


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        out = torch.empty_like(q)
        ctx.save_for_backward(q, k, v, bias, out)
        return out

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> Any:
        q, k, v, bias, _out = ctx.saved_tensors
        return tuple(None if each is None else torch.empty_like(each) for each in (q, k, v, bias))
