"""A weights file comes in, its tensors and plain values go out; code in the file is not executed."""

import argparse
import datetime
import mmap
import os
import pathlib
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from sam_seismic.errors import WeightsError
from sam_seismic.sam.weights.file_kinds import HEAD, check_archive, no_weights
from sam_seismic.sam.weights.safetensors import is_safetensors, read_safetensors
from sam_seismic.sam.weights.saving import saving_command

_NUMPY_SCALARS = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint64", "uint8", "bool")
_SAVED_UNDER = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "ema")
"""Keys under which training scripts keep weights."""


def read_plain(path: Path) -> object:
    """The content of a file written by `torch.save`, or of a safetensors file; code in the file is not executed.

    Returns:
        Plain values and tensors on the CPU, memory-mapped if possible.

    Raises:
        WeightsError: the file is missing, damaged, of another kind, or contains objects that could run code.
    """
    check_readable(path)
    with path.open("rb") as file:
        head = file.read(HEAD)
    is_zip = head.startswith(b"PK") and zipfile.is_zipfile(path)
    try:
        if is_safetensors(head):
            return read_safetensors(path)
        if is_zip:
            check_archive(path)
        elif head.startswith(b"PK"):  # a truncated zip file: its directory is at the end
            raise damaged(path, f"it ends early, at {path.stat().st_size} bytes")
        elif not head.startswith(b"\x80"):
            raise no_weights(path, head)
        with warnings.catch_warnings(), torch.serialization.safe_globals(_plain_globals()):
            # PyTorch warns of pickles that it did not write; an unsafe one raises an error below.
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError as error:
        raise _unsafe(path, str(error)) from error
    except (RuntimeError, EOFError, ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise damaged(path, str(error).partition("\n")[0]) from error


def check_readable(path: Path) -> None:
    """Refuse a path that is not a readable file.

    Raises:
        WeightsError: it is missing, a folder, or not readable.
    """
    if path.is_dir():
        held = sorted(each.name for each in path.iterdir() if each.suffix in (".safetensors", ".pth", ".pt", ".bin"))
        fix = f"give the file: {path / held[0]}" if held else "give the file of the weights"
        raise WeightsError(problem=f"{path}: a folder, not a weights file", fix=fix)
    if not path.is_file():
        raise WeightsError(
            problem=f"{path}: there is no such weights file",
            fix="sam-seismic weights fetch vit_b gets a published one; for another file set model.weights",
        )
    if not os.access(path, os.R_OK):
        raise WeightsError(problem=f"{path}: may not be read", fix="ask its owner, or copy it where you may")


def damaged(path: Path, reason: str) -> WeightsError:
    """The error for a file that cannot be whole."""
    return WeightsError(problem=f"{path}: damaged: {reason}", fix="fetch or copy it again")


def _plain_globals() -> list[Any]:
    """Classes that a pickle may create beside tensors: NumPy scalars, `argparse` results, times and paths.

    To create one has no side effect. A pair gives the name under which a pickle asks for the class: NumPy's module had
    another name before version 2, and paths become pure ones.
    """
    scalar = np.float64(0).__reduce__()[0]
    types = {type(np.dtype(name)) for name in _NUMPY_SCALARS}
    return [
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        *sorted(types, key=lambda each: each.__name__),
        argparse.Namespace,
        datetime.datetime,
        datetime.timedelta,
        *((pathlib.PurePath, f"pathlib{module}.{name}") for module in ("", "._local") for name in _PATHS),
    ]


_PATHS = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")


def _unsafe(path: Path, told: str) -> WeightsError:
    """The error for objects that could run code: which one, under which key, and how to save the file without it."""
    found = re.search(r"(?:GLOBAL|global:?|class|function)\s+`?([A-Za-z_][\w.]*\.[\w.]+)", told)
    name = found.group(1) if found else None
    if name is not None and name.startswith("ultralytics."):
        return WeightsError(
            problem=f"{path}: FastSAM or another YOLO network, pickled by ultralytics: not a SAM",
            fix="give a SAM of Meta's architecture: sam-seismic weights fetch vit_b gets a published one",
        )
    keys = list(_strings(path))
    key = _key_of(path, name) if name is not None else None
    where = "" if key is None else f" under {key!r}"
    what = "more than tensors and plain values" if name is None else f"an object of {name}{where}"
    saved = next((f"[{each!r}]" for each in _SAVED_UNDER if each in keys), ".state_dict()")
    return WeightsError(
        problem=f"{path}: holds {what}, and could run code when opened; it was not run",
        fix="where you trust the file, save its weights alone, with the programs that wrote it: "
        + saving_command(path, f"torch.load(FILE, weights_only=False){saved}"),
    )


def _key_of(path: Path, name: str) -> str | None:
    """The last string before a global of this name in a pickle: the key that its object stands under, as a rule."""
    last: list[str] = []
    for opcode, argument in _opcodes(path):
        if opcode == "GLOBAL" and str(argument).replace(" ", ".") == name:
            return last[-1] if last else None
        if opcode == "STACK_GLOBAL" and ".".join(last[-2:]) == name:
            return last[-3] if len(last) > 2 else None
        if "UNICODE" in opcode:
            last.append(str(argument))
    return None


def _strings(path: Path) -> Iterator[str]:
    return (str(argument) for opcode, argument in _opcodes(path) if "UNICODE" in opcode)


def _opcodes(path: Path) -> Iterator[tuple[str, Any]]:
    """The steps of a file's pickles as they are written, none of which is taken."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            name = next(each for each in archive.namelist() if each.endswith("data.pkl"))
            with archive.open(name) as file:
                yield from _opcodes_of(file)
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for _ in range(5):  # the old format of PyTorch has a few small pickles before that of the weights
            yield from _opcodes_of(content)


def _opcodes_of(file: IO[bytes] | mmap.mmap) -> Iterator[tuple[str, Any]]:
    try:
        for opcode, argument, _ in pickletools.genops(file):  # type: ignore[arg-type]
            yield opcode.name, argument
    except ValueError:  # what follows is no pickle
        return
