"""An embedding store comes in; the groups that it holds go out, or those that were removed because no run uses them."""

import json
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sam_seismic.errors import UserError
from sam_seismic.files.atomic import remove_abandoned
from sam_seismic.files.units import counted
from sam_seismic.tuning.embedding_store import ANOTHER_STORE, RECIPE

_ABANDONED_S = 24 * 3600.0
"""Age at which a temporary file is considered abandoned."""


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
    """The groups of a store; other folders are skipped.

    Raises:
        UserError: this user may not read the store.
    """
    try:
        files = sorted(store.glob(f"*/{RECIPE}"))
    except PermissionError as error:
        raise UserError(problem=f"{store}: {error.strerror}", fix=ANOTHER_STORE) from error
    for file in files:
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

    Raises:
        UserError: this user may not remove some of them; all others were removed.
    """
    now = time.time()
    removed, kept = [], []
    for group in stored_groups(store):
        unused = now - group.used >= days * 24 * 3600
        try:
            if unused:
                _remove(group.folder)
                removed.append(group)
            else:
                remove_abandoned(group.folder, age_s=_ABANDONED_S)
        except PermissionError:
            kept += [group.folder] if unused else []
    if kept:
        owners = ", ".join(sorted({_owner(folder) for folder in kept}))
        also = f"{counted(len(removed), 'other group')} {'was' if len(removed) == 1 else 'were'} removed"
        listed = "\n  ".join(map(str, kept))
        raise UserError(
            problem=f"{listed}: {owners} wrote these embeddings, and you may not remove them; {also}",
            fix=f"ask {owners} to run sam-seismic embed --prune {days:g} --store {shlex.quote(str(store))}",
        )
    return removed


def _remove(folder: Path) -> None:
    """Remove the embeddings of a group, and its folder unless it holds other files."""
    # The recipe is removed last: after an interruption, the next `prune` still finds the rest as a group.
    for path in folder.glob("*.npy"):
        path.unlink(missing_ok=True)
    remove_abandoned(folder)
    (folder / RECIPE).unlink(missing_ok=True)
    with suppress(OSError):  # the folder may hold other files, or have been removed by another process
        folder.rmdir()


def _owner(folder: Path) -> str:
    """The name of the user who owns a folder; the number of a user without a name here."""
    try:
        return folder.owner()
    except KeyError:
        return f"user {folder.stat().st_uid}"
