"""The embedding store: features of sections come in and are written to disk; they are read from there in training.

A store is a folder of groups, one for each recipe. A recipe holds everything that the features depend on, except the
section itself. A group is named by the hash of its recipe, so that runs with equal recipes share a group, and a changed
recipe never finds the features of another one:

    embeddings/3f0c.../recipe.json                the recipe, for people to read
    embeddings/3f0c.../IL_100.npy                 float16, one file a section and variant
    embeddings/3f0c.../IL_100_flipped.npy

A file is renamed to its final name when it is complete, so any number of processes may read and fill one store, also on
a network file system, and a process that is killed leaves no incomplete entry. Half precision is sufficient: the neck
ends in a layer norm, and tokens are sums of numbers of about one.
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
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tuning.encoder_cut import EncoderCut
from sam_seismic.tuning.finite import all_finite

LAYOUT = 1
"""Version of the files. Increase it when their content changes, or when the encoder computes different features."""
RECIPE = "recipe.json"
_ABANDONED_S = 24 * 3600.0
"""Age at which a temporary file is considered abandoned."""
_ATTEMPTS = 3
"""Number of attempts to write, if another process removes the folder meanwhile."""

DISK_FULL_FIX = (
    "free some disk, sam-seismic embed --prune 30 --store {store}, another folder in train.store, or store nothing: "
    "train.cache: false"
)
"""Fix for the user when the disk has no space for a store."""

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Recipe:
    """Everything that the stored features of a section depend on, except the section itself.

    Args:
        weights: hash of the frozen weights, see `weights_hash`.
        size: name of the network, such as `vit_b`.
        blocks: number of frozen blocks, whose output is stored; None if the whole encoder is frozen and its embedding
            is stored.
        precision: dtype that the frozen part computes in, e.g. `float32`.
        survey: fingerprint of the amplitudes.
        center, clip: parameters of the amplitude scale.
        channels: how a gray section is converted to three channels.
        fit, side, canvas: how the section is placed on the canvas.
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
        text = json.dumps({"layout": LAYOUT} | asdict(self), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def weights_hash(cut: EncoderCut) -> str:
    """A hash of the weights of the frozen part, in their current dtype: 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in cut.frozen_weights():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()


class Group:
    """The stored features of the sections of a volume, for one recipe.

    Args:
        store: folder of the store.
        recipe: recipe of the group.
        about: description of the sections, for people to read.
    """

    def __init__(self, store: Path, recipe: Recipe, about: str) -> None:
        self.folder = store / recipe.hash
        self._recipe = recipe
        self._about = about

    def path(self, ref: SectionRef, variant: Variant) -> Path:
        """The file of a variant of a section."""
        name = f"{ref.orientation.short}_{ref.line}"
        name += "" if ref.traces is None else f"_{ref.traces[0]}-{ref.traces[1]}"
        name += "_flipped" if variant.flipped else ""
        name += "" if variant.factor == 1 else f"_x{variant.factor!r}"
        return self.folder / f"{name}.npy"

    def has(self, ref: SectionRef, variant: Variant, shape: Shape) -> bool:
        """Whether a variant is stored completely."""
        try:
            return self.path(ref, variant).stat().st_size == file_size(shape)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def read(self, ref: SectionRef, variant: Variant) -> Tensor:
        """The stored features of a variant: float16, in the shape that was written.

        Raises:
            UserError: the variant is not stored, or its file is damaged.
        """
        path = self.path(ref, variant)
        try:
            with path.open("rb") as file:
                return _as_written(file)
        except OSError as error:
            reason = error.strerror or str(error)
        except (ValueError, EOFError):
            reason = "it is damaged, and was removed"
            with suppress(OSError):  # otherwise `has`, which checks the size only, would always report it as stored
                path.unlink()
        raise UserError(
            problem=f"{path}: an embedding of {ref.name} cannot be read: {reason}",
            fix="the same command again (train: with --resume once an epoch was finished): what is missing is encoded "
            "anew",
        )

    def write(self, ref: SectionRef, variant: Variant, features: Tensor) -> None:
        """Store the features of a variant; a reader never sees an incomplete file.

        Raises:
            UserError: the numbers are too large for half precision, or the disk is full.
        """
        half = features.detach().to("cpu", torch.float16).contiguous()
        if not all_finite([half]):
            raise UserError(
                problem=f"{ref.name}: the frozen encoder gives numbers that half precision cannot hold",
                fix="set trainer.precision: 32-true or bf16-mixed, or store nothing: train.cache: false",
            )
        for attempts_left in reversed(range(_ATTEMPTS)):
            try:
                self._create()
                with whole_file(self.path(ref, variant), sync=True) as file:
                    _write_array(file, half)
                self._create()
            except FileNotFoundError:  # another process is pruning the group
                if not attempts_left:
                    raise
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise UserError(
                    problem=f"{self.folder.parent}: the disk is full; the embeddings written so far are stored",
                    fix=DISK_FULL_FIX.format(store=self.folder.parent),
                ) from error
            else:
                self.mark_used()  # so that a group is not pruned while it is being filled
                return

    def mark_used(self) -> None:
        """Update the time of last use, by which `prune` selects groups."""
        with suppress(OSError):  # the group may have been removed, or belong to another user
            os.utime(self.folder / RECIPE)

    def _create(self) -> None:
        """Create the folder and its recipe file, unless they exist."""
        path = self.folder / RECIPE
        if path.is_file():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"about": self._about, "layout": LAYOUT} | asdict(self._recipe), indent=2)
        write_bytes(path, text.encode(), sync=True)


class StoredSections:
    """Reads the stored features of the sections of some parts, in place of their canvases.

    Args:
        groups: by name of the part, and orientation.
    """

    def __init__(self, groups: Mapping[tuple[str, Orientation], Group]) -> None:
        self._groups = groups

    def __call__(self, which: SectionVariant) -> Tensor:
        """The stored features of a variant: float16.

        Raises:
            UserError: the variant is not stored, or its file is damaged.
        """
        return self.group(which).read(which.ref, which.variant)

    def group(self, which: SectionVariant) -> Group:
        """The group of a section."""
        return self._groups[which.part.name, which.ref.orientation]

    def mark_used(self) -> None:
        """Update the time of last use of all groups."""
        for group in self._groups.values():
            group.mark_used()


def _as_written(file: BinaryIO) -> Tensor:
    """The array of a file, float16[channel, h, w] or float16[h, w, channel].

    Raises:
        ValueError: it holds something else than was written: a bit of it has changed.
    """
    half = torch.from_numpy(npy.read_array(file, allow_pickle=False))
    if half.dtype != torch.float16 or half.ndim != 3 or file.read(1) or not all_finite([half]):
        raise ValueError("not what was written")
    return half


def _write_array(file: BinaryIO, half: Tensor) -> None:
    """Write a file in numpy's format; the error of numpy.save would not say that the disk is full."""
    npy.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": tuple(half.shape)})
    file.write(half.numpy().data)


@cache
def file_size(shape: Shape) -> int:
    """Size in bytes of the file of features of this shape."""
    header = io.BytesIO()
    npy.write_array_header_1_0(header, {"descr": "<f2", "fortran_order": False, "shape": shape})
    return len(header.getvalue()) + 2 * int(np.prod(shape))


@dataclass(frozen=True)
class StoredGroup:
    """A group found in a store.

    Args:
        folder: folder of the group.
        about: description of the sections.
        recipe: content of the recipe file.
        sections: number of files.
        size: total size of the files, in bytes.
        used: time of last use, in seconds since 1970.
    """

    folder: Path
    about: str
    recipe: Mapping[str, object]
    sections: int
    size: int
    used: float


def stored_groups(store: Path) -> Iterator[StoredGroup]:
    """The groups of a store; other folders are skipped."""
    for file in sorted(store.glob(f"*/{RECIPE}")):
        try:
            recipe = json.loads(file.read_text(encoding="utf-8"))
            sizes = [path.stat().st_size for path in file.parent.glob("*.npy")]
            used = file.stat().st_mtime
        except (OSError, ValueError):
            continue  # another process is pruning the group, or this is not a group
        if isinstance(recipe, dict) and "about" in recipe and "weights" in recipe:
            yield StoredGroup(file.parent, str(recipe.pop("about")), recipe, len(sizes), sum(sizes), used)


def prune(store: Path, *, days: float) -> list[StoredGroup]:
    """Remove groups that have not been used for some days, and abandoned temporary files in the other groups.

    Returns:
        The removed groups.
    """
    now = time.time()
    removed = []
    for group in stored_groups(store):
        if now - group.used >= days * 24 * 3600:
            # The recipe is removed last: after an interruption, the next `prune` still finds the rest as a group.
            for path in group.folder.glob("*.npy"):
                path.unlink(missing_ok=True)
            remove_abandoned(group.folder)
            (group.folder / RECIPE).unlink(missing_ok=True)
            with suppress(OSError):  # the folder may hold other files, or have been removed by another process
                group.folder.rmdir()
            removed.append(group)
        else:
            remove_abandoned(group.folder, age_s=_ABANDONED_S)
    return removed
