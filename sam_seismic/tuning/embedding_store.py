"""The embedding store: what the frozen part of the encoder makes of a section is kept on disk, and read from there.

A store is a folder of groups, one for each recipe: all that what is kept depends on beside the section. A group is
named by the recipe's hash, so a changed recipe never finds what another one left, and an equal one shares it, whichever
run it belongs to:

    embeddings/3f0c.../recipe.json                what the group is of, for people
    embeddings/3f0c.../IL_100.npy                 float16, one file a section and variant
    embeddings/3f0c.../IL_100_flipped.npy

A file gets its name when it is whole, so any number of processes may read and fill one store, on a network file system
too, and one that is killed leaves nothing half behind. Half precision: the neck ends in a layer norm, and tokens are
added up from numbers of about one.
"""

import errno
import hashlib
import io
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from sam_seismic.data.augment import Variant
from sam_seismic.data.dataset import SectionVariant
from sam_seismic.errors import UserError
from sam_seismic.files.atomic import remove_abandoned, whole_file, write_bytes
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.volume import Orientation
from sam_seismic.tuning.encoder_cut import EncoderCut

LAYOUT = 1
"""Goes up with every change of what a file holds, or of what the encoder makes of a canvas."""
RECIPE = "recipe.json"
_ABANDONED_S = 24 * 3600.0
"""Age at which a file without its name is nobody's."""
_CHANCES = 3
"""How often a file is begun whose folder another process removes."""

MORE_ROOM = (
    "free some disk, sam-seismic embed --prune 30 --store {store}, another folder in train.store, or keep nothing: "
    "train.cache: false"
)
"""What helps where a store has no room."""

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Recipe:
    """All that what is kept of a section depends on, but the section itself.

    Args:
        weights: hash of the frozen weights, see `weights_hash`.
        size: name of the network, such as `vit_b`.
        blocks: after which block the encoder is cut; None: all of it is frozen, and the embedding is kept.
        precision: that the frozen part computes in, e.g. `float32`.
        survey: fingerprint of the amplitudes.
        center, clip: of the amplitude scale.
        channels: how a gray section becomes three channels.
        fit, side, canvas: how it sits on the canvas.
    """

    weights: str
    size: str
    blocks: int | None
    precision: str
    survey: str
    center: float
    clip: float
    channels: str
    fit: str
    side: int
    canvas: str

    @property
    def hash(self) -> str:
        """32 hexadecimal digits."""
        known = json.dumps({"layout": LAYOUT} | asdict(self), sort_keys=True)
        return hashlib.blake2b(known.encode(), digest_size=16).hexdigest()


def weights_hash(cut: EncoderCut) -> str:
    """A hash of the frozen part's weights, as they are held: 32 hexadecimal digits."""
    found = hashlib.blake2b(digest_size=16)
    for name, tensor in cut.frozen_weights():
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return found.hexdigest()


class Group:
    """What one recipe makes of the sections of a volume.

    Args:
        store: folder of the store.
        recipe: of the group.
        about: whose sections, for people.
    """

    def __init__(self, store: Path, recipe: Recipe, about: str) -> None:
        self.folder = store / recipe.hash
        self._recipe = recipe
        self._about = about

    def path(self, ref: SectionRef, variant: Variant) -> Path:
        """Where a variant of a section is kept."""
        name = f"{ref.orientation.short}_{ref.line}"
        name += "" if ref.traces is None else f"_{ref.traces[0]}-{ref.traces[1]}"
        name += "_flipped" if variant.flipped else ""
        name += "" if variant.factor == 1 else f"_x{variant.factor!r}"
        return self.folder / f"{name}.npy"

    def has(self, ref: SectionRef, variant: Variant, shape: Shape) -> bool:
        """Whether a variant is kept, whole."""
        try:
            return self.path(ref, variant).stat().st_size == file_size(shape)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def read(self, ref: SectionRef, variant: Variant) -> Tensor:
        """What is kept of a variant: float16, of the shape that was written.

        Raises:
            UserError: nothing is kept of it, or it is damaged.
        """
        path = self.path(ref, variant)
        try:
            with path.open("rb") as file:
                return torch.from_numpy(npy.read_array(file, allow_pickle=False))
        except OSError as error:
            why = error.strerror or str(error)
        except (ValueError, EOFError):
            why = "it is damaged, and was removed"
            with suppress(OSError):  # else it would be taken for whole, by its size, for ever
                path.unlink()
        raise UserError(
            problem=f"{path}: an embedding of {ref.name} cannot be read: {why}",
            fix="the same command again (train: with --resume once an epoch was finished): what is missing is encoded "
            "anew",
        )

    def write(self, ref: SectionRef, variant: Variant, kept: Tensor) -> None:
        """Keep a variant; a reader finds all of it or nothing.

        Raises:
            UserError: half precision cannot hold it, or the disk is full.
        """
        half = kept.detach().to("cpu", torch.float16).contiguous()
        if not bool(half.isfinite().all()):
            raise UserError(
                problem=f"{ref.name}: the frozen encoder gives numbers that half precision cannot hold",
                fix="compute it in trainer.precision: 32-true or bf16-mixed, or keep nothing: train.cache: false",
            )
        for chances in reversed(range(_CHANCES)):
            try:
                self._begin()
                with whole_file(self.path(ref, variant), sync=True) as file:
                    _write_array(file, half)
                self._begin()
            except FileNotFoundError:  # another process removes the group at this moment
                if not chances:
                    raise
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise UserError(
                    problem=f"{self.folder.parent}: the disk is full; the embeddings written until now are kept",
                    fix=MORE_ROOM.format(store=self.folder.parent),
                ) from error
            else:
                self.use()  # a long filling is no forgotten group
                return

    def use(self) -> None:
        """Note that the group is used now, so that it is not taken for forgotten."""
        with suppress(OSError):  # it may have been removed, or be another user's, whose store may still be read
            os.utime(self.folder / RECIPE)

    def _begin(self) -> None:
        """Make the folder, and say in it what it is of."""
        card = self.folder / RECIPE
        if card.is_file():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        told = json.dumps({"about": self._about, "layout": LAYOUT} | asdict(self._recipe), indent=2)
        write_bytes(card, told.encode(), sync=True)


class StoredSections:
    """Gives what is kept of the sections of some parts, in place of their canvases.

    Args:
        groups: by name of the part and orientation.
    """

    def __init__(self, groups: Mapping[tuple[str, Orientation], Group]) -> None:
        self._groups = groups

    def __call__(self, which: SectionVariant) -> Tensor:
        """What is stored of a variant: float16.

        Raises:
            UserError: nothing is stored of it, or it is damaged.
        """
        return self.group(which).read(which.ref, which.variant)

    def group(self, which: SectionVariant) -> Group:
        """Where a section is stored."""
        return self._groups[which.part.name, which.ref.orientation]

    def use(self) -> None:
        """Note that all of it is used now."""
        for group in self._groups.values():
            group.use()


def _write_array(file: BinaryIO, half: Tensor) -> None:
    """As numpy.save, which does not tell why a disk takes no more."""
    npy.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": tuple(half.shape)})
    file.write(half.numpy().data)


@cache
def file_size(shape: Shape) -> int:
    """Bytes of the file of a section."""
    head = io.BytesIO()
    npy.write_array_header_1_0(head, {"descr": "<f2", "fortran_order": False, "shape": shape})
    return len(head.getvalue()) + 2 * int(np.prod(shape))


@dataclass(frozen=True)
class StoredGroup:
    """A group that a store holds.

    Args:
        folder: of the group.
        about: whose sections.
        recipe: as it was written down.
        sections: files.
        size: bytes.
        used: when it was used last, seconds since 1970.
    """

    folder: Path
    about: str
    recipe: Mapping[str, object]
    sections: int
    size: int
    used: float


def stored_groups(store: Path) -> Iterator[StoredGroup]:
    """The groups of a store; other folders that lie there are left alone."""
    for card in sorted(store.glob(f"*/{RECIPE}")):
        try:
            recipe = json.loads(card.read_text(encoding="utf-8"))
            sizes = [path.stat().st_size for path in card.parent.glob("*.npy")]
            used = card.stat().st_mtime
        except (OSError, ValueError):
            continue  # another process removes it, or it is none of ours
        if isinstance(recipe, dict) and "about" in recipe and "weights" in recipe:
            yield StoredGroup(card.parent, str(recipe.pop("about")), recipe, len(sizes), sum(sizes), used)


def prune(store: Path, *, days: float) -> list[StoredGroup]:
    """Remove the groups that have not been used for some days, and what killed processes left in the others.

    Returns:
        The groups removed.
    """
    now = time.time()
    removed = []
    for group in stored_groups(store):
        if now - group.used >= days * 24 * 3600:
            # The recipe goes last: what a removal that breaks off leaves is still a group, removed the next time.
            for path in group.folder.glob("*.npy"):
                path.unlink(missing_ok=True)
            remove_abandoned(group.folder)
            (group.folder / RECIPE).unlink(missing_ok=True)
            with suppress(OSError):  # somebody put something else into it, or removed it too
                group.folder.rmdir()
            removed.append(group)
        else:
            remove_abandoned(group.folder, age_s=_ABANDONED_S)
    return removed
