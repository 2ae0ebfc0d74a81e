"""A dataset comes in, its batches go out: shuffled in each epoch, distributed over processes, resumable."""

import errno
import math
import multiprocessing
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Self

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from sam_seismic.data.background import PREFETCHED_BATCHES, Prefetch
from sam_seismic.data.batches import Batch, Sample, collate
from sam_seismic.data.dataset import SectionDataset, SectionIndex
from sam_seismic.data.worker_processes import check_room, exit_code, kill_workers, prepare_worker, start_fork_server
from sam_seismic.errors import UserError, first_line

Waiting = Callable[[str], AbstractContextManager[object]]
"""Makes the context of a wait; it is given what is waited for."""


class SectionLoader(DataLoader[Batch]):
    """Loads batches of a dataset, and counts them, so that a resumed run skips those that were used.

    An error in reading a section is raised unchanged, with and without worker processes. PyTorch would rebuild an
    exception of a worker from its text alone, and so lose the problem and its fix.

    Args:
        dataset: of sections.
        batches: the sampler of batches.
        workers: number of reading processes; 0 for a thread.
        waiting: given what it waits for, a context in which a stop signal may raise an error; None for none.
    """

    def __init__(
        self, dataset: SectionDataset, batches: "SharedBatches", *, workers: int, waiting: Waiting | None = None
    ) -> None:
        super().__init__(
            dataset,  # type: ignore[arg-type]  # collate turns samples into batches, which the stub cannot express
            batch_sampler=batches,
            collate_fn=partial(_collate_shared if workers else collate, kind=dataset.batch_kind),
            num_workers=workers,
            # Fork from a process with one thread: a fork copies locks, but not the threads that would release them.
            multiprocessing_context=multiprocessing.get_context("forkserver") if workers else None,
            worker_init_fn=partial(prepare_worker, os.getpid()) if workers else None,
            pin_memory=torch.cuda.is_available(),  # page-locked memory allows asynchronous copies to a GPU
            persistent_workers=workers > 0,
        )
        self._dataset, self._batches = dataset, batches
        self._waiting: Waiting = waiting or nullcontext
        self._yielded = 0

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # Lightning asks for no more than an iterator
        """Batches, as `collate` makes them.

        Raises:
            UserError: a section cannot be read, or a worker process has ended or cannot hand over what it read.
        """
        self._yielded = self._batches.skipped
        with self._ahead() as ahead:
            batches = iter(ahead)
            for sections in self._batches:
                with self._waiting(self._dataset.name_of(sections[0])):
                    batch = next(batches)
                if isinstance(batch, UserError):
                    raise batch
                self._yielded += 1
                yield batch

    @contextmanager
    def _ahead(self) -> Iterator[Iterable[Batch | UserError]]:
        """Inside, batches are read before they are used: by worker processes, or by a thread where there are none."""
        if self.num_workers == 0:
            with Prefetch(super().__iter__(), capacity=PREFETCHED_BATCHES) as ahead:
                yield ahead
            return
        try:
            yield _of_workers(self._start_workers())
        except (Exception, GeneratorExit):
            raise
        except BaseException:
            self.kill_workers()
            raise

    def kill_workers(self) -> None:
        """End the worker processes, after a stop signal: what they read may never come."""
        if self._iterator is not None:
            kill_workers(self._iterator)
            self._iterator = None

    def _start_workers(self) -> Iterator[Batch]:
        """The batches of worker processes, as PyTorch hands them over.

        Raises:
            UserError: the system lets no worker process start.
        """
        try:
            start_fork_server()
            if self._iterator is None:
                check_room(self.num_workers)
            with self._waiting("the worker processes that read sections"):
                return super().__iter__()
        except OSError as error:
            reason = (error.strerror or first_line(error)).lower()
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise _cannot_hand_over(reason) from error
            raise UserError(
                problem=f"the worker processes cannot start: {reason}",
                fix="set data.workers to 0, or mend /dev/shm, which must exist, have room and be writable",
            ) from error

    def state_dict(self) -> dict[str, int]:
        """Progress within the epoch; Lightning saves it in a checkpoint."""
        return {"epoch": self._batches.epoch, "given": self._yielded}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Resume within an epoch, after the batches that were used; Lightning calls this before it resumes."""
        self._batches.resume_point = (state["epoch"], state["given"])


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
        return _cannot_hand_over(first_line(error))


def _cannot_hand_over(reason: str) -> UserError:
    room = "raise the limit: ulimit -n 4096" if "open files" in reason else "enlarge /dev/shm: in Docker --shm-size 2g"
    return UserError(
        problem=f"the worker processes cannot hand over sections: {reason}", fix=f"set data.workers to 0, or {room}"
    )


def _of_workers(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches of worker processes.

    Raises:
        UserError: a worker process has ended.
    """
    try:
        yield from batches
    except (RuntimeError, EOFError, ConnectionError) as error:
        reason = first_line(error)
        if reason.startswith("Caught "):  # an error within a worker, which PyTorch raises again here
            raise
        # Without a free descriptor, the one that is received is lost on the way, which is all that Python tells.
        if reason.startswith("Too many open files") or "items of ancdata" in reason:
            raise _cannot_hand_over("too many open files") from error
        if isinstance(error, RuntimeError) and not reason.startswith("DataLoader worker"):
            raise
        if (code := max(map(exit_code, getattr(batches, "_workers", ())), default=0)) > 1:
            raise _cannot_hand_over(os.strerror(code).lower()) from error
        raise UserError(
            problem=f"a process that reads sections has ended: {reason}",
            fix="if it was killed, memory was probably short: lower data.workers, or set it to 0",
        ) from error


class SharedBatches(Sampler[list[SectionIndex]]):
    """Samples batches of section indices. The order changes each epoch and depends only on the seed and the epoch.

    As many batches as possible hold sections of one group. Several processes share each batch: together they see the
    batch that a single process with the same total batch size would see, and each section once an epoch. A process that
    gets no section of the last batch gets one whose labels are ignored.

    Args:
        groups: group of each section, see `SectionDataset.groups`.
        batch_size: sections in a batch on each process.
        seed: of the order; None: no shuffling.
        share: (rank, number of ranks).
    """

    def __init__(
        self, groups: Sequence[Hashable], batch_size: int, *, seed: int | None, share: tuple[int, int] = (0, 1)
    ) -> None:
        self._groups = groups
        self._seed = seed
        self._rank, self._ranks = share
        self._size = batch_size * self._ranks
        self.epoch = 0
        self.resume_point = (0, 0)
        """The epoch in which the run resumes, and the number of its batches that were used before."""

    @property
    def sampler(self) -> Self:
        """The object whose `set_epoch` Lightning calls."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before each epoch."""
        self.epoch = epoch

    @property
    def skipped(self) -> int:
        """Number of batches that this epoch skips."""
        epoch, used = self.resume_point
        return used if epoch == self.epoch else 0

    def __len__(self) -> int:
        return math.ceil(len(self._groups) / self._size)

    def __iter__(self) -> Iterator[list[SectionIndex]]:
        order = [SectionIndex(section, self.epoch) for section in self._order()]
        for start in range(self.skipped * self._size, len(order), self._size):
            batch = order[start : start + self._size]
            yield batch[self._rank :: self._ranks] or [replace(batch[0], counts=False)]

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
