"""A checkpoint and a volume come in; a facies volume goes out, in the shape of the one that came in."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sam_seismic.config import Precision, ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.resume_journal import Journal, stamp
from sam_seismic.files.unfinished import Start, check_output, check_outputs_apart, not_as_left, remove
from sam_seismic.inference import (
    Output,
    RankExchange,
    count_sections,
    predict_share,
    predict_volume,
    scratch_path,
    share_of,
)
from sam_seismic.inference.outputs import OutputRequest, open_outputs
from sam_seismic.listener import Listener, Silent
from sam_seismic.runs.devices import choose_device
from sam_seismic.runs.memory_advice import memory_advice, predicting_remedies
from sam_seismic.runs.slurm_job import SlurmJob
from sam_seismic.sam.weights import file_hash
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.horizons import HorizonTable
from sam_seismic.survey.parts import orientations_of
from sam_seismic.survey.splits import MIN_TRACES
from sam_seismic.survey.volume import Orientation, Volume, describe_lines
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.loading import load_task
from sam_seismic.tuning.precision import HELD


@dataclass(frozen=True)
class PredictRequest:
    """What to predict and where to write it.

    Args:
        checkpoint: of a run.
        input: amplitude volume, or folder of sections.
        wanted: the outputs.
        orientation: `inline`, `crossline` or `both`, merged unless the output is a folder of sections; None for what
            the checkpoint was trained on.
        read: how to open the input.
        overwrite: replace existing outputs.
        resume: go on with what an earlier run finished.
        batch_size: sections at a time.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
        precision: of the image encoder.
        opened: the input, where it is open already; `read` has no effect then.
    """

    checkpoint: Path
    input: Path
    wanted: OutputRequest
    orientation: str | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    overwrite: bool = False
    resume: bool = False
    batch_size: int = 2
    device: str = "auto"
    precision: Precision = "32"
    opened: Volume | None = None


def predict(request: PredictRequest, listener: Listener, *, task: FaciesSegmentation | None = None) -> list[Path]:
    """Predict a volume and return the files written; each task of a Slurm job predicts its share, the first one writes.

    A job that Slurm started again goes on with what it finished.

    Args:
        request: what to predict and where to write it.
        listener: is told of progress.
        task: what the checkpoint holds, where it is loaded already.

    Raises:
        UserError: the checkpoint, the input or an output cannot be used as they are, and nothing is written then; or
            memory runs out.
    """
    job = SlurmJob.current()
    if job is not None:
        job.limit_threads()
        request = replace(request, resume=request.resume or job.restarts > 0)
        listener = listener if job.rank == 0 else Silent()
    if job is None or job.rank == 0:
        _check_outputs(request, [request.wanted.facies])
    device = choose_device(request.device, job)
    task = task or load_task(request.checkpoint)
    remedies = predicting_remedies(
        task.metadata, batch_size=request.batch_size, precision=request.precision, device=device
    )
    with memory_advice(remedies):
        task.network.hold_encoder(HELD[request.precision])
        return _predict_with(task.to(device), request, listener, job)


def _predict_with(
    task: FaciesSegmentation, request: PredictRequest, listener: Listener, slurm: SlurmJob | None
) -> list[Path]:
    wanted = request.wanted
    paths = wanted.paths(task.metadata.facies)
    meeting = None
    if slurm is not None and slurm.tasks > 1:
        meeting = RankExchange(paths[0], slurm.name, process=slurm.rank, processes=slurm.tasks, attempt=slurm.restarts)
        if slurm.rank > 0:
            _help(task, request, listener, meeting)
            return []
    try:
        return _lead(task, request, listener, paths, meeting)
    except Exception:
        if meeting is not None:
            meeting.abandon()
        raise


def _lead(
    task: FaciesSegmentation,
    request: PredictRequest,
    listener: Listener,
    paths: list[Path],
    meeting: RankExchange | None,
) -> list[Path]:
    """Predict alone, or as the process that writes the results."""
    wanted = request.wanted
    check_outputs_apart(paths)
    _check_outputs(request, paths)
    volume = request.opened or open_volume(request.input, request.read)
    for note in volume.notes:
        listener.say(f"note: {note}")
    orientations = _orientations(request, task, volume, listener)
    job = _job(request, volume, orientations, paths)
    steps = count_sections(volume, orientations)
    with Journal(paths, job, steps=steps, resume=request.resume, overwrite=request.overwrite) as journal:
        overwrite = journal.overwrite or journal.complete
        outputs = open_outputs(wanted, volume, task.metadata.facies, overwrite=overwrite, start=journal.start)
        journal.claim()
        if journal.complete:
            if meeting is not None:
                meeting.begin(journal.start.mark, journal.finished)  # for them nothing is left
            _publish(outputs)
        else:
            _predict(request, task, volume, orientations, outputs, journal, listener, meeting)
    if meeting is not None:
        meeting.close()
    for output in outputs:
        if isinstance(output.result, HorizonTable) and output.result.out_of_order is not None:
            listener.say(f"horizons: {output.result.summary()}")
    return paths


def _check_outputs(request: PredictRequest, paths: Sequence[Path]) -> None:
    """Refuse outputs before any work; a resumed job may find its own, and looks at them when it knows its journal."""
    for path in () if request.resume else paths:
        check_output(path, overwrite=request.overwrite)


def _orientations(
    request: PredictRequest, task: FaciesSegmentation, volume: Volume, listener: Listener
) -> list[Orientation]:
    """The orientations to predict; what is dropped is told."""
    # A folder of sections keeps each as it was read; in any other result the two orientations meet in each voxel.
    merges = any(path.suffix for path in request.wanted.paths(task.metadata.facies))
    asked = request.orientation or task.metadata.data.orientation
    orientations, dropped = choose_orientations(volume, asked, merges=merges)
    for why in dropped:
        listener.say(f"note: {why}")
    return orientations


def _job(
    request: PredictRequest, volume: Volume, orientations: Sequence[Orientation], paths: Sequence[Path]
) -> dict[str, Any]:
    """What a resumed run must have in common with the one that was broken off."""
    return {
        "checkpoint": file_hash(request.checkpoint),
        "input": stamp(request.input, but=paths),
        "read": request.read.model_dump(mode="json") if request.opened is None else _as_opened(volume),
        "orientations": list(orientations),
        "sample format": request.wanted.sample_format,
        "precision": request.precision,
    }


def _as_opened(volume: Volume) -> list[str]:
    """How the file of a volume is read, where the options that it was opened with are not known."""
    return [volume.encoding, volume.placement, *volume.notes]


def _predict(  # what the command brought together
    request: PredictRequest,
    task: FaciesSegmentation,
    volume: Volume,
    orientations: Sequence[Orientation],
    outputs: Sequence[Output],
    journal: Journal,
    listener: Listener,
    meeting: RankExchange | None,
) -> None:
    if journal.finished:
        listener.say(f"going on after {journal.finished} of {journal.steps} sections")
    elif request.resume:
        listener.say("nothing was left to resume: all sections are predicted")
    listener.say(f"predicting {' and '.join(f'{len(volume.lines(o))} {o}s' for o in orientations)} of {volume.path}")
    with ExitStack() as stack:
        for output in outputs:
            stack.enter_context(output.result)
        predict_volume(
            task,
            volume,
            orientations,
            outputs,
            journal=journal,
            batch_size=request.batch_size,
            done=lambda done, total: listener.progress("predict", done, total),
            meeting=meeting,
        )


def _help(task: FaciesSegmentation, request: PredictRequest, listener: Listener, meeting: RankExchange) -> None:
    """Predict a share of the volume for the process that writes the results."""
    token, finished = meeting.joined()
    volume = request.opened or open_volume(request.input, request.read)
    orientations = _orientations(request, task, volume, listener)
    share = share_of(volume, orientations, meeting=meeting, finished=finished, batch_size=request.batch_size)
    if share:
        start = Start(token, resumed=True)
        outputs = open_outputs(request.wanted, volume, task.metadata.facies, overwrite=True, start=start)
        predict_share(task, volume, orientations, outputs, meeting=meeting, share=share, start=start)
    meeting.part()


def _publish(outputs: Sequence[Output]) -> None:
    """Give those results their names that an earlier run finished and had no time to rename."""
    for output in outputs:
        if output.result.temporary.exists():
            output.result.publish()
        elif not output.result.path.exists():
            raise not_as_left(output.result.temporary)
    remove(scratch_path(outputs[0].result))


def choose_orientations(volume: Volume, choice: str, *, merges: bool) -> tuple[list[Orientation], list[str]]:
    """The orientations to predict out of those asked for, and why others of them are dropped.

    Args:
        volume: to predict.
        choice: `inline`, `crossline` or `both`.
        merges: whether two orientations would be averaged; very narrow sections would only spoil the other ones then.

    Raises:
        SurveyError: the volume has no line of any orientation asked for.
    """
    asked = orientations_of(choice)
    kept = [orientation for orientation in asked if len(volume.lines(orientation))]
    if not kept:
        there = [orientation for orientation in Orientation if len(volume.lines(orientation))]
        lines = ", ".join(f"{o}s {describe_lines(volume.lines(o))}" for o in there) or "nothing"
        raise SurveyError(
            problem=f"{volume.path}: holds no {choice} sections to predict, only {lines}",
            fix=f"add --orientation {there[0]}" if there else "check the path",
        )
    dropped = [f"{volume.path} holds no {o} sections; only {o.across}s are predicted" for o in asked if o not in kept]
    if merges and len(kept) > 1:
        widths = {orientation: len(volume.geometry.lines(orientation.across)) for orientation in kept}
        narrow = [orientation for orientation, traces in widths.items() if traces < MIN_TRACES]
        if len(narrow) == 1:
            kept.remove(narrow[0])
            dropped.append(
                f"{narrow[0]} sections are only {widths[narrow[0]]} traces wide (fewer than {MIN_TRACES}); "
                f"only {kept[0]}s are predicted"
            )
    return kept, dropped
