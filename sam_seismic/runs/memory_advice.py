"""An out-of-memory error of PyTorch comes in; a UserError that lists options which need less memory goes out."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from sam_seismic.config import Config, InputConfig, Precision
from sam_seismic.errors import UserError
from sam_seismic.tasks.checkpoint import CheckpointMetadata

_GPU = (
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "MPS backend out of memory",
)
_CPU = ("DefaultCPUAllocator: can't allocate memory", "DefaultCPUAllocator: not enough memory")
"""Parts of the messages of out-of-memory errors, by which they differ from other RuntimeErrors."""


@contextmanager
def memory_advice(remedies: Sequence[str]) -> Iterator[None]:
    """Inside, an out-of-memory error becomes a UserError with these remedies as its fix.

    Args:
        remedies: options that need less memory, in the order to try them.

    Raises:
        UserError: memory ran out.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        where = _where(error)
        if where is None:
            raise
        advice = UserError(problem=f"out of memory on {where}{_asked_for(str(error))}", fix=_listed(remedies))
        for note in getattr(error, "__notes__", []):  # about finished steps that --resume uses
            advice.add_note(note)
        raise advice from error


def training_remedies(config: Config, *, encoding: int | None = None) -> list[str]:
    """Options of the command line that lower the memory of a training and are not set yet.

    Args:
        config: the experiment.
        encoding: sections at a time, if sections are only encoded; None for a training.
    """
    model, trains = config.model, encoding is None
    option, batch_size = ("--set train.batch_size=", config.train.batch_size) if trains else ("--batch-size ", encoding)
    remedies = _smaller_batch(option, batch_size or 1)
    remedies += [f"--set {change}" for change in _smaller_input(config.input)]
    if config.trainer.precision == "32-true":
        remedies.append("--set trainer.precision=bf16-mixed")
    if trains:
        remedies += [f"--set {change}" for change in model.lighter]
    if model.freezes and not config.caches:
        jitters = config.input.jitter and not config.input.jittered_copies
        remedies.append("--set train.cache=true" + (" --set input.jittered_copies=3" if jitters else ""))
    return remedies + [f"--set {change}" for change in model.smaller]


def predicting_remedies(
    metadata: CheckpointMetadata, *, batch_size: int, precision: Precision, device: torch.device
) -> list[str]:
    """Options that lower the memory of a prediction or an evaluation and are not set yet.

    Args:
        metadata: of the checkpoint; its canvas and its model can only be changed by another training.
        batch_size: sections at a time.
        precision: of the image encoder.
        device: that computes.
    """
    remedies = _smaller_batch("--batch-size ", batch_size)
    remedies += ["--precision bf16"] if precision == "32" else []
    remedies += ["--device cpu"] if device.type != "cpu" else []
    trained = [*_smaller_input(metadata.inputs), *metadata.model.smaller]
    return remedies + [f"a checkpoint that was trained with --set {change}" for change in trained]


def _smaller_batch(option: str, batch_size: int) -> list[str]:
    return [f"{option}{batch_size // 2}"] if batch_size > 1 else []


def _smaller_input(inputs: InputConfig) -> list[str]:
    if inputs.canvas == "square":
        return ["input.canvas=tight"]
    return [f"input.side={inputs.side // 32 * 16}"] if inputs.fit == "resize" and inputs.side >= 512 else []


def _where(error: RuntimeError | MemoryError) -> str | None:
    """Which memory ran out; None for any other error."""
    text = str(error)
    if isinstance(error, MemoryError) or any(part in text for part in _CPU):
        return "this machine"
    return "the GPU" if isinstance(error, torch.OutOfMemoryError) or any(part in text for part in _GPU) else None


def _asked_for(text: str) -> str:
    """The size of the allocation that failed, if the message has it."""
    found = re.search(r"[Tt]ried to allocate ([\d.]+) (bytes|[KMGT]iB)", text)
    if found is None:
        return ""
    amount = f"{int(found[1]) / 2**30:.2f} GiB" if found[2] == "bytes" else f"{found[1]} {found[2]}"
    return f": {amount} more were needed"


def _listed(remedies: Sequence[str]) -> str:
    if not remedies:
        return "use a machine with more memory: all options that need less are set already"
    if len(remedies) == 1:
        return remedies[0]
    return f"try these in turn, until it fits: {'; '.join(remedies)}"
