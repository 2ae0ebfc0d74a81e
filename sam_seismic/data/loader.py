"""A dataset comes in, its batches go out: in an order of their own each epoch, shared out over processes, resumable."""

import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Hashable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import chain
from multiprocessing import forkserver
from typing import Self

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from sam_seismic.data.background import PREFETCHED_BATCHES, Prefetch
from sam_seismic.data.batches import Batch, Sample, collate
from sam_seismic.data.dataset import SectionDataset, SectionIndex
from sam_seismic.errors import UserError
from sam_seismic.signals import STOP_SIGNALS


class SectionLoader(DataLoader[Batch]):
    """Batches of a dataset; it knows how many it has given, so that a resumed run goes on behind them.

    It raises what reading a section raised, as it was raised, whether worker processes read or not: PyTorch makes the
    exceptions of its workers anew from their text alone, which loses a problem and its fix.

    Args:
        dataset: of sections.
        batches: which of them go together.
        workers: processes that read; 0 for a thread.
    """

    def __init__(self, dataset: SectionDataset, batches: "SharedBatches", *, workers: int) -> None:
        super().__init__(
            dataset,  # type: ignore[arg-type]  # collate turns samples into batches, which the stub cannot express
            batch_sampler=batches,
            collate_fn=partial(_collate_shared if workers else collate, kind=dataset.batch_kind),
            num_workers=workers,
            # Forked from a process of one thread: a fork takes over the locks of threads that it has not.
            multiprocessing_context=multiprocessing.get_context("forkserver") if workers else None,
            worker_init_fn=partial(_leave_signals_to, os.getpid()) if workers else None,
            pin_memory=torch.cuda.is_available(),  # page-locked memory, from which copies to a GPU need not wait
            persistent_workers=workers > 0,
        )
        self._batches = batches
        self._given = 0

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # Lightning asks for no more than an iterator
        """Batches, as `collate` makes them.

        Raises:
            UserError: a section cannot be read, or a worker process has ended or cannot hand over what it read.
        """
        self._given = self._batches.behind
        if self.num_workers:
            _start_server()
        # Worker processes are ahead by themselves; without any a thread is.
        batches = _of_workers(super().__iter__()) if self.num_workers else super().__iter__()
        with Prefetch(batches, room=PREFETCHED_BATCHES) if self.num_workers == 0 else nullcontext(batches) as ahead:
            for batch in ahead:
                if isinstance(batch, UserError):
                    raise batch
                self._given += 1
                yield batch

    def state_dict(self) -> dict[str, int]:
        """How far the epoch has come; Lightning keeps this in a checkpoint."""
        return {"epoch": self._batches.epoch, "given": self._given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin that epoch behind the batches that it has given; Lightning calls this before it goes on."""
        self._batches.begun = (state["epoch"], state["given"])


def _collate_shared(samples: Sequence[Sample | UserError], kind: type[Batch]) -> Batch | UserError:
    """In a worker process: what `collate` makes, in shared memory, or the error that there is too little of it.

    Otherwise the thread that PyTorch hands batches over with would drop the batch, and training would wait forever.
    """
    batch = collate(samples, kind)
    if isinstance(batch, UserError):
        return batch
    try:
        return batch.share_memory()
    except RuntimeError as error:  # PyTorch's error when it cannot get shared memory
        return UserError(
            problem=f"the worker processes cannot hand over sections: {_first_line(error)}",
            fix="set data.workers to 0, or enlarge /dev/shm (in Docker: --shm-size 2g)",
        )


def _of_workers(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches of worker processes.

    Raises:
        UserError: a worker process has ended.
    """
    try:
        yield from batches
    except (RuntimeError, EOFError, ConnectionError) as error:
        reason = _first_line(error)
        if reason.startswith("Caught "):  # an error within a worker, which PyTorch raises again here
            raise
        if isinstance(error, RuntimeError) and not reason.startswith("DataLoader worker"):
            raise
        raise UserError(
            problem=f"a process that reads sections has ended: {reason}",
            fix="if it was killed, memory was probably short: lower data.workers, or set it to 0",
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _start_server() -> None:
    """Start the process that workers are forked from, unless it runs; it ignores what the main one attends to."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([__name__])
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, signal.SIG_IGN) for number in STOP_SIGNALS}
    try:
        forkserver.ensure_running()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave_signals_to(main: int, _worker: int) -> None:
    """In a worker process: let the main one finish its step when all are to stop, and end when that one says so.

    Args:
        main: number of that process.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN if number != signal.SIGTERM else signal.SIG_DFL)
    if not hasattr(signal, "sigwaitinfo"):  # macOS, where no Slurm sends it
        return
    # Only who waits for a signal learns whose it is.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])

    def attend() -> None:
        while signal.sigwaitinfo([signal.SIGTERM]).si_pid != main:
            pass
        os._exit(0)

    threading.Thread(target=attend, daemon=True).start()


class SharedBatches(Sampler[list[SectionIndex]]):
    """Which sections go together, in a new order each epoch that depends on the seed and the epoch only.

    It yields indices as SectionDataset takes them. As many batches as can be are of one group. Several processes share
    each batch out: together they see the batch that a single process with as many sections would see, and each section
    once. A process for which nothing is left of the last batch gets a section that counts for nothing.

    Args:
        groups: of each section, see `SectionDataset.groups`.
        batch_size: sections a batch on each process.
        seed: of the order; None: as they are.
        share: (which, of how many) processes.
    """

    def __init__(
        self, groups: Sequence[Hashable], batch_size: int, *, seed: int | None, share: tuple[int, int] = (0, 1)
    ) -> None:
        self._groups = groups
        self._seed = seed
        self._which, self._processes = share
        self._size = batch_size * self._processes
        self.epoch = 0
        self.begun = (0, 0)
        """An epoch that was broken off, and the batches that it had given."""

    @property
    def sampler(self) -> Self:
        """Where Lightning looks for what to tell of a new epoch."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before each epoch."""
        self.epoch = epoch

    @property
    def behind(self) -> int:
        """Batches that this epoch begins behind."""
        epoch, given = self.begun
        return given if epoch == self.epoch else 0

    def __len__(self) -> int:
        return math.ceil(len(self._groups) / self._size)

    def __iter__(self) -> Iterator[list[SectionIndex]]:
        order = [SectionIndex(section, self.epoch) for section in self._order()]
        for start in range(self.behind * self._size, len(order), self._size):
            together = order[start : start + self._size]
            yield together[self._which :: self._processes] or [replace(together[0], counts=False)]

    def _order(self) -> Sequence[int]:
        if self._seed is None:
            return range(len(self._groups))
        rng = np.random.default_rng([self._seed, self.epoch])
        order = rng.permutation(len(self._groups)).tolist()
        by_group: dict[Hashable, list[int]] = {}
        for section in order:
            by_group.setdefault(self._groups[section], []).append(section)
        whole, rest = [], []
        for sections in by_group.values():
            end = len(sections) // self._size * self._size
            whole += [sections[start : start + self._size] for start in range(0, end, self._size)]
            rest += sections[end:]
        batches = [whole[position] for position in rng.permutation(len(whole))]
        return [*chain.from_iterable(batches), *rest]
