"""Ranks exchange files in a folder: outputs arrive unchanged, and the folder is removed at the end of the job."""

import threading
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.files.unfinished import Start
from sam_seismic.inference.line_batches import LineBatch, line_batches
from sam_seismic.inference.rank_exchange import BATCHES_IN_FOLDER, RankExchange, WaitStopped
from sam_seismic.inference.section_outputs import SectionOutputs
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.volume import Section

START = Start("token")
GRID = Geometry.complete(range(10, 15), range(30, 37), 9)


def exchange(folder: Path, rank: int, *, job: str = "hpc/7", attempt: int = 0) -> RankExchange:
    return RankExchange(folder / "f.sgy", job, rank=rank, ranks=2, attempt=attempt)


def batch_of(first: int, *, rank: int = 1, lines: int = 2) -> LineBatch:
    return LineBatch(Orientation.CROSSLINE, tuple(range(first, first + lines)), first, rank, first + lines)


def outputs_of(batch: LineBatch) -> list[SectionOutputs]:
    """A value array of two outputs, and waiting probabilities for the first section only."""
    chance = np.random.default_rng(batch.first)
    sections = []
    for number, line in enumerate(batch.lines):
        section = Section(batch.orientation, line, np.zeros((9, 5)), chance.random(5) < 0.5, 12 if number else None)
        values = {0: chance.integers(0, 6, (9, 5)).astype(np.int8), 3: chance.random((9, 5), np.float32)}
        waiting = None if number else chance.random((5, 3, 9)).astype(np.float16)
        sections.append(SectionOutputs(section, values, waiting))
    return sections


def test_sent_outputs_are_received_unchanged(tmp_path: Path):
    first, second = exchange(tmp_path, 0), exchange(tmp_path, 1)
    first.publish_start(START, 4)
    assert second.wait_for_start() == (Start("token", resumed=True), 4)
    batch = batch_of(0)
    sent = outputs_of(batch)
    second.send(batch, sent)
    received = first.receive(batch)
    assert [outputs.section.line for outputs in received] == [0, 1]
    for found, given in zip(received, sent, strict=True):
        np.testing.assert_array_equal(found.section.live, given.section.live)
        assert (found.section.orientation, found.section.cut_from) == (batch.orientation, given.section.cut_from)
        assert found.values.keys() == given.values.keys()
        for position, values in given.values.items():
            assert found.values[position].dtype == values.dtype
            np.testing.assert_array_equal(found.values[position], values)
    np.testing.assert_array_equal(received[0].waiting, sent[0].waiting)
    assert received[1].waiting is None
    assert not list(tmp_path.rglob("*.npz")), "received files are removed"


def test_a_batch_that_an_earlier_attempt_sent_is_not_predicted_again(tmp_path: Path):
    """Even if the first rank receives it before the other rank starts."""
    exchange(tmp_path, 0).publish_start(START, 0)
    exchange(tmp_path, 1).send(batch_of(0), outputs_of(batch_of(0)))
    first, second = exchange(tmp_path, 0, attempt=1), exchange(tmp_path, 1, attempt=1)
    first.publish_start(START, 0)
    first.receive(batch_of(0))
    second.wait_for_start()
    batches = [batch_of(0), batch_of(2, rank=0), batch_of(4)]
    assert second.batches_to_predict(batches) == [batch_of(4)]


def test_a_single_rank_makes_no_folder_and_does_not_wait(tmp_path: Path):
    alone = RankExchange(tmp_path / "f.sgy")
    with alone.as_first_rank():
        alone.publish_start(START, 0)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("error", "remains"), [(RuntimeError, False), (KeyboardInterrupt, True)])
def test_an_error_removes_the_folder_but_an_interrupt_does_not(
    tmp_path: Path, error: type[BaseException], remains: bool
):
    """After an interrupt the job can be resumed, and the outputs that other ranks sent are used."""
    first = exchange(tmp_path, 0)
    first.publish_start(START, 0)
    with pytest.raises(error), first.as_first_rank():
        raise error
    assert bool(list(tmp_path.iterdir())) is remains


def test_the_first_rank_ends_after_the_others(tmp_path: Path):
    """A rank that starts late would wait forever for the start file of a removed folder."""
    first, second = exchange(tmp_path, 0), exchange(tmp_path, 1)
    left = threading.Event()

    def lead() -> None:
        with first.as_first_rank():
            first.publish_start(START, 0)
        left.set()

    thread = threading.Thread(target=lead, daemon=True)
    thread.start()
    second.wait_for_start()
    assert not left.wait(0.2)
    second.publish_end()
    thread.join()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_another_job_is_removed(tmp_path: Path):
    """That job was killed and will not resume; folders of other outputs remain."""
    exchange(tmp_path, 0, job="hpc/6").publish_start(START, 0)
    RankExchange(tmp_path / "other.sgy", "hpc/6", rank=0, ranks=2).publish_start(START, 0)
    exchange(tmp_path, 0, job="hpc/7").publish_start(START, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".f.sgy.hpc-7.exchange",
        ".other.sgy.hpc-6.exchange",
    ]


def test_a_rank_waits_before_it_sends_too_many_batches(tmp_path: Path):
    """Otherwise a slow first rank would fill the disk with the probabilities of the whole volume."""
    first, second = exchange(tmp_path, 0), exchange(tmp_path, 1)
    first.publish_start(START, 0)
    batches = [batch_of(2 * number) for number in range(BATCHES_IN_FOLDER + 1)]
    for batch in batches[:-1]:
        second.send(batch, outputs_of(batch))
    sent = threading.Event()
    thread = threading.Thread(
        target=lambda: (second.send(batches[-1], outputs_of(batches[-1])), sent.set()), daemon=True
    )
    thread.start()
    assert not sent.wait(0.2)
    first.receive(batches[0])
    thread.join()
    assert sent.is_set()


def test_an_error_stops_a_thread_that_waits(tmp_path: Path):
    """The writing thread waits for another rank while the network of its own rank fails."""
    first = exchange(tmp_path, 0)
    stopped: list[bool] = []

    def write() -> None:
        try:
            first.receive(batch_of(0))
        except WaitStopped:
            stopped.append(True)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    with pytest.raises(RuntimeError), first.stops_waiting_after_errors():
        raise RuntimeError
    thread.join()
    assert stopped == [True]


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_ranks_share_the_same_batches_in_rotation(ranks: int):
    """The number of ranks changes who predicts a batch, never the batch; crosslines come first."""
    volume = MemoryVolume(np.zeros(GRID.shape, np.float32), GRID)
    batches = list(line_batches(volume, tuple(Orientation), size=2, ranks=ranks))
    assert [(batch.orientation.short, batch.lines) for batch in batches] == [
        ("XL", (30, 31)),
        ("XL", (32, 33)),
        ("XL", (34, 35)),
        ("XL", (36,)),
        ("IL", (10, 11)),
        ("IL", (12, 13)),
        ("IL", (14,)),
    ]
    assert [batch.finished for batch in batches] == [2, 4, 6, 7, 9, 11, 12]
    assert [batch.rank for batch in batches] == [number % ranks for number in (0, 1, 2, 3, 0, 1, 2)]
    assert len({batch.name for batch in batches}) == len(batches)
    assert list(line_batches(volume, tuple(Orientation), size=2, ranks=ranks, finished=7)) == batches[4:]
