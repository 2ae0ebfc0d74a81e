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
import shlex
from collections.abc import Mapping
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
from sam_seismic.files.atomic import whole_file, write_bytes
from sam_seismic.files.folders import is_writable, nearest_existing
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tuning.encoder_cut import EncoderCut
from sam_seismic.tuning.finite import all_finite

LAYOUT = 1
"""Version of the files. Increase it when their content changes, or when the encoder computes different features."""
RECIPE = "recipe.json"
_ATTEMPTS = 3
"""Number of attempts to write, if another process removes the folder meanwhile."""

DISK_FULL_FIX = (
    "free some disk, sam-seismic embed --prune 30 --store {store}, another folder in train.store, or store nothing: "
    "train.cache: false, train.store: null"
)
"""Fix for the user when the disk has no space for a store."""
ANOTHER_STORE = (
    "name a store of your own: --set train.store=FOLDER; without train.store it is in the cache: "
    "export SAM_SEISMIC_CACHE=FOLDER"
)
"""Fix for the user who may not read or write a store."""

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
        flat = tensor.detach().cpu().contiguous().reshape(-1)  # a tensor without a dimension has no view as bytes
        digest.update(flat.view(torch.uint8).numpy().data)
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
        """Whether a variant is stored completely, and this user may read it; another one's may be private."""
        path = self.path(ref, variant)
        try:
            return path.stat().st_size == file_size(shape) and os.access(path, os.R_OK)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return False

    def check_writable(self) -> None:
        """Check that variants can be added.

        Raises:
            UserError: this user may not write there.
        """
        if not is_writable(self.folder):
            raise UserError(
                problem=f"{self.folder}: embeddings cannot be added to this store: no permission to write in "
                f"{nearest_existing(self.folder)}",
                fix=ANOTHER_STORE,
            )

    def read(self, ref: SectionRef, variant: Variant) -> Tensor:
        """The stored features of a variant: float16, in the shape that was written.

        Raises:
            UserError: the variant is not stored, its file is damaged, or this user may not read it.
        """
        path = self.path(ref, variant)
        try:
            with path.open("rb") as file:
                return _as_written(file)
        except PermissionError as error:
            raise UserError(problem=f"{path}: {error.strerror}", fix=ANOTHER_STORE) from error
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
            UserError: the numbers are too large for half precision, the disk is full, or the file of another user may
                not be replaced.
        """
        half = features.detach().to("cpu", torch.float16).contiguous()
        if not all_finite([half]):
            raise UserError(
                problem=f"{ref.name}: the frozen encoder gives numbers that half precision cannot hold",
                fix="in place of trainer.precision: 16-mixed set 32-true or bf16-mixed; if that does not help, store "
                "nothing: train.cache: false, train.store: null",
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
            except PermissionError as error:
                raise UserError(problem=f"{self.path(ref, variant)}: {error.strerror}", fix=ANOTHER_STORE) from error
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise UserError(
                    problem=f"{self.folder.parent}: the disk is full; the embeddings written so far are stored",
                    fix=DISK_FULL_FIX.format(store=shlex.quote(str(self.folder.parent))),
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
