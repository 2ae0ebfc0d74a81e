"""A checkpoint comes in; the task that wrote it goes out, ready to predict."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from sam_seismic.errors import WeightsError
from sam_seismic.files.user_paths import AnyPath
from sam_seismic.networks import Network, build_network
from sam_seismic.tasks.checkpoint import CheckpointMetadata, read_checkpoint
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.finite_numbers import check_finite_weights
from sam_seismic.tasks.initial_weights import whole_state

TASKS: dict[str, type[FaciesSegmentation]] = {"facies": FaciesSegmentation}
"""By the name of the task in the metadata of a checkpoint."""


def load_task(path: AnyPath) -> FaciesSegmentation:
    """Load a trained task from its checkpoint, ready to predict.

    Raises:
        WeightsError: the file is missing, damaged, unsafe or not written by sam-seismic; its weights are not finite or
            do not fit the network in its metadata; or the file of the weights that it does not hold is missing.
    """
    metadata, checkpoint = read_checkpoint(path := Path(path))
    if metadata.task not in TASKS:
        raise WeightsError(
            problem=f"{path}: was trained for {metadata.task}, which this version does not know",
            fix=f"load it with the version of sam-seismic that wrote it, which was {metadata.version}",
        )
    network = saved_network(metadata, checkpoint["state_dict"], path)
    refuse_diverged(path, checkpoint)
    return TASKS[metadata.task](network, metadata).eval().requires_grad_(False)


def saved_network(metadata: CheckpointMetadata, saved: dict[str, Any], path: Path) -> Network:
    """The network of a checkpoint with all of its weights; arguments and errors as of `whole_state`."""
    classes = len(metadata.facies)
    network = build_network(metadata.model, classes, initialise=False)
    try:
        network.load_state_dict(whole_state(metadata, saved, network, path))
    except RuntimeError as error:
        raise WeightsError(
            problem=f"{path}: its weights do not fit {metadata.model.name} with {classes} classes: {error}",
            fix=f"load it with the version of sam-seismic that wrote it, which was {metadata.version}, or train again",
        ) from error
    return network


def refuse_diverged(path: Path, checkpoint: Mapping[str, Any]) -> None:
    """Refuse a checkpoint whose weights are not finite: all that it predicts would be one class.

    Args:
        path: of the checkpoint, for the message.
        checkpoint: what `read_checkpoint` gave.

    Raises:
        WeightsError: a weight is NaN or infinite.
    """
    check_finite_weights(
        {name: tensor for name, tensor in checkpoint["state_dict"].items() if isinstance(tensor, Tensor)},
        where=path,
        fix="give another checkpoint: the training of this one diverged. To train again, lower train.learning_rate, or "
        "set trainer.precision to bf16-mixed or 32-true where it is 16-mixed",
    )
