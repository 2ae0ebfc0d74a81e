"""The embedding store returns the features that were written for the same recipe, or none."""

import dataclasses
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import torch

from sam_seismic.data.augment import UNCHANGED, Variant
from sam_seismic.errors import UserError
from sam_seismic.sam import EncoderSize, ImageEncoder
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tuning import embedding_store
from sam_seismic.tuning.embedding_store import (
    LAYOUT,
    RECIPE,
    Group,
    Recipe,
    file_size,
    weights_hash,
)
from sam_seismic.tuning.encoder_cut import EncoderCut, FrozenPrefix
from sam_seismic.tuning.store import store_folder
from sam_seismic.tuning.stored_groups import prune, stored_groups
from tests.cli.running import invoke
from tests.other_user import unprivileged

REF = SectionRef(Orientation.INLINE, 100)
SHAPE = (256, 2, 3)
DAY = 24 * 3600.0
PLAIN = Recipe(
    weights="0f" * 16,
    size="vit_b",
    blocks=None,
    precision="float32",
    survey="1e" * 16,
    center=0.0,
    clip=2.5,
    channels="repeat",
    fit="pad",
    side=1024,
    canvas="square",
)


def changed(value: object) -> object:
    """Another value of the same type, as close as possible."""
    if value is None:
        return 6
    if isinstance(value, str):
        return value + "x"
    return value + 1 if isinstance(value, int) else float(np.nextafter(value, np.inf))


@pytest.fixture
def group(tmp_path: Path) -> Group:
    return Group(tmp_path / "store", PLAIN, "inlines of a.sgy")


def random_embedding(seed: int = 0) -> torch.Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


# --- the recipe ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Recipe)])
def test_a_recipe_with_one_changed_field_has_no_entries(group: Group, tmp_path: Path, name: str):
    """A training with other weights, another canvas or another clip never reads features of this recipe."""
    group.write(REF, UNCHANGED, random_embedding())
    other = dataclasses.replace(PLAIN, **{name: changed(getattr(PLAIN, name))})
    assert other.hash != PLAIN.hash
    assert group.has(REF, UNCHANGED, SHAPE)
    assert not Group(tmp_path / "store", other, "inlines of a.sgy").has(REF, UNCHANGED, SHAPE)


def test_runs_with_equal_recipes_share_entries(group: Group, tmp_path: Path):
    group.write(REF, UNCHANGED, random_embedding())
    again = Group(tmp_path / "store", dataclasses.replace(PLAIN), "another description")
    assert torch.equal(again.read(REF, UNCHANGED), random_embedding().half())
    assert len(PLAIN.hash) == 32
    assert int(PLAIN.hash, 16) > 0


def test_a_change_of_the_layout_changes_the_hash_of_every_recipe(monkeypatch: pytest.MonkeyPatch):
    before = PLAIN.hash
    monkeypatch.setattr(embedding_store, "LAYOUT", LAYOUT + 1)
    assert PLAIN.hash != before


def tiny_encoder(seed: int = 0) -> ImageEncoder:
    torch.manual_seed(seed)
    return ImageEncoder(EncoderSize(width=24, depth=3, heads=2, global_blocks=(1,)))


@pytest.mark.parametrize("frozen", [FrozenPrefix(3, neck=True), FrozenPrefix(2)])
def test_the_hash_depends_on_every_frozen_weight_and_on_no_other(frozen: FrozenPrefix):
    """Trained weights do not change the hash; a change of one bit in a frozen weight does."""
    encoder = tiny_encoder()
    expected = weights_hash(EncoderCut(encoder, frozen))
    assert weights_hash(EncoderCut(tiny_encoder(), frozen)) == expected
    trained = ("blocks.2.", "neck.") if frozen.blocks == 2 else ("none",)
    for name, parameter in encoder.named_parameters():
        value = parameter.data.flatten()[-1].clone()
        parameter.data.flatten()[-1] = torch.nextafter(value, value + 1)
        assert (weights_hash(EncoderCut(encoder, frozen)) == expected) == name.startswith(trained), name
        parameter.data.flatten()[-1] = value
    assert weights_hash(EncoderCut(encoder, frozen)) == expected


def test_the_hash_depends_on_the_precision():
    """Zeros have the same bytes in float16 and bfloat16, but features are rounded differently."""
    hashes = set()
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        encoder = tiny_encoder()
        for parameter in encoder.parameters():
            parameter.data.zero_()
        cut = EncoderCut.all_frozen(encoder)
        cut.set_precision(dtype)
        hashes.add(weights_hash(cut))
    assert len(hashes) == 3


def test_the_hash_depends_on_the_cut():
    cuts = (FrozenPrefix(3, neck=True), FrozenPrefix(1), FrozenPrefix(2))
    assert len({weights_hash(EncoderCut(tiny_encoder(), frozen)) for frozen in cuts}) == 3


# --- entries ------------------------------------------------------------------------------------------------------


def test_every_variant_of_every_section_has_its_own_file_name(group: Group):
    lines = (0, 1, 10, 100, -1, -10)
    cuts = (None, (0, 1), (0, 10), (1, 0), (10, 1), (0, 101))
    factors = (1.0, 0.9, 0.1, 1.1, float(np.float32(1.1)), float(np.nextafter(1.1, 2)), 1e-10)
    refs = [SectionRef(*each) for each in product(Orientation, lines, cuts)]
    variants = [Variant(*each) for each in product((False, True), factors)]
    names = {group.path(ref, variant) for ref, variant in product(refs, variants)}
    assert len(names) == len(refs) * len(variants)
    assert all(name.parent == group.folder for name in names)


def test_features_are_read_as_written_in_half_precision(group: Group):
    for seed, variant in enumerate((UNCHANGED, Variant(flipped=True), Variant(factor=1.25))):
        group.write(REF, variant, random_embedding(seed).requires_grad_())
    for seed, variant in enumerate((UNCHANGED, Variant(flipped=True), Variant(factor=1.25))):
        found = group.read(REF, variant)
        assert found.dtype == torch.float16
        assert torch.equal(found, random_embedding(seed).half())
        assert group.path(REF, variant).stat().st_size == file_size(SHAPE)


def test_only_the_row_of_a_batch_is_written(group: Group):
    """A row of a permuted batch is a view that is not contiguous in memory."""
    batch = torch.stack([random_embedding(seed) for seed in range(3)]).permute(0, 2, 3, 1)  # [3, 2, 3, 256]
    group.write(REF, UNCHANGED, batch[1])
    assert torch.equal(group.read(REF, UNCHANGED), random_embedding(1).permute(1, 2, 0).half())
    assert group.has(REF, UNCHANGED, (2, 3, 256))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def add_a_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def rename_to_temporary(path: Path) -> None:
    path.rename(path.with_name(f".{path.stem}.abc.part"))


@pytest.mark.parametrize("damage", [truncate, add_a_byte, empty, rename_to_temporary, Path.unlink])
def test_an_incomplete_file_counts_as_missing(group: Group, damage: Callable[[Path], None]):
    """It is encoded again and stored."""
    group.write(REF, UNCHANGED, random_embedding())
    damage(group.path(REF, UNCHANGED))
    assert not group.has(REF, UNCHANGED, SHAPE)
    group.write(REF, UNCHANGED, random_embedding())
    assert group.has(REF, UNCHANGED, SHAPE)
    assert torch.equal(group.read(REF, UNCHANGED), random_embedding().half())


def test_a_file_of_another_shape_counts_as_missing(group: Group):
    group.write(REF, UNCHANGED, random_embedding())
    assert not group.has(REF, UNCHANGED, (256, 2, 4))


@pytest.mark.parametrize("damage", [truncate, empty, rename_to_temporary])
def test_an_unreadable_file_is_a_user_error_with_path_and_fix(group: Group, damage: Callable[[Path], None]):
    """Damage of the disk during a training gives a message, not a traceback."""
    group.write(REF, UNCHANGED, random_embedding())
    path = group.path(REF, UNCHANGED)
    damage(path)
    with pytest.raises(UserError) as caught:
        group.read(REF, UNCHANGED)
    assert caught.value.problem.startswith(f"{path}: an embedding of IL 100 cannot be read")
    assert "the same command again" in caught.value.fix


def fill_with_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def flip_exponent_bit(path: Path) -> None:
    """One bit of an exponent has changed: a number between 1 and 2 becomes infinite or NaN."""
    stored = bytearray(path.read_bytes())
    half = np.frombuffer(bytes(stored[128:]), "<f2")
    stored[128 + 2 * int(np.flatnonzero((half > 1.1) & (half < 1.9))[0]) + 1] ^= 0x40
    path.write_bytes(stored)


def change_shape(path: Path) -> None:
    """As long as before, but the last number lies behind the array."""
    path.write_bytes(path.read_bytes().replace(b"(256, 2, 3)", b"(256, 2, 2)"))


@pytest.mark.parametrize("damage", [truncate, empty, fill_with_zeros, flip_exponent_bit, change_shape])
def test_a_damaged_file_is_removed_and_encoded_again(group: Group, damage: Callable[[Path], None]):
    """`has` checks only the size, so without removal a damaged file of the right size would always count as stored."""
    group.write(REF, UNCHANGED, random_embedding())
    damage(group.path(REF, UNCHANGED))
    with pytest.raises(UserError, match="it is damaged, and was removed"):
        group.read(REF, UNCHANGED)
    assert not group.has(REF, UNCHANGED, SHAPE)


def test_writing_marks_the_group_as_used(group: Group):
    """Otherwise --prune would remove a group while a process fills it."""
    group.write(REF, UNCHANGED, random_embedding())
    os.utime(group.folder / RECIPE, (0, 0))
    group.write(REF, Variant(flipped=True), random_embedding())
    assert prune(group.folder.parent, days=1) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 70_000.0])
def test_numbers_too_large_for_half_precision_are_refused(group: Group, value: float):
    """A training on infinite features would give a useless network."""
    features = random_embedding()
    features[3, 1, 2] = value
    with pytest.raises(UserError) as caught:
        group.write(REF, UNCHANGED, features)
    assert "IL 100" in caught.value.problem
    assert "train.cache: false" in caught.value.fix
    assert not group.folder.exists()


def test_a_failed_write_leaves_no_incomplete_file(group: Group, monkeypatch: pytest.MonkeyPatch):
    """A full disk leaves neither an incomplete section nor an incomplete recipe."""
    sync, calls = os.fsync, iter(range(100))

    def fail_every_second_time(handle: int) -> None:
        if next(calls) % 2 == 0:
            raise OSError(28, "No space left on device")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fail_every_second_time)
    with pytest.raises(UserError, match="the disk is full"):
        group.write(REF, UNCHANGED, random_embedding())
    assert names_in(group.folder) == set()
    with pytest.raises(UserError, match="the disk is full"):
        group.write(REF, UNCHANGED, random_embedding())
    assert names_in(group.folder) == {RECIPE}


def test_other_users_of_a_unix_group_may_read_it(group: Group):
    """Stores are shared, but temporary files are often created readable by one user only."""
    old = os.umask(0o027)
    try:
        group.write(REF, UNCHANGED, random_embedding())
    finally:
        os.umask(old)
    assert group.path(REF, UNCHANGED).stat().st_mode & 0o777 == 0o640
    assert (group.folder / RECIPE).stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_removed_during_a_write_is_created_again(group: Group, monkeypatch: pytest.MonkeyPatch):
    """While another process prunes the store, the filling process loses no entry and does not stop."""
    create, write_array = Group._create, embedding_store._write_array
    removals = iter([True, *3 * [False], False, True, *3 * [False]])  # after each `_create` and `_write_array`

    def create_and_remove(self: Group) -> None:
        create(self)
        if next(removals):
            shutil.rmtree(self.folder)

    def write_and_remove(file: BinaryIO, half: torch.Tensor) -> None:
        write_array(file, half)
        if next(removals):
            shutil.rmtree(group.folder)

    monkeypatch.setattr(Group, "_create", create_and_remove)
    monkeypatch.setattr(embedding_store, "_write_array", write_and_remove)
    group.write(REF, UNCHANGED, random_embedding())
    group.write(REF, Variant(flipped=True), random_embedding(1))
    assert torch.equal(group.read(REF, Variant(flipped=True)), random_embedding(1).half())
    assert names_in(group.folder) == {RECIPE, "IL_100_flipped.npy"}
    assert next(removals, None) is None


def test_marking_a_removed_group_as_used_is_no_error(group: Group):
    """A training whose group was removed must end with the message of `read`, not with that of `mark_used`."""
    group.mark_used()
    group.write(REF, UNCHANGED, random_embedding())
    shutil.rmtree(group.folder)
    group.mark_used()
    assert not group.folder.exists()


def test_a_store_of_another_user_can_be_read(group: Group, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    group.write(REF, UNCHANGED, random_embedding())
    monkeypatch.setattr(os, "utime", refuse)
    group.mark_used()
    assert torch.equal(group.read(REF, UNCHANGED), random_embedding().half())


# --- pruning ------------------------------------------------------------------------------------------------------


def last_used(group: Group, days: float) -> Group:
    """Write an entry, and set the time of last use to some days ago."""
    group.write(REF, UNCHANGED, random_embedding())
    then = time.time() - days * DAY
    os.utime(group.folder / RECIPE, (then, then))
    return group


@pytest.fixture
def two(tmp_path: Path) -> tuple[Group, Group]:
    """A group that was used 40 days ago, and one that was used the day before yesterday."""
    store = tmp_path / "store"
    other = dataclasses.replace(PLAIN, canvas="tight", blocks=6)
    return last_used(Group(store, PLAIN, "inlines of a.sgy"), 40), last_used(Group(store, other, "inlines of b.sgy"), 2)


def test_a_store_lists_its_groups(two: tuple[Group, Group], tmp_path: Path):
    two[1].write(REF, Variant(flipped=True), random_embedding())
    found = {each.folder: each for each in stored_groups(tmp_path / "store")}
    assert set(found) == {group.folder for group in two}
    assert [found[group.folder].about for group in two] == ["inlines of a.sgy", "inlines of b.sgy"]
    assert [found[group.folder].sections for group in two] == [1, 2]
    assert [found[group.folder].size for group in two] == [file_size(SHAPE), 2 * file_size(SHAPE)]
    assert found[two[0].folder].recipe == {"layout": LAYOUT} | dataclasses.asdict(PLAIN)
    assert (time.time() - found[two[0].folder].used) / DAY == pytest.approx(40, abs=0.1)


def test_a_missing_store_has_no_groups(tmp_path: Path):
    assert list(stored_groups(tmp_path / "none")) == prune(tmp_path / "none", days=0) == []


def test_prune_removes_unused_groups_only(two: tuple[Group, Group], tmp_path: Path):
    old, recent = two
    assert [each.folder for each in prune(tmp_path / "store", days=30)] == [old.folder]
    assert not old.folder.exists()
    assert torch.equal(recent.read(REF, UNCHANGED), random_embedding().half())
    assert [each.folder for each in prune(tmp_path / "store", days=0)] == [recent.folder]
    assert names_in(tmp_path / "store") == set()


def test_a_group_that_is_marked_as_used_is_not_pruned(two: tuple[Group, Group], tmp_path: Path):
    two[0].mark_used()
    assert prune(tmp_path / "store", days=30) == []


def test_other_files_and_folders_are_not_removed(two: tuple[Group, Group], tmp_path: Path):
    """`--prune --store /home/me` must remove nothing but embeddings."""
    store = tmp_path / "store"
    (store / "notes.txt").write_text("mine")
    for name, text in (("cake", '{"flour": 500}'), ("list", "[1]"), ("torn", '{"about'), ("bytes", "\udcff")):
        (store / name).mkdir()
        (store / name / RECIPE).write_text(text, errors="surrogateescape")
        (store / name / "IL_1.npy").write_bytes(b"mine")
    (store / "arrays").mkdir()
    (store / "arrays" / "IL_1.npy").write_bytes(b"mine")
    (two[0].folder / "notes.txt").write_text("mine too")
    assert {each.folder for each in stored_groups(store)} == {group.folder for group in two}
    assert len(prune(store, days=0)) == 2
    assert names_in(store) == {"notes.txt", "cake", "list", "torn", "bytes", "arrays", two[0].folder.name}
    assert names_in(two[0].folder) == {"notes.txt"}
    assert names_in(store / "cake") == {RECIPE, "IL_1.npy"}
    assert (store / "arrays" / "IL_1.npy").read_bytes() == b"mine"


def test_temporary_files_of_killed_processes_are_removed_when_they_are_old(two: tuple[Group, Group], tmp_path: Path):
    """A recent temporary file may belong to a running process."""
    folder = two[1].folder
    for name, days in ((".IL_7.abc.part", 2.0), (".IL_8.def.part", 0.0)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - days * DAY,) * 2)
    prune(tmp_path / "store", days=30)
    assert names_in(folder) == {RECIPE, "IL_100.npy", ".IL_8.def.part"}


def test_temporary_files_of_an_unused_group_are_removed_with_it(two: tuple[Group, Group], tmp_path: Path):
    (two[0].folder / ".IL_7.abc.part").write_bytes(b"half")
    (two[0].folder / "tmpabc.part").write_bytes(b"half")
    prune(tmp_path / "store", days=30)
    assert not two[0].folder.exists()


def test_an_interrupted_removal_is_finished_by_the_next_prune(
    two: tuple[Group, Group], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Otherwise gigabytes would remain that `embed --list` does not show."""
    old = two[0]
    for seed in range(3):
        old.write(SectionRef(Orientation.INLINE, seed), UNCHANGED, random_embedding())
    then = time.time() - 40 * DAY
    os.utime(old.folder / RECIPE, (then, then))
    unlink, calls = Path.unlink, iter(range(100))

    def interrupted(path: Path, missing_ok: bool = False) -> None:
        if next(calls) == 2:
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prune(tmp_path / "store", days=30)
    assert old.folder.exists()
    assert [each.folder for each in prune(tmp_path / "store", days=30)] == [old.folder]
    assert not old.folder.exists()


def test_a_file_that_is_renamed_during_a_prune_is_no_error(
    two: tuple[Group, Group], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Another process may complete a file after `prune` listed it and before `prune` examines it."""
    part = two[1].folder / ".IL_7.abc.part"
    part.write_bytes(b"half")
    glob = Path.glob

    def finished_meanwhile(folder: Path, pattern: str) -> object:
        found = list(glob(folder, pattern))
        if part in found:
            part.rename(two[1].folder / "IL_7.npy")
        return iter(found)

    monkeypatch.setattr(Path, "glob", finished_meanwhile)
    prune(tmp_path / "store", days=30)
    assert names_in(two[1].folder) == {RECIPE, "IL_100.npy", "IL_7.npy"}


def test_two_simultaneous_prunes_are_no_error(
    two: tuple[Group, Group], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The other process removes the folder as soon as this one has started to."""
    unlink = Path.unlink

    def vanishing(path: Path, missing_ok: bool = False) -> None:
        shutil.rmtree(path.parent, ignore_errors=True)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", vanishing)
    assert [each.folder for each in prune(tmp_path / "store", days=30)] == [two[0].folder]
    assert two[1].has(REF, UNCHANGED, SHAPE)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A store of another user, in a folder that everybody may search."""
    with tempfile.TemporaryDirectory(prefix="shared-store-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder) / "store"


@pytest.mark.parametrize(("file", "folder"), [(0o000, 0o555), (0o644, 0o000)], ids=["entry", "group"])
@pytest.mark.follows("tuning/embedding_store.py", "name a store of your own: --set train.store=FOLDER; without")
def test_private_entries_of_another_user_are_no_dead_end(shared: Path, file: int, folder: int):
    """They count as missing; where they cannot be written anew, the fix names the key, and leads on."""
    theirs = Group(shared, PLAIN, "inlines of a.sgy")
    theirs.write(REF, UNCHANGED, random_embedding())
    path = theirs.path(REF, UNCHANGED)
    path.chmod(file)
    theirs.folder.chmod(folder)
    with unprivileged():
        assert not theirs.has(REF, UNCHANGED, SHAPE)
        for refused in (
            theirs.check_writable,
            lambda: theirs.write(REF, UNCHANGED, random_embedding()),
            lambda: theirs.read(REF, UNCHANGED),
        ):
            with pytest.raises(UserError) as caught:
                refused()
            assert str(theirs.folder) in caught.value.problem
            assert "--set train.store=FOLDER" in caught.value.fix
            assert "export SAM_SEISMIC_CACHE=FOLDER" in caught.value.fix
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SAM_SEISMIC_CACHE", str(shared.parent / "mine"))
            cache = store_folder(None)
        assert cache.is_relative_to(shared.parent / "mine")
        mine = Group(cache, PLAIN, "inlines of a.sgy")
        mine.check_writable()
        mine.write(REF, UNCHANGED, random_embedding(1))
        assert mine.has(REF, UNCHANGED, SHAPE)
    theirs.folder.chmod(0o755)
    path.chmod(0o644)
    assert torch.equal(theirs.read(REF, UNCHANGED), random_embedding().half())


def test_a_private_entry_is_encoded_anew_where_the_group_may_be_written_to(shared: Path):
    theirs = Group(shared, PLAIN, "inlines of a.sgy")
    theirs.write(REF, UNCHANGED, random_embedding())
    theirs.path(REF, UNCHANGED).chmod(0o000)
    theirs.folder.chmod(0o777)
    with unprivileged():
        assert not theirs.has(REF, UNCHANGED, SHAPE)
        theirs.check_writable()
        theirs.write(REF, UNCHANGED, random_embedding(1))
        assert torch.equal(theirs.read(REF, UNCHANGED), random_embedding(1).half())


def test_a_private_store_is_told_when_it_is_listed(shared: Path):
    Group(shared, PLAIN, "inlines of a.sgy").write(REF, UNCHANGED, random_embedding())
    shared.parent.chmod(0o000)
    try:
        with unprivileged(), pytest.raises(UserError, match="Permission denied") as caught:
            list(stored_groups(shared))
    finally:
        shared.parent.chmod(0o755)
    assert "train.store" in caught.value.fix


@pytest.mark.follows("tuning/stored_groups.py", "ask {} to run sam-seismic embed --prune")
def test_groups_of_another_user_are_told_and_all_others_removed(shared: Path):
    theirs = Group(shared, PLAIN, "inlines of a.sgy")
    ours = Group(shared, dataclasses.replace(PLAIN, canvas="tight"), "inlines of b.sgy")
    for group in (theirs, ours):
        group.write(REF, UNCHANGED, random_embedding())
    theirs.folder.chmod(0o555)
    ours.folder.chmod(0o777)
    shared.chmod(0o777)
    with unprivileged(), pytest.raises(UserError) as caught:
        prune(shared, days=0)
    assert caught.value.problem.startswith(f"{theirs.folder}: ")
    assert "and you may not remove them; 1 other group was removed" in caught.value.problem
    assert theirs.folder.owner() in caught.value.fix
    assert not ours.folder.exists()
    theirs.folder.chmod(0o755)
    command = shlex.split(caught.value.fix.partition("sam-seismic ")[2])
    assert invoke(*command).exit_code == 0
    assert not theirs.folder.exists()
