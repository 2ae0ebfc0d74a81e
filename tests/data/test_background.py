"""Background threads keep the order and a bounded queue, pass on errors and interrupts, and always end."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import torch

from sam_seismic.data.background import Prefetch, WriteBehind
from sam_seismic.errors import SurveyError

REFUSED = SurveyError(problem="line 3 is damaged", fix="copy it again")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def ctrl_c(times: int = 1) -> None:
    """Interrupt the main thread from another one."""
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)


def numbers(made: list[int], end: int = 20, *, failing: int = -1) -> Iterator[int]:
    for number in range(end):
        if number == failing:
            raise REFUSED
        made.append(number)
        yield number


def test_prefetch_makes_no_more_items_than_its_capacity():
    made: list[int] = []
    with Prefetch(numbers(made), capacity=3) as ahead:
        taken = []
        for number in ahead:
            time.sleep(0.005)
            taken.append(number)
            assert len(made) - len(taken) <= 3
        assert taken == list(range(20))
    with Prefetch(numbers(made), capacity=3):
        while len(made) < 23:
            time.sleep(0.001)
    assert made[20:] == [0, 1, 2], "a full queue, before any item was used"


def test_items_before_an_error_are_returned_first():
    taken = []
    with pytest.raises(SurveyError) as refused, Prefetch(numbers([], failing=3), capacity=2) as ahead:
        taken.extend(number for number in ahead)
    assert refused.value is REFUSED
    assert taken == [0, 1, 2]


def test_items_are_processed_in_order_on_another_thread():
    used: list[tuple[int, bool]] = []
    given = []

    def use(number: int) -> None:
        time.sleep(0.002)
        assert len(given) - len(used) <= 3  # two in the queue or in use, and the one in put()
        used.append((number, threading.current_thread() is threading.main_thread()))

    with WriteBehind(use, capacity=2) as behind:
        for number in range(20):
            given.append(number)
            behind.put(number)
    assert used == [(number, False) for number in range(20)], "the end of the block waits for the last one"


def process(use: Callable[[int], None], count: int, *, capacity: int, then: Callable[[], None] = lambda: None) -> None:
    with WriteBehind(use, capacity=capacity) as behind:
        for number in range(count):
            behind.put(number)
        then()


@pytest.mark.parametrize("failing", [0, 5, 9])
def test_an_error_in_processing_an_item_is_raised_and_ends_the_thread(failing: int):
    """Also at the last item."""
    used = []

    def use(number: int) -> None:
        if number == failing:
            raise REFUSED
        used.append(number)

    with pytest.raises(SurveyError) as refused:
        process(use, 10, capacity=2)
    assert refused.value is REFUSED
    assert used == list(range(failing))


def test_an_error_in_the_block_drops_queued_items():
    used, started = [], threading.Event()

    def use(number: int) -> None:
        started.set()
        time.sleep(0.05)
        used.append(number)

    def fail() -> None:
        started.wait()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        process(use, 4, capacity=4, then=fail)
    assert used == [0], "only the current item is finished"


def test_repeated_interrupts_wait_for_the_current_item():
    """The caller closes the files next, so no thread may use them."""
    done, inside = [], threading.Event()

    def slow() -> Iterator[int]:
        inside.wait()
        ctrl_c(3)
        done.append("made")
        yield 1

    def ask() -> None:
        with Prefetch(slow(), capacity=1) as ahead:
            inside.set()
            next(iter(ahead))

    with pytest.raises(KeyboardInterrupt):
        ask()
    assert done == ["made"]


@pytest.mark.parametrize("items", [3, 9])
def test_an_interrupt_during_processing(items: int):
    """While the main thread waits for the end, and while it waits for a free slot."""
    used: list[int] = []
    given = threading.Event()
    threads: list[WriteBehind[int]] = []

    def use(number: int) -> None:
        given.wait()
        ctrl_c()
        while not threads[0]._cancelled:  # on a busy machine the main thread may be slow
            time.sleep(0.01)
        used.append(number)

    def give() -> None:
        with WriteBehind(use, capacity=3) as behind:
            threads.append(behind)
            for number in range(items):
                if number == 2:
                    given.set()
                behind.put(number)

    with pytest.raises(KeyboardInterrupt):
        give()
    assert used == [0]


def test_a_background_thread_uses_one_core():
    """Otherwise PyTorch starts a thread pool for it, which takes cores from the network."""

    def threads() -> Iterator[int]:
        while True:
            torch.zeros(1 << 20).add_(1)  # large enough for several threads
            yield torch.get_num_threads()

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        used: list[int] = []
        later: list[int] = []
        with (
            Prefetch(threads(), capacity=1) as ahead,
            WriteBehind(lambda _: used.append(torch.get_num_threads()), capacity=1) as behind,
        ):
            assert next(iter(ahead)) == 1
            behind.put(0)
            thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
            thread.start()
            thread.join()
        assert used == [1]
        assert later == [3], "other threads are not limited"
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("interrupted", ["waiting for an item", "leaving the block"])
def test_an_interrupt_abandons_a_thread_that_hangs(monkeypatch: pytest.MonkeyPatch, interrupted: str):
    """A read from a dead file server never ends; without an interrupt the thread is waited for."""
    monkeypatch.setattr("sam_seismic.data.background.GRACE_SECONDS", 0.1)
    inside, over = threading.Event(), threading.Event()

    def hanging() -> Iterator[int]:
        inside.set()
        threading.Timer(0.2, ctrl_c).start()
        over.wait()
        yield 1

    def use() -> None:
        with Prefetch(hanging(), capacity=1) as ahead:
            inside.wait()
            if interrupted == "waiting for an item":
                next(iter(ahead))

    with pytest.raises(KeyboardInterrupt):
        use()
    hung = [thread for thread in threading.enumerate() if thread.name == "Prefetch"]
    assert [thread.daemon for thread in hung] == [True], "it does not keep the process alive"
    over.set()
    hung[0].join()
