"""A configuration and its data come in; the task that trains on them, and a description of it, go out."""

from dataclasses import dataclass, replace
from pathlib import Path

import lightning

from sam_seismic import __version__
from sam_seismic.config import Config
from sam_seismic.data.canvas import check_sections_fit, describe_canvas
from sam_seismic.data.datamodule import SeismicDataModule, data_module
from sam_seismic.errors import ConfigError
from sam_seismic.survey.contents import survey_contents
from sam_seismic.survey.sample_interval import stated_interval_ms
from sam_seismic.tasks.checkpoint import CheckpointMetadata, read_checkpoint
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.finite_numbers import check_finite_weights
from sam_seismic.tasks.initial_weights import find_initial_weights, initial_network, warm_start_lines
from sam_seismic.tasks.loading import saved_network
from sam_seismic.tuning.parameters import count_parameters


@dataclass(frozen=True, eq=False)
class Prepared:
    """Data and task at the start of a training.

    Args:
        data: batches of the sections of the survey, split into train, val and test.
        task: the network with its loss and scores, on the CPU.
        start: what the network took from `model.init_from`, a line each; empty if it is not set.
    """

    data: SeismicDataModule
    task: FaciesSegmentation
    start: tuple[str, ...] = ()


def prepare(config: Config, *, resume_from: Path | None = None) -> Prepared:
    """Seed the random generators, open the survey of a configuration, and build its task.

    Args:
        config: the experiment.
        resume_from: a checkpoint of the same experiment, whose weights the task has; None for the initial weights.

    Raises:
        UserError: the survey or the weights cannot be used as they are, or a section does not fit the canvas.
    """
    lightning.seed_everything(config.train.seed, verbose=False)
    module = data_module(config.data, config.input, batch_size=config.train.batch_size, seed=config.train.seed)
    check_sections_fit(module.survey, config.input)
    if resume_from is not None:
        return Prepared(module, _resumed_task(config, module, resume_from))
    return _prepared(config, module)


def build_task(config: Config, module: SeismicDataModule) -> FaciesSegmentation:
    """Build the task of a configuration: its network with initial weights, and the metadata.

    Raises:
        WeightsError: the weights file is missing, damaged, not finite or of another network size.
    """
    return _prepared(config, module).task


def _prepared(config: Config, module: SeismicDataModule) -> Prepared:
    files = find_initial_weights(config.model)
    metadata = _metadata(config, module, files.hash)
    network, start = initial_network(config.model, metadata.facies.names, files)
    if files.file is None and not all(map(network.saves, network.state_dict())):
        raise ConfigError(
            problem=f"{config.model.trained_words}: checkpoints would lack random weights, which are in no other file",
            fix="give model.weights or model.init_from",
        )
    check_finite_weights(
        network.state_dict(),
        where=files.file or "the network",
        fix="start from another file, such as one that its training wrote before it diverged",
    )
    lines = () if start is None else tuple(warm_start_lines(start, files, config.model))
    return Prepared(module, FaciesSegmentation(network, metadata, config.train), lines)


def _resumed_task(config: Config, module: SeismicDataModule, path: Path) -> FaciesSegmentation:
    saved, checkpoint = read_checkpoint(path)
    check_finite_weights(
        checkpoint["state_dict"],
        where=path,
        fix="its training diverged: train anew, with --overwrite and a lower train.learning_rate",
    )
    network = saved_network(replace(saved, model=config.model), checkpoint["state_dict"], path)
    return FaciesSegmentation(network, _metadata(config, module, saved.weights_hash), config.train)


def _metadata(config: Config, module: SeismicDataModule, weights_hash: str | None) -> CheckpointMetadata:
    return CheckpointMetadata(
        data=config.data,
        inputs=config.input,
        model=config.model,
        facies=module.survey.facies,
        scale=module.transform.scale,
        split=tuple(str(part) for part in module.survey.parts.values()),
        weights_hash=weights_hash,
        version=__version__,
        amplitudes=module.distribution,
        sample_interval_ms=stated_interval_ms(module.survey.parts["train"].volume.amplitude),
        contents=survey_contents(module.survey),
    )


def describe(prepared: Prepared) -> list[str]:
    """Describe the task and its data for the log, as lines of text."""
    task, module = prepared.task, prepared.data
    trainable, frozen = count_parameters(task)
    model, inputs, scale = task.metadata.model, task.metadata.inputs, task.metadata.scale
    weights_hash = task.metadata.weights_hash
    weights = model.weights_words if weights_hash is None else f"weights {weights_hash[:8]}"
    anew = "; fitted anew, whatever the scale of init_from was" if prepared.start else ""
    return [
        *(f"note: {note}" for note in (*module.survey.notes, *task.network.notes)),
        f"classes: {', '.join(task.metadata.facies.names)}",
        *(f"split {part}" for part in module.survey.parts.values()),
        f"amplitudes: {scale.center:g} +- {scale.clip:g} becomes [-1, 1] "
        f"({inputs.clip_percentile:g}th percentile of the training lines{anew})",
        f"canvas: {describe_canvas(inputs)}",
        *prepared.start,
        f"model: {model.name}, {weights}; {model.trained_words}",
        f"parameters: {trainable:,} trainable, {frozen:,} frozen",
    ]
