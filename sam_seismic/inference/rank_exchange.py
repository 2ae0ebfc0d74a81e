"""Ranks that predict one volume exchange files: each rank sends its section outputs, the first rank receives them all.

The files lie in a hidden folder beside the output. They need no network between the ranks, so they work on any cluster
and in any container. They also remain after a kill: a file gets its name only when it is complete, and outputs that an
earlier attempt of the job sent are not computed again.
"""

import glob
import json
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sam_seismic.files.atomic import whole_file, write_text
from sam_seismic.files.unfinished import Start
from sam_seismic.inference.line_batches import LineBatch
from sam_seismic.inference.section_outputs import SectionOutputs
from sam_seismic.survey.volume import Section

BATCHES_IN_FOLDER = 16
"""Largest number of batches of one rank in the folder; before it sends more, it waits for the first rank."""
POLL_SECONDS = 1.0
"""Longest time between two checks of the folder."""

T = TypeVar("T")


class WaitStopped(Exception):  # noqa: N818  # not an error itself: an error on another thread came first
    """A thread no longer waits for another rank, because another thread of its own rank has failed."""


class RankExchange:
    """The folder through which the ranks of a job exchange files; a single rank makes no folder and never waits.

    Args:
        output: the folder is beside it, on a disk that all ranks share.
        job: name of the Slurm job.
        rank: of this process; rank 0 writes the outputs.
        ranks: number of ranks.
        attempt: number of restarts of the job.
    """

    def __init__(self, output: Path, job: str = "", *, rank: int = 0, ranks: int = 1, attempt: int = 0) -> None:
        self.rank = rank
        self.ranks = ranks
        self._output = output
        self._folder = output.with_name(f".{output.name}.{job.replace('/', '-')}.exchange")
        self._attempt = attempt
        self._sent_before: frozenset[str] = frozenset()
        self._stopped = threading.Event()

    @contextmanager
    def as_first_rank(self) -> Iterator[None]:
        """A block in which the first rank works; its end waits for the other ranks, and removes the folder.

        After an error the folder is removed at once. After an interrupt it remains for the next attempt.
        """
        try:
            yield
            # Otherwise a rank that starts late would wait forever for the removed start file.
            others = range(1, self.ranks)
            self._wait_until(lambda: all(self._end_file(rank).is_file() for rank in others))
        except Exception:
            self._remove()
            raise
        self._remove()

    def publish_start(self, start: Start, finished: int) -> None:
        """First rank: let the other ranks start.

        Args:
            start: how the unfinished files of this rank begin.
            finished: sections that an earlier attempt has written.
        """
        if self.ranks == 1:
            return
        self._remove_other_jobs()
        self._folder.mkdir(parents=True, exist_ok=True)
        # List the batches now: this rank removes those that it receives, before a late rank could see them.
        sent_before = sorted(path.name for path in self._folder.glob("*.npz"))
        message = {"token": start.mark, "finished": finished, "sent_before": sent_before}
        write_text(self._start_file, json.dumps(message))

    def wait_for_start(self) -> tuple[Start, int]:
        """Other ranks: how the unfinished files of the first rank begin, and how many sections it has written."""
        self._wait_until(self._start_file.is_file)
        message = json.loads(self._start_file.read_text())
        self._sent_before = frozenset(message["sent_before"])
        return Start(str(message["token"]), resumed=True), int(message["finished"])

    def publish_crosslines(self) -> None:
        """First rank: all crosslines are on the disk, and the other ranks may read them."""
        write_text(self._crosslines_file, "")

    def wait_for_crosslines(self) -> None:
        """Other ranks: wait until all crosslines are on the disk."""
        self._wait_until(self._crosslines_file.is_file)

    def batches_to_predict(self, batches: Iterable[LineBatch]) -> list[LineBatch]:
        """Other ranks, after `wait_for_start`: those of this rank that no earlier attempt has sent."""
        mine = (batch for batch in batches if batch.rank == self.rank)
        return [batch for batch in mine if self._batch_file(batch).name not in self._sent_before]

    def send(self, batch: LineBatch, sections: Sequence[SectionOutputs]) -> None:
        """Other ranks: send the outputs of a batch; wait first if the folder holds too many."""
        mine = f"*.{self.rank}.npz"
        self._wait_until(lambda: len(list(self._folder.glob(mine))) < BATCHES_IN_FOLDER)
        arrays: dict[str, Any] = {}
        for number, outputs in enumerate(sections):
            arrays[f"{number}-live"] = outputs.section.live
            arrays[f"{number}-cut"] = np.array(outputs.section.cut_from or -1)
            arrays |= {f"{number}-{position}": values for position, values in outputs.values.items()}
            if outputs.waiting is not None:
                arrays[f"{number}-waiting"] = outputs.waiting
        with whole_file(self._batch_file(batch)) as file:
            np.savez(file, **arrays)

    def receive(self, batch: LineBatch) -> list[SectionOutputs]:
        """First rank: wait for the outputs of a batch of another rank, and remove them from the folder."""
        path = self._batch_file(batch)
        self._wait_until(path.is_file)
        sections = []
        with np.load(path, allow_pickle=False) as arrays:
            for number, line in enumerate(batch.lines):
                mine = {name.partition("-")[2]: arrays[name] for name in arrays.files if name.startswith(f"{number}-")}
                live, cut, waiting = mine.pop("live"), int(mine.pop("cut")), mine.pop("waiting", None)
                section = Section(batch.orientation, line, np.empty((0, 0)), live, cut if cut > 0 else None)
                values = {int(position): array for position, array in mine.items()}
                sections.append(SectionOutputs(section, values, waiting))
        path.unlink()
        return sections

    def publish_end(self) -> None:
        """Other ranks: this rank no longer needs the folder. This is its last call."""
        write_text(self._end_file(self.rank), "")

    @contextmanager
    def stops_waiting_after_errors(self) -> Iterator[None]:
        """A block whose errors stop all threads of this rank that wait for another rank."""
        try:
            yield
        except BaseException:
            self._stopped.set()
            raise

    @property
    def _start_file(self) -> Path:
        return self._folder / f"start-{self._attempt}.json"

    @property
    def _crosslines_file(self) -> Path:
        return self._folder / f"crosslines-{self._attempt}"

    def _end_file(self, rank: int) -> Path:
        return self._folder / f"end-{self._attempt}.{rank}"

    def _batch_file(self, batch: LineBatch) -> Path:
        return self._folder / f"{batch.name}.{batch.rank}.npz"

    def _remove_other_jobs(self) -> None:
        """Remove the folders of killed jobs for this output; only one job at a time writes an output."""
        for folder in self._output.parent.glob(f".{glob.escape(self._output.name)}.*.exchange"):
            if folder != self._folder:
                shutil.rmtree(folder, ignore_errors=True)

    def _remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition is true.

        Raises:
            WaitStopped: an error on another thread of this rank came first.
        """
        pause = 0.01
        while not condition():
            if self._stopped.wait(pause):
                raise WaitStopped
            pause = min(POLL_SECONDS, 1.5 * pause)
