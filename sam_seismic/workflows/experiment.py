"""An experiment comes in; its cells are trained and scored, one after the other, and their comparison goes out."""

import errno
import gc
import os
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sam_seismic import __version__
from sam_seismic.config.cells import Cell, Experiment
from sam_seismic.errors import StoppedError, UserError
from sam_seismic.files.atomic import write_text
from sam_seismic.inspection.dry_run import meta_task
from sam_seismic.listener import Listener, OnlyNotes
from sam_seismic.runs.cell_folder import CellFacts, CellFolder, CellTimes, folders_of, strangers
from sam_seismic.runs.cell_results import Results, costs_of, read_results, write_csv, write_results
from sam_seismic.runs.devices import device_name
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.status import read_status
from sam_seismic.scoring.observations import Spread
from sam_seismic.survey.parts import Survey, open_survey
from sam_seismic.tasks.checkpoint import read_checkpoint
from sam_seismic.tuning.parameters import count_parameters
from sam_seismic.workflows.embed import EmbedRequest, embed
from sam_seismic.workflows.evaluate import EvaluationRequest, check_classes, evaluate
from sam_seismic.workflows.train import TrainRequest, train

ELEMENT = "SLURM_ARRAY_TASK_ID"
"""The element of a Slurm array; each begins with another cell."""
PLAN = "experiment.yaml"
"""Copy of the experiment's YAML in its folder, by which the folder is known."""
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class ExperimentRequest:
    """What to run.

    Args:
        experiment: with all its cells.
        retry_failed: run cells again that failed.
        overwrite: train cells anew whose configuration has changed.
    """

    experiment: Experiment
    retry_failed: bool = False
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class ExperimentOutcome:
    """How an experiment stands after this process has run what it could.

    Args:
        results: of the done cells.
        costs: by method: trainable parameters, and seconds that a training took.
        failed: names of the cells that failed, with the first line of their error.
        elsewhere: names of cells that other processes run.
        files: that were written.
    """

    results: Results
    costs: dict[str, tuple[int, Spread]]
    failed: dict[str, str]
    elsewhere: tuple[str, ...]
    files: tuple[Path, ...]


def run_experiment(request: ExperimentRequest, listener: Listener) -> ExperimentOutcome:
    """Run the cells that are not done, in their order, and write the results of all that are.

    A cell that fails leaves its error in its folder, and the others go on. Several processes may run one experiment:
    each takes cells that no other one has taken.

    Raises:
        UserError: a survey of the experiment cannot be used, cells were made with another configuration, or the folder
            holds something else.
        StoppedError: a signal stopped it.
    """
    experiment = request.experiment
    check_experiment(request, listener)
    experiment.output.mkdir(parents=True, exist_ok=True)
    write_text(experiment.output / PLAN, experiment.file.read_text(encoding="utf-8"))
    ran = 0
    folders = folders_of(experiment)
    for folder in _rotated(folders):
        with folder.taken() as ours:
            if not ours or not _is_due(folder, request):
                continue
            listener.say(f"cell {folders.index(folder) + 1} of {len(folders)}: {folder.cell.name}")
            _attempt(folder, listener)
        ran += 1
        _release_memory()
        write_csv(experiment.output / "results.csv", experiment, read_results(experiment))
    listener.say(f"{ran} of {len(folders)} cells were run now")
    return _outcome(experiment, folders)


def check_experiment(request: ExperimentRequest, listener: Listener) -> None:
    """Check the folder of an experiment, and that its surveys open and have the classes that are asked for.

    Raises:
        UserError: the folder holds something else, cells were made with another configuration, a survey cannot be
            opened, or another survey has other classes.
    """
    experiment = request.experiment
    _check_folder(experiment.output)
    for name in strangers(experiment):
        listener.say(f"note: {experiment.output / 'cells' / name}: is no cell of this experiment, and is left alone")
    folders = folders_of(experiment)
    changed = {folder.cell.name: changes for folder in folders if (changes := folder.changes())}
    if changed and not request.overwrite:
        rows = "\n".join(f"  {name}: {'; '.join(each[:3])}" for name, each in list(changed.items())[:10])
        raise UserError(
            problem=f"{experiment.output}: {len(changed)} of {len(folders)} cells were made with another "
            f"configuration:\n{rows}",
            fix="change the YAML back, give another --output, or add --overwrite to train these cells anew",
        )
    surveys: dict[str, Survey] = {}
    for folder in folders:
        if folder.is_done():
            continue
        cell = folder.cell
        key = cell.config.data.model_copy(update={"share": 1.0}).model_dump_json()
        if key not in surveys:
            surveys[key] = open_survey(cell.config.data)
            surveys[key].named(experiment.plan.evaluate.split)
            _check_cross(experiment, cell, surveys[key], listener)


def _check_folder(output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise UserError(problem=f"{output}: is a file", fix="give a folder as --output")
    if output.is_dir() and any(output.iterdir()) and not (output / PLAN).is_file():
        raise UserError(problem=f"{output}: holds files, but no experiment", fix="choose another --output")


def _check_cross(experiment: Experiment, cell: Cell, survey: Survey, listener: Listener) -> None:
    """Refuse other surveys whose classes are not those of a cell."""
    for other in experiment.cross.values():
        theirs = open_survey(other.of(cell))
        check_classes(theirs, survey.facies.names, listener)
        theirs.named(other.how.split)


def _rotated(folders: Sequence[CellFolder]) -> list[CellFolder]:
    """The folders in their order; element n of a Slurm array begins with the n-th, where not all file systems lock."""
    element = os.environ.get(ELEMENT)
    start = 0 if element is None else int(element) % len(folders)
    return [*folders[start:], *folders[:start]]


def next_training(request: ExperimentRequest) -> TrainRequest | None:
    """The training of the first cell that is not done; None where none is left."""
    for folder in folders_of(request.experiment):
        if not folder.is_done() and (request.retry_failed or not folder.error.is_file()):
            return _training(folder)
    return None


def _is_due(folder: CellFolder, request: ExperimentRequest) -> bool:
    """Whether a cell is to be run; what an earlier attempt left in its way is removed."""
    if folder.is_done() or (folder.error.is_file() and not request.retry_failed):
        return False
    folder.error.unlink(missing_ok=True)
    if folder.changes():
        folder.marker.unlink(missing_ok=True)
    return True


def _attempt(folder: CellFolder, listener: Listener) -> None:
    """Run a cell; if it fails, leave the reason in its folder.

    Raises:
        StoppedError: a signal stopped it.
        OSError: the disk is full, which no other cell would mend.
    """
    try:
        _run_cell(folder, listener)
    except StoppedError as stop:
        raise StoppedError(
            problem=f"cell {folder.cell.name}: {stop.problem}",
            fix="to go on with this cell, give the same command again",
        ) from stop
    except UserError as error:
        _tell_failure(folder, str(error), error.problem, listener)
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise
        _tell_failure(folder, traceback.format_exc(), str(error), listener)
    except Exception as error:  # a fault of ours: its traceback is kept, and the other cells go on
        _tell_failure(folder, traceback.format_exc(), f"{type(error).__name__}: {error}", listener)


def _tell_failure(folder: CellFolder, text: str, problem: str, listener: Listener) -> None:
    folder.fail(text.rstrip() + "\n")
    listener.say(f"failed: {folder.cell.name}: {problem}")


def _run_cell(folder: CellFolder, listener: Listener) -> None:
    """Train a cell, or go on with its training, score it, and mark it as done."""
    cell, notes = folder.cell, OnlyNotes(listener)
    run = RunFolder(folder.path)
    if folder.changes() or not _is_trained(run):
        _train_cell(folder, notes)
    _score(folder, run, notes)
    status, times = folder.status, folder.times()
    assert status is not None, "it was trained"
    trained, _ = count_parameters(meta_task(cell.config, read_checkpoint(run.best)[0].facies))
    device = device_name(cell.config)
    facts = CellFacts(trained, times.train, times.encode, status.epoch, device, __version__, torch.__version__)
    folder.mark_done(facts)
    if not folder.experiment.plan.keep_last:
        run.last.unlink(missing_ok=True)


def _train_cell(folder: CellFolder, listener: Listener) -> None:
    """Train a cell from its last checkpoint on, or from the beginning; its embeddings are encoded first."""
    config, times, request = folder.cell.config, folder.times(), _training(folder)
    if not request.resume:  # what an attempt without a checkpoint took is lost with it
        times = CellTimes(encode=0.0 if folder.changes() else times.encode, counted=times.counted)
    folder.write_times(times)
    if config.caches:
        start = time.monotonic()
        embed(EmbedRequest(config, device="cpu" if config.trainer.accelerator == "cpu" else "auto"), listener)
        folder.write_times(replace(times, encode=times.encode + time.monotonic() - start))
    train(request, listener)


def _training(folder: CellFolder) -> TrainRequest:
    """Go on from the last checkpoint of a cell; without one, replace what a killed attempt left."""
    resume = RunFolder(folder.path).last.is_file() and not folder.changes()
    return TrainRequest(folder.cell.config, folder.path, resume=resume, overwrite=not resume)


def _is_trained(run: RunFolder) -> bool:
    status = read_status(run.status)
    return status is not None and status.state == "finished" and run.best.is_file()


def _score(folder: CellFolder, run: RunFolder, listener: Listener) -> None:
    """Score the best checkpoint of a cell on all that is wanted."""
    plan, config = folder.experiment.plan, folder.cell.config
    for name, output in folder.evaluations.items():
        other = folder.experiment.cross.get(name)
        how = plan.evaluate if other is None else other.how
        request = EvaluationRequest(
            run.best,
            data=None if other is None else other.of(folder.cell),
            split=how.split,
            output=output,
            overwrite=True,
            batch_size=how.batch_size,
            device=how.device or ("cpu" if config.trainer.accelerator == "cpu" else "auto"),
            precision=how.precision,
            rescale=False if other is None else other.how.rescale,
        )
        evaluate(request, listener)


def _outcome(experiment: Experiment, folders: Sequence[CellFolder]) -> ExperimentOutcome:
    """Write the results of all done cells, and tell how the others stand."""
    results = read_results(experiment)
    states = {folder.cell.name: (folder.state(), folder) for folder in folders}
    failed = {
        name: folder.error.read_text(encoding="utf-8").strip().splitlines()[-1 if "Traceback" in text else 0]
        for name, (state, folder) in states.items()
        if state == "failed" and (text := folder.error.read_text(encoding="utf-8"))
    }
    files = write_results(experiment, results) if results.cells else []
    elsewhere = tuple(name for name, (state, _) in states.items() if state == "running")
    return ExperimentOutcome(results, costs_of(results), failed, elsewhere, tuple(files))


def _release_memory() -> None:
    """Networks hold themselves in circles; the next cell needs their memory."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
