"""A trained task and a volume come in; what is wanted of the whole goes out, line by line, and can be resumed.

While the network is at a batch, the next ones are read on one thread, and those before it are written on another.
Several processes can share the batches: the first one writes what all of them make.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sam_seismic.data.background import BATCHES_AHEAD, Prefetch, WriteBehind
from sam_seismic.files.resume_journal import Journal
from sam_seismic.files.unfinished import Start, Unfinished
from sam_seismic.inference.line_batches import LineBatch, count_sections, line_batches
from sam_seismic.inference.merge import CrosslineProbabilities
from sam_seismic.inference.products import Probabilities
from sam_seismic.inference.rank_exchange import RankExchange
from sam_seismic.inference.section_outputs import Output, SectionOutputs, outputs_of
from sam_seismic.inference.sections import SectionBatch, predict_batch, prepare_batch
from sam_seismic.survey.labelled import read_amplitude
from sam_seismic.survey.result import Result
from sam_seismic.survey.volume import Orientation, Section, Volume
from sam_seismic.tasks.facies import FaciesSegmentation

Done = Callable[[int, int], None]
"""Called with (sections written, sections in all), on the calling thread."""


def predict_volume(
    task: FaciesSegmentation,
    volume: Volume,
    orientations: Sequence[Orientation],
    outputs: Sequence[Output],
    *,
    journal: Journal,
    batch_size: int,
    done: Done,
    meeting: RankExchange | None = None,
) -> None:
    """Predict every line of a volume, or those that an earlier run left, and write them down.

    With both orientations each voxel gets the mean of its inline and its crossline probabilities. A folder of sections
    keeps each section as it was predicted instead: its sections need not form a grid.

    Args:
        task: in eval mode, on the device to use.
        volume: amplitudes.
        orientations: one, or both; the volume has lines of each.
        outputs: open results.
        journal: open, of as many steps as `count_sections` says; told of each batch.
        batch_size: sections at a time.
        done: told of progress.
        meeting: of the processes that share the work, of which this is the first; None: alone.

    Raises:
        SurveyError: the amplitudes are not finite, a section does not fit the canvas, or the disk is full.
        UserError: the network overflows.
    """
    files: list[Unfinished] = [output.result for output in outputs]
    with ExitStack() as stack:
        kept = scratch(task, volume, orientations, outputs, start=journal.start)
        if kept is not None:
            files.append(stack.enter_context(kept))
        writer, total = _Writer(outputs, kept, journal, files, meeting), count_sections(volume, orientations)
        if meeting is not None:
            crosslines = len(volume.lines(Orientation.CROSSLINE)) if kept is not None else 0
            writer.opens_after = crosslines
            meeting.begin(journal.start.mark, journal.finished)
            writer.open_crosslines()
        processes = 1 if meeting is None else meeting.processes
        order = line_batches(volume, orientations, size=batch_size, processes=processes, skip=journal.finished)
        batches = ((turn, _prepared(task, volume, turn) if turn.process == 0 else None) for turn in order)
        try:
            with (
                WriteBehind(writer.take, room=max(2, batch_size) * processes) as behind,
                Prefetch(batches, room=BATCHES_AHEAD) as ahead,
                _giving_up(meeting),
            ):
                for turn, batch in ahead:
                    if batch is None:
                        behind.put(_Elsewhere(turn))
                        continue
                    for predicted in _predicted(task, turn, batch):
                        behind.put(predicted)
                    done(writer.finished, total)
            done(writer.finished, total)
        except KeyboardInterrupt:
            journal.catch_up(writer.finished, files)
            raise


def share_of(
    volume: Volume, orientations: Sequence[Orientation], *, meeting: RankExchange, finished: int, batch_size: int
) -> list[LineBatch]:
    """The turns that fall to this process and are not done; where there are none, the first one may have ended already.

    Args:
        volume, orientations, batch_size: as the first process has them.
        meeting: joined.
        finished: sections that the first process has.
    """
    order = line_batches(volume, orientations, size=batch_size, processes=meeting.processes, skip=finished)
    return [turn for turn in order if turn.process == meeting.process and not meeting.has(turn)]


def predict_share(
    task: FaciesSegmentation,
    volume: Volume,
    orientations: Sequence[Orientation],
    outputs: Sequence[Output],
    *,
    meeting: RankExchange,
    share: Sequence[LineBatch],
    start: Start,
) -> None:
    """Predict the lines whose turn falls to this process, and leave them for the first one.

    Args:
        task, volume, orientations: as the first process has them.
        outputs: the same results, not open.
        meeting: joined.
        share: from `share_of`.
        start: as the unfinished files of the first process began.

    Raises:
        UserError: as `predict_volume`.
    """
    kept = scratch(task, volume, orientations, outputs, start=start)
    batches = ((turn, _prepared(task, volume, turn)) for turn in share)
    leaver = _Leaver(outputs, kept, meeting)
    try:
        with (
            WriteBehind(leaver.take, room=max(2, *(len(turn.lines) for turn in share))) as behind,
            Prefetch(batches, room=BATCHES_AHEAD) as ahead,
            _giving_up(meeting),
        ):
            for turn, batch in ahead:
                for predicted in _predicted(task, turn, batch):
                    behind.put(predicted)
    finally:
        if kept is not None:
            kept.close()


def scratch(
    task: FaciesSegmentation,
    volume: Volume,
    orientations: Sequence[Orientation],
    outputs: Sequence[Output],
    *,
    start: Start,
) -> CrosslineProbabilities | None:
    """Where crosslines wait for the inlines through them; None where nothing is merged."""
    if len(orientations) < 2 or all(output.as_read for output in outputs):
        return None
    return CrosslineProbabilities(
        scratch_path(outputs[0].result), volume.geometry, len(task.metadata.facies), start=start
    )


def scratch_path(result: Result) -> Path:
    """Where the probabilities of crosslines wait, beside a result."""
    return result.temporary.with_suffix(".merge")


@dataclass(frozen=True, eq=False)
class _Predicted:
    """A section on its way to the results.

    Args:
        section: as read.
        probabilities: float32[class, sample, trace].
        turn: that it belongs to.
        last: whether it is the last one of that.
    """

    section: Section
    probabilities: Probabilities
    turn: LineBatch
    last: bool


@dataclass(frozen=True)
class _Elsewhere:
    """A turn of another process."""

    turn: LineBatch


class _Writer:
    """Writes sections in their order, and tells the journal of each batch.

    Args:
        outputs: open results.
        kept: where crosslines wait for the inlines through them; None where nothing is merged.
        journal: open.
        files: all that the job fills.
        meeting: where the pieces of other processes come from.
    """

    def __init__(
        self,
        outputs: Sequence[Output],
        kept: CrosslineProbabilities | None,
        journal: Journal,
        files: Sequence[Unfinished],
        meeting: RankExchange | None,
    ) -> None:
        self.finished = journal.finished
        """Sections of the job that are written, in whole batches: a resumed run makes the same ones."""
        self.opens_after = 0
        """Finished sections after which the other processes may read the crosslines."""
        self._outputs, self._kept, self._journal, self._files = outputs, kept, journal, files
        self._meeting, self._open = meeting, False

    def take(self, item: _Predicted | _Elsewhere) -> None:
        """Write a section, or the turn of another process; at the end of a batch tell the journal.

        Raises:
            UserError: the network gave no numbers for it.
        """
        if isinstance(item, _Elsewhere):
            assert self._meeting is not None, "there are others"
            for piece in self._meeting.take(item.turn):
                self._write(piece)
        else:
            self._write(outputs_of(item.section, item.probabilities, self._outputs, self._kept))
            if not item.last:
                return
        self.finished = item.turn.finished
        self._journal.advance(self.finished, self._files)
        self.open_crosslines()

    def open_crosslines(self) -> None:
        """Let the other processes read the crosslines, once all of them lie on the disk."""
        if self._kept is not None and self._meeting is not None and not self._open:
            self._open = self.finished >= self.opens_after
            if self._open:
                self._kept.sync()
                self._meeting.cross()

    def _write(self, piece: SectionOutputs) -> None:
        for position, values in piece.products.items():
            self._outputs[position].result.write(replace(piece.section, values=values))
        if piece.kept is not None:
            assert self._kept is not None, "they are kept where orientations are merged"
            self._kept.put(piece.section, piece.kept)


class _Leaver:
    """Leaves the pieces of each turn for the first process.

    Args:
        outputs: of the job, not open.
        kept: where crosslines wait; opened when there is something to read.
        meeting: of the processes.
    """

    def __init__(self, outputs: Sequence[Output], kept: CrosslineProbabilities | None, meeting: RankExchange) -> None:
        self._outputs, self._kept, self._meeting = outputs, kept, meeting
        self._crossed = False
        self._pieces: list[SectionOutputs] = []

    def take(self, predicted: _Predicted) -> None:
        """Make a piece, and leave those of a turn together.

        Raises:
            UserError: the network gave no numbers for it.
        """
        inline = predicted.section.orientation is Orientation.INLINE
        if self._kept is not None and inline and not self._crossed:
            self._meeting.crossed()
            self._kept.reopen()
            self._crossed = True
        self._pieces.append(outputs_of(predicted.section, predicted.probabilities, self._outputs, self._kept))
        if predicted.last:
            self._meeting.leave(predicted.turn, self._pieces)
            self._pieces = []


@contextmanager
def _giving_up(meeting: RankExchange | None) -> Iterator[None]:
    """A block that, left by an error, ends what waits for other processes."""
    try:
        yield
    except BaseException:
        if meeting is not None:
            meeting.give_up()
        raise


def _prepared(task: FaciesSegmentation, volume: Volume, turn: LineBatch) -> SectionBatch:
    return prepare_batch(task, [read_amplitude(volume, turn.orientation, line) for line in turn.lines])


def _predicted(task: FaciesSegmentation, turn: LineBatch, batch: SectionBatch) -> Iterator[_Predicted]:
    last = batch.sections[-1]
    for section, probabilities in zip(batch.sections, predict_batch(task, batch), strict=True):
        yield _Predicted(section, probabilities, turn, section is last)
