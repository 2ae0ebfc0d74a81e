"""Background threads: one prefetches items for the network, another one consumes its results.

An exception in a background thread is raised again in the calling thread. When a `with` block is left by an error,
queued items are dropped, and the item in work is finished: the thread has always ended when the block has been left.
"""

# A SimpleQueue is written in C: no interrupt can leave it locked, as it can the locks that Python's own classes take.

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
SECONDS = 0.5
"""At most, of a wait that an interrupt may not end."""

T = TypeVar("T")


class _Mark(Enum):
    """What stands in a queue in place of an item."""

    END = "end"


class _Beside(ABC, Generic[T]):
    """A thread that works as long as a block lasts, on one core: the network has the others.

    Args:
        room: items that it may be ahead or behind by, those it is at included.
    """

    def __init__(self, room: int) -> None:
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(room):
            self._room.put(None)
        self._waiting: SimpleQueue[T | _Mark] = SimpleQueue()
        self._failure: BaseException | None = None
        self._given_up = self._over = False
        self._begun: SimpleQueue[None] = SimpleQueue()
        self._ended: SimpleQueue[None] = SimpleQueue()
        # A daemon, since an interrupt may strike before the block has begun, and nobody would end it.
        self._thread = Thread(target=self._run, name=type(self).__name__, daemon=True)

    def __enter__(self) -> Self:
        threads = torch.get_num_threads()
        self._thread.start()
        _next(self._begun)
        torch.set_num_threads(threads)  # for threads that begin later; that one keeps its own number
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._given_up = True
            self._room.put(None)  # wherever it waits, it wakes
            self._waiting.put(_Mark.END)
            self._join()

    @abstractmethod
    def _work(self) -> None:
        """What the thread does, until it is done or given up."""

    @abstractmethod
    def _finish(self) -> None:
        """What the end of the block waits for when nothing went wrong."""

    def _run(self) -> None:
        # Else PyTorch would give it a team of threads of its own, which wait for work at full speed. Measured on two
        # cores, in bfloat16: filling a store took 1.17 times as long as the encoder alone, and 1.02 times with one.
        torch.get_num_threads()  # what it is set to before it has been asked for would be forgotten
        torch.set_num_threads(1)
        self._begun.put(None)
        try:
            self._work()
        except BaseException as error:  # raised again where it can be caught
            self._failure = error
        finally:
            self._over = True
            self._ended.put(None)
            self._room.put(None)
            self._waiting.put(_Mark.END)

    def _join(self) -> None:
        """Wait for the end; a second interrupt must not leave a thread behind at files that are closed next."""
        while not self._over:
            with suppress(KeyboardInterrupt):
                self._ended.get()
        with suppress(KeyboardInterrupt):
            self._thread.join()


class Prefetch(_Beside[T]):
    """An iterator that makes its items ahead of their use.

    Args:
        items: made one after the other.
        room: how many are made ahead.
    """

    def __init__(self, items: Iterable[T], *, room: int) -> None:
        super().__init__(room)
        self._items = iter(items)

    def __iter__(self) -> Iterator[T]:
        while not isinstance(item := _next(self._waiting), _Mark):
            self._room.put(None)
            yield item
            del item  # it may be large, and the next one is waited for
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        while True:
            self._room.get()
            if self._given_up:
                return
            try:
                self._waiting.put(next(self._items))
            except StopIteration:
                return

    def _finish(self) -> None:
        """Items that nobody asked for are given up."""


class WriteBehind(_Beside[T]):
    """Uses up items in their order, behind the one that gives them; the end of the block waits for the last of them.

    Args:
        use: called with each item.
        room: how many may wait or be in use.
    """

    def __init__(self, use: Callable[[T], None], *, room: int) -> None:
        super().__init__(room)
        self._use = use

    def put(self, item: T) -> None:
        """Give an item, as soon as there is room for it; raises what was raised for an earlier one."""
        _next(self._room)
        if self._failure is not None:
            raise self._failure
        self._waiting.put(item)

    def _work(self) -> None:
        while not isinstance(item := self._waiting.get(), _Mark) and not self._given_up:
            self._use(item)
            del item
            self._room.put(None)

    def _finish(self) -> None:
        """All items are used, or what was raised for one of them is raised."""
        self._waiting.put(_Mark.END)
        _next(self._ended)
        if self._failure is not None:
            raise self._failure


def _next(queue: SimpleQueue[T]) -> T:
    """Wait for an item on the main thread. An interrupt that strikes just before a wait begins is not met within it."""
    while True:
        with suppress(Empty):
            return queue.get(timeout=SECONDS)
