"""A command that is to wait in a queue comes in; what would make it fail after hours of waiting is told at once."""

import os
from collections.abc import Sequence
from pathlib import Path

from sam_seismic.config import Config
from sam_seismic.data.dataset import check_sections_fit
from sam_seismic.errors import ConfigError, UserError
from sam_seismic.files.unfinished import check_output
from sam_seismic.inspection.embedding_estimate import estimate_embeddings
from sam_seismic.inspection.rehearsal import blank_task
from sam_seismic.listener import Listener
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.status import read_status
from sam_seismic.sam.weights import file_hash
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.parts import open_survey
from sam_seismic.tasks.building import find_weights
from sam_seismic.tasks.checkpoint import read_checkpoint
from sam_seismic.workflows.predict import PredictRequest


def check_training(config: Config, output: Path, listener: Listener, *, resume: bool, overwrite: bool) -> None:
    """Open and check all that a training needs.

    Raises:
        UserError: the survey, the weights, the run folder or the disk would stop it.
    """
    folder = RunFolder(output)
    if resume:
        folder.check_resume(config)
    else:
        folder.check_new(overwrite=overwrite)
    _check_writable(output)
    check_encoding(config, listener)


def check_encoding(config: Config, listener: Listener) -> None:
    """Open and check all that filling the embedding store needs.

    Raises:
        UserError: the survey, the weights or the disk would stop it.
    """
    survey = open_survey(config.data)
    check_sections_fit(survey, config.input)
    for name, part in survey.parts.items():
        listener.say(f"{name}: {len(part.sections):,} sections of {part.volume.amplitude.path}")
    weights = find_weights(config.model)
    if weights is not None:
        listener.say(f"weights: {weights}, {file_hash(weights)[:8]}")
    keeps = estimate_embeddings(config, survey, blank_task(config, survey.facies))
    if keeps is not None:
        listener.say(f"embedding store: {keeps.folder}, {keeps.size / 1e9:.1f} GB of {keeps.free / 1e9:.0f} GB free")
        _check_writable(keeps.folder)
        if keeps.warnings:
            raise UserError(problem=keeps.warnings[0], fix="make room, or name another folder in train.store")


def check_prediction(request: PredictRequest, listener: Listener) -> None:
    """Open and check all that a prediction needs.

    Raises:
        UserError: the checkpoint, the volume or an output would stop it.
    """
    card, _ = read_checkpoint(request.checkpoint)
    volume = open_volume(request.input, request.read)
    listener.say(f"checkpoint: {request.checkpoint}, {card.model.size}, {len(card.facies)} classes")
    listener.say(f"input: {volume.path}, {volume.geometry}")
    for path in request.outputs.paths(card.facies):
        check_output(path, overwrite=request.overwrite or request.resume)
        _check_writable(path.parent)


def unfinished(runs: Sequence[Path]) -> list[int]:
    """Which of these run folders hold no finished run."""
    statuses = [read_status(RunFolder(run).status) for run in runs]
    return [number for number, status in enumerate(statuses) if status is None or status.state != "finished"]


def _check_writable(folder: Path) -> None:
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not os.access(there, os.W_OK):
        raise ConfigError(problem=f"{folder}: {there} cannot be written to", fix="choose another folder")
