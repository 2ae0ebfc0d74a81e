"""Reading ahead and writing behind change when things are done, never what is done nor in which order."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing

import pytest

from sam_seismic.data.ahead import Behind, read_ahead
from sam_seismic.errors import SurveyError

WAIT_S = 60.0
"""Longer than anything here takes: whatever waits so long has failed."""


def ours() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name in ("read ahead", "write behind")]


class Source:
    """Numbers from 0 up, that knows how many it has been asked for."""

    def __init__(self, count: int, fails_at: int | None = None) -> None:
        self.asked = 0
        self._count, self._fails_at = count, fails_at
        self.ahead = threading.Semaphore(0)

    def __iter__(self) -> Iterator[int]:
        for number in range(self._count):
            self.asked = number + 1
            self.ahead.release()
            if number == self._fails_at:
                raise SurveyError(problem="IL 3 is damaged", fix="mute it")
            yield number


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_the_same_things_come_in_the_same_order(count: int, depth: int):
    assert list(read_ahead(Source(count), depth)) == list(range(count))
    assert ours() == []


def test_it_is_read_in_another_thread_and_no_more_than_a_few_ahead():
    """A survey of thousands of sections must not be read into memory."""
    source = Source(100)
    with closing(read_ahead(source, depth=2)) as numbers:
        for taken, _ in zip(range(1, 20), numbers, strict=False):
            # It always gets as far as two that wait and one at hand, and there it stays.
            while source.asked < taken + 3:
                assert source.ahead.acquire(timeout=WAIT_S)
            assert source.asked == taken + 3
            assert len(ours()) == 1


def test_an_error_comes_in_its_turn():
    """What was read before it is handed out first."""
    got = []
    with pytest.raises(SurveyError, match="IL 3 is damaged") as caught:  # noqa: PT012  # where it is raised matters
        for number in read_ahead(Source(10, fails_at=3)):
            got.append(number)
    assert got == [0, 1, 2]
    assert caught.value.fix == "mute it"
    assert ours() == []


def test_an_interrupt_in_the_source_comes_out_as_one():
    def interrupted() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    got = read_ahead(interrupted())
    assert next(got) == 1
    with pytest.raises(KeyboardInterrupt):
        next(got)
    assert ours() == []


@pytest.mark.parametrize("count", [3, 10_000])
def test_who_breaks_off_ends_the_thread(count: int):
    """It neither waits for ever to hand over what nobody fetches, nor reads on to the end."""
    source = Source(count)
    with closing(read_ahead(source, depth=2)) as numbers:
        assert next(numbers) == 0
    assert ours() == []
    assert source.asked <= 4


def test_an_error_of_the_reader_ends_the_thread():

    def reader() -> None:
        with closing(read_ahead(Source(10_000))) as numbers:
            for _ in numbers:
                raise SurveyError(problem="the disk is full", fix="free some")

    with pytest.raises(SurveyError, match="disk is full"):
        reader()
    assert ours() == []


def test_what_is_never_begun_reads_nothing():
    source = Source(5)
    read_ahead(source).close()
    assert source.asked == 0
    assert ours() == []


# --- behind -------------------------------------------------------------------------------------------------------


def test_things_are_done_in_their_order_and_all_before_it_is_left():
    done, slow = [], threading.Event()

    def do(number: int) -> None:
        slow.wait(0.001)
        done.append((number, threading.current_thread().name))

    with Behind(do) as behind:
        for number in range(20):
            behind(number)
    assert done == [(number, "write behind") for number in range(20)]
    assert ours() == []


def test_no_more_than_a_few_things_wait():
    """Embeddings of a whole survey must not pile up in memory behind a slow disk."""
    may, handed, begun = threading.Semaphore(0), [], threading.Event()

    def do(number: int) -> None:
        begun.set()
        assert may.acquire(timeout=WAIT_S)

    def hand_all_over(behind: Behind[int]) -> None:
        for number in range(10):
            behind(number)
            handed.append(number)

    with Behind(do, depth=2) as behind:
        other = threading.Thread(target=hand_all_over, args=(behind,))
        other.start()
        assert begun.wait(WAIT_S)
        other.join(0.2)
        assert other.is_alive()
        assert len(handed) <= 3
        for _ in range(10):
            may.release()
        other.join(WAIT_S)
    assert handed == list(range(10))


def hand_over(numbers: Iterable[int], done: list[int], then: BaseException | None = None) -> None:
    """Hand numbers to a thread that fails at 2, then fail too."""

    def do(number: int) -> None:
        if number == 2:
            raise SurveyError(problem="the disk is full", fix="free some")
        done.append(number)

    with Behind(do) as behind:
        for number in numbers:
            behind(number)
        if then is not None:
            raise then


@pytest.mark.parametrize("count", [1000, 3])
def test_an_error_surfaces_and_nothing_is_done_after_it(count: int):
    """The section after one that could not be written must not be; the last one's error surfaces on leaving."""
    done: list[int] = []
    with pytest.raises(SurveyError, match="disk is full"):
        hand_over(range(count), done)
    assert done == [0, 1]
    assert ours() == []


def test_what_was_handed_over_is_done_though_the_reader_fails():
    """An interrupt keeps what was encoded; the interrupt is what is told."""
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        hand_over([0, 1], done, then=KeyboardInterrupt())
    assert done == [0, 1]


def test_an_error_of_the_reader_is_told_before_one_behind():
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        hand_over([2], done, then=KeyboardInterrupt())
    assert done == []
    assert ours() == []
