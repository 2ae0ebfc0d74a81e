"""Loading of weights: a checkpoint file and a SAM go in; the SAM gets the weights, or an error names the problem."""

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

_WRAPPERS = ("state_dict", "model")  # keys under which training scripts save the weights
_PREFIXES = ("module.", "model.", "sam.")  # prefixes that DataParallel and wrapping modules add to each name
_LISTED = 3  # names in an error message


@dataclass(frozen=True)
class Verified:
    """The result of `verify`.

    Args:
        size: size of the SAM in the file; None if the file has no SAM of a known size.
        sha256: hash of the file, 64 hex digits.
        official: whether the file is identical to a published one.
    """

    size: str | None
    sha256: str
    official: bool


def verify(path: Path) -> Verified:
    """Find the size of the SAM in a file, and whether the file is a published one.

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
    """The size of the SAM that a state dict belongs to, found by its shapes; None if it is no known size."""
    positions = state.get("image_encoder.pos_embed")
    if positions is None:
        return None
    depth = len({name.split(".")[2] for name in state if name.startswith("image_encoder.blocks.")})
    matching = (name for name, size in SIZES.items() if (size.width, size.depth) == (positions.shape[-1], depth))
    return next(matching, None)


def load_weights(sam: nn.Module, path: Path) -> None:
    """Load a checkpoint into a SAM; all names and shapes must match.

    Args:
        sam: the network, modified in place.
        path: file with Meta's parameter names.

    Raises:
        WeightsError: the file is missing, damaged, unsafe or from another network.
    """
    state = read_state(path)
    expected: State = sam.state_dict()
    found_size, sam_size = size_of(state), size_of(expected)
    if found_size is not None and sam_size is not None and found_size != sam_size:
        raise WeightsError(
            problem=f"{path}: holds {found_size}, but {sam_size} was asked for",
            fix=f"set model.size: {found_size}, or choose the weights of {sam_size}",
        )
    problems = [
        _format_names("missing", [name for name in expected if name not in state]),
        _format_names("unexpected", [name for name in state if name not in expected]),
        _format_names("of another shape", _different_shapes(expected, state)),
    ]
    if any(problems):
        raise WeightsError(
            problem=f"{path}: not the weights of this SAM\n" + "\n".join(line for line in problems if line),
            fix="give a file with Meta's parameter names, such as sam-seismic weights fetch gets",
        )
    sam.load_state_dict(state)


def _different_shapes(expected: State, state: State) -> list[str]:
    return [
        f"{name} {list(state[name].shape)} instead of {list(tensor.shape)}"
        for name, tensor in expected.items()
        if name in state and state[name].shape != tensor.shape
    ]


def _format_names(what: str, names: Sequence[str]) -> str:
    """`  2 missing: a, b`, with at most `_LISTED` names; empty without names."""
    if not names:
        return ""
    return f"  {len(names)} {what}: {', '.join(names[:_LISTED])}{', ...' if len(names) > _LISTED else ''}"


def read_state(path: Path) -> State:
    """The weights in a file; code in the file is not executed.

    They may be under the key `state_dict` or `model`, and all names may have a prefix such as `module.`.

    Returns:
        Tensors on the CPU by parameter name, without the prefix.

    Raises:
        WeightsError: the file is missing, damaged, unsafe, or contains no weights.
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
            fix="sam-seismic weights fetch vit_b gets a published one; for another file set model.weights",
        )
    if not os.access(path, os.R_OK):
        raise WeightsError(problem=f"{path}: may not be read", fix="ask its owner, or copy it where you may")


def read_plain(path: Path) -> object:
    """The content of a file written by `torch.save`: tensors and plain values; code in the file is not executed.

    Raises:
        WeightsError: the file is missing, damaged, not written by PyTorch, or contains objects that could run code.
    """
    _check_file(path)
    is_zip = zipfile.is_zipfile(path)
    with path.open("rb") as file:
        head = file.read(4)
    if not is_zip and head.startswith(b"PK"):  # a truncated zip file: its directory is at the end
        raise _damaged(path, f"it ends early, at {path.stat().st_size} bytes")
    if not is_zip and not head.startswith(b"\x80"):
        raise WeightsError(problem=f"{path}: not a file written by PyTorch", fix="give a file written by torch.save")
    try:
        with warnings.catch_warnings():
            # PyTorch warns of pickles that it did not write; an unsafe one raises an error below.
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
