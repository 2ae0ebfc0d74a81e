"""Work that need not wait for its turn: what is read next is read meanwhile, what is done is written meanwhile."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class _End:
    """The last thing in a queue, with what ended it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def read_ahead(source: Iterable[T], depth: int = 2) -> Generator[T]:
    """The same things in the same order, read by a thread that is a few of them ahead; close it where it breaks off.

    Args:
        source: is iterated over in the thread alone.
        depth: how many it may be ahead.

    Raises:
        BaseException: whatever the source raised, in its turn.
    """
    ready: queue.Queue[T | _End] = queue.Queue(depth)
    stopped = threading.Event()

    def read() -> None:
        try:
            for thing in source:
                if not _put(ready, thing, stopped):
                    return
        except BaseException as error:  # raised again where it is waited for
            _put(ready, _End(error), stopped)
        else:
            _put(ready, _End(), stopped)

    thread = threading.Thread(target=read, name="read ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(thing := ready.get(), _End):
            yield thing
        if thing.error is not None:
            raise thing.error
    finally:
        stopped.set()
        thread.join()


def _put(ready: queue.Queue[T | _End], thing: T | _End, stopped: threading.Event) -> bool:
    """Put a thing into a queue when there is room; False where nobody will fetch it any more."""
    while not stopped.is_set():
        try:
            ready.put(thing, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False


class Behind(Generic[T]):
    """Hands things over to a thread that does the rest with them, in their order; a context manager.

    Leaving it waits until all is done. What the thread raises is raised by the next call, or on leaving.

    Args:
        do: is called in the thread.
        depth: how many things may wait.
    """

    def __init__(self, do: Callable[[T], None], depth: int = 2) -> None:
        self._do = do
        self._waiting: queue.Queue[T | _End] = queue.Queue(depth)
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="write behind", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __call__(self, thing: T) -> None:
        """Hand a thing over; waits while too many do."""
        self._check()
        self._waiting.put(thing)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._waiting.put(_End())
        self._thread.join()
        if error is None:
            self._check()

    def _check(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _work(self) -> None:
        while not isinstance(thing := self._waiting.get(), _End):
            if self._failed is not None:
                continue  # nothing may follow what failed; whoever hands things over must not wait for ever
            try:
                self._do(thing)
            except BaseException as error:  # raised again where the next thing is handed over
                self._failed = error
