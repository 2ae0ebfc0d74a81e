"""Loading weights: a checkpoint file and a SAM go in, the SAM has the weights, or the user learns what is wrong."""

import os
import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import torch
from torch import Tensor, nn

from sam_seismic.config.sam_sizes import SIZES
from sam_seismic.errors import WeightsError
from sam_seismic.sam.weights.official import OFFICIAL, file_hash

State = Mapping[str, Tensor]

_WRAPPERS = ("state_dict", "model")  # keys under which training scripts keep the weights
_PREFIXES = ("module.", "model.", "sam.")  # what DataParallel and wrapping modules put before each name
_SHOWN = 3


@dataclass(frozen=True)
class Verified:
    """What a weights file is.

    Args:
        size: the SAM it holds, or nothing where it holds none that is known.
        sha256: its hash.
        official: whether it is a published file, byte for byte.
    """

    size: str | None
    sha256: str
    official: bool


def verify(path: Path) -> Verified:
    """Find out which SAM a file holds and whether it is a published one.

    Raises:
        WeightsError: the file is missing, damaged or unsafe.
    """
    _check_file(path)
    sha256 = file_hash(path)
    for size, weights in OFFICIAL.items():
        if weights.sha256 == sha256:
            return Verified(size, sha256, official=True)
    return Verified(size_of(read_state(path)), sha256, official=False)


def size_of(state: State) -> str | None:
    """The size of the SAM that a state dict belongs to, by its shapes; nothing where it is none of the known ones."""
    positions = state.get("image_encoder.pos_embed")
    if positions is None:
        return None
    depth = len({name.split(".")[2] for name in state if name.startswith("image_encoder.blocks.")})
    matching = (name for name, size in SIZES.items() if (size.width, size.depth) == (positions.shape[-1], depth))
    return next(matching, None)


def load_weights(sam: nn.Module, path: Path) -> None:
    """Load a checkpoint into a SAM; every name and shape must fit.

    Args:
        sam: the network, changed in place.
        path: a file with Meta's parameter names.

    Raises:
        WeightsError: the file is missing, damaged, unsafe or of another network.
    """
    state = read_state(path)
    own: State = sam.state_dict()
    held, asked = size_of(state), size_of(own)
    if held is not None and asked is not None and held != asked:
        raise WeightsError(
            problem=f"{path}: holds {held}, but {asked} was asked for",
            fix=f"set model.size: {held}, or choose the weights of {asked}",
        )
    problems = [
        _listing("missing", [name for name in own if name not in state]),
        _listing("unexpected", [name for name in state if name not in own]),
        _listing("of another shape", _other_shapes(own, state)),
    ]
    if any(problems):
        raise WeightsError(
            problem=f"{path}: not the weights of this SAM\n" + "\n".join(line for line in problems if line),
            fix="give a file with Meta's parameter names, such as sam-seismic weights fetch gets",
        )
    sam.load_state_dict(state)


def _other_shapes(own: State, state: State) -> list[str]:
    return [
        f"{name} {list(state[name].shape)} instead of {list(tensor.shape)}"
        for name, tensor in own.items()
        if name in state and state[name].shape != tensor.shape
    ]


def _listing(what: str, names: Sequence[str]) -> str:
    """`  2 missing: a, b`, the first few only."""
    if not names:
        return ""
    return f"  {len(names)} {what}: {', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"


def read_state(path: Path) -> State:
    """The weights in a file, without running anything that the file holds.

    They may stand under `state_dict` or `model`, and all names may bear a prefix such as `module.`.

    Raises:
        WeightsError: the file is missing, damaged, unsafe, or holds no weights.
    """
    content = read_plain(path)
    if isinstance(content, dict):
        wrappers = [key for key in _WRAPPERS if isinstance(content.get(key), dict)]
        if len(wrappers) > 1:
            raise WeightsError(
                problem=f"{path}: holds weights under each of {' and '.join(wrappers)}",
                fix="save the one state dict alone: torch.save(state_dict, FILE)",
            )
        content = content[wrappers[0]] if wrappers else content
    if not _is_state(content):
        raise WeightsError(
            problem=f"{path}: holds no state dict, a mapping of names to tensors",
            fix="save one: torch.save(sam.state_dict(), FILE)",
        )
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in content):
            content = {name.removeprefix(prefix): tensor for name, tensor in content.items()}
    return content


def _is_state(content: object) -> TypeGuard[dict[str, Tensor]]:
    return (
        isinstance(content, dict)
        and len(content) > 0
        and all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in content.items())
    )


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise WeightsError(
            problem=f"{path}: there is no such weights file",
            fix="sam-seismic weights fetch vit_b gets a published one; model.weights says where another lies",
        )
    if not os.access(path, os.R_OK):
        raise WeightsError(problem=f"{path}: may not be read", fix="ask its owner, or copy it where you may")


def read_plain(path: Path) -> object:
    """What a file written by `torch.save` holds: tensors and plain values only, and nothing in it is run.

    Raises:
        WeightsError: the file is missing, damaged, not PyTorch's, or holds objects that could run code.
    """
    _check_file(path)
    is_zip = zipfile.is_zipfile(path)
    with path.open("rb") as file:
        head = file.read(4)
    if not is_zip and head.startswith(b"PK"):  # its table of contents comes last, so a cut file has none
        raise _damaged(path, f"it ends early, at {path.stat().st_size} bytes")
    if not is_zip and not head.startswith(b"\x80"):
        raise WeightsError(problem=f"{path}: not a file written by PyTorch", fix="give a file written by torch.save")
    try:
        with warnings.catch_warnings():
            # A foreign pickle; whether it can be read safely shows on its own.
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            problem=f"{path}: holds more than tensors and plain values, and could run code when opened; it was not run",
            fix="where you trust the file, open it and save its state dict alone: torch.save(sam.state_dict(), FILE)",
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise _damaged(path, str(error).partition("\n")[0]) from error


def _damaged(path: Path, reason: str) -> WeightsError:
    return WeightsError(problem=f"{path}: damaged: {reason}", fix="fetch or copy it again")
