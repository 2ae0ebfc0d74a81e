"""The measurements of a dry run come in; estimates of the memory that training and prediction need go out.

The estimate includes:

- the weights, with the frozen part of the encoder in half precision if the training is mixed; the gradients of the
  trained parameters (Lightning frees those of the last step only after the next forward pass); and the two moments of
  AdamW, whose update on a GPU in mixed precision needs one more copy of the trained parameters;
- the peak of the activations: those of the frozen part, which are freed after the next block, and those of a training
  step of the rest, forward and backward. On a GPU the fused attention stores no scores. Mixed precision halves the
  activations that autocast converts, and checkpointing saves those that it recomputes;
- filling the embedding store, before gradients and moments exist; the training steps then start from stored features;
- `SLACK` for memory outside of tensors: workspaces of kernels, and fragments that the allocator cannot return;
- `PROGRAM` or `PREDICTING` for Python, PyTorch and Lightning themselves, or `CONTEXT` on a GPU;
- loading: after training, the best checkpoint is loaded beside the trained network and its moments, to draw pictures.
  This takes a second network and the weights in the file, and then the network and the activations of a section.

Sections and volumes are read in small pieces and not counted. Measured on the CPU, peak resident memory of 15
whole trainings (vit_t and vit_b; frozen with and without a store, last_blocks, full, checkpointing, bf16-mixed; square
and tight canvases of 256 and 512 pixels) was 0.92 to 1.13 times the estimate; on a GPU it has not been measured.
"""

from dataclasses import dataclass

from sam_seismic.config import Config
from sam_seismic.inspection.dry_run import PREDICTED_AT_A_TIME, DryRun

PROGRAM, PREDICTING = 560 << 20, 520 << 20
"""Measured resident memory, in bytes, of a training and of a prediction with a tiny network."""
CONTEXT = 500 << 20
"""GPU memory in bytes that CUDA and its libraries occupy."""
SLACK = 1.1
"""Factor on the memory of tensors."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Estimated memory in bytes on one kind of device; `peak` is less than the sum, as not all is in use at once.

    Args:
        weights: the network.
        gradients_and_moments: gradients, and moments of AdamW.
        activations: their peak in one step.
        filling: peak of the run until the embedding store is filled; None without a store.
        peak: peak of the whole run.
    """

    weights: int
    gradients_and_moments: int
    activations: int
    filling: int | None
    peak: int


def training_memory(measured: DryRun, config: Config, *, gpu: bool) -> MemoryEstimate:
    """Memory of training.

    Args:
        measured: dry run of the experiment.
        config: the experiment.
        gpu: whether it runs on one GPU; else on the CPU.
    """
    gradients, moments = measured.trained, 2 * measured.trained
    resident = measured.weights + moments
    frozen_part = 0 if measured.frozen_part is None else measured.frozen_part.peak
    copied = gpu and config.trainer.precision != "32-true"
    step = resident + max(measured.forward.peak + gradients, measured.step.peak, gradients * (2 if copied else 1))
    filling = None
    if config.caches:
        filling = _whole(measured.weights + frozen_part, gpu=gpu)
    else:
        step = max(step, resident + gradients + frozen_part)
    peak = max(_whole(step, gpu=gpu), filling or 0)
    if not gpu:
        drawing = measured.loaded + max(measured.loaded, measured.prediction.peak // PREDICTED_AT_A_TIME)
        peak = max(peak, PROGRAM + resident + drawing)
    return MemoryEstimate(measured.weights, gradients + moments, max(0, step - resident - gradients), filling, peak)


def prediction_memory(measured: DryRun, *, gpu: bool) -> MemoryEstimate:
    """Memory of predicting `PREDICTED_AT_A_TIME` sections at a time; arguments as in `training_memory`."""
    step = measured.loaded + measured.prediction.peak
    whole = CONTEXT + int(SLACK * step) if gpu else PREDICTING + max(int(SLACK * step), 2 * measured.loaded)
    return MemoryEstimate(measured.loaded, 0, measured.prediction.peak, None, whole)


def _whole(step: int, *, gpu: bool) -> int:
    return (CONTEXT if gpu else PROGRAM) + int(SLACK * step)
