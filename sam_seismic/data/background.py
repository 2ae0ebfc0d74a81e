"""Background threads: one prefetches items for the network, another one consumes its results.

An exception in a background thread is raised again in the calling thread. When a `with` block is left by an error,
queued items are dropped and the current item is finished. The thread has ended when the block has been left; unless a
stop signal leaves the block and the current item hangs, as reads from a dead file server do: then the thread, which
does not keep the process alive, is abandoned.
"""

# SimpleQueue is written in C: an interrupt cannot leave it locked, as it can the locks of Python's own queue classes.

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import Enum
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Generic, Self, TypeVar

import torch

PREFETCHED_BATCHES = 2
"""Batches that are read and prepared before the network asks for them."""
POLL_SECONDS = 0.5
"""Longest wait that an interrupt may not end."""
GRACE_SECONDS = 5.0
"""Time that the current item has to be finished after a stop signal."""

T = TypeVar("T")


class _Marker(Enum):
    """Stands in a queue in place of an item."""

    END = "end"


class _BackgroundThread(ABC, Generic[T]):
    """A thread that runs during a `with` block. It uses one core, so that the network has the others.

    Args:
        capacity: largest number of items in the queue, the current one included.
    """

    def __init__(self, capacity: int) -> None:
        self._free_slots: SimpleQueue[None] = SimpleQueue()
        for _ in range(capacity):
            self._free_slots.put(None)
        self._queue: SimpleQueue[T | _Marker] = SimpleQueue()
        self._failure: BaseException | None = None
        self._cancelled = self._ended = False
        self._start_signal: SimpleQueue[None] = SimpleQueue()
        self._end_signal: SimpleQueue[None] = SimpleQueue()
        # A daemon: after an interrupt before the block starts, nothing would end the thread.
        self._thread = Thread(target=self._run, name=type(self).__name__, daemon=True)

    def __enter__(self) -> Self:
        threads = torch.get_num_threads()
        self._thread.start()
        _get(self._start_signal)
        torch.set_num_threads(threads)  # for threads that start later; the background thread has its own number
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._cancelled = True
            self._free_slots.put(None)  # wake the thread, whichever queue it waits on
            self._queue.put(_Marker.END)
            self._join(hurried=kind is not None and not issubclass(kind, Exception))

    @abstractmethod
    def _work(self) -> None:
        """Process items until all are done or the thread is cancelled."""

    @abstractmethod
    def _finish(self) -> None:
        """Called at the end of a block without an error."""

    def _run(self) -> None:
        # Otherwise PyTorch starts a thread pool for this thread, which spins while it waits for work. Measured on two
        # cores in bfloat16, filling a store takes 1.17 times as long as the encoder alone; with one thread, 1.02 times.
        torch.get_num_threads()  # initialises PyTorch's setting; before that, a value that is set is lost
        torch.set_num_threads(1)
        self._start_signal.put(None)
        try:
            self._work()
        except BaseException as error:  # raised again in the calling thread
            self._failure = error
        finally:
            self._ended = True
            self._end_signal.put(None)
            self._free_slots.put(None)
            self._queue.put(_Marker.END)

    def _join(self, *, hurried: bool) -> None:
        """Wait for the end, also after a second interrupt: the caller closes the files of the thread next.

        Args:
            hurried: whether a stop signal ends the block, so that a thread that hangs is abandoned.
        """
        until = time.monotonic() + GRACE_SECONDS if hurried else None
        interrupt: KeyboardInterrupt | None = None
        while not self._ended and (until is None or time.monotonic() < until):
            try:
                with suppress(Empty):
                    self._end_signal.get(timeout=POLL_SECONDS)
            except KeyboardInterrupt as error:
                interrupt, until = error, until or time.monotonic() + GRACE_SECONDS
        if self._ended:
            with suppress(KeyboardInterrupt):
                self._thread.join()
        if interrupt is not None and not hurried:
            raise interrupt


class Prefetch(_BackgroundThread[T]):
    """An iterator that makes its items before they are used.

    Args:
        items: made one after the other.
        capacity: how many are made ahead.
    """

    def __init__(self, items: Iterable[T], *, capacity: int) -> None:
        super().__init__(capacity)
        self._items = iter(items)

    def __iter__(self) -> Iterator[T]:
        while not isinstance(item := _get(self._queue), _Marker):
            self._free_slots.put(None)
            yield item
            del item  # free its memory before waiting for the next item
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        while True:
            self._free_slots.get()
            if self._cancelled:
                return
            try:
                self._queue.put(next(self._items))
            except StopIteration:
                return

    def _finish(self) -> None:
        """Drop items that were not used."""


class WriteBehind(_BackgroundThread[T]):
    """Processes items in order, on its own thread; the end of the block waits for the last item.

    Args:
        use: called with each item.
        capacity: how many items may wait or be in use.
    """

    def __init__(self, use: Callable[[T], None], *, capacity: int) -> None:
        super().__init__(capacity)
        self._use = use

    def put(self, item: T) -> None:
        """Wait for a free slot, then queue an item; raises the exception that an earlier item raised."""
        _get(self._free_slots)
        if self._failure is not None:
            raise self._failure
        self._queue.put(item)

    def _work(self) -> None:
        while not isinstance(item := self._queue.get(), _Marker) and not self._cancelled:
            self._use(item)
            del item
            self._free_slots.put(None)

    def _finish(self) -> None:
        """Wait until all items are processed; raise the exception that one of them raised."""
        self._queue.put(_Marker.END)
        _get(self._end_signal)
        if self._failure is not None:
            raise self._failure


def _get(queue: SimpleQueue[T]) -> T:
    """Wait for an item on the main thread. An interrupt just before a wait takes effect only after it."""
    while True:
        with suppress(Empty):
            return queue.get(timeout=POLL_SECONDS)
