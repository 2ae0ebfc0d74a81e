"""One path, a pattern or a list of paths comes in; the files that are meant go out, part2 before part10."""

import re
from collections.abc import Sequence
from glob import glob
from pathlib import Path

from sam_seismic.files.user_paths import is_there

VolumePath = Path | tuple[Path, ...]
"""Where a volume lies: a file or folder, a pattern such as `survey_*.sgy`, or several files of one survey in their
order."""
_DIGITS = re.compile(r"(\d+)")
_LISTED = 3


def one_or_several(paths: Sequence[Path]) -> VolumePath:
    """The only path of a list as such, else all of them."""
    return paths[0] if len(paths) == 1 else tuple(paths)


def in_natural_order(paths: Sequence[Path]) -> list[Path]:
    """Sorted by name, numbers in them by their value: part2 before part10."""
    return sorted(paths, key=lambda path: [int(each) if each.isdigit() else each for each in _split(path)])


def _split(path: Path) -> list[str]:
    """Texts and numbers in turn: a text comes first, and may be empty."""
    return _DIGITS.split(path.as_posix())


def is_pattern(path: Path) -> bool:
    """Whether a path holds `*`, `?` or `[`, and is not itself the name of a file or folder."""
    return any(each in str(path) for each in "*?[") and not is_there(path)


def matching(pattern: Path) -> list[Path]:
    """The files and folders that a pattern matches, in natural order; hidden ones are none of them."""
    return in_natural_order([Path(each) for each in glob(str(pattern), recursive=True)])  # noqa: PTH207  # any path


def means_something(path: Path) -> bool:
    """Whether a file or folder exists, or one that a pattern matches.

    Raises:
        UserError: the encoding of this shell lacks letters of the name.
    """
    return is_there(path) or (is_pattern(path) and bool(matching(path)))


def name_of(given: VolumePath) -> Path:
    """A path to call a volume by: of several files their folder and names, `survey/a.sgy, b.sgy`."""
    if isinstance(given, Path):
        return given
    names = [path.name for path in given]
    if len(names) > _LISTED:
        return given[0].with_name(f"{names[0]} ... {names[-1]} ({len(names)} files)")
    return given[0].with_name(", ".join(names))
