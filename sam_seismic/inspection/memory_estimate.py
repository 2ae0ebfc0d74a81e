"""What a rehearsal saw comes in; the memory that training and predicting take goes out.

What is counted:

- weights, the frozen part of the encoder in half precision where the training is mixed; gradients of what is trained
  (Lightning frees the last step's only after the next forward pass), and the two moments of AdamW. In mixed precision
  its update makes one more copy of what is trained on a GPU; else it is one pass over what there is;
- activations at their peak: of the frozen part, which holds nothing beyond the next block, and of a step above it,
  forward and backward. On a GPU a fused kernel holds no scores of attention. Mixed precision halves what autocast
  halves, and checkpointing leaves out what it computes again;
- filling the embedding store, before there are gradients and moments; the steps then begin with what is kept;
- `SLACK` for what no tensor shows: work space of kernels, and what the allocator cannot give back;
- `PROGRAM` or `PREDICTING` for Python, PyTorch and Lightning themselves, or `CONTEXT` on a GPU;
- loading: after training the best checkpoint is loaded beside the trained network and its moments, to draw pictures: a
  network and the file's weights at once, then the network and the activations of a section.

Sections and volumes are read piece by piece and are small beside this. Measured on the CPU, peak resident memory of 15
whole trainings (vit_t and vit_b; frozen with and without a store, last_blocks, full, checkpointing, bf16-mixed; square
and tight canvases of 256 and 512 pixels) was 0.92 to 1.13 times the estimate; on a GPU it has not been measured.
"""

from dataclasses import dataclass

from sam_seismic.config import Config
from sam_seismic.inspection.dry_run import PREDICTED_AT_A_TIME, Rehearsal

PROGRAM, PREDICTING = 560 << 20, 520 << 20
"""Resident memory of a training, and of a prediction, whose network is next to nothing; measured."""
CONTEXT = 500 << 20
"""Of a GPU, that CUDA and its libraries take."""
SLACK = 1.1


@dataclass(frozen=True)
class Peak:
    """Bytes of one way to run on one kind of device; `peak` is no sum, since not all of it is held at once.

    Args:
        weights: of the network.
        training: gradients and moments of AdamW.
        activations: at their peak in one step.
        filling: of the whole run until the embedding store is full; None where there is none.
        peak: of the whole run.
    """

    weights: int
    training: int
    activations: int
    filling: int | None
    peak: int


def training_peak(seen: Rehearsal, config: Config, *, gpu: bool) -> Peak:
    """The memory of training.

    Args:
        seen: what a rehearsal saw of it.
        config: the experiment.
        gpu: whether on one GPU, else on the CPU.
    """
    gradients, moments = seen.trained, 2 * seen.trained
    held = seen.weights + moments
    below = 0 if seen.below is None else seen.below.held
    copied = gpu and config.trainer.precision != "32-true"
    step = held + max(seen.forward.held + gradients, seen.step.held, gradients * (2 if copied else 1))
    filling = None
    if config.caches:
        filling = _whole(seen.weights + below, gpu=gpu)
    else:
        step = max(step, held + gradients + below)
    peak = max(_whole(step, gpu=gpu), filling or 0)
    if not gpu:
        drawing = seen.loaded + max(seen.loaded, seen.prediction.held // PREDICTED_AT_A_TIME)
        peak = max(peak, PROGRAM + held + drawing)
    return Peak(seen.weights, gradients + moments, max(0, step - held - gradients), filling, peak)


def predicting_peak(seen: Rehearsal, *, gpu: bool) -> Peak:
    """The memory of predicting a few sections at a time; arguments as those of `training_peak`."""
    step = seen.loaded + seen.prediction.held
    whole = CONTEXT + int(SLACK * step) if gpu else PREDICTING + max(int(SLACK * step), 2 * seen.loaded)
    return Peak(seen.loaded, 0, seen.prediction.held, None, whole)


def _whole(step: int, *, gpu: bool) -> int:
    return (CONTEXT if gpu else PROGRAM) + int(SLACK * step)
