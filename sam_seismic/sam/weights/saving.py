"""A weights file goes in, the command that saves some of what it holds in a file of its own comes out: for messages."""

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from sam_seismic.sam.weights.naming import FoundSam


def saving_command(path: Path, weights: str) -> str:
    """A shell command that writes NAME_weights.pth here.

    Args:
        path: the file that is read.
        weights: what is saved, in Python; FILE stands for the path as text.
    """
    wanted = weights.replace("FILE", repr(str(path)))
    return f'python -c "import torch; torch.save({wanted}, {path.stem + "_weights.pth"!r})"'


def saving_one(path: Path, found: Sequence[FoundSam]) -> str:
    """The command that saves the first of several SAMs in a file."""
    first, second, *_ = (_common([keys[:-1] for keys in each.names]) for each in found)
    held = "torch.load(FILE, weights_only=True)" + "".join(f"[{key!r}]" for key in first)
    if first == second:  # their names tell them apart
        begin = ".".join(_common([keys[-1].split(".") for keys in found[0].names])) + "."
        held = f"{{k: v for k, v in {held}.items() if k.startswith({begin!r})}}"
    return saving_command(path, held)


def _common(sequences: Sequence[Sequence[str]]) -> list[str]:
    """What all sequences begin with."""
    return [first for first, *_ in takewhile(lambda column: len(set(column)) == 1, zip(*sequences, strict=False))]
