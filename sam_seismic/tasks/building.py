"""A configuration and its data come in; the task that trains on them, and a description of it, go out."""

from dataclasses import dataclass

import lightning

from sam_seismic import __version__
from sam_seismic.config import Config
from sam_seismic.data.canvas import check_sections_fit, describe_canvas
from sam_seismic.data.datamodule import SeismicDataModule, data_module
from sam_seismic.networks import build_network, find_weights
from sam_seismic.sam.weights import file_hash
from sam_seismic.survey.sample_interval import stated_interval_ms
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.finite_numbers import check_finite_weights
from sam_seismic.tuning.parameters import count_parameters


@dataclass(frozen=True, eq=False)
class Prepared:
    """Data and task at the start of a training.

    Args:
        data: batches of the sections of the survey, split into train, val and test.
        task: the network with its loss and scores, on the CPU.
    """

    data: SeismicDataModule
    task: FaciesSegmentation


def prepare(config: Config) -> Prepared:
    """Seed the random generators, open the survey of a configuration, and build its task.

    Raises:
        UserError: the survey or the weights cannot be used as they are, or a section does not fit the canvas.
    """
    lightning.seed_everything(config.train.seed, verbose=False)
    module = data_module(config.data, config.input, batch_size=config.train.batch_size, seed=config.train.seed)
    check_sections_fit(module.survey, config.input)
    return Prepared(module, build_task(config, module))


def build_task(config: Config, module: SeismicDataModule) -> FaciesSegmentation:
    """Build the task of a configuration: its network with initial weights, and the metadata.

    Raises:
        WeightsError: the weights file is missing, damaged, not finite or of another network size.
    """
    weights = find_weights(config.model)
    metadata = CheckpointMetadata(
        data=config.data,
        inputs=config.input,
        model=config.model,
        facies=module.survey.facies,
        scale=module.transform.scale,
        split=tuple(str(part) for part in module.survey.parts.values()),
        weights_hash=None if weights is None else file_hash(weights),
        version=__version__,
        amplitudes=module.distribution,
        sample_interval_ms=stated_interval_ms(module.survey.parts["train"].volume.amplitude),
    )
    network = build_network(config.model, len(metadata.facies), weights=weights)
    check_finite_weights(
        network.state_dict(),
        where=weights or "the network",
        fix="give another file in model.weights, such as one that its training wrote before it diverged",
    )
    return FaciesSegmentation(network, metadata, config.train)


def describe(task: FaciesSegmentation, module: SeismicDataModule) -> list[str]:
    """Describe the task and its data for the log, as lines of text."""
    trainable, frozen = count_parameters(task)
    model, inputs, scale = task.metadata.model, task.metadata.inputs, task.metadata.scale
    weights_hash = task.metadata.weights_hash
    weights = model.weights_words if weights_hash is None else f"weights {weights_hash[:8]}"
    return [
        *(f"note: {note}" for note in (*module.survey.notes, *task.network.notes)),
        f"classes: {', '.join(task.metadata.facies.names)}",
        *(f"split {part}" for part in module.survey.parts.values()),
        f"amplitudes: {scale.center:g} +- {scale.clip:g} becomes [-1, 1] "
        f"({inputs.clip_percentile:g}th percentile of the training lines)",
        f"canvas: {describe_canvas(inputs)}",
        f"model: {model.name}, {weights}; {model.trained_words}",
        f"parameters: {trainable:,} trainable, {frozen:,} frozen",
    ]
