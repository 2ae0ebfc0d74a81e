"""Filling a store: all features that a training reads are encoded once, also by several processes or after a kill."""

import shutil
from collections import deque, namedtuple
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

import pytest
import torch

from sam_seismic.config import InputConfig
from sam_seismic.data.canvas import CanvasTransform
from sam_seismic.data.dataset import SectionIndex, SectionVariant, sample_of
from sam_seismic.errors import SurveyError, UserError
from sam_seismic.survey.parts import Part
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.volume import Section
from sam_seismic.tuning.embedding_store import Group, file_size
from sam_seismic.tuning.encoder_cut import EncoderCut, FrozenPrefix
from sam_seismic.tuning.store_filling import UNWRITTEN_BATCHES, Entry, EntryQueue, StoreFiller
from tests.programs import Program
from tests.tuning.filling import SCALE, TIGHT, WHOLE, Counted, datasets_of, filling_of, parts_of, tiny_encoder

ENTRIES = 12 * 2 * 2 + 3
"""Training sections in two jittered copies, flipped and not flipped, and validation sections."""
SQUARE = InputConfig(side=256, canvas="square", flip=1.0)


def run(filling: StoreFiller, batch_size: int = 3, share: tuple[int, int] | None = None) -> list[tuple[int, int]]:
    """Fill the store; returns the progress that was reported."""
    reports: list[tuple[int, int]] = []
    filling.run(batch_size=batch_size, share=share, progress=lambda *state: reports.append(state))
    return reports


def assert_complete(filling: StoreFiller) -> None:
    """All entries are stored with finite numbers, and the store has no other files."""
    assert filling.missing() == []
    folders = {entry.group.folder for entry in filling.entries}
    paths = {entry.group.path(entry.which.ref, entry.which.variant) for entry in filling.entries}
    assert {path for folder in folders for path in folder.glob("*.npy")} == paths
    for entry in filling.entries:
        found = entry.group.read(entry.which.ref, entry.which.variant)
        assert tuple(found.shape) == entry.shape
        assert bool(found.isfinite().all())
        assert bool(found.any())


class Recorded:
    """Records the batches of canvases that were encoded, and `shown` of each call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[torch.Tensor, tuple[int, int]]] = []
        self.unrecorded = run_frozen = EncoderCut.run_frozen

        def recording(cut: EncoderCut, canvas: torch.Tensor, *, shown: tuple[int, int]) -> torch.Tensor:
            self.calls.append((canvas, shown))
            return run_frozen(cut, canvas, shown=shown)

        monkeypatch.setattr(EncoderCut, "run_frozen", recording)

    def batch_of(self, canvas: torch.Tensor) -> tuple[torch.Tensor, int, tuple[int, int]]:
        """The one batch that held this canvas, its row in the batch, and `shown`."""
        [found] = [
            (batch, row, shown)
            for batch, shown in self.calls
            if batch.shape[1:] == canvas.shape
            for row in range(len(batch))
            if torch.equal(batch[row], canvas)
        ]
        return found


@pytest.mark.parametrize("inputs", [TIGHT, SQUARE], ids=["tight", "square"])
@pytest.mark.parametrize("frozen", [WHOLE, FrozenPrefix(3)])
def test_stored_features_are_those_that_the_encoder_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frozen: FrozenPrefix, inputs: InputConfig
):
    """Bit by bit, in half precision, for the same batch; no canvas is encoded twice."""
    encoder, recorded = tiny_encoder(), Recorded(monkeypatch)
    cut = EncoderCut(encoder, frozen)
    filling = filling_of(tmp_path / "store", frozen=frozen, inputs=inputs, encoder=encoder)
    run(filling)
    monkeypatch.undo()  # end of the recording
    assert_complete(filling)
    assert sum(len(batch) for batch, _ in recorded.calls) == len(filling.entries)
    for entry in filling.entries:
        sample = sample_of(entry.which, CanvasTransform(SCALE, inputs))
        batch, row, shown = recorded.batch_of(sample.image)
        assert all(pixels >= placed for pixels, placed in zip(shown, sample.frame.placed_shape, strict=True))
        expected = recorded.unrecorded(cut, batch, shown=shown).half()[row]
        assert torch.equal(entry.group.read(entry.which.ref, entry.which.variant), expected)
        alone = recorded.unrecorded(cut, sample.image[None])[0]
        torch.testing.assert_close(expected.float(), alone, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize(
    "inputs",
    [
        InputConfig(side=64, canvas="tight"),
        InputConfig(side=64, canvas="tight", flip=0.0),
        InputConfig(side=64, canvas="tight", flip=1.0),
        TIGHT,
    ],
)
def test_the_entries_are_exactly_those_that_fifty_epochs_read(tmp_path: Path, inputs: InputConfig):
    """Training never has to run the frozen part, and no entry is encoded that training does not read."""
    filling = filling_of(tmp_path / "store", inputs=inputs)
    run(filling)
    read_paths = set()

    def read(which: SectionVariant) -> torch.Tensor:
        group = groups[which.part.name, which.ref.orientation]
        read_paths.add(group.path(which.ref, which.variant))
        return group.read(which.ref, which.variant)

    groups = {(entry.which.part.name, entry.which.ref.orientation): entry.group for entry in filling.entries}
    for dataset in datasets_of(parts_of(), inputs):
        dataset._stored = read
        for epoch, section in product(range(50), range(len(dataset))):
            sample = dataset[SectionIndex(section, epoch)]
            assert not isinstance(sample, UserError), sample
            assert sample.image.dtype == torch.float16
    assert read_paths == {entry.group.path(entry.which.ref, entry.which.variant) for entry in filling.entries}


def test_a_batch_has_canvases_of_one_size(tmp_path: Path):
    """Tight canvases of sections of 40 x 20, 40 x 24 and (validation) 40 x 17 samples x traces."""
    inputs = InputConfig(side=64, canvas="tight", fit="resize")
    filling = filling_of(tmp_path / "store", inputs=inputs)
    counted = Counted(filling)
    reports = run(filling, batch_size=4)
    assert_complete(filling)
    assert {entry.shape for entry in filling.entries} == {(256, 4, 2), (256, 4, 3)}
    assert counted.sections == len(filling.entries) == 12 * 2 + 3
    assert max(counted.batches) == 4
    assert [total for _, total in reports] == [27] * len(reports)
    assert [done for done, _ in reports] == sorted({done for done, _ in reports})
    assert reports[-1] == (27, 27)


@pytest.mark.parametrize("frozen", [WHOLE, FrozenPrefix(3)])
def test_only_missing_entries_are_encoded(tmp_path: Path, frozen: FrozenPrefix):
    run(filling_of(tmp_path / "store", frozen=frozen))
    filling = filling_of(tmp_path / "store", frozen=frozen)
    counted = Counted(filling)
    run(filling)
    assert counted.sections == 0
    missing = filling.entries[5:15:2]
    for entry in missing[1:]:
        entry.group.path(entry.which.ref, entry.which.variant).unlink()
    damaged = missing[0].group.path(missing[0].which.ref, missing[0].which.variant)
    damaged.write_bytes(damaged.read_bytes()[:-2])
    assert filling.missing() == missing
    assert run(filling)[-1] == (5, 5)
    assert counted.sections == 5
    assert_complete(filling)


def test_each_cut_has_its_own_entries(tmp_path: Path):
    run(filling_of(tmp_path / "store"))
    assert len(filling_of(tmp_path / "store", frozen=FrozenPrefix(3)).missing()) == ENTRIES


# --- processes ----------------------------------------------------------------------------------------------------


def start(store: Path, *options: object) -> Program:
    return Program([store, *map(str, options)], module="tests.tuning.filling")


def run_together(*commands: tuple[object, ...], go: Path) -> list[int]:
    """Run programs at the same time, starting when all are ready; returns the number of sections that each encoded."""
    running = [start(*command, "--wait-for", go) for command in commands]
    for each in running:
        assert each.stdout.readline() == "ready\n"
    go.touch()
    outputs = [each.communicate()[0] for each in running]
    assert [each.returncode for each in running] == [0] * len(running)
    return [int(output) for output in outputs]


def test_after_a_kill_the_entries_are_complete_and_the_next_process_encodes_the_rest(tmp_path: Path):
    """SIGKILL while the 11th array is written."""
    process = start(tmp_path / "store", "--killed-after", 11)
    assert process.communicate()[0] == "ready\n"
    assert process.returncode == -9
    filling = filling_of(tmp_path / "store")
    stored = [entry for entry in filling.entries if entry.stored]
    assert len(stored) == 10
    assert len(list((tmp_path / "store").rglob("*.part"))) == 1
    assert len(list((tmp_path / "store").rglob("*.npy"))) == 10
    before = {entry.group.path(entry.which.ref, entry.which.variant).stat().st_mtime_ns for entry in stored}
    counted = Counted(filling)
    run(filling)
    assert counted.sections == ENTRIES - 10
    assert before == {entry.group.path(entry.which.ref, entry.which.variant).stat().st_mtime_ns for entry in stored}
    assert_complete(filling)


@pytest.mark.parametrize("slow", [(0.02, 0.02), (0.01, 0.04)], ids=["as fast", "one slower"])
def test_two_independent_processes_share_the_work(tmp_path: Path, slow: tuple[float, float]):
    """They encode few entries twice, and all entries are complete."""
    store, inputs = tmp_path / "store", TIGHT.model_copy(update={"jittered_copies": 4})
    counts = run_together(*((store, "--slow", each, "--copies", 4) for each in slow), go=tmp_path / "go")
    filling = filling_of(store, inputs=inputs)
    assert_complete(filling)
    assert not list(store.rglob("*.part"))
    assert min(counts) > 0
    assert len(filling.entries) == 99 <= sum(counts) <= 99 * 1.5  # about 105; relatively fewer in a large store


@dataclass
class FakeEntry:
    """Replaces an entry of the store."""

    stored: bool = False


@pytest.mark.parametrize("paces", [(1, 1), (1, 4), (1, 2, 3)], ids=str)
def test_processes_at_the_same_position_encode_few_entries_twice(paces: tuple[int, ...]):
    """Without `jump`, a process at the position of another one would encode all remaining entries again.

    Each process takes `pace` entries in a round, and writes them five rounds later.
    """
    entries = [FakeEntry() for _ in range(2000)]
    queues = [EntryQueue(entries) for _ in paces]
    iterators, in_flight, encoded = [iter(each) for each in queues], deque(), 0
    while not all(entry.stored for entry in entries):
        batches = [
            (queue, list(islice(iterator, pace)))
            for queue, iterator, pace in zip(queues, iterators, paces, strict=True)
        ]
        encoded += sum(len(batch) for _, batch in batches)
        in_flight.append(batches)
        for queue, batch in in_flight.popleft() if len(in_flight) > 5 else ():
            for entry in batch:
                if entry.stored:
                    queue.jump()
                entry.stored = True
    assert 2000 <= encoded < 2000 * 1.2


def test_ranks_with_shares_encode_each_entry_once(tmp_path: Path):
    store = tmp_path / "store"
    counts = run_together((store, "--share", 0, 2), (store, "--share", 1, 2), go=tmp_path / "go")
    assert counts == [26, 25]
    assert_complete(filling_of(store))


def test_shares_do_not_depend_on_when_a_rank_starts(tmp_path: Path):
    """Shares of the missing entries would depend on what other ranks have stored; some sections would be missed."""
    first, second = filling_of(tmp_path / "store"), filling_of(tmp_path / "store")
    counted = Counted(first), Counted(second)
    for entry in first.entries[:7]:  # stored by an earlier run
        sample = sample_of(entry.which, CanvasTransform(SCALE, TIGHT))
        entry.group.write(
            entry.which.ref, entry.which.variant, EncoderCut(tiny_encoder(), WHOLE).run_frozen(sample.image[None])[0]
        )
    run(first, share=(0, 2))
    assert len(second.missing()) == 25 - 3
    run(second, share=(1, 2))
    assert [each.sections for each in counted] == [26 - 4, 25 - 3]
    assert_complete(second)


def test_entries_that_another_process_stored_meanwhile_are_skipped(tmp_path: Path):
    """Another process stores everything while the first batch is encoded."""
    filling, reports = filling_of(tmp_path / "store"), []

    def progress(*state: int) -> None:
        if not reports:
            run(filling_of(tmp_path / "store"))
        reports.append(state)

    counted = Counted(filling)
    filling.run(batch_size=3, progress=progress)
    assert counted.sections <= 3 * 7
    assert reports[-1] == (ENTRIES, ENTRIES)


# --- errors -------------------------------------------------------------------------------------------------------


def test_a_section_that_cannot_be_read_is_reported_and_earlier_entries_remain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    filling = filling_of(tmp_path / "store")
    amplitude, count = Part.amplitude, iter(range(1000))

    def damaged(self: Part, ref: SectionRef) -> Section:
        if next(count) == 12:
            raise SurveyError(problem=f"a.sgy: IL {ref.line} has 1 samples that are not finite", fix="mute them")
        return amplitude(self, ref)

    with monkeypatch.context() as patch:
        patch.setattr(Part, "amplitude", damaged)
        with pytest.raises(SurveyError, match="not finite") as caught:
            run(filling)
    assert caught.value.fix == "mute them"
    assert ENTRIES - 12 <= len(filling.missing()) <= ENTRIES - 12 + 3 * UNWRITTEN_BATCHES
    run(filling)
    assert_complete(filling)


def test_a_full_disk_is_reported_and_earlier_entries_remain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    filling = filling_of(tmp_path / "store")
    write, count = Group.write, iter(range(1000))

    def full(self: Group, *entry: object) -> None:
        if next(count) == 12:
            raise OSError(28, "No space left on device", "x.npy")
        write(self, *entry)

    with monkeypatch.context() as patch:
        patch.setattr(Group, "write", full)
        with pytest.raises(OSError, match="No space left"):
            run(filling)
    assert len(filling.missing()) == ENTRIES - 12
    run(filling)
    assert_complete(filling)


def test_numbers_too_large_for_half_precision_are_a_user_error(tmp_path: Path):
    encoder = tiny_encoder()
    encoder.pos_embed.data[0, 0, 0, 0] = 1e6
    filling = filling_of(tmp_path / "store", frozen=FrozenPrefix(3), encoder=encoder)
    with pytest.raises(UserError, match="numbers that half precision cannot hold"):
        run(filling)
    assert len(filling.missing()) == ENTRIES
    assert list((tmp_path / "store").rglob("*.npy")) == []


def test_a_disk_without_space_is_reported_before_filling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Stored entries need no more space; the store need not exist yet."""
    store, filling = tmp_path / "new" / "store", filling_of(tmp_path / "new" / "store")
    usage = namedtuple("usage", "total used free")
    needed = sum(file_size(entry.shape) for entry in filling.entries)

    def set_free_space(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10 * needed, 0, free))

    set_free_space(needed)
    filling.check_can_store(store, filling.missing())
    set_free_space(needed - 1)
    with pytest.raises(SurveyError) as caught:
        filling.check_can_store(store, filling.missing())
    assert str(store) in caught.value.problem
    for option in ("sam-seismic embed --prune 30", "train.store", "cache: false"):
        assert option in caught.value.fix
    assert not (tmp_path / "new").exists()
    run(filling)
    set_free_space(0)
    filling.check_can_store(store, filling.missing())


def test_each_part_and_orientation_has_its_own_group(tmp_path: Path):
    """Entries of different groups have different files."""
    filling = filling_of(tmp_path / "store")
    entries: list[Entry] = filling.entries
    assert len(entries) == len({entry.group.path(entry.which.ref, entry.which.variant) for entry in entries}) == ENTRIES
    assert len({entry.group.folder for entry in entries}) == 3
