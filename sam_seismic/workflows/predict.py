"""A checkpoint and an amplitude volume come in; a facies volume of the same shape and format goes out.

One process predicts the volume, or each rank of a Slurm job predicts a share; the first rank writes all outputs.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sam_seismic.config import Precision, ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.files.identity import stamp
from sam_seismic.files.resume_journal import Journal
from sam_seismic.files.several_paths import VolumePath
from sam_seismic.files.unfinished import Start, check_output, check_outputs_disjoint, remove, resume_error
from sam_seismic.files.units import counted
from sam_seismic.files.user_paths import is_there
from sam_seismic.inference import (
    Output,
    PredictionJob,
    RankExchange,
    predict_share,
    predict_volume,
    scratch_path,
)
from sam_seismic.inference.outputs import OutputRequest, open_outputs
from sam_seismic.inspection.amplitude_comparison import compare_amplitudes
from sam_seismic.listener import Listener, Silent
from sam_seismic.runs.devices import choose_device
from sam_seismic.runs.memory_advice import memory_advice, predicting_remedies
from sam_seismic.runs.slurm_job import SlurmJob
from sam_seismic.sam.weights import file_hash
from sam_seismic.survey.amplitudes import as_amplitudes
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation, describe_lines
from sam_seismic.survey.horizons import HorizonTable
from sam_seismic.survey.parts import orientations_of
from sam_seismic.survey.splits import MIN_TRACES
from sam_seismic.survey.volume import Volume
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.loading import load_task
from sam_seismic.tuning.precision import ENCODER_DTYPES


@dataclass(frozen=True)
class PredictRequest:
    """What to predict and where to write it.

    Args:
        checkpoint: checkpoint of a run.
        input: amplitude volume, or folder of sections; or the SEG-Y files of one survey.
        outputs: where the outputs are written.
        orientation: `inline`, `crossline`, or `both`, which are merged unless the output is a folder of sections; None
            for the orientation of the training.
        read: how to open the input.
        overwrite: replace existing outputs.
        resume: predict only the sections that an earlier run did not finish.
        batch_size: number of sections predicted together.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
        precision: precision of the image encoder.
        rescale: scale the amplitudes by their own center and percentile, not by those of the training.
        opened: the input, if it is open already; then `read` has no effect.
    """

    checkpoint: Path
    input: VolumePath
    outputs: OutputRequest
    orientation: str | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    overwrite: bool = False
    resume: bool = False
    batch_size: int = 2
    device: str = "auto"
    precision: Precision = "32"
    rescale: bool = False
    opened: Volume | None = None


def predict(request: PredictRequest, listener: Listener, *, task: FaciesSegmentation | None = None) -> list[Path]:
    """Predict a volume.

    In a Slurm job of several ranks, each rank predicts a share, and the first one writes the outputs. A requeued job
    resumes.

    Args:
        request: what to predict and where to write it.
        listener: receives progress and notes.
        task: the task of the checkpoint, if it is loaded already.

    Returns:
        The files that were written; empty on all ranks but the first.

    Raises:
        UserError: the checkpoint, the input or an output cannot be used (then nothing is written), or memory runs out.
    """
    slurm = SlurmJob.current()
    if slurm is not None:
        slurm.limit_threads()
        request = replace(request, resume=request.resume or slurm.restarts > 0)
        listener = listener if slurm.rank == 0 else Silent()
    if slurm is None or slurm.rank == 0:
        _check_outputs(request, [request.outputs.facies])
    device = choose_device(request.device, slurm)
    task = task or load_task(request.checkpoint)
    remedies = predicting_remedies(
        task.metadata, batch_size=request.batch_size, precision=request.precision, device=device
    )
    with memory_advice(remedies):
        task.network.set_encoder_precision(ENCODER_DTYPES[request.precision])
        task = task.to(device)
        exchange = _rank_exchange(request, slurm)
        if exchange.rank > 0:
            _predict_share(request, task, exchange, listener)
            return []
        with exchange.as_first_rank():
            outputs = _predict_volume(request, task, exchange, listener)
    for output in outputs:
        if isinstance(output.result, HorizonTable) and output.result.out_of_order is not None:
            listener.say(f"horizons: {output.result.summary()}")
    return [output.result.path for output in outputs]


def _rank_exchange(request: PredictRequest, slurm: SlurmJob | None) -> RankExchange:
    """The exchange between the ranks of the Slurm job; without Slurm, that of a single rank."""
    output = request.outputs.facies
    if slurm is None:
        return RankExchange(output)
    return RankExchange(output, slurm.name, rank=slurm.rank, ranks=slurm.tasks, attempt=slurm.restarts)


def _predict_volume(
    request: PredictRequest, task: FaciesSegmentation, exchange: RankExchange, listener: Listener
) -> list[Output]:
    """First rank: predict the volume, alone or with the other ranks, and write it."""
    paths = request.outputs.paths(task.metadata.facies)
    check_outputs_disjoint(paths)
    _check_outputs(request, paths)
    job = _prediction_job(request, task, listener)
    with _journal(request, job, paths) as journal:
        overwrite = journal.overwrite or journal.complete
        outputs = _open_outputs(request, job, overwrite=overwrite, start=journal.start)
        journal.claim()
        if journal.complete:
            exchange.publish_start(journal.start, journal.finished)  # so that the other ranks end
            _publish_finished(outputs)
            return outputs
        _announce(request, job, journal, listener)
        with ExitStack() as opened:
            for output in outputs:
                opened.enter_context(output.result)
            predict_volume(
                job,
                outputs,
                journal=journal,
                exchange=exchange,
                progress=lambda done, total: listener.progress("predict", done, total),
            )
    return outputs


def _predict_share(
    request: PredictRequest, task: FaciesSegmentation, exchange: RankExchange, listener: Listener
) -> None:
    """Other ranks: predict a share of the volume, and send it to the first rank."""
    start, finished = exchange.wait_for_start()
    job = _prediction_job(request, task, listener)
    batches = exchange.batches_to_predict(job.batches(ranks=exchange.ranks, finished=finished))
    if batches:
        outputs = _open_outputs(request, job, overwrite=True, start=start)
        predict_share(job, outputs, batches=batches, exchange=exchange, start=start)
    exchange.publish_end()


def _check_outputs(request: PredictRequest, paths: Sequence[Path]) -> None:
    """Refuse outputs that exist, before any work.

    Existing outputs may belong to the run that is resumed; they are checked after its journal has been read.
    """
    if not request.resume:
        for path in paths:
            check_output(path, overwrite=request.overwrite)


def _prediction_job(request: PredictRequest, task: FaciesSegmentation, listener: Listener) -> PredictionJob:
    """Open the volume and choose the orientations; report assumptions, unpredicted lines and unlike amplitudes.

    Raises:
        SurveyError: the volume cannot be read, has no lines to predict, or holds one amplitude only.
    """
    volume = as_amplitudes(request.opened or open_volume(request.input, request.read))
    for note in volume.notes:
        listener.say(f"note: {note}")
    orientations, dropped = choose_orientations(request, volume, task.metadata)
    for reason in dropped:
        listener.say(f"note: {reason}")
    scale = compare_amplitudes([volume], task.metadata, listener, rescale=request.rescale)
    for note in volume.null_notes:
        listener.say(f"note: {note}")
    return PredictionJob(task, volume, tuple(orientations), request.batch_size, scale)


def _journal(request: PredictRequest, job: PredictionJob, paths: Sequence[Path]) -> Journal:
    """The journal of finished sections, with the conditions that must be the same when the run is resumed."""
    conditions = {
        "checkpoint": file_hash(request.checkpoint),
        "input": _stamp(request, job.volume, paths),
        "read": request.read.model_dump(mode="json") if request.opened is None else _as_opened(job.volume),
        "orientations": list(job.orientations),
        "sample format": request.outputs.sample_format,
        "precision": request.precision,
    }
    if job.scale is not None:
        conditions["scale"] = asdict(job.scale)
    return Journal(paths, conditions, steps=job.sections, resume=request.resume, overwrite=request.overwrite)


def _stamp(request: PredictRequest, volume: Volume, outputs: Sequence[Path]) -> list[Any]:
    """Data that stay the same while the input is not changed."""
    if isinstance(request.input, Path) and not volume.stored.by_file:
        return list(stamp(request.input if is_there(request.input) else volume.path, exclude=outputs))
    return [stamp(file) for file in volume.files]


def _open_outputs(request: PredictRequest, job: PredictionJob, *, overwrite: bool, start: Start) -> list[Output]:
    return open_outputs(
        request.outputs, job.volume, job.facies, overwrite=overwrite, start=start, rescaled=job.scale is not None
    )


def _as_opened(volume: Volume) -> list[str]:
    """How the file of an opened volume is read, since its reading options are not known."""
    return [volume.encoding, volume.placement, *volume.notes]


def _announce(request: PredictRequest, job: PredictionJob, journal: Journal, listener: Listener) -> None:
    """Report what is predicted, and how many sections an earlier run has finished."""
    if journal.finished:
        listener.say(f"going on after {journal.finished} of {journal.steps} sections")
    elif request.resume:
        listener.say("nothing to resume: no earlier run left finished sections, so all are predicted")
    counts = " and ".join(f"{job.count(orientation)} {orientation}s" for orientation in job.orientations)
    listener.say(f"predicting {counts} of {job.volume.path}")


def _publish_finished(outputs: Sequence[Output]) -> None:
    """Publish the results of a run that was killed after its last section, before it had renamed all of them."""
    for output in outputs:
        if output.result.temporary.exists():
            output.result.publish()
        elif not output.result.path.exists():
            raise resume_error(output.result.temporary)
    remove(scratch_path(outputs))


def choose_orientations(
    request: PredictRequest, volume: Volume, metadata: CheckpointMetadata
) -> tuple[list[Orientation], list[str]]:
    """The orientations to predict, and a reason for each requested one that is left out.

    Args:
        request: names the orientation and the outputs.
        volume: volume to predict.
        metadata: metadata of the checkpoint; gives the orientation if the request does not.

    Raises:
        SurveyError: the volume has no line of any requested orientation.
    """
    choice = request.orientation or metadata.data.orientation
    asked = orientations_of(choice)
    predicted = [orientation for orientation in asked if len(volume.lines(orientation))]
    if not predicted:
        present = [orientation for orientation in Orientation if len(volume.lines(orientation))]
        lines = ", ".join(f"{o}s {describe_lines(volume.lines(o))}" for o in present) or "nothing"
        raise SurveyError(
            problem=f"{volume.path}: holds no {choice} sections to predict, only {lines}",
            fix=f"add --orientation {present[0]}" if present else "check the path",
        )
    dropped = [
        f"{volume.path} holds no {o} sections; only {o.across}s are predicted" for o in asked if o not in predicted
    ]
    # A folder stores both orientations; any other output stores the mean of both in each voxel, which is worse if
    # sections of one orientation have only a few traces.
    merges = not volume.loose_sections or any(path.suffix for path in request.outputs.paths(metadata.facies))
    if merges and len(predicted) > 1:
        widths = {orientation: len(volume.geometry.lines(orientation.across)) for orientation in predicted}
        narrow = [orientation for orientation, traces in widths.items() if traces < MIN_TRACES]
        if len(narrow) == 1:
            predicted.remove(narrow[0])
            dropped.append(
                f"{narrow[0]} sections are only {counted(widths[narrow[0]], 'trace')} wide (fewer than {MIN_TRACES}); "
                f"only {predicted[0]}s are predicted"
            )
    return predicted, dropped
