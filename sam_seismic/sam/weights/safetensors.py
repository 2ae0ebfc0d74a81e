"""A safetensors file comes in, its tensors by name go out, mapped from the file.

Source: Hugging Face, "safetensors", section "Format" of its README: 8 bytes for the length of the header (little
endian), the header as JSON, then the tensors without gaps. Nothing of the header is trusted before it was checked.
"""

import json
import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

_LENGTH = struct.Struct("<Q")
_LONGEST_HEADER = 100_000_000  # as the format has it
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


@dataclass(frozen=True)
class _Entry:
    """A tensor in the file: bytes `begin` to just before `end`, counted from the end of the header."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    end: int

    @classmethod
    def checked(cls, name: str, entry: Any) -> Self:
        """What the header says of a tensor, if it can be.

        Raises:
            ValueError: it cannot.
        """
        dtype = _DTYPES.get(str(entry.get("dtype"))) if isinstance(entry, dict) else None
        if dtype is None:
            raise ValueError(f"{name} has a type that is not known: {str(entry)[:80]}")
        shape, offsets = entry.get("shape"), entry.get("data_offsets")
        if not (_are_counts(shape) and _are_counts(offsets) and len(offsets) == 2):
            raise ValueError(f"{name} has no shape and place that can be: {str(entry)[:80]}")
        begin, end = offsets
        if end - begin != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{name} {shape} does not take the {end - begin} bytes that the header gives it")
        return cls(name, dtype, tuple(shape), begin, end)


def is_safetensors(head: bytes) -> bool:
    """Whether a file that begins with these 9 bytes or more is one: a length, then the brace of a JSON object."""
    return len(head) > _LENGTH.size and head[8:9] == b"{" and _LENGTH.unpack(head[:8])[0] <= _LONGEST_HEADER


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name.

    Raises:
        ValueError: the file ends early, or its header contradicts itself.
    """
    with path.open("rb") as file:
        # A private map: PyTorch wants memory that may be written, and nothing of it reaches the file.
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    size = len(content)
    start = _LENGTH.size + _LENGTH.unpack(content[: _LENGTH.size])[0]
    if start > size:
        raise ValueError(f"it ends early, at {size} bytes: its header alone takes {start}")
    entries = _entries(content[_LENGTH.size : start])
    end = start + max((entry.end for entry in entries), default=0)
    if size < end:
        raise ValueError(f"it ends early, at {size} of {end} bytes")
    if size > end:
        raise ValueError(f"{size - end} bytes follow its tensors")
    return {entry.name: _tensor(content, entry, start) for entry in entries}


def _entries(header: bytes) -> list[_Entry]:
    """The tensors of a header in the order of their bytes, none of which overlap or leave a gap."""
    try:
        tree = json.loads(header, object_pairs_hook=_without_repeats)
    except RecursionError as error:
        raise ValueError("its header is nested too deeply") from error
    tree.pop("__metadata__", None)
    entries = sorted((_Entry.checked(name, entry) for name, entry in tree.items()), key=lambda each: each.begin)
    reached = 0
    for entry in entries:
        if entry.begin != reached:
            raise ValueError(f"{entry.name} begins at byte {entry.begin}, where {reached} was expected")
        reached = entry.end
    return entries


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) < len(pairs):
        raise ValueError("its header repeats a name")
    return tree


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 48 for value in values)


def _tensor(content: mmap.mmap, entry: _Entry, start: int) -> Tensor:
    count, first = math.prod(entry.shape), start + entry.begin
    if not count:
        return torch.empty(entry.shape, dtype=entry.dtype)
    if first % entry.dtype.itemsize:  # no writer must align; a copy of the bytes is aligned
        raw = torch.frombuffer(content, dtype=torch.uint8, count=entry.end - entry.begin, offset=first)
        return raw.clone().view(entry.dtype).view(entry.shape)
    return torch.frombuffer(content, dtype=entry.dtype, count=count, offset=first).view(entry.shape)
