"""Filling a store: everything that a training reads is encoded once, also by several processes or after a kill."""

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
    told: list[tuple[int, int]] = []
    filling.run(batch_size=batch_size, share=share, progress=lambda *state: told.append(state))
    return told


def whole(filling: StoreFiller) -> None:
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
    monkeypatch.undo()  # what follows is not recorded
    whole(filling)
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
def test_all_that_fifty_epochs_ask_for_is_there_and_nothing_else(tmp_path: Path, inputs: InputConfig):
    """Training never needs the encoder's frozen part again, and nothing is encoded that training does not read."""
    filling = filling_of(tmp_path / "store", inputs=inputs)
    run(filling)
    asked = set()

    def note(which: SectionVariant) -> torch.Tensor:
        group = groups[which.part.name, which.ref.orientation]
        asked.add(group.path(which.ref, which.variant))
        return group.read(which.ref, which.variant)

    groups = {(entry.which.part.name, entry.which.ref.orientation): entry.group for entry in filling.entries}
    for dataset in datasets_of(parts_of(), inputs):
        dataset._stored = note
        for epoch, section in product(range(50), range(len(dataset))):
            sample = dataset[SectionIndex(section, epoch)]
            assert not isinstance(sample, UserError), sample
            assert sample.image.dtype == torch.float16
    assert asked == {entry.group.path(entry.which.ref, entry.which.variant) for entry in filling.entries}


def test_canvases_of_several_sizes_are_never_in_one_batch(tmp_path: Path):
    """Tight canvases of sections of 40 x 20, 40 x 24 and (validation) 40 x 17 samples x traces."""
    inputs = InputConfig(side=64, canvas="tight", fit="resize")
    filling = filling_of(tmp_path / "store", inputs=inputs)
    counted = Counted(filling)
    told = run(filling, batch_size=4)
    whole(filling)
    assert {entry.shape for entry in filling.entries} == {(256, 4, 2), (256, 4, 3)}
    assert counted.sections == len(filling.entries) == 12 * 2 + 3
    assert max(counted.batches) == 4
    assert [total for _, total in told] == [27] * len(told)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (27, 27)


@pytest.mark.parametrize("frozen", [WHOLE, FrozenPrefix(3)])
def test_only_what_is_missing_is_encoded(tmp_path: Path, frozen: FrozenPrefix):
    run(filling_of(tmp_path / "store", frozen=frozen))
    filling = filling_of(tmp_path / "store", frozen=frozen)
    counted = Counted(filling)
    run(filling)
    assert counted.sections == 0
    gone = filling.entries[5:15:2]
    for entry in gone[1:]:
        entry.group.path(entry.which.ref, entry.which.variant).unlink()
    damaged = gone[0].group.path(gone[0].which.ref, gone[0].which.variant)
    damaged.write_bytes(damaged.read_bytes()[:-2])
    assert filling.missing() == gone
    assert run(filling)[-1] == (5, 5)
    assert counted.sections == 5
    whole(filling)


def test_features_of_another_cut_are_stored_apart(tmp_path: Path):
    run(filling_of(tmp_path / "store"))
    assert len(filling_of(tmp_path / "store", frozen=FrozenPrefix(3)).missing()) == ENTRIES


# --- processes ----------------------------------------------------------------------------------------------------


def start(store: Path, *options: object) -> Program:
    return Program([store, *map(str, options)], module="tests.tuning.filling")


def together(*commands: tuple[object, ...], go: Path) -> list[int]:
    """Run programs at the same time, started when all are ready; returns how many sections each of them encoded."""
    running = [start(*command, "--wait-for", go) for command in commands]
    for each in running:
        assert each.stdout.readline() == "ready\n"
    go.touch()
    ends = [each.communicate()[0] for each in running]
    assert [each.returncode for each in running] == [0] * len(running)
    return [int(end) for end in ends]


def test_a_filling_that_is_killed_leaves_complete_entries_and_the_next_one_goes_on(tmp_path: Path):
    """SIGKILL in the middle of the 11th array; the recipe is not counted."""
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
    whole(filling)


@pytest.mark.parametrize("slow", [(0.02, 0.02), (0.01, 0.04)], ids=["as fast", "one slower"])
def test_two_processes_share_the_work_of_one_store(tmp_path: Path, slow: tuple[float, float]):
    """Independent processes encode few entries twice, and all entries are complete."""
    store, inputs = tmp_path / "store", TIGHT.model_copy(update={"jittered_copies": 4})
    counts = together(*((store, "--slow", each, "--copies", 4) for each in slow), go=tmp_path / "go")
    filling = filling_of(store, inputs=inputs)
    whole(filling)
    assert not list(store.rglob("*.part"))
    assert min(counts) > 0
    assert len(filling.entries) == 99 <= sum(counts) <= 99 * 1.5  # about 105; in a large store far less in proportion


@dataclass
class Place:
    """Stand-in for an entry of the store."""

    stored: bool = False


@pytest.mark.parametrize("paces", [(1, 1), (1, 4), (1, 2, 3)], ids=str)
def test_processes_at_the_same_entries_separate_again(paces: tuple[int, ...]):
    """A process that follows another one through the entries would encode all of the rest a second time.

    Each process takes `pace` entries in a round, and writes them five rounds later.
    """
    places = [Place() for _ in range(2000)]
    queues = [EntryQueue(places) for _ in paces]
    walks, in_flight, taken = [iter(each) for each in queues], deque(), 0
    while not all(place.stored for place in places):
        taken_now = [
            (which, list(islice(walk, pace))) for which, (walk, pace) in enumerate(zip(walks, paces, strict=True))
        ]
        taken += sum(len(some) for _, some in taken_now)
        in_flight.append(taken_now)
        for which, some in in_flight.popleft() if len(in_flight) > 5 else ():
            for place in some:
                if place.stored:
                    queues[which].jump()
                place.stored = True
    assert 2000 <= taken < 2000 * 1.2


def test_ranks_with_shares_encode_nothing_twice(tmp_path: Path):
    store = tmp_path / "store"
    counts = together((store, "--share", 0, 2), (store, "--share", 1, 2), go=tmp_path / "go")
    assert counts == [26, 25]
    whole(filling_of(store))


def test_shares_do_not_depend_on_when_a_rank_starts(tmp_path: Path):
    """A share of the missing entries would change when another rank has started: sections would be left out."""
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
    whole(second)


def test_entries_that_another_process_stored_meanwhile_are_skipped(tmp_path: Path):
    """Another process stores everything while the first batch is encoded."""
    filling, told = filling_of(tmp_path / "store"), []

    def progress(*state: int) -> None:
        if not told:
            run(filling_of(tmp_path / "store"))
        told.append(state)

    counted = Counted(filling)
    filling.run(batch_size=3, progress=progress)
    assert counted.sections <= 3 * 7
    assert told[-1] == (ENTRIES, ENTRIES)


# --- what can go wrong --------------------------------------------------------------------------------------------


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
    whole(filling)


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
    whole(filling)


def test_numbers_too_large_for_half_precision_are_a_user_error(tmp_path: Path):
    encoder = tiny_encoder()
    encoder.pos_embed.data[0, 0, 0, 0] = 1e6
    filling = filling_of(tmp_path / "store", frozen=FrozenPrefix(3), encoder=encoder)
    with pytest.raises(UserError, match="numbers that half precision cannot hold"):
        run(filling)
    assert len(filling.missing()) == ENTRIES
    assert list((tmp_path / "store").rglob("*.npy")) == []


def test_a_disk_without_space_is_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Stored entries need no more space; the store need not exist yet."""
    store, filling = tmp_path / "new" / "store", filling_of(tmp_path / "new" / "store")
    usage = namedtuple("usage", "total used free")
    needed = sum(file_size(entry.shape) for entry in filling.entries)

    def left(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10 * needed, 0, free))

    left(needed)
    filling.check_room(store, filling.missing())
    left(needed - 1)
    with pytest.raises(SurveyError) as caught:
        filling.check_room(store, filling.missing())
    assert str(store) in caught.value.problem
    for way in ("sam-seismic embed --prune 30", "train.store", "cache: false"):
        assert way in caught.value.fix
    assert not (tmp_path / "new").exists()
    run(filling)
    left(0)
    filling.check_room(store, filling.missing())


def test_each_part_and_orientation_has_its_own_group(tmp_path: Path):
    """Entries of different groups never share a file."""
    filling = filling_of(tmp_path / "store")
    entries: list[Entry] = filling.entries
    assert len(entries) == len({entry.group.path(entry.which.ref, entry.which.variant) for entry in entries}) == ENTRIES
    assert len({entry.group.folder for entry in entries}) == 3
