"""A configuration comes in; a run folder with configuration, checkpoints, metrics and pictures goes out."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback

from sam_seismic.config import Config, load_config
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.errors import PeerLostError, StoppedError, UserError
from sam_seismic.inspection.label_check import check_training_labels
from sam_seismic.inspection.leak_guard import leak_notes
from sam_seismic.listener import Listener, Silent
from sam_seismic.runs.fill_store import FillStore
from sam_seismic.runs.film import TrainingFilm
from sam_seismic.runs.finite_numbers import NotFiniteError, not_finite
from sam_seismic.runs.memory_advice import memory_advice, training_remedies
from sam_seismic.runs.moved_data import check_same_data
from sam_seismic.runs.pictures import draw_run
from sam_seismic.runs.quiet import quiet_lightning
from sam_seismic.runs.resuming import Position, change_notes, check_same_start, load_run_config
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.run_lock import run_lock
from sam_seismic.runs.slurm_job import SlurmJob
from sam_seismic.runs.status import read_status
from sam_seismic.runs.status_writer import StatusFile
from sam_seismic.runs.stopping import RunStopped, StoppedWaiting
from sam_seismic.runs.trainer import is_first_process, training_trainer
from sam_seismic.runs.training_notes import training_notes
from sam_seismic.survey.amplitudes import null_notes
from sam_seismic.tasks.building import Prepared, describe, prepare
from sam_seismic.tasks.checkpoint import read_checkpoint
from sam_seismic.tasks.rank_sync import peer_is_lost
from sam_seismic.tuning.store import EmbeddingStore, set_frozen_precision


@dataclass(frozen=True)
class TrainRequest:
    """What to train and where.

    Args:
        config: the experiment.
        output: the run folder.
        resume: continue from checkpoints/last.ckpt in the run folder.
        overwrite: replace the run in the run folder.
    """

    config: Config
    output: Path
    resume: bool = False
    overwrite: bool = False


def train(request: TrainRequest, listener: Listener) -> Path | None:
    """Train, and return the path of the best checkpoint; None in all but the first process of a distributed training.

    Raises:
        UserError: the configuration, the survey, its labels, the weights or the run folder cannot be used, another
            training is using the folder, or memory runs out.
    """
    with memory_advice(training_remedies(request.config)), run_lock(RunFolder(request.output)):
        return _train(request, listener)


def _train(request: TrainRequest, listener: Listener) -> Path | None:
    job = SlurmJob.current()
    if job is not None:
        job.limit_threads()
    config, folder, first = request.config, RunFolder(request.output), is_first_process()
    listener = listener if first else Silent()
    if job is not None and job.array and _finished(request, folder):
        listener.say(f"{folder.path}: finished already, nothing is left to do")
        return folder.best if first else None
    request = after_requeue(request, folder, job)
    if first:
        check_run_folder(request)
    if request.resume and _nothing_left(folder, config, listener):
        return folder.best if first else None
    last = folder.last if request.resume else None
    prepared = prepare(config, resume_from=last)
    module, task = prepared.data, prepared.task
    # Each process checks, so that all of them end if the labels are refused.
    notes = check_training_labels(module.survey, config.data, listener, refuse=not request.resume)
    notes += tuple(null_notes([part.volume.amplitude for part in module.survey.parts.values()]))
    leaks = leak_notes(module.survey, list(module.survey.parts.values())) if first else ()
    for note in leaks:  # now, while the split can still be changed, and at the end again
        listener.say(f"note: {note}")
    notes += leaks
    metadata = task.metadata
    resumed = resume_notes(request, metadata.contents, metadata.scale) if request.resume else []
    for line in [*describe(prepared), *resumed]:
        listener.say(line)
    set_frozen_precision(task.network.cut, config)
    if config.model.compiles:
        task.network.compile_blocks()
        listener.say("the first step compiles the encoder, which takes minutes for each new shape of canvas and batch")
    status = StatusFile(folder.status, job)
    film = _film(config, prepared, folder, listener)
    callbacks: list[Callback] = [status, *_fill_store(config, prepared, listener), film]
    with quiet_lightning():
        trainer = training_trainer(config, folder, listener, callbacks, job=job, validates="val" in module.survey.parts)
        if not first:
            _fit(trainer, prepared, config, last)
            return None
        with folder.replacing_run() if last is None else nullcontext():
            folder.write_config(config)
            # A job that is about to be killed writes its status before its film.
            with film.written_if_stopped(), status.of_run(resumed=request.resume):
                _fit(trainer, prepared, config, last)
                notes += training_notes(folder.metrics, module.survey, config.train)
                for note in notes:
                    listener.say(f"note: {note}")
                status.add_notes(notes)
                film.write()
                draw_run(folder.path, folder.best, module, listener, notes=notes)
    listener.say(f"best checkpoint: {folder.best}")
    return folder.best


def _fill_store(config: Config, prepared: Prepared, listener: Listener) -> list[Callback]:
    """The callback that fills the embedding store, from which the data module then reads; none without a store."""
    if not config.caches:
        return []
    module, cut = prepared.data, prepared.task.network.cut
    assert cut is not None, "checked by Config.caches"
    store = EmbeddingStore(config, module, cut)
    module.stored = store.stored
    return [FillStore(store, listener)]


def _film(config: Config, prepared: Prepared, folder: RunFolder, listener: Listener) -> TrainingFilm:
    """The callback that pictures validation sections; it does nothing with train.pictures: 0."""
    survey = prepared.data.survey
    part, every = survey.parts.get("val"), config.train.pictures
    if part is None:
        if every:
            listener.say("note: train.pictures has no effect, as there are no validation lines")
        part, every = survey.parts["train"], 0
    return TrainingFilm(folder.report, part, survey.facies, every=every, listener=listener)


def _finished(request: TrainRequest, folder: RunFolder) -> bool:
    """Whether the folder holds a finished run of this configuration; a resubmitted job array skips it."""
    status = None if request.overwrite else read_status(folder.status)
    return status is not None and status.state == "finished" and load_config(folder.config) == request.config


def _nothing_left(folder: RunFolder, config: Config, listener: Listener) -> bool:
    """Whether a run that is to be resumed has nothing left to do; if its training is finished, the listener is told."""
    position, status = Position.of(read_checkpoint(folder.last)[1]), read_status(folder.status)
    why = position.why_finished(config)
    if why is not None:
        listener.say(f"{folder.path}: {why}")
    # A run that was killed after its last epoch still has its pictures to draw.
    whole = (status is not None and status.state == "finished") or position.epochs > config.train.epochs
    return why is not None and whole


def resume_notes(request: TrainRequest, contents: Mapping[str, str], scale: AmplitudeScale | None = None) -> list[str]:
    """What a resumed run does otherwise than before, a line each.

    Args:
        request: to resume it.
        contents: `survey_contents` of its survey.
        scale: of the amplitudes, fitted to the survey; None where it is not known yet.

    Raises:
        UserError: it has another survey, or other initial weights.
    """
    folder, config = RunFolder(request.output), request.config
    metadata, checkpoint = read_checkpoint(folder.last)
    before = load_run_config(folder.config, config)
    check_same_start(before, config, metadata)
    moved = check_same_data(metadata, config.data, contents, run=folder.path, scale=scale)
    return [f"resumed: {line}" for line in [*moved, *change_notes(before, config, Position.of(checkpoint))]]


def after_requeue(request: TrainRequest, folder: RunFolder, job: SlurmJob | None) -> TrainRequest:
    """The request of a requeued Slurm job: resume the job's run, or replace it if it has no checkpoint yet."""
    if job is None or not job.restarts:
        return request
    status = read_status(folder.status)
    if status is None or status.job != job.name:
        return request
    has_checkpoint = folder.last.is_file()
    return replace(request, resume=has_checkpoint, overwrite=not has_checkpoint)


def check_run_folder(request: TrainRequest) -> None:
    """Refuse a run folder that this training cannot use. Nothing is written.

    Raises:
        UserError: a new run's folder is not empty, there is no run to resume, or it has another configuration.
    """
    folder = RunFolder(request.output)
    if request.resume and request.overwrite:
        raise UserError(problem="--resume and --overwrite exclude each other", fix="give one of them")
    if request.resume:
        folder.check_resume(request.config)
    else:
        folder.check_new(overwrite=request.overwrite)


def _fit(trainer: lightning.Trainer, prepared: Prepared, config: Config, last: Path | None) -> None:
    folder = RunFolder(Path(trainer.default_root_dir))
    try:
        trainer.fit(prepared.task, prepared.data, ckpt_path=last, weights_only=True)
    except NotFiniteError as error:
        raise not_finite(error, config, folder) from error
    except RunStopped as stop:
        raise StoppedError(
            problem=f"{trainer.default_root_dir}: {stop}",
            fix="to go on after that step, give the same command with --resume",
        ) from stop
    except StoppedWaiting as stop:
        raise _stopped_waiting(stop, trainer, folder) from stop
    except RuntimeError as error:
        if trainer.world_size > 1 and peer_is_lost(error):
            raise PeerLostError(
                problem=f"{trainer.default_root_dir}: another process of this training has ended",
                fix="mend what it reports; to go on from the last checkpoint, give the same command with --resume",
            ) from error
        raise
    except SystemExit as stop:
        # Lightning turns KeyboardInterrupt into SystemExit.
        if not trainer.interrupted:
            raise
        resumable = folder.last.is_file()
        raise StoppedError(
            problem=f"{trainer.default_root_dir}: interrupted in epoch {trainer.current_epoch + 1}",
            fix="to go on from the last checkpoint, give the same command with --resume"
            if resumable
            else "there is no checkpoint yet: run the same command again",
        ) from stop


def _stopped_waiting(stop: StoppedWaiting, trainer: lightning.Trainer, folder: RunFolder) -> StoppedError:
    """What a user is told of a training that was stopped while it waited for a section."""
    again = "; if it waits there again, look at the disk or file server of that file"
    return StoppedError(
        problem=f"{folder.path}: stopped by {stop.signal_name} after step {trainer.global_step}, in epoch "
        f"{trainer.current_epoch + 1}, while it waited for {stop.awaited}",
        fix="to go on from the last checkpoint, give the same command with --resume" + again
        if folder.last.is_file()
        else "there is no checkpoint yet: run the same command again" + again,
    )
