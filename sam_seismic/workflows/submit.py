"""The request of a command comes in and is checked; its batch script and Slurm job go out."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sam_seismic.config import Config
from sam_seismic.config.cells import Experiment
from sam_seismic.data.canvas import check_sections_fit, frame_of
from sam_seismic.errors import ConfigError, UserError
from sam_seismic.files.disk import check_room
from sam_seismic.files.folders import check_new_folder, is_writable, nearest_existing
from sam_seismic.files.unfinished import Start, check_output, check_outputs_disjoint
from sam_seismic.files.units import counted, format_bytes
from sam_seismic.inference.outputs import open_outputs
from sam_seismic.inspection.amplitude_comparison import compare_amplitudes
from sam_seismic.inspection.dry_run import meta_task
from sam_seismic.inspection.embedding_estimate import estimate_embeddings
from sam_seismic.inspection.label_check import check_scored_labels, check_training_labels
from sam_seismic.listener import Listener
from sam_seismic.networks import weights_notes
from sam_seismic.runs.devices import parse_device
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.run_lock import who_uses
from sam_seismic.runs.slurm_job import contradictions
from sam_seismic.runs.slurm_script import JobResources, batch_script, check_program, queue_script
from sam_seismic.runs.status import read_status
from sam_seismic.survey.amplitudes import as_amplitudes
from sam_seismic.survey.contents import survey_contents
from sam_seismic.survey.formats import FORMATS, open_volume
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.labels.pairing import open_pair, open_prediction, sections_to_compare
from sam_seismic.survey.parts import Survey, open_survey
from sam_seismic.survey.volume import Volume
from sam_seismic.tasks.checkpoint import CheckpointMetadata, read_checkpoint
from sam_seismic.tasks.initial_weights import find_initial_weights
from sam_seismic.tasks.loading import refuse_diverged
from sam_seismic.tuning.embedding_store import ANOTHER_STORE
from sam_seismic.workflows.convert import ConvertRequest, open_source
from sam_seismic.workflows.cross_validate import CrossValidationRequest, check_folds
from sam_seismic.workflows.demo import DemoRequest
from sam_seismic.workflows.embed import EmbedRequest, StoreRequest, check_uses_store
from sam_seismic.workflows.evaluate import EvaluationRequest, amplitude_volumes, check_classes, tell_other_data
from sam_seismic.workflows.experiment import ExperimentRequest, check_experiment, next_training
from sam_seismic.workflows.predict import PredictRequest, choose_orientations
from sam_seismic.workflows.score import ScoreRequest
from sam_seismic.workflows.train import TrainRequest, check_run_folder, resume_notes

TRACE_HEADER = 240
"""Size of a SEG-Y trace header in bytes."""


@dataclass(frozen=True)
class SubmitRequest:
    """A command to run as a Slurm job.

    Args:
        command: name of the command, a key of CHECKS.
        arguments: arguments after the name, as typed.
        requests: request of the command's workflow; for a job array, one for each element.
        resources: resources of the job.
        dry_run: create the script without queueing it.
    """

    command: str
    arguments: Sequence[str]
    requests: Sequence[Any]
    resources: JobResources
    dry_run: bool = False


@dataclass(frozen=True)
class Submission:
    """A batch script, and the job number from Slurm; None in a dry run."""

    script: str
    number: str | None


def submit(request: SubmitRequest, listener: Listener) -> Submission:
    """Check the request of the command, create its batch script and queue it.

    Raises:
        UserError: the job would fail, all its runs are finished, or Slurm refuses it.
    """
    resources = request.resources
    _check_writable(Path.cwd(), "the log of the job")
    for note in check_program(resources):
        listener.say(f"note: {note}")
    requests = _one_an_element(request.requests)
    elements = _elements(requests, listener)
    for element in elements:
        CHECKS[request.command](requests[element], resources, listener)
    if len(requests) > 1 and resources.array is None:
        resources = replace(resources, array=",".join(map(str, elements)))
    script = batch_script(resources, [request.command, *request.arguments])
    return Submission(script, None if request.dry_run else queue_script(script))


def _one_an_element(requests: Sequence[Any]) -> Sequence[Any]:
    """The requests of the elements of an array: those that were given, or each fold of a cross-validation."""
    if len(requests) > 1 or not isinstance(requests[0], CrossValidationRequest):
        return requests
    (whole,) = requests
    return [replace(whole, fold=number) for number in whole.surveys]


def _elements(requests: Sequence[Any], listener: Listener) -> list[int]:
    """Positions of the requests to run; of several trainings, those whose run is not finished.

    Raises:
        UserError: all runs are finished.
    """
    if len(requests) == 1:
        return [0]
    finished = [_is_finished(request) for request in requests]
    if all(finished):
        raise UserError(problem="all of these runs are finished", fix="look at them: sam-seismic status runs/*")
    for request, done in zip(requests, finished, strict=True):
        if done:
            which = "" if getattr(request, "fold", None) is None else f"/fold-{request.fold}"
            listener.say(f"{request.output}{which}: finished already, left out")
    return [position for position, done in enumerate(finished) if not done]


def _is_finished(request: TrainRequest | CrossValidationRequest) -> bool:
    """Whether a training is finished; of a cross-validation, whether all folds that it trains are scored."""
    if isinstance(request, CrossValidationRequest):
        return all(request.folder.is_scored(number, request.of_fold(number).config) for number in request.numbers)
    status = read_status(RunFolder(request.output).status)
    return status is not None and status.state == "finished"


def check_training(request: TrainRequest | CrossValidationRequest, resources: JobResources, listener: Listener) -> None:
    """Check all that a training needs, or each training of a cross-validation; see `_check_run`."""
    if isinstance(request, TrainRequest):
        _check_run(request, resources, listener)
        return
    _check_one_task("a cross-validation", resources)
    check_folds(request, listener)
    for number in request.numbers:
        _check_run(request.of_fold(number), resources, listener)


def _check_run(request: TrainRequest, resources: JobResources, listener: Listener) -> None:
    """Check all that a training needs: run folder, devices, survey, weights, embedding store and disk space."""
    check_run_folder(request)
    _check_writable(request.output, "the run")
    if (used := who_uses(RunFolder(request.output))) is not None:
        listener.say(f"note: {request.output}: {used}: the job will be refused if it starts before that one has ended")
    trainer = request.config.trainer
    asked = "but the job asks for"
    wrong = contradictions(trainer, asked, tasks_per_node=resources.tasks_per_node, nodes=resources.nodes)
    if wrong:
        raise ConfigError(
            problem="\n  ".join(wrong),
            fix="leave trainer.devices and trainer.num_nodes out, or change --gpus and --nodes",
        )
    if trainer.accelerator in ("gpu", "cuda") and not resources.gpus:
        raise _no_gpu(f"trainer.accelerator: {trainer.accelerator}", "--set trainer.accelerator=auto")
    if trainer.accelerator == "cpu" and resources.gpus:
        listener.say("note: trainer.accelerator: cpu leaves the GPUs of the job idle; --gpus 0 asks for none")
    survey = _check_experiment(request.config, listener, resumes=request.resume)
    for line in resume_notes(request, survey_contents(survey)) if request.resume else ():
        listener.say(line)


def check_encoding(request: EmbedRequest | StoreRequest, resources: JobResources, listener: Listener) -> None:
    """Check all that filling an embedding store needs: device, survey, weights and disk space."""
    if isinstance(request, StoreRequest):
        raise UserError(
            problem="embed --list and embed --prune take seconds, and are not submitted",
            fix="run them here, or give --config FILE",
        )
    check_uses_store(request.config)
    _check_device(request.device, resources)
    _check_experiment(request.config, listener)


def check_cells(request: ExperimentRequest | Experiment, resources: JobResources, listener: Listener) -> None:
    """Check all that an experiment needs: its cells, their surveys, its folder, and all that its next training needs.

    In an array, each element takes cells that no other one has taken.
    """
    if isinstance(request, Experiment):
        raise UserError(
            problem="experiment --status and experiment --dry-run take seconds, and are not submitted",
            fix="run them here, or leave the option out",
        )
    _check_one_task("experiment", resources)
    _check_writable(request.experiment.output, "the experiment")
    check_experiment(request, listener)
    training = next_training(request)
    if training is None:
        raise UserError(
            problem=f"{request.experiment.output}: no cell is left to run",
            fix="run it here, which writes the results; --retry-failed runs cells again that failed",
        )
    check_training(training, resources, listener)


def check_evaluation(request: EvaluationRequest, resources: JobResources, listener: Listener) -> None:
    """Check all that an evaluation needs: checkpoint, survey, split, device and output folder."""
    _check_one_task("eval", resources)
    _check_device(request.device, resources)
    if request.output is not None:
        check_new_folder(request.output, overwrite=request.overwrite)
        _check_writable(request.output, "the scores")
    metadata = _metadata(request.checkpoint, listener)
    data = request.survey(metadata)
    survey = open_survey(data)
    tell_other_data(metadata, data, survey, request, listener)
    check_classes(survey, metadata.facies.names, listener)
    check_sections_fit(survey, metadata.inputs)
    parts = survey.named(request.split)
    for part in parts:
        listener.say(f"split {part}")
    compare_amplitudes(amplitude_volumes(parts), metadata, listener, rescale=request.rescale)
    check_scored_labels(survey, parts, data, listener)


def check_prediction(request: PredictRequest, resources: JobResources, listener: Listener) -> None:
    """Check all that a prediction needs: checkpoint, volume, device, outputs and disk space."""
    _check_device(request.device, resources)
    metadata = _metadata(request.checkpoint, listener)
    volume = _open_input(request, metadata, listener)
    paths = request.outputs.paths(metadata.facies)
    check_outputs_disjoint(paths)
    replaces = request.overwrite or request.resume
    for path in paths:
        check_output(path, overwrite=replaces)
        _check_writable(path.parent, path.name)
    outputs = open_outputs(request.outputs, volume, metadata.facies, overwrite=replaces, start=Start.ONCE)
    if volume.has_grid and not request.resume:
        results = [output.result for output in outputs]
        _check_room({each.path: _volume_size(volume.geometry, each.dtype, each.path) for each in results})


def check_scoring(request: ScoreRequest, resources: JobResources, listener: Listener) -> None:
    """Check all that a comparison of labels needs: both volumes and the output folder."""
    _check_one_task("score", resources)
    if request.output is not None:
        check_new_folder(request.output, overwrite=request.overwrite)
        _check_writable(request.output, "the scores")
    for path in request.predictions.values():
        if request.truth is None:
            assert request.data is not None, "checked by the command line"
            for part in open_survey(request.data).named(request.split):
                prediction = open_prediction(path, part.volume.amplitude, request.read)
                listener.say(f"{prediction.path}: {part}")
        else:
            truth, prediction = open_pair(request.truth, path, request.read)
            sections = sections_to_compare(truth, prediction)
            listener.say(f"{counted(len(sections), 'section')} of {truth.path} and {prediction.path}")


def check_conversion(request: ConvertRequest, resources: JobResources, listener: Listener) -> None:
    """Check all that a conversion needs: volume, output and disk space."""
    _check_one_task("convert", resources)
    volume = open_source(request)
    listener.say(f"input: {volume.path}, {volume.geometry}")
    _check_writable(request.output.parent, request.output.name)
    if not request.resume:
        _check_room({request.output: _volume_size(volume.geometry, volume.dtype, request.output)})


def check_demo(request: DemoRequest, resources: JobResources, _: Listener) -> None:
    """Check all that the demo needs: the output folder."""
    _check_one_task("demo", resources)
    check_new_folder(request.output, overwrite=request.overwrite)
    _check_writable(request.output, "the demo")


CHECKS: Mapping[str, Callable[[Any, JobResources, Listener], None]] = {
    "train": check_training,
    "embed": check_encoding,
    "experiment": check_cells,
    "eval": check_evaluation,
    "predict": check_prediction,
    "score": check_scoring,
    "convert": check_conversion,
    "demo": check_demo,
}
"""By command that can be submitted: the check of its request, which raises UserError and writes nothing."""


def _check_experiment(config: Config, listener: Listener, *, resumes: bool = False) -> Survey:
    """Check the survey, its labels and the initial weights of an experiment, and the disk space for its store."""
    survey = open_survey(config.data)
    check_sections_fit(survey, config.input)
    for name, part in survey.parts.items():
        listener.say(f"{name}: {counted(len(part.sections), 'section')} of {part.volume.amplitude.path}")
    for note in check_training_labels(survey, config.data, listener, refuse=not resumes):
        listener.say(f"note: {note}")
    if not resumes and (files := find_initial_weights(config.model)).file is not None:
        listener.say(f"weights: {files.file}, {str(files.hash)[:8]}")
        for note in weights_notes(config.model):
            listener.say(f"note: {note}")
    store = estimate_embeddings(config, survey, meta_task(config, survey.facies))
    if store is not None:
        free = format_bytes(store.free)
        listener.say(f"embedding store: {store.folder}, {format_bytes(store.size)} of {free} free")
        _check_writable(store.folder, "the embedding store", ANOTHER_STORE)
        if store.warnings:
            raise UserError(problem=store.warnings[0], fix="make room, or name another folder in train.store")
    return survey


def _metadata(checkpoint: Path, listener: Listener) -> CheckpointMetadata:
    metadata, held = read_checkpoint(checkpoint)
    refuse_diverged(checkpoint, held)
    listener.say(f"checkpoint: {checkpoint}, {metadata.model.name}, {len(metadata.facies)} classes")
    return metadata


def _open_input(request: PredictRequest, metadata: CheckpointMetadata, listener: Listener) -> Volume:
    """Open the volume to predict, and check that it has sections of the orientation and that they fit the canvas."""
    volume = as_amplitudes(open_volume(request.input, request.read))
    listener.say(f"input: {volume.path}, {volume.geometry if volume.has_grid else 'a folder of sections'}")
    orientations, _ = choose_orientations(request, volume, metadata)
    for orientation in orientations:
        frame_of(volume.section_shape(orientation, int(volume.lines(orientation)[0])), metadata.inputs)
    compare_amplitudes([volume], metadata, listener, rescale=request.rescale)
    for note in volume.null_notes:
        listener.say(f"note: {note}")
    return volume


def _check_device(name: str, resources: JobResources) -> None:
    if name != "auto" and parse_device(name).type == "cuda" and not resources.gpus:
        raise _no_gpu(f"--device {name}", "leave --device out")


def _no_gpu(asked: str, other: str) -> ConfigError:
    return ConfigError(problem=f"{asked} needs a GPU, but --gpus 0 asks for none", fix=f"--gpus 1, or {other}")


def _check_one_task(command: str, resources: JobResources) -> None:
    """Refuse several tasks for a command that does not share its work among tasks."""
    tasks = resources.nodes * resources.tasks_per_node
    if tasks > 1:
        raise UserError(
            problem=f"{command} runs as one task, but the job asks for {tasks}",
            fix="leave --nodes out, and give --gpus 1 or --gpus 0",
        )


def _check_writable(folder: Path, what: str, fix: str = "choose another folder") -> None:
    """Refuse a folder, which need not exist yet, in which this user cannot create files."""
    if not is_writable(folder):
        raise UserError(
            problem=f"{folder}: {what} cannot be written there: no permission in {nearest_existing(folder)}",
            fix=fix,
        )


def _check_room(sizes: Mapping[Path, int]) -> None:
    """Refuse files, given with their sizes in bytes, that are larger than the free disk space."""
    by_folder: Counter[Path] = Counter()
    for path, size in sizes.items():
        by_folder[nearest_existing(path.parent)] += size
    for folder, size in by_folder.items():
        what = ", ".join(str(path) for path in sizes if nearest_existing(path.parent) == folder)
        check_room(folder, size, what=what, fix="free some space, or write elsewhere")


def _volume_size(geometry: Geometry, dtype: np.dtype[np.generic], path: Path) -> int:
    """Least number of bytes of a volume on disk; 0 for compressed formats."""
    ending = path.suffix.lower()
    if ending in FORMATS["segy"].suffixes:
        return int(np.count_nonzero(geometry.live)) * (TRACE_HEADER + geometry.samples * dtype.itemsize)
    return (
        math.prod(geometry.shape) * dtype.itemsize
        if ending in (*FORMATS["hdf5"].written, *FORMATS["numpy"].written)
        else 0
    )
