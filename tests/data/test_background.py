"""Work beside the network keeps its order and its bounds; errors and interrupts come up, and no thread is left."""

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
    """Called on another thread, interrupts the main one."""
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)


def numbers(made: list[int], end: int = 20, *, failing: int = -1) -> Iterator[int]:
    for number in range(end):
        if number == failing:
            raise REFUSED
        made.append(number)
        yield number


def test_items_are_made_ahead_and_no_further():
    made: list[int] = []
    with Prefetch(numbers(made), room=3) as ahead:
        taken = []
        for number in ahead:
            time.sleep(0.005)
            taken.append(number)
            assert len(made) - len(taken) <= 3
        assert taken == list(range(20))
    with Prefetch(numbers(made), room=3):
        while len(made) < 23:
            time.sleep(0.001)
    assert made[20:] == [0, 1, 2], "as many as there is room for, though nobody asked for one"


def test_what_was_made_before_an_error_comes_first():
    taken = []
    with pytest.raises(SurveyError) as refused, Prefetch(numbers([], failing=3), room=2) as ahead:
        taken.extend(number for number in ahead)
    assert refused.value is REFUSED
    assert taken == [0, 1, 2]


def test_items_are_used_in_order_on_another_thread():
    used: list[tuple[int, bool]] = []
    given = []

    def use(number: int) -> None:
        time.sleep(0.002)
        assert len(given) - len(used) <= 3  # two that wait or are in use, and the one that is being given
        used.append((number, threading.current_thread() is threading.main_thread()))

    with WriteBehind(use, room=2) as behind:
        for number in range(20):
            given.append(number)
            behind.put(number)
    assert used == [(number, False) for number in range(20)], "the end of the block waits for the last one"


def use_up(use: Callable[[int], None], count: int, *, room: int, then: Callable[[], None] = lambda: None) -> None:
    with WriteBehind(use, room=room) as behind:
        for number in range(count):
            behind.put(number)
        then()


@pytest.mark.parametrize("failing", [0, 5, 9])
def test_an_error_of_use_comes_up_and_ends_it(failing: int):
    """Also one at the very last item."""
    used = []

    def use(number: int) -> None:
        if number == failing:
            raise REFUSED
        used.append(number)

    with pytest.raises(SurveyError) as refused:
        use_up(use, 10, room=2)
    assert refused.value is REFUSED
    assert used == list(range(failing))


def test_an_error_outside_gives_up_what_waits():
    used, begun = [], threading.Event()

    def use(number: int) -> None:
        begun.set()
        time.sleep(0.05)
        used.append(number)

    def fail() -> None:
        begun.wait()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use_up(use, 4, room=4, then=fail)
    assert used == [0], "the one that was being used is used, the others are not"


def test_an_interrupt_waits_for_what_is_being_done_however_often_it_comes():
    """Files are closed next: no thread may be at them."""
    done, inside = [], threading.Event()

    def slow() -> Iterator[int]:
        inside.wait()
        ctrl_c(3)
        done.append("made")
        yield 1

    def ask() -> None:
        with Prefetch(slow(), room=1) as ahead:
            inside.set()
            next(iter(ahead))

    with pytest.raises(KeyboardInterrupt):
        ask()
    assert done == ["made"]


@pytest.mark.parametrize("items", [3, 9])
def test_an_interrupt_while_the_last_items_are_used(items: int):
    """Waiting for the end, and waiting for room."""
    used: list[int] = []
    given = threading.Event()
    begun: list[WriteBehind[int]] = []

    def use(number: int) -> None:
        given.wait()
        ctrl_c()
        while not begun[0]._given_up:  # a busy machine may let the main thread wait
            time.sleep(0.01)
        used.append(number)

    def give() -> None:
        with WriteBehind(use, room=3) as behind:
            begun.append(behind)
            for number in range(items):
                if number == 2:
                    given.set()
                behind.put(number)

    with pytest.raises(KeyboardInterrupt):
        give()
    assert used == [0]


def test_a_thread_beside_the_network_takes_one_core():
    """Else PyTorch would make a team of threads for it, which keeps the cores from the network."""

    def threads() -> Iterator[int]:
        while True:
            torch.zeros(1 << 20).add_(1)  # large enough to be shared by threads
            yield torch.get_num_threads()

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        used: list[int] = []
        later: list[int] = []
        with (
            Prefetch(threads(), room=1) as ahead,
            WriteBehind(lambda _: used.append(torch.get_num_threads()), room=1) as behind,
        ):
            assert next(iter(ahead)) == 1
            behind.put(0)
            thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
            thread.start()
            thread.join()
        assert used == [1]
        assert later == [3], "other threads are left alone"
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
