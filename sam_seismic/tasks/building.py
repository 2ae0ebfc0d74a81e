"""A configuration and its data come in; the task that trains on them goes out, and what it is in words."""

from pathlib import Path

from sam_seismic import __version__
from sam_seismic.config import Config, ModelConfig
from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.data.dataset import describe_canvas
from sam_seismic.sam import build_sam
from sam_seismic.sam.weights import file_hash, official_path
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.methods import count_parameters


def build_task(config: Config, module: SeismicDataModule) -> FaciesSegmentation:
    """The network that a configuration asks for, with its metadata.

    Raises:
        WeightsError: the weights are missing, damaged or of another size.
    """
    weights = find_weights(config.model)
    metadata = CheckpointMetadata(
        data=config.data,
        inputs=config.input,
        model=config.model,
        facies=module.survey.facies,
        scale=module.scale,
        split=tuple(str(part) for part in module.survey.parts.values()),
        weights_hash=None if weights is None else file_hash(weights),
        version=__version__,
    )
    return FaciesSegmentation(build_sam(config.model.size, weights), metadata, config.train)


def find_weights(model: ModelConfig) -> Path | None:
    """The weights file to start from; None for random weights.

    Raises:
        WeightsError: no file is given, and the official one is not in the weights folder.
    """
    if model.weights is None:
        return official_path(model.size)
    return model.weights if isinstance(model.weights, Path) else None


def describe(task: FaciesSegmentation, module: SeismicDataModule) -> list[str]:
    """What is about to be trained on what, a line each."""
    trainable, frozen = count_parameters(task)
    model, inputs, scale = task.metadata.model, task.metadata.inputs, task.metadata.scale
    weights = (
        "random weights: not SAM's"
        if task.metadata.weights_hash is None
        else f"weights {task.metadata.weights_hash[:8]}"
    )
    encoder = model.encoder if model.blocks is None else f"{model.encoder} ({model.blocks})"
    return [
        *(f"note: {note}" for note in module.survey.notes),
        f"classes: {', '.join(task.metadata.facies.names)}",
        *(f"split {part}" for part in module.survey.parts.values()),
        f"amplitudes: {scale.center:g} +- {scale.clip:g} becomes [-1, 1] "
        f"({inputs.clip_percentile:g}th percentile of the training lines)",
        f"canvas: {describe_canvas(inputs)}",
        f"model: {model.size}, {weights}; encoder {encoder}, decoder {model.decoder}",
        f"parameters: {trainable:,} trainable, {frozen:,} frozen",
    ]
