"""Predicted sections come in, in order; they are written to the outputs, or sent to the rank that writes them."""

from collections.abc import Sequence
from dataclasses import replace

from sam_seismic.files.resume_journal import Journal
from sam_seismic.files.unfinished import Unfinished
from sam_seismic.inference.line_batches import LineBatch
from sam_seismic.inference.merge import WaitingCrosslines
from sam_seismic.inference.prediction_job import PredictedSection
from sam_seismic.inference.rank_exchange import RankExchange
from sam_seismic.inference.section_outputs import Output, SectionOutputs, section_outputs
from sam_seismic.survey.geometry import Orientation


class OutputWriter:
    """Writes all sections of a volume, on the first rank, and records each finished batch in the journal.

    Args:
        outputs: open.
        waiting_crosslines: open; None where orientations are not merged.
        crossline_count: crosslines of the volume, which are written before the first inline.
        journal: open.
        exchange: with the other ranks.
    """

    def __init__(
        self,
        outputs: Sequence[Output],
        waiting_crosslines: WaitingCrosslines | None,
        *,
        crossline_count: int,
        journal: Journal,
        exchange: RankExchange,
    ) -> None:
        self.finished = journal.finished
        """Sections that are written, in whole batches: a resumed run must form the same batches."""
        self.files: list[Unfinished] = [output.result for output in outputs]
        """All files that are written."""
        if waiting_crosslines is not None:
            self.files.append(waiting_crosslines)
        self._outputs, self._waiting_crosslines = outputs, waiting_crosslines
        self._crossline_count, self._crosslines_published = crossline_count, False
        self._journal, self._exchange = journal, exchange

    def write(self, item: PredictedSection | LineBatch) -> None:
        """Write a section that this rank predicted, or a whole batch that it receives from another rank.

        Raises:
            UserError: the probabilities are not finite.
        """
        if isinstance(item, LineBatch):
            batch, ends_batch = item, True
            for received in self._exchange.receive(batch):
                self._write(received)
        else:
            batch, ends_batch = item.batch, item.ends_batch
            self._write(section_outputs(item.section, item.probabilities, self._outputs, self._waiting_crosslines))
        if ends_batch:
            self.finished = batch.finished
            self._journal.advance(self.finished, self.files)
            self.publish_crosslines()

    def publish_crosslines(self) -> None:
        """Allow the other ranks to read the crosslines, once all of them are on the disk."""
        crosslines = self._waiting_crosslines
        if crosslines is None or self._exchange.ranks == 1 or self._crosslines_published:
            return
        if self.finished >= self._crossline_count:
            crosslines.sync()
            self._exchange.publish_crosslines()
            self._crosslines_published = True

    def _write(self, written: SectionOutputs) -> None:
        for position, values in written.values.items():
            self._outputs[position].result.write(replace(written.section, values=values))
        if written.waiting is not None:
            assert self._waiting_crosslines is not None, "orientations are merged"
            self._waiting_crosslines.put(written.section, written.waiting)


class OutputSender:
    """Sends the outputs of each batch to the first rank.

    Args:
        outputs: of the first rank, not open here.
        waiting_crosslines: not open yet; None where orientations are not merged.
        exchange: with the first rank.
    """

    def __init__(
        self, outputs: Sequence[Output], waiting_crosslines: WaitingCrosslines | None, exchange: RankExchange
    ) -> None:
        self._outputs, self._waiting_crosslines, self._exchange = outputs, waiting_crosslines, exchange
        self._crosslines_open = False
        self._batch: list[SectionOutputs] = []

    def send(self, predicted: PredictedSection) -> None:
        """Collect the outputs of a section; with the last section of a batch, send them all.

        Raises:
            UserError: the probabilities are not finite.
        """
        if predicted.section.orientation is Orientation.INLINE:
            self._open_crosslines()
        outputs = section_outputs(predicted.section, predicted.probabilities, self._outputs, self._waiting_crosslines)
        self._batch.append(outputs)
        if predicted.ends_batch:
            self._exchange.send(predicted.batch, self._batch)
            self._batch = []

    def _open_crosslines(self) -> None:
        """Before the first inline: wait until the first rank has written all crosslines, then open their file."""
        if self._waiting_crosslines is None or self._crosslines_open:
            return
        self._exchange.wait_for_crosslines()
        self._waiting_crosslines.reopen()
        self._crosslines_open = True
