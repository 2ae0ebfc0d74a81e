"""Filling a store: all that a training will ask for is encoded, once, as the network would, whoever is stopped when."""

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
from sam_seismic.tuning.store_filling import BATCHES_BEHIND, Entry, EntryQueue, StoreFiller
from tests.programs import Program
from tests.tuning.filling import SCALE, TIGHT, WHOLE, Counted, datasets_of, filling_of, parts_of, tiny_encoder

ENTRIES = 12 * 2 * 2 + 3
"""Sections to train on, in two copies, flipped or not; and those to validate on."""
SQUARE = InputConfig(side=256, canvas="square", flip=1.0)


def run(filling: StoreFiller, batch_size: int = 3, share: tuple[int, int] | None = None) -> list[tuple[int, int]]:
    """Fill it; what was told of progress."""
    told: list[tuple[int, int]] = []
    filling.run(batch_size=batch_size, share=share, done=lambda *state: told.append(state))
    return told


def whole(filling: StoreFiller) -> None:
    """Every file of the store is an entry, whole, and of finite numbers; and every entry is there."""
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
    """The batches of canvases that went into the encoder, and how."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[torch.Tensor, tuple[int, int]]] = []
        below = EncoderCut.below

        def recording(cut: EncoderCut, canvas: torch.Tensor, *, shown: tuple[int, int]) -> torch.Tensor:
            self.calls.append((canvas, shown))
            return below(cut, canvas, shown=shown)

        monkeypatch.setattr(EncoderCut, "below", recording)

    def batch_of(self, canvas: torch.Tensor) -> tuple[torch.Tensor, int, tuple[int, int]]:
        """The one batch that this canvas was in, where in it, and what was said to be shown."""
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
def test_what_is_kept_is_what_the_network_makes_of_the_canvas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frozen: FrozenPrefix, inputs: InputConfig
):
    """Bit by bit, in half precision, of the same batch; and no canvas is encoded twice."""
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
        expected = cut.below(batch, shown=shown).half()[row]
        assert torch.equal(entry.group.read(entry.which.ref, entry.which.variant), expected)
        alone = cut.below(sample.image[None])[0]
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
    """A training never waits for the encoder again, and pays for nothing that it does not read."""
    filling = filling_of(tmp_path / "store", inputs=inputs)
    run(filling)
    asked = set()

    def note(which: SectionVariant) -> torch.Tensor:
        group = kept[which.part.name, which.ref.orientation]
        asked.add(group.path(which.ref, which.variant))
        return group.read(which.ref, which.variant)

    kept = {(entry.which.part.name, entry.which.ref.orientation): entry.group for entry in filling.entries}
    for dataset in datasets_of(parts_of(), inputs):
        dataset._stored = note
        for epoch, section in product(range(50), range(len(dataset))):
            sample = dataset[SectionIndex(section, epoch)]
            assert not isinstance(sample, UserError), sample
            assert sample.image.dtype == torch.float16
    assert asked == {entry.group.path(entry.which.ref, entry.which.variant) for entry in filling.entries}


def test_canvases_of_several_sizes_are_never_in_one_batch(tmp_path: Path):
    """Tight canvases of both orientations: 40 x 20 traces, 40 x 24, and 40 x 17 of the validation lines."""
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


def test_another_cut_shares_nothing(tmp_path: Path):
    run(filling_of(tmp_path / "store"))
    assert len(filling_of(tmp_path / "store", frozen=FrozenPrefix(3)).missing()) == ENTRIES


# --- processes ----------------------------------------------------------------------------------------------------


def start(store: Path, *options: object) -> Program:
    return Program([store, *map(str, options)], module="tests.tuning.filling")


def together(*commands: tuple[object, ...], go: Path) -> list[int]:
    """Run some at the same time, each ready before any begins; how many sections each of them encoded."""
    running = [start(*command, "--wait-for", go) for command in commands]
    for each in running:
        assert each.stdout.readline() == "ready\n"
    go.touch()
    ends = [each.communicate()[0] for each in running]
    assert [each.returncode for each in running] == [0] * len(running)
    return [int(end) for end in ends]


def test_a_filling_that_is_killed_leaves_whole_entries_and_the_next_one_goes_on(tmp_path: Path):
    """SIGKILL in the middle of the 11th file (the first is a recipe, which is no array)."""
    process = start(tmp_path / "store", "--killed-after", 11)
    assert process.communicate()[0] == "ready\n"
    assert process.returncode == -9
    filling = filling_of(tmp_path / "store")
    kept = [entry for entry in filling.entries if entry.kept]
    assert len(kept) == 10
    assert len(list((tmp_path / "store").rglob("*.part"))) == 1
    assert len(list((tmp_path / "store").rglob("*.npy"))) == 10
    before = {entry.group.path(entry.which.ref, entry.which.variant).stat().st_mtime_ns for entry in kept}
    counted = Counted(filling)
    run(filling)
    assert counted.sections == ENTRIES - 10
    assert before == {entry.group.path(entry.which.ref, entry.which.variant).stat().st_mtime_ns for entry in kept}
    whole(filling)


@pytest.mark.parametrize("slow", [(0.02, 0.02), (0.01, 0.04)], ids=["as fast", "one slower"])
def test_two_processes_share_the_work_of_one_store(tmp_path: Path, slow: tuple[float, float]):
    """Neither knows of the other; what they do twice is little, and what is there is whole."""
    store, inputs = tmp_path / "store", TIGHT.model_copy(update={"jittered_copies": 4})
    counts = together(*((store, "--slow", each, "--copies", 4) for each in slow), go=tmp_path / "go")
    filling = filling_of(store, inputs=inputs)
    whole(filling)
    assert not list(store.rglob("*.part"))
    assert min(counts) > 0
    assert len(filling.entries) == 99 <= sum(counts) <= 99 * 1.5  # about 105; in a large store far less in proportion


@dataclass
class Place:
    """Stands for an entry."""

    kept: bool = False


@pytest.mark.parametrize("paces", [(1, 1), (1, 4), (1, 2, 3)], ids=str)
def test_those_that_meet_part_again(paces: tuple[int, ...]):
    """Behind a slower one, or in step with an equal one, a process would do all the rest a second time.

    Each takes so many entries in a round, and has written them five rounds later.
    """
    places = [Place() for _ in range(2000)]
    turns = [EntryQueue(places) for _ in paces]
    walks, in_flight, taken = [iter(each) for each in turns], deque(), 0
    while not all(place.kept for place in places):
        taken_now = [
            (which, list(islice(walk, pace))) for which, (walk, pace) in enumerate(zip(walks, paces, strict=True))
        ]
        taken += sum(len(some) for _, some in taken_now)
        in_flight.append(taken_now)
        for which, some in in_flight.popleft() if len(in_flight) > 5 else ():
            for place in some:
                if place.kept:
                    turns[which].meet()
                place.kept = True
    assert 2000 <= taken < 2000 * 1.2


def test_processes_that_know_of_each_other_do_nothing_twice(tmp_path: Path):
    store = tmp_path / "store"
    counts = together((store, "--share", 0, 2), (store, "--share", 1, 2), go=tmp_path / "go")
    assert counts == [26, 25]
    whole(filling_of(store))


def test_shares_are_parts_of_all_whenever_each_begins(tmp_path: Path):
    """A share of what is missing would be another one as soon as somebody has begun: sections would be left out."""
    first, second = filling_of(tmp_path / "store"), filling_of(tmp_path / "store")
    counted = Counted(first), Counted(second)
    for entry in first.entries[:7]:  # an earlier run has made these
        sample = sample_of(entry.which, CanvasTransform(SCALE, TIGHT))
        entry.group.write(
            entry.which.ref, entry.which.variant, EncoderCut(tiny_encoder(), WHOLE).below(sample.image[None])[0]
        )
    run(first, share=(0, 2))
    assert len(second.missing()) == 25 - 3
    run(second, share=(1, 2))
    assert [each.sections for each in counted] == [26 - 4, 25 - 3]
    whole(second)


def test_what_others_have_done_meanwhile_is_left_out(tmp_path: Path):
    """Another process finishes everything while the first batch is encoded."""
    filling, told = filling_of(tmp_path / "store"), []

    def done(*state: int) -> None:
        if not told:
            run(filling_of(tmp_path / "store"))
        told.append(state)

    counted = Counted(filling)
    filling.run(batch_size=3, done=done)
    assert counted.sections <= 3 * 7
    assert told[-1] == (ENTRIES, ENTRIES)


# --- what can go wrong --------------------------------------------------------------------------------------------


def test_a_section_that_cannot_be_read_is_told_and_the_work_before_it_kept(
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
    assert ENTRIES - 12 <= len(filling.missing()) <= ENTRIES - 12 + 3 * BATCHES_BEHIND
    run(filling)
    whole(filling)


def test_a_disk_that_fills_up_is_told_and_the_work_before_it_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
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


def test_numbers_too_large_for_half_precision_end_it_in_words(tmp_path: Path):
    encoder = tiny_encoder()
    encoder.pos_embed.data[0, 0, 0, 0] = 1e6
    filling = filling_of(tmp_path / "store", frozen=FrozenPrefix(3), encoder=encoder)
    with pytest.raises(UserError, match="numbers that half precision cannot hold"):
        run(filling)
    assert len(filling.missing()) == ENTRIES
    assert list((tmp_path / "store").rglob("*.npy")) == []


def test_a_disk_without_room_is_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is there already needs no room again; the store need not exist yet."""
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


def test_an_entry_is_kept_where_it_says(tmp_path: Path):
    """Parts and orientations have groups of their own."""
    filling = filling_of(tmp_path / "store")
    entries: list[Entry] = filling.entries
    assert len(entries) == len({entry.group.path(entry.which.ref, entry.which.variant) for entry in entries}) == ENTRIES
    assert len({entry.group.folder for entry in entries}) == 3
