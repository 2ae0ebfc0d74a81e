"""A job and its open outputs come in; all sections of the volume are predicted and written; the job can be resumed.

While the network predicts a batch, one thread reads the next batches, and another one writes the previous ones.
Several ranks can share the batches; the first rank writes the outputs of all ranks.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

from sam_seismic.data.background import PREFETCHED_BATCHES, Prefetch, WriteBehind
from sam_seismic.files.resume_journal import Journal
from sam_seismic.files.unfinished import Start
from sam_seismic.inference.line_batches import LineBatch
from sam_seismic.inference.merge import WaitingCrosslines
from sam_seismic.inference.output_writer import OutputSender, OutputWriter
from sam_seismic.inference.prediction_job import PredictionJob
from sam_seismic.inference.rank_exchange import RankExchange
from sam_seismic.inference.section_outputs import Output
from sam_seismic.survey.geometry import Orientation

Progress = Callable[[int, int], None]
"""Called with (sections written, sections in all), on the calling thread."""


def predict_volume(
    job: PredictionJob, outputs: Sequence[Output], *, journal: Journal, exchange: RankExchange, progress: Progress
) -> None:
    """Predict and write every section of a volume, or those that an earlier run has not finished; for the first rank.

    With both orientations, each voxel gets the mean of its inline and its crossline probabilities. A folder of sections
    stores each section as it was predicted instead, because its sections need not form a grid.

    Args:
        job: what to predict.
        outputs: open.
        journal: open, with as many steps as the job has sections.
        exchange: with the ranks that share the work.
        progress: called after each batch.

    Raises:
        SurveyError: an amplitude is not finite, a section does not fit the canvas, or the disk is full.
        UserError: the probabilities are not finite.
    """
    scratch = scratch_file(job, outputs, start=journal.start)
    with nullcontext() if scratch is None else scratch as crosslines:
        writer = OutputWriter(
            outputs, crosslines, crossline_count=job.count(Orientation.CROSSLINE), journal=journal, exchange=exchange
        )
        exchange.publish_start(journal.start, journal.finished)
        writer.publish_crosslines()
        try:
            _predict_and_write(job, writer, exchange, progress)
        except KeyboardInterrupt:
            journal.catch_up(writer.finished, writer.files)
            raise


def _predict_and_write(job: PredictionJob, writer: OutputWriter, exchange: RankExchange, progress: Progress) -> None:
    """Predict the batches of this rank, and write those of all ranks in their order."""
    total = job.sections
    order = job.batches(ranks=exchange.ranks, finished=writer.finished)
    batches = ((batch, job.read(batch) if batch.rank == exchange.rank else None) for batch in order)
    with (
        WriteBehind(writer.write, capacity=max(2, job.batch_size) * exchange.ranks) as behind,
        Prefetch(batches, capacity=PREFETCHED_BATCHES) as ahead,
        exchange.stops_waiting_after_errors(),
    ):
        for batch, sections in ahead:
            if sections is None:  # another rank predicts it
                behind.put(batch)
                continue
            for predicted in job.predict(batch, sections):
                behind.put(predicted)
            progress(writer.finished, total)
    progress(writer.finished, total)


def predict_share(
    job: PredictionJob,
    outputs: Sequence[Output],
    *,
    batches: Sequence[LineBatch],
    exchange: RankExchange,
    start: Start,
) -> None:
    """Predict some batches of a volume, and send them to the first rank; for the other ranks.

    Args:
        job: the same as on the first rank.
        outputs: those of the first rank, not open here.
        batches: to predict.
        exchange: with the first rank, which has started.
        start: how the unfinished files of the first rank begin.

    Raises:
        UserError: as `predict_volume`.
    """
    crosslines = scratch_file(job, outputs, start=start)
    sender = OutputSender(outputs, crosslines, exchange)
    prepared = ((batch, job.read(batch)) for batch in batches)
    try:
        with (
            WriteBehind(sender.send, capacity=max(2, *(len(batch.lines) for batch in batches))) as behind,
            Prefetch(prepared, capacity=PREFETCHED_BATCHES) as ahead,
            exchange.stops_waiting_after_errors(),
        ):
            for batch, sections in ahead:
                for predicted in job.predict(batch, sections):
                    behind.put(predicted)
    finally:
        if crosslines is not None:
            crosslines.close()


def scratch_file(job: PredictionJob, outputs: Sequence[Output], *, start: Start) -> WaitingCrosslines | None:
    """The scratch file of the crosslines, not open yet; None if no output is merged."""
    if len(job.orientations) < 2 or all(output.unmerged for output in outputs):
        return None
    return WaitingCrosslines(
        scratch_path(outputs),
        job.volume.geometry,
        len(job.facies),
        start=start,
        fix="free some disk, write the output elsewhere, or predict with one --orientation",
    )


def scratch_path(outputs: Sequence[Output]) -> Path:
    """Path of the scratch file: beside the first output."""
    return outputs[0].result.temporary.with_suffix(".merge")
